/*
 * The audit log's files, in the folder "audit" of the state folder: segments 000001.log, 000002.log,
 * ..., the file head (audit_keys.h) and a reserve of disk space. Records are appended in batches;
 * a batch ends in a seal and is there whole or not at all. Runs in framemuxd at its start and end,
 * else in the writer thread; never in the loop.
 */
#ifndef FRAMEMUX_AUDIT_FILE_H
#define FRAMEMUX_AUDIT_FILE_H

#include <stdbool.h>

#include "mux/daemon/audit/audit_keys.h"

struct audit_limits {
	uint64_t segment_bytes; /* then the next one begins */
	uint64_t total_bytes;   /* beyond that the oldest segments go */
	uint64_t reserve_bytes; /* kept back for what has to be recorded on a full disk */
};

extern const struct audit_limits audit_limits_usual;

#define AUDIT_SEGMENT_NAME 24u /* bytes that hold "000001.log" */

struct audit_file;

/* What a log was like when it was opened. */
enum audit_condition {
	AUDIT_NEW, /* there was none */
	AUDIT_AS_LEFT,
	AUDIT_TORN,     /* its last batch is not whole: it was never acknowledged, and is cut off */
	AUDIT_CUT,      /* records that were there are not */
	AUDIT_BACK,     /* at_least says so: the folder is an old copy, or another's */
	AUDIT_KEY_LOST, /* so is what would tell, and sign */
};

struct audit_found {
	enum audit_condition condition;
	uint32_t segment;       /* the last one; of AUDIT_TORN the one with the tear, */
	uint64_t at, bytes;     /* where it begins, how much is cut off */
	uint64_t n, expected_n; /* AUDIT_CUT: its last record, and what that should be */
};

/*
 * at_least: NULL, or how far the log must have got: one that has not is AUDIT_BACK, and goes on from
 * there where its key leads there. 0 or -errno.
 */
int audit_file_open(int state_folder, const struct audit_limits *limits,
	const struct audit_mark *at_least, struct audit_file **ret, struct audit_found *ret_found);
void audit_file_close(struct audit_file *f);

/* One record that is to be: its time and its members (audit_body). */
struct audit_entry {
	uint64_t unix_ms;
	const char *body; /* borrowed */
};

/* Append them all and a seal. 0: they are on the disk; -errno: nothing is. */
int audit_file_append(struct audit_file *f, const struct audit_entry *entries, size_t n);

/*
 * What follows an append, when nobody waits any more: the head is written, segments beyond the limit
 * are removed. 0 or -errno; then the next settle makes up for it.
 */
int audit_file_settle(struct audit_file *f);

/* That a person has not accepted yet what was found; it outlasts a restart. */
bool audit_file_is_doubted(const struct audit_file *f);
int audit_file_doubt(struct audit_file *f, bool is);

/* The space kept back. make: 0 when it is there. */
int audit_file_make_reserve(struct audit_file *f);
void audit_file_free_reserve(struct audit_file *f);
bool audit_file_has_reserve(const struct audit_file *f);

/* How far it has got. */
void audit_file_mark(const struct audit_file *f, struct audit_mark *ret);
uint32_t audit_file_segment(const struct audit_file *f, uint32_t *ret_oldest, uint64_t *ret_bytes);
void audit_segment_name(uint32_t segment, char ret[AUDIT_SEGMENT_NAME]);
/* Read-only. A descriptor or -errno. */
int audit_file_reader(const struct audit_file *f, uint32_t segment);

#endif
