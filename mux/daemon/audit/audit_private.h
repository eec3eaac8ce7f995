/* The inside of the audit log in framemuxd, for audit.c, audit_open.c and audit_read.c alone. */
#ifndef FRAMEMUX_DAEMON_AUDIT_PRIVATE_H
#define FRAMEMUX_DAEMON_AUDIT_PRIVATE_H

#include <sys/queue.h>

#include "mux/daemon/audit/audit.h"
#include "mux/daemon/audit/audit_anchor.h"

struct entry {
	STAILQ_ENTRY(entry) next;
	uint64_t unix_ms;
	bool is_asked; /* somebody waits */
	uint64_t life;
	uint32_t request;
	size_t len;
	char body[];
};

STAILQ_HEAD(entries, entry);

/* What the writer thread has in hand; not to be touched by the loop before it is done. */
struct batch {
	struct entries entries;
	size_t n;
	int asked_status, noted_status; /* of those that somebody waits for; of the others */
	int room_status;                /* whether there would be room for one that is asked for */
	struct audit_mark mark;         /* afterwards */
};

struct audit {
	struct audit_host host;
	struct audit_file *file; /* owned */
	struct entries waiting;
	size_t waiting_bytes;
	uint64_t lost;
	struct batch batch;
	bool is_writing, is_settling, has_to_settle, is_ending;
	bool was_cut, is_doubted; /* doubted: rolled back, and nobody has accepted that yet */
	bool doubt_is_unkept; /* that it is, is not on the disk; behind the start the thread's */
	struct audit_anchor anchor;
	int status; /* of the last batch */
	uint64_t records;
	struct event *retry; /* owned */
};

uint64_t audit_now_ms(void);

/* As audit_file_append, on a full disk with the space kept back. In the writer thread. */
int audit_append_anyway(struct audit *a, const struct audit_entry *entries, size_t n);

#endif
