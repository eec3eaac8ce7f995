/* Sockets in the loop. Owns socket, outbox and events; understands no message. Runs in the broker.
 */
#include "mux/broker/conn.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/outbox.h"
#include "common/sock.h"

#define BURST 16u  /* messages of one peer before the next peer's turn */
#define LAST  512u /* of one that has gone: more than a socket's queue has room for */

struct conn {
	const struct conn_kind *kind; /* borrowed, static */
	void *self;                   /* borrowed: the owner */
	int fd;                       /* owned */
	struct sock_sender holder;    /* of a personal socket: who connected */
	int holder_fd;                /* borrowed; its pidfd, -1 if it is not watched */
	unsigned state;
	int error; /* not 0: doomed */
	struct outbox *outbox;
	struct event *readable, *writable, *doom, *patience;
};

static ssize_t receive_personal(const struct conn *c, uint8_t buf[LIMIT_MESSAGE])
{
	struct sock_sender sender;
	ssize_t n = sock_recv_from(c->fd, buf, LIMIT_MESSAGE, &sender);

	if (n < 0)
		return n;
	if (sender.pid > 0 && sender.pid == c->holder.pid && sender.uid == c->holder.uid)
		return n;
	log_notice("uid %u pid %d sent on the socket of uid %u pid %d", sender.uid, (int)sender.pid,
		c->holder.uid, (int)c->holder.pid);
	if (c->kind->is_secret)
		sodium_memzero(buf, (size_t)n);
	return -EACCES;
}

static ssize_t receive(
	struct conn *c, uint8_t buf[LIMIT_MESSAGE], int fds[SOCK_FDS_MAX], size_t *n_fds)
{
	*n_fds = 0;
	if (c->kind->is_personal)
		return receive_personal(c, buf);
	return sock_recv(c->fd, buf, LIMIT_MESSAGE, fds, c->kind->takes_fds ? n_fds : NULL);
}

/*
 * A stamp names a process by its id, and an id is used again, but not while its process lives: so
 * this is asked once a message has been received. Whether the message or the end came first is not
 * to be seen any more: from then on only last words are permitted.
 */
static bool holder_has_ended(const struct conn *c)
{
	struct pollfd p = {.fd = c->holder_fd, .events = POLLIN};

	return c->holder_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* 0, -EAGAIN when there is nothing more, or why the peer is to be dropped. */
static int read_one(struct conn *c)
{
	uint8_t buf[LIMIT_MESSAGE];
	int fds[SOCK_FDS_MAX] = {-1, -1, -1, -1};
	size_t n_fds;
	ssize_t n = receive(c, buf, fds, &n_fds);
	int r;

	bool is_over;

	if (n < 0)
		return (int)n;
	is_over = holder_has_ended(c);
	r = wire_dispatch(c->kind->rules, c->kind->n_rules,
		is_over ? c->kind->last_state : c->state, buf, (size_t)n, fds, n_fds, c->self);
	sock_close_fds(fds, n_fds);
	if (c->kind->is_secret)
		sodium_memzero(buf, (size_t)n);
	return is_over && !c->error ? -ESRCH : r;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct conn *c = data;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < BURST && !c->error; i++) {
		int r = read_one(c);

		if (r == -EAGAIN)
			return;
		if (r < 0)
			conn_doom(c, r);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
	struct conn *c = data;
	int r = outbox_flush(c->outbox, c->fd);

	(void)fd;
	(void)what;
	if (r < 0)
		conn_doom(c, r);
	if (r == 0 && outbox_is_pending(c->outbox))
		return;
	event_del(c->writable);
	if (r == 0 && c->kind->drained)
		c->kind->drained(c->self);
}

/*
 * The end of a process or a failing send may be noticed before its last words are read; a report of
 * a wrong frame must not get lost with them.
 */
static void read_last(struct conn *c)
{
	if (!c->kind->last_state || (c->error != -EPIPE && c->error != -ESRCH))
		return;
	c->state = c->kind->last_state;
	for (unsigned i = 0; i < LAST; i++) {
		int r = read_one(c);

		if (r < 0 && r != -EPROTO && r != -EBADMSG)
			return;
	}
}

static void on_doom(evutil_socket_t fd, short what, void *data)
{
	struct conn *c = data;

	(void)fd;
	(void)what;
	read_last(c);
	c->kind->gone(c->self, c->error);
}

static void on_impatience(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	conn_doom(data, -ETIMEDOUT);
}

static int learn_holder(struct conn *c, int fd)
{
	gid_t gid;
	int r;

	if (!c->kind->is_personal)
		return 0;
	r = sock_name_senders(fd);
	return r < 0 ? r : sock_peer(fd, &c->holder.pid, &c->holder.uid, &gid);
}

int conn_new(struct event_base *base, int fd, const struct conn_kind *kind, void *self,
	unsigned state, struct conn **ret)
{
	struct conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->kind = kind;
	c->self = self;
	c->state = state;
	c->fd = c->holder_fd = -1;
	r = learn_holder(c, fd);
	if (r < 0) {
		conn_free(c);
		return r;
	}
	c->outbox = outbox_new(kind->outbox_max);
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->doom = event_new(base, -1, 0, on_doom, c);
	c->patience = event_new(base, -1, 0, on_impatience, c);
	if (!c->outbox || !c->readable || !c->writable || !c->doom || !c->patience ||
		event_add(c->readable, NULL) < 0) {
		conn_free(c);
		return -ENOMEM;
	}
	c->fd = fd;
	*ret = c;
	return 0;
}

static void free_event(struct event *e)
{
	if (e)
		event_free(e);
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	free_event(c->readable);
	free_event(c->writable);
	free_event(c->doom);
	free_event(c->patience);
	outbox_free(c->outbox);
	cleanup_close(&c->fd);
	free(c);
}

void conn_watch_holder(struct conn *c, int pid_fd)
{
	c->holder_fd = pid_fd;
}

unsigned conn_state(const struct conn *c)
{
	return c->state;
}

void conn_set_state(struct conn *c, unsigned state)
{
	c->state = state;
	event_del(c->patience);
}

void conn_expect_soon(struct conn *c, unsigned seconds)
{
	const struct timeval limit = {.tv_sec = seconds};

	if (event_add(c->patience, &limit) < 0)
		conn_doom(c, -ENOMEM);
}

void conn_send(
	struct conn *c, const struct wire_message *m, const void *msg, const int *fds, size_t n_fds)
{
	int r;

	if (c->error && !(c->kind->speaks_last && c->error == -EPIPE))
		return;
	r = outbox_send(c->outbox, c->fd, m, msg, fds, n_fds);
	if (r == 0 && outbox_is_pending(c->outbox) && event_add(c->writable, NULL) < 0)
		r = -ENOMEM;
	if (r < 0)
		conn_doom(c, r);
}

void conn_drain(struct conn *c, int ms)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	while (outbox_is_pending(c->outbox) && poll(&p, 1, ms) > 0)
		if (outbox_flush(c->outbox, c->fd) < 0)
			return;
}

bool conn_is_backed_up(const struct conn *c)
{
	return outbox_is_pending(c->outbox);
}

size_t conn_waiting(const struct conn *c)
{
	return outbox_count(c->outbox);
}

void conn_doom(struct conn *c, int error)
{
	if (c->error)
		return;
	c->error = error;
	event_del(c->readable);
	event_del(c->writable);
	event_del(c->patience);
	event_active(c->doom, 0, 0);
}

bool conn_is_doomed(const struct conn *c)
{
	return c->error != 0;
}
