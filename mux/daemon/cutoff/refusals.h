/*
 * What is refused to somebody, in log and audit log, however often it is: a few lines a second, and one
 * record at once, then one a minute for each who was refused, with how often. In framemuxd's loop.
 */
#ifndef FRAMEMUX_REFUSALS_H
#define FRAMEMUX_REFUSALS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "mux/link/daemon_broker.h"

struct mux;

#define REFUSALS_HELD 16u /* of a minute; the last of them is all others together */

struct refusals {
	struct mux *mux; /* borrowed */
	/* What the audit log has not heard of, with the newest of each. */
	struct msg_audit_note held[REFUSALS_HELD];
	unsigned n_held;
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
