/*
 * What is refused to somebody, in log and audit log, however often it is: a few lines a second, and one
 * record at once, then one a minute with how many it were. In framemuxd's loop.
 */
#ifndef FRAMEMUX_REFUSALS_H
#define FRAMEMUX_REFUSALS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "mux/link.h"

struct mux;

struct refusals {
	struct mux *mux;            /* borrowed */
	struct msg_audit_note last; /* of those that the audit log has not heard of: */
	unsigned n_unnoted;
	uint64_t noted_ns; /* when it last did */
	uint64_t second_ns;
	unsigned n_logged;   /* in this second */
	struct event *timer; /* owned */
};

/* 0 or -ENOMEM. */
int refusals_begin(struct refusals *r, struct mux *m);
void refusals_end(struct refusals *r);

/* Whether there may be another line in the log. */
bool refusals_may_log(struct refusals *r);

void refusals_note(struct refusals *r, const struct msg_audit_note *note);

/* What was only counted so far: when the mux ends. */
void refusals_flush(struct refusals *r);

#endif
