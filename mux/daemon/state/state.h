/*
 * The state folder: the root key of all tokens, the epochs of the cameras, the revoked tokens.
 * 0700, held by one framemuxd at a time. Everything here may wait for the disk: it is called while
 * starting or from the writer thread (disk.h), never from the loop.
 */
#ifndef FRAMEMUX_STATE_H
#define FRAMEMUX_STATE_H

#include "mux/daemon/config/config.h"

#define STATE_REVOKED_MAX    1000000u
#define STATE_FILE_BYTES_MAX (64u * 1024u * 1024u)

struct state;

/* Open (and create) the folder and lock it. 0, or -errno and why; -EBUSY: another framemuxd has it.
 */
int state_open(const char *path, struct state **ret, char *ret_why, size_t why_size);
void state_close(struct state *s);
int state_folder(const struct state *s);

/* The root key, made when there is none. ret_key: of locked_alloc(). */
#define STATE_ROOT_KEY_FILE "root.key"
int state_root_key(struct state *s, uint8_t ret_key[KEY_BYTES], char *ret_why, size_t why_size);

/*
 * The epoch of each camera. It rises when source, pin or model changed, or when the camera was gone
 * in between. ret_text is the file's new text, which the caller frees: no epoch may be used before
 * state_epochs_keep() has written it.
 */
int state_epochs_plan(struct state *s, const struct config_camera *cameras, size_t n,
	uint32_t *ret_epochs, char **ret_text, size_t *ret_len, char *ret_why, size_t why_size);
#define STATE_EPOCHS_FILE "epochs"
int state_epochs_keep(
	struct state *s, const char *text, size_t len, char *ret_why, size_t why_size);

/* Each camera that the file has as present, and the configuration no more. 0 or -errno. */
int state_epochs_gone(struct state *s, const struct config_camera *cameras, size_t n,
	void (*gone)(void *data, const char *name, uint32_t epoch), void *data);

/*
 * The revoked tokens' ids, TOKEN_ID_BYTES each. A torn last line (its revocation was never
 * answered) is cut off; what is no part of a line is none. The caller frees.
 */
int state_revoked_load(
	struct state *s, uint8_t **ret_ids, size_t *ret_n, char *ret_why, size_t why_size);

/*
 * Append ids that are not there yet, and sync: all of them or, with -errno, none. -EFBIG: the file
 * has STATE_REVOKED_MAX.
 */
int state_revoked_add(struct state *s, const uint8_t *ids, size_t n);

#endif
