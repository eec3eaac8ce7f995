/*
 * The audit log as framemuxctl has it: segments to read, from the mux or from files, and going
 * through their records.
 */
#ifndef FRAMEMUX_CTL_AUDIT_LOG_H
#define FRAMEMUX_CTL_AUDIT_LOG_H

#include <stdbool.h>

#include "clients/ctl/options.h"
#include "common/audit_walk.h"
#include "common/limits.h"

#define AUDIT_LOG_PARTS   64u
#define AUDIT_LOG_ANCHORS 1000000u

struct audit_log {
	struct {
		int fd; /* owned */
		uint32_t segment;
		uint64_t bytes;
	} parts[AUDIT_LOG_PARTS]; /* oldest first */
	size_t n;
	bool is_short; /* there were more than could be taken */
	bool has_head; /* from the mux: how far the log has got */
	struct audit_mark head;
	char state[LIMIT_KIND], anchor_kind[LIMIT_KIND];
	struct audit_anchor {
		struct audit_mark mark;
		uint64_t ms;
	} * anchors; /* owned; what state_anchor has kept, by their records' numbers */
	size_t n_anchors;
};

/* Ask the mux. 0, or an exit code with everything said. */
int audit_log_ask(const struct options *o, struct audit_log *ret);

/* A file, or a folder with segments. 0, or an exit code with everything said. */
int audit_log_open(const char *path, struct audit_log *ret);

/* The lines of a state_anchor in a file, one or as many as a journal has. 0, or an exit code with everything said. */
int audit_log_take_anchor(struct audit_log *log, const char *path);

void audit_log_close(struct audit_log *log);

/* All of one part, NUL behind it; the caller frees. 0, or an exit code with everything said. */
int audit_log_read(const struct audit_log *log, size_t part, char **ret, size_t *ret_len);

/* The number of its first record; 0 when that cannot be read. */
uint64_t audit_log_begins(const struct audit_log *log, size_t part);

#endif
