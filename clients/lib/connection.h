/*
 * A connection to the mux: the conversation with the broker, one epoll descriptor over all that may
 * have news, one timer, and the views whose owners are to be called back. In the client's process.
 */
#ifndef FRAMEMUX_LIB_CONNECTION_H
#define FRAMEMUX_LIB_CONNECTION_H

#include <stdbool.h>
#include <sys/queue.h>

#include "clients/lib/api.h"
#include "common/outbox.h"
#include "common/protocol.h"

LIST_HEAD(view_list, framemux_view);

/* States of the conversation; bits, for wire_rule. */
enum connection_state {
	CONNECTION_DOWN = 1,
	CONNECTION_GREETED = 2, /* hello sent */
	CONNECTION_UP = 4,      /* welcome received */
};

struct framemux {
	char *path;             /* owned */
	int epoll_fd, timer_fd; /* owned */
	int sock_fd;            /* owned; -1 while down */
	struct outbox *outbox;  /* owned; NULL while down */
	enum connection_state state;
	bool wants_write;
	uint8_t challenge[TOKEN_CHALLENGE_BYTES];
	struct view_list views, pending, graveyard;
	uint32_t last_number;
	uint64_t armed_ns;    /* when the timer fires, boot time; UINT64_MAX: never */
	uint64_t retry_at_ns; /* when to connect again, boot time; 0: not */
	uint64_t retry_pause_ns;
	unsigned depth; /* dispatches under way: nothing is freed meanwhile */
	bool is_closed; /* by the application, in a callback */
};

/* What epoll reports; a view's lease socket is CONNECTION_VIEW + its number. */
enum { CONNECTION_SOCKET = 0, CONNECTION_TIMER = 1, CONNECTION_VIEW = 2 };

/* Connect and say hello. 0 or -errno, with the connection down. */
int connection_begin(struct framemux *fm);

/* Give up the socket: every view is told. */
void connection_lose(struct framemux *fm, const char *reason);

/* Read and handle one message, write what waits. Loses the connection on any fault. */
void connection_ready(struct framemux *fm, bool is_readable);

/* Send or queue. A broker that does not read loses the connection at the next dispatch. */
void connection_send(struct framemux *fm, const struct wire_message *m, const void *msg);

/* Ask for a lease: the proof is made against this connection's challenge. */
void connection_ask(struct framemux *fm, struct msg_open *open, const struct token *token);

/* Whether nothing will ever come any more. */
bool connection_is_gone(const struct framemux *fm);

/* Connect again if it is time to, and say when it will be. */
void connection_retry(struct framemux *fm, uint64_t now_ns);

/* Watch a descriptor; what: one of the above. 0 or -errno. */
int connection_watch(struct framemux *fm, int fd, uint64_t what);
void connection_unwatch(struct framemux *fm, int fd);

/* Make framemux_fd readable at boot_ns at the latest (0: at once). */
void connection_wake_at(struct framemux *fm, uint64_t boot_ns);

#endif
