/* The inside of enforce.h, for enforce.c and enforce_*.c alone. */
#ifndef FRAMEMUX_ENFORCE_PRIVATE_H
#define FRAMEMUX_ENFORCE_PRIVATE_H

#include <event2/event.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "mux/daemon/cutoff/cut.h"
#include "mux/daemon/cutoff/refusals.h"
#include "mux/daemon/policy/enforce.h"

/* Of one who waits for the bundle that he has brought. */
struct request {
	struct cut cut; /* first: it is what waits */
	LIST_ENTRY(request) link;
	struct enforce *enforce; /* borrowed */
	struct enforce_asker asker;
	uint64_t change; /* the one that it made */
};

struct enforce {
	struct mux *mux;              /* borrowed */
	struct policy_bundle *kept;   /* owned; on disk. NULL: none */
	struct policy_bundle *coming; /* owned; accepted, to come to the disk. NULL: none */
	uint64_t changes;             /* of coming, so far */
	/* enforce_keep.c */
	struct policy_bundle *stale; /* owned; superseded while a job still writes it. NULL: none */
	bool is_writing, is_changed; /* a job runs; and coming has changed since it began */
	struct event *again;         /* owned; when the disk has refused */
	unsigned again_s;            /* the pause before; 0: it has not */
	LIST_HEAD(, request) requests;
	/* enforce_time.c */
	struct clock_mark issued; /* of what was in force: it was not signed before that */
	uint64_t expired_version; /* of the one in force, while it is; else 0 */
	int due_fd, jump_fd;      /* owned; -1 */
	struct event *due, *jump; /* owned */
	/* enforce_note.c */
	struct refusals refusals;
};

/* How many cameras it blocks now. */
size_t enforce_count(struct enforce *e);

/* ---- enforce_keep.c ------------------------------------------------------------------ */
int enforce_keep_begin(struct enforce *e);
void enforce_keep_end(struct enforce *e);

/* Another bundle is in force, and to come to the disk: the first, then the second. */
void enforce_replace_coming(struct enforce *e, struct policy_bundle *b);
void enforce_keep(struct enforce *e);

/* ---- enforce_time.c ------------------------------------------------------------------ */
int enforce_time_begin(struct enforce *e);
void enforce_time_end(struct enforce *e);

/* The bundle in force is another one: when does it expire, and is it already? */
void enforce_time_changed(struct enforce *e);

/* ---- enforce_note.c: log and audit ---------------------------------------------------- */
void enforce_note_applied(struct enforce *e, const struct enforce_asker *asker);
void enforce_note_expired(struct enforce *e);

#endif
