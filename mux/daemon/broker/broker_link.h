/*
 * The broker's process and the link to it: started, set up, watched, and started again with growing
 * pauses when it dies. What is said on the link is broker_talk.c's.
 */
#ifndef FRAMEMUX_BROKER_LINK_H
#define FRAMEMUX_BROKER_LINK_H

#include <event2/event.h>

#include "common/wire.h"
#include "mux/daemon/roles/roles.h"

/* States of the conversation, as bits of wire_rule.states. */
enum broker_state {
	BROKER_GONE = 0,
	BROKER_STARTING = 1, /* set up, not yet ready */
	BROKER_SERVING = 2,
	BROKER_LEAVING =
		4, /* it was told to end: it hears no more, and says how its leases ended */
};

struct broker;

struct broker_spec {
	struct event_base *base;
	const struct roles *roles;     /* borrowed */
	int clients_fd, control_fd;    /* borrowed: listening */
	const struct wire_rule *rules; /* of the broker's messages */
	size_t n_rules, outbox_max;
	void *self;
	/* A new broker is there: send it everything. 0 or -errno. */
	int (*set_up)(void *self);
	/* It fell (once for each life): nothing can be sent any more. It may not be reaped yet. */
	void (*fell)(void *self);
	/* It is reaped. */
	void (*reaped)(void *self);
};

int broker_new(const struct broker_spec *spec, struct broker **ret);
void broker_free(struct broker *b);

/* Start it, after the pause that is due. */
void broker_start(struct broker *b);

/* It is being set up, or will be started again when its pause is over. */
bool broker_is_coming(const struct broker *b);

/* Whether it is there, and whether it has been set up but is not ready yet. */
enum broker_state broker_state(const struct broker *b);

/* So many messages may have to be said at once from now on. */
void broker_make_room(struct broker *b, size_t messages);

/* The broker has said that it is ready. */
void broker_set_serving(struct broker *b);

/* Close the link: the broker erases everything, tells the clients and exits; killed after 2 s. */
void broker_stop(struct broker *b);

/* No process is there, and it has nothing more to say. */
bool broker_is_gone(const struct broker *b);

/* Which life it is; answers to an earlier one's requests are dropped. */
uint64_t broker_life(const struct broker *b);

/* Lost when there is no broker; a broker that does not read is killed. fds stay the caller's. */
void broker_send(struct broker *b, const struct wire_message *m, const void *msg, const int *fds,
	size_t n_fds);

#endif
