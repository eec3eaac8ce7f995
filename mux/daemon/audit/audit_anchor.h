/*
 * state_anchor: how far the audit log has got, kept where the state folder is not, so that an old
 * copy of that folder is noticed. Runs in framemuxd; the file in its writer thread and at the start.
 */
#ifndef FRAMEMUX_DAEMON_AUDIT_ANCHOR_H
#define FRAMEMUX_DAEMON_AUDIT_ANCHOR_H

#include <stdbool.h>

#include "common/audit_record.h"
#include "common/limits.h"

struct audit_anchor {
	int folder; /* owned; -1: no file */
	char name[LIMIT_PATH];
	bool is_in_journal;
	uint64_t told_ns; /* monotonic: the last line for the journal */
};

/* path "": no file. 0, or -errno and why: a folder that others can write is none to trust. */
int audit_anchor_open(struct audit_anchor *a, const char *path, bool is_in_journal, char *ret_why,
	size_t why_size);
void audit_anchor_close(struct audit_anchor *a);

/* What the file says. 0; -ENOENT: there is none yet; -EBADMSG: it says nothing that can be read. */
int audit_anchor_load(const struct audit_anchor *a, struct audit_mark *ret);

/* Replace the file, durably. 0 or -errno. */
int audit_anchor_save(const struct audit_anchor *a, const struct audit_mark *m, uint64_t unix_ms);

/* The file, to be read. A descriptor or -errno. */
int audit_anchor_reader(const struct audit_anchor *a);

/* A line for the journal, not more often than once a minute unless is_last. */
void audit_anchor_tell(
	struct audit_anchor *a, const struct audit_mark *m, uint64_t unix_ms, bool is_last);

#endif
