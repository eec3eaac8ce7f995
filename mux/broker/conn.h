/*
 * One SEQPACKET socket in the broker's loop: reads messages and gives them to a table of rules,
 * sends through a bounded outbox, and tells its owner once when it is over. The same for framemuxd,
 * the decoders, clients and framemuxctl.
 */
#ifndef FRAMEMUX_BROKER_CONN_H
#define FRAMEMUX_BROKER_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/wire.h"

struct conn;
struct event_base;

struct conn_kind {
	const struct wire_rule *rules; /* their handlers get the self of conn_new */
	size_t n_rules;
	size_t outbox_max; /* messages that may wait; one more and the peer is dropped */
	bool takes_fds;    /* else there is no control buffer: no descriptor can come */
	bool is_secret;    /* messages may hold keys: wipe what was received */
	bool is_personal;  /* an accepted socket: only the process that connected may send */
	/*
	 * When the peer has gone, what it sent last is still read in this state of the
	 * conversation, where what is not permitted is passed over. 0: it is not read.
	 */
	unsigned last_state;
	/* Nothing waits any more for a peer that reads slowly. From the loop. NULL: nobody asks. */
	void (*drained)(void *self);
	bool speaks_last; /* a peer that has said its last word may still hear ours */
	/*
	 * The conversation is over: -EPIPE the peer has gone, -EPROTO it broke the rules, -ENOBUFS
	 * it does not read, -ETIMEDOUT it said nothing, -EACCES another process sent on a personal
	 * socket, -ESRCH its process has ended, or what conn_doom was given. Called once,
	 * from the loop and never from inside another call; it frees the conn.
	 */
	void (*gone)(void *self, int error);
};

/* fd is the conn's on success; of a personal kind it names its senders. state: the first of the
 * conversation. 0 or -errno. */
int conn_new(struct event_base *base, int fd, const struct conn_kind *kind, void *self,
	unsigned state, struct conn **ret);
void conn_free(struct conn *c); /* NULL is fine */

/* pid_fd, borrowed, is of the process that connected: once it has ended nobody may send any more,
 * whoever has its id then. For personal kinds. */
void conn_watch_holder(struct conn *c, int pid_fd);

unsigned conn_state(const struct conn *c);
void conn_set_state(struct conn *c, unsigned state);

/* Drop the peer with -ETIMEDOUT unless conn_set_state is called within this time. */
void conn_expect_soon(struct conn *c, unsigned seconds);

/* Failures doom the conn, so that callers need not look. fds stay the caller's. */
void conn_send(struct conn *c, const struct wire_message *m, const void *msg, const int *fds,
	size_t n_fds);

/* Send what waits, for so long at most: for the very end, outside of the loop. */
void conn_drain(struct conn *c, int ms);

/* Whether messages wait for a peer that reads slowly. */
bool conn_is_backed_up(const struct conn *c);

/* How many of them. */
size_t conn_waiting(const struct conn *c);

/* Read no more, send no more; gone() follows from the loop. The first error stays. */
void conn_doom(struct conn *c, int error);
bool conn_is_doomed(const struct conn *c);

#endif
