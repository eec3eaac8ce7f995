/*
 * Going through the audit log line by line, from one that is trusted or the first there is, and
 * finding the first that is not what was written. Pure code; shared by framemuxd at its start and
 * by whoever verifies.
 */
#ifndef FRAMEMUX_AUDIT_WALK_H
#define FRAMEMUX_AUDIT_WALK_H

#include "common/audit_record.h"

enum audit_fault {
	AUDIT_WHOLE,
	AUDIT_NO_LINE,   /* its end is missing: torn, or still being written */
	AUDIT_NO_RECORD, /* not a line that the log could hold */
	AUDIT_MISSING,   /* its number is not the next: records before it are missing */
	AUDIT_ALTERED,   /* its chain is not what follows from it and the one before */
	AUDIT_FORGED,    /* a seal that is not by the key named for it */
	AUDIT_FOREIGN,   /* a segment begins that is not the continuation */
};

struct audit_walk {
	struct audit_head head;
	bool has_begun;
	uint8_t key[AUDIT_KEY_BYTES]; /* who signs the next seal */
	uint64_t seal;                /* its number; 0: any */
	uint64_t first_n, first_ms, last_ms;
	uint64_t sealed_n, sealed_ms; /* the newest seal */
	uint64_t pruned_n; /* up to here records were taken away, as the log itself says */
	uint64_t segment;
};

/* From nothing: the first line has to begin a segment, whose key is taken as it is. */
void audit_walk_begin(struct audit_walk *w);

/* From a place that is known. */
void audit_walk_resume(struct audit_walk *w, const struct audit_head *head, uint64_t seal,
	const uint8_t key[AUDIT_KEY_BYTES]);

/* One line, without its newline. But for AUDIT_WHOLE w is as before. */
enum audit_fault audit_walk_line(struct audit_walk *w, const char *line, size_t len);

/*
 * All lines of text. ret_at: of AUDIT_WHOLE len, else where the line begins that is at fault.
 * ret_sealed: behind the newest seal, or what it was.
 */
enum audit_fault audit_walk_text(
	struct audit_walk *w, const char *text, size_t len, size_t *ret_at, size_t *ret_sealed);

#endif
