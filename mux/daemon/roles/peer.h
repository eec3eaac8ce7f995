/*
 * One link to a child in framemuxd's loop: reads messages, gives them to a table of rules, sends
 * through a bounded outbox. Never waits.
 */
#ifndef FRAMEMUX_PEER_H
#define FRAMEMUX_PEER_H

#include <event2/event.h>
#include <stdbool.h>

#include "common/wire.h"

struct peer;

struct peer_spec {
	const char *name; /* for the log; borrowed */
	const struct wire_rule *rules;
	size_t n_rules;
	const unsigned *state; /* the owner's state of the conversation; borrowed */
	size_t outbox_max;
	unsigned per_second; /* more messages than this are a fault of the peer; 0: no limit */
	void *self;          /* for the handlers */
	void *owner;         /* for on_end */
	/* The conversation is over: -EPIPE the end, -EPROTO the peer's fault, ... Once; may close.
	 */
	void (*on_end)(void *owner, int error);
};

/* fd becomes the peer's, also on failure. */
int peer_new(struct event_base *base, int fd, const struct peer_spec *spec, struct peer **ret);

/* May be called from a handler. NULL is permitted. */
void peer_close(struct peer *p);

/* 0, or -errno of a peer that is to be dropped. fds stay the caller's. */
int peer_send(struct peer *p, const struct wire_message *m, const void *msg, const int *fds,
	size_t n_fds);

/*
 * Say no more: the other side sees the end and may speak on until its own, which on_end tells. What
 * is not permitted is passed over from now on. 0 or -errno; NULL is -EPIPE.
 */
int peer_finish(struct peer *p);

/* So many messages may wait from now on. NULL is permitted. */
void peer_make_room(struct peer *p, size_t messages);

/* Handle what has already arrived, without on_end: the last words of a peer that is to be dropped.
 */
void peer_drain(struct peer *p);

#endif
