/*
 * One client connection: its conversation, its challenge, its views, and whose turn it is to get an
 * attach. Everything that comes over it is hostile until shown otherwise.
 */
#ifndef FRAMEMUX_BROKER_CLIENT_H
#define FRAMEMUX_BROKER_CLIENT_H

#include <sys/queue.h>

#include "common/protocol.h"
#include "mux/broker/broker.h"
#include "mux/broker/conn.h"
#include "mux/broker/listener.h"

struct attach;
struct tenure;

enum {
	CLIENT_NEW = 1,
	CLIENT_GREETED = 2,
	CLIENT_LEAVING = 4, /* gone: what it said last */
};

struct client {
	LIST_ENTRY(client) link;
	struct broker *broker; /* borrowed */
	struct conn *conn;     /* owned */
	uint32_t uid, pid;     /* of whoever connected, by the kernel */
	int pid_fd;            /* owned; that process */
	struct event *pid_event;
	uint8_t challenge[TOKEN_CHALLENGE_BYTES];
	LIST_HEAD(, tenure) tenures;
	TAILQ_HEAD(, attach) queue; /* READY, for their turn */
	uint64_t unacknowledged;    /* number of the attach that was given last; 0: none */
	struct event *ack_timer;
};

/* Takes peer.fd. data is the broker: for listener_new. */
void client_accept(void *data, struct peer peer);

/* Forget all clients: their leases have ended. */
void client_free_all(struct broker *b);

/* NULL when the view has no lease. */
struct tenure *client_find(const struct client *c, uint32_t view);

void client_tell(struct client *c, uint32_t view, uint32_t state, const char *reason);

/* Whose turn it is: one attach of a connection is unacknowledged at a time. */
void client_queue(struct client *c, struct attach *a);
void client_unqueue(struct client *c, struct attach *a);
void client_give(struct client *c, uint64_t attach, const struct msg_attach *m, const int *fds);

/* The conversation, for tests that try each message in each state. */
extern const struct wire_rule client_rules[];
extern const size_t client_n_rules;

#endif
