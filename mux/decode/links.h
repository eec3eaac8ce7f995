/*
 * The decoder's links to framemuxd and to the broker: messages out through bounded queues, messages
 * in through the tables of mux/link/. Neither is ever waited for. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_LINKS_H
#define FRAMEMUX_LINKS_H

#include <stddef.h>

#include "common/wire.h"

enum link { LINK_DAEMON, LINK_BROKER, LINKS };

struct links;

/* The descriptors stay the caller's. NULL without memory. */
struct links *links_new(int daemon_fd, int broker_fd);
void links_free(struct links *l);

/* Send or queue. A failure is kept for links_state. */
void links_tell(struct links *l, enum link which, const struct wire_message *m, const void *msg);

/* Send what waits. */
void links_flush(struct links *l, enum link which);

/* POLLIN, and POLLOUT while something waits. */
short links_events(const struct links *l, enum link which);

/* 0, -EPIPE once a link has ended, or the error that makes going on pointless. */
int links_state(const struct links *l);

/*
 * Handle what has come, up to a bound. 0; < 0 is what links_state says from then on, or what a
 * handler returned.
 */
int links_read(struct links *l, enum link which, const struct wire_rule *rules, size_t n_rules,
	unsigned state, void *self);

#endif
