/*
 * framemuxctl's connections: hello, then one request at a time. Whoever could connect may read;
 * only uid 0, the mux's own uid and the admins may change anything.
 */
#ifndef FRAMEMUX_BROKER_CONTROL_H
#define FRAMEMUX_BROKER_CONTROL_H

#include "common/protocol.h"
#include "mux/broker/broker.h"
#include "mux/broker/conn.h"
#include "mux/broker/listener.h"
#include "mux/broker/watch.h"

enum { CONTROL_NEW = 1, CONTROL_READY = 2, CONTROL_BUSY = 4 };

struct pending_grant;
struct survey;

struct control {
	LIST_ENTRY(control) link;
	struct broker *broker; /* borrowed */
	struct conn *conn;     /* owned */
	uint32_t uid, pid;
	struct pending_grant *grant; /* owned; NULL but while its record is being written */
	struct watching watching;
	struct survey *survey; /* owned by status.c; NULL but while a status is being answered */
};

/* Takes peer.fd. data is the broker: for listener_new. */
void control_accept(void *data, struct peer peer);
void control_free_all(struct broker *b);

/* Whether its user is root, the mux's own or an admin. */
bool control_may_change(const struct control *c);

/* One record of the present answer; its end. */
void control_record(struct control *c, const struct wire_message *m, const void *msg);
void control_done(struct control *c, uint32_t request, uint32_t status, uint64_t elapsed_us,
	const char *reason);

/* From audit.c: the record of a token is written (0), or it cannot be (an errno). */
void control_granted(struct broker *b, uint32_t request, uint32_t status);

/* The conversation, for tests that try each message in each state. */
extern const struct wire_rule control_rules[];
extern const size_t control_n_rules;

#endif
