/*
 * The file "fingerprints" of the state folder: what cameras called themselves, and which are blocked
 * because that changed. A line for each camera, found by its id, so that another source, pin or
 * model begins anew. Runs in framemuxd; reading waits for the disk, the text is written by the
 * writer thread.
 */
#ifndef FRAMEMUX_FINGERPRINT_FILE_H
#define FRAMEMUX_FINGERPRINT_FILE_H

#include "mux/daemon/trust/fingerprint.h"

#define FINGERPRINTS_FILE "fingerprints"

/* One camera's line. */
struct fingerprint_record {
	struct camera_id id;
	struct fingerprint print;
	char block[LIMIT_REASON]; /* why it is blocked; "": it is not */
};

/*
 * The records of the n cameras into ret_records, zero where the file says nothing of a camera.
 * folder: the state folder. ret_stale: lines are in it that are of no camera, or of one that has no
 * fingerprint any more. 0, or -errno and why: -EBADMSG a damaged file.
 */
int fingerprint_file_load(int folder, const struct camera_record *cameras, size_t n,
	struct fingerprint_record *ret_records, bool *ret_stale, char *ret_why, size_t why_size);

/* The file's text; the caller frees. 0 or -ENOMEM. */
int fingerprint_file_text(
	const struct fingerprint_record *records, size_t n, char **ret, size_t *ret_len);

#endif
