/* Links in the loop of framemuxd. Owns the socket, its events and its outbox. */
#include "mux/daemon/roles/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/outbox.h"
#include "common/sock.h"

#define MESSAGES_AT_ONCE 32u /* then the others have their turn */

struct peer {
	int fd; /* owned */
	struct peer_spec spec;
	struct event *readable, *writable;
	struct outbox *outbox;
	uint64_t second_ns; /* begin of the second that is counted */
	unsigned in_second;
	bool busy, closed, ended, finished;
};

static void destroy(struct peer *p)
{
	if (p->readable)
		event_free(p->readable);
	if (p->writable)
		event_free(p->writable);
	outbox_free(p->outbox);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

static void end(struct peer *p, int error)
{
	if (p->ended || p->closed)
		return;
	p->ended = true;
	event_del(p->readable);
	event_del(p->writable);
	p->spec.on_end(p->spec.owner, error);
}

static bool floods(struct peer *p)
{
	uint64_t now = clock_monotonic_ns();

	if (now - p->second_ns >= NS_PER_S) {
		p->second_ns = now;
		p->in_second = 0;
	}
	return p->spec.per_second && ++p->in_second > p->spec.per_second;
}

/* One message. 0, or -errno: -EAGAIN nothing there, else the conversation is over. */
static int receive_one(struct peer *p)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = sock_recv(p->fd, buf, sizeof(buf), NULL, NULL);
	int rc;

	if (n < 0)
		return (int)n;
	if (floods(p))
		return -EDQUOT;
	rc = wire_dispatch(p->spec.rules, p->spec.n_rules, *p->spec.state, buf, (size_t)n, NULL, 0,
		p->spec.self);
	if (rc == -EPROTO && p->finished)
		rc = 0; /* said before it knew */
	if (rc == -EPROTO)
		log_warning("%s: message %u is not permitted here", p->spec.name,
			wire_type(buf, (size_t)n));
	explicit_bzero(buf, (size_t)n); /* tokens come this way */
	return rc == -EAGAIN ? 0 : rc;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct peer *p = data;
	int rc = 0;

	(void)fd;
	(void)what;
	p->busy = true;
	for (unsigned i = 0; i < MESSAGES_AT_ONCE && !rc && !p->closed; i++)
		rc = receive_one(p);
	if (rc < 0 && rc != -EAGAIN && !p->closed)
		end(p, rc);
	p->busy = false;
	if (p->closed)
		destroy(p);
}

/* What waits in the outbox would else wait for ever. */
static int await_writable(struct peer *p)
{
	return outbox_is_pending(p->outbox) && event_add(p->writable, NULL) < 0 ? -ENOMEM : 0;
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
	struct peer *p = data;
	int rc = outbox_flush(p->outbox, p->fd);

	(void)fd;
	(void)what;
	p->busy = true;
	if (rc == 0)
		rc = await_writable(p);
	if (rc < 0)
		end(p, rc);
	p->busy = false;
	if (p->closed)
		destroy(p);
}

int peer_new(struct event_base *base, int fd, const struct peer_spec *spec, struct peer **ret)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p) {
		close(fd);
		return -ENOMEM;
	}
	p->fd = fd;
	p->spec = *spec;
	p->outbox = outbox_new(spec->outbox_max);
	p->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writable = event_new(base, fd, EV_WRITE, on_writable, p);
	if (!p->outbox || !p->readable || !p->writable || event_add(p->readable, NULL) < 0) {
		destroy(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

void peer_close(struct peer *p)
{
	if (!p || p->closed)
		return;
	p->closed = true;
	if (!p->busy) {
		destroy(p);
		return;
	}
	/* Inside a handler: the other side sees the end now, the memory goes when it returns. */
	event_free(p->readable);
	event_free(p->writable);
	p->readable = p->writable = NULL;
	close(p->fd);
	p->fd = -1;
}

int peer_finish(struct peer *p)
{
	if (!p || p->closed || p->ended)
		return -EPIPE;
	p->finished = true;
	event_del(p->writable);
	return shutdown(p->fd, SHUT_WR) < 0 ? -errno : 0;
}

int peer_send(
	struct peer *p, const struct wire_message *m, const void *msg, const int *fds, size_t n_fds)
{
	int rc;

	if (!p || p->closed || p->ended || p->finished)
		return -EPIPE;
	rc = outbox_send(p->outbox, p->fd, m, msg, fds, n_fds);
	return rc < 0 ? rc : await_writable(p);
}

void peer_make_room(struct peer *p, size_t messages)
{
	if (p && !p->closed)
		outbox_make_room(p->outbox, messages);
}

void peer_drain(struct peer *p)
{
	bool was_busy;

	if (!p || p->closed)
		return;
	was_busy = p->busy;
	p->busy = true;
	for (unsigned i = 0; i < MESSAGES_AT_ONCE && !p->closed; i++)
		if (receive_one(p) < 0)
			break;
	p->busy = was_busy;
	if (p->closed && !was_busy)
		destroy(p);
}
