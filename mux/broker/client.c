/* Client connections. Owns them; borrows their leases from tenure.c. Runs in the broker. */
#include "mux/broker/client.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/audit.h"
#include "mux/broker/open.h"
#include "mux/broker/swap.h"
#include "mux/broker/tenure.h"

#define OUTBOX_MAX 128u /* messages for one that does not read; more and it is dropped */
#define HELLO_S    5u   /* to say hello */
#define ACK_S      10   /* to acknowledge an attach */

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* --- views and their turns ------------------------------------------------------------------ */

struct tenure *client_find(const struct client *c, uint32_t view)
{
	struct tenure *t;

	LIST_FOREACH (t, &c->tenures, in_client)
		if (t->view == view)
			return t;
	return NULL;
}

void client_tell(struct client *c, uint32_t view, uint32_t state, const char *reason)
{
	struct msg_state m = {.view = view, .state = state};

	memcpy(m.reason, reason, strnlen(reason, sizeof(m.reason) - 1));
	conn_send(c->conn, &wire_state, &m, NULL, 0);
}

static void next_turn(struct client *c)
{
	struct attach *a;

	while (!c->unacknowledged && (a = TAILQ_FIRST(&c->queue))) {
		TAILQ_REMOVE(&c->queue, a, in_queue);
		a->is_queued = false;
		if (!swap_took(a))
			attach_give(a, a);
	}
}

void client_queue(struct client *c, struct attach *a)
{
	TAILQ_INSERT_TAIL(&c->queue, a, in_queue);
	a->is_queued = true;
	next_turn(c);
}

void client_unqueue(struct client *c, struct attach *a)
{
	if (a->is_queued)
		TAILQ_REMOVE(&c->queue, a, in_queue);
	a->is_queued = false;
}

void client_give(struct client *c, uint64_t attach, const struct msg_attach *m, const int *fds)
{
	const struct timeval limit = {.tv_sec = ACK_S};

	c->unacknowledged = attach;
	if (evtimer_add(c->ack_timer, &limit) < 0)
		conn_doom(c->conn, -ENOMEM);
	conn_send(c->conn, &wire_attach, m, fds, ATTACH_FDS);
}

static void on_no_ack(evutil_socket_t fd, short what, void *data)
{
	struct client *c = data;

	(void)fd;
	(void)what;
	conn_doom(c->conn, -ETIMEDOUT);
}

/* --- the conversation ----------------------------------------------------------------------- */

static int handle_hello(void *self, const void *msg, int *fds)
{
	struct client *c = self;
	const struct msg_hello *m = msg;
	struct msg_welcome welcome = {.version = PROTOCOL_VERSION};

	(void)fds;
	if (m->magic != PROTOCOL_MAGIC || m->version < PROTOCOL_VERSION)
		return -EPROTO;
	randombytes_buf(c->challenge, sizeof(c->challenge));
	memcpy(welcome.challenge, c->challenge, sizeof(welcome.challenge));
	conn_set_state(c->conn, CLIENT_GREETED);
	conn_send(c->conn, &wire_welcome, &welcome, NULL, 0);
	return 0;
}

static int handle_open(void *self, const void *msg, int *fds)
{
	(void)fds;
	return open_handle(self, msg);
}

/* Why a client could not use an attach: its own shortage, or a ring that is not as it must be. */
static void attach_failed(struct tenure *t, uint32_t status)
{
	char reason[LIMIT_REASON];

	snprintf(reason, sizeof(reason), "the client could not use its ring: %s",
		strerror((int)(status & INT32_MAX)));
	if (status == EMFILE || status == ENFILE)
		tenure_end(t, FRAMEMUX_STATE_REVOKED, reason);
	else
		tenure_fault(t, reason);
}

static int handle_attached(void *self, const void *msg, int *fds)
{
	struct client *c = self;
	const struct msg_attached *m = msg;
	struct tenure *t = client_find(c, m->view);

	(void)fds;
	if (m->attach == 0 || m->attach != c->unacknowledged)
		return -EPROTO;
	c->unacknowledged = 0;
	evtimer_del(c->ack_timer);
	/* The lease may have ended or gone on to another attach meanwhile. */
	if (t && t->last_attach == m->attach) {
		t->is_unproven = false;
		if (m->status && t->attach)
			attach_failed(t, m->status);
	}
	next_turn(c);
	return 0;
}

/*
 * The library hangs up on the decoder with the same breath, so that the attach may be ending or
 * gone by now: it counts all the same, once an attach.
 */
static int handle_report(void *self, const void *msg, int *fds)
{
	struct client *c = self;
	const struct msg_report *m = msg;
	struct tenure *t = client_find(c, m->view);

	(void)fds;
	if (!t || m->attach != t->last_attach || t->was_reported)
		return 0;
	t->was_reported = true;
	c->broker->totals.provenance_failures++;
	audit_provenance(c->broker, t);
	log_error("PROVENANCE: uid %u pid %u, camera %s, lease %016llx, attach %llu: frame %llu is "
		  "not what its tag says",
		c->uid, c->pid, t->camera_name, (unsigned long long)t->id,
		(unsigned long long)m->attach, (unsigned long long)m->seq);
	tenure_fault(t, "a frame failed its provenance check");
	return 0;
}

static int handle_shut(void *self, const void *msg, int *fds)
{
	struct client *c = self;
	const struct msg_shut *m = msg;
	struct tenure *t = client_find(c, m->view);

	(void)fds;
	if (t) /* else it crossed the lease's own end */
		tenure_client_gone(t, "closed by the client");
	return 0;
}

const struct wire_rule client_rules[] = {
	{&wire_hello, CLIENT_NEW, 0, handle_hello},
	{&wire_open, CLIENT_GREETED, 0, handle_open},
	{&wire_attached, CLIENT_GREETED, 0, handle_attached},
	{&wire_report, CLIENT_GREETED | CLIENT_LEAVING, 0, handle_report},
	{&wire_shut, CLIENT_GREETED, 0, handle_shut},
};
const size_t client_n_rules = ARRAY_SIZE(client_rules);

/* --- life and death ------------------------------------------------------------------------- */

static void client_free(struct client *c)
{
	struct tenure *t, *next;

	LIST_FOREACH_SAFE (t, &c->tenures, in_client, next)
		tenure_client_gone(t, "the client has gone");
	LIST_REMOVE(c, link);
	quota_disconnect(&c->broker->quota, c->uid);
	if (c->pid_event)
		event_free(c->pid_event);
	if (c->ack_timer)
		event_free(c->ack_timer);
	cleanup_close(&c->pid_fd);
	conn_free(c->conn);
	sodium_memzero(c->challenge, sizeof(c->challenge));
	free(c);
}

static const char *why_gone(int error)
{
	switch (error) {
	case -EPROTO:
	case -EBADMSG:
		return "it broke the protocol";
	case -ENOBUFS:
		return "it does not read";
	case -ETIMEDOUT:
		return "it does not answer";
	case -EACCES:
		return "another process sends on its socket";
	case -ESRCH:
		return "its process has ended";
	default:
		return strerror(-error);
	}
}

static void on_gone(void *self, int error)
{
	struct client *c = self;

	if (error != -EPIPE)
		log_info("client uid %u pid %u dropped: %s", c->uid, c->pid, why_gone(error));
	client_free(c);
}

static const struct conn_kind kind = {
	.rules = client_rules,
	.n_rules = ARRAY_SIZE(client_rules),
	.outbox_max = OUTBOX_MAX,
	.is_personal = true,
	.last_state = CLIENT_LEAVING,
	.gone = on_gone,
};

/* The process that connected has ended; whoever has its socket now is somebody else. */
static void on_process_end(evutil_socket_t fd, short what, void *data)
{
	struct client *c = data;

	(void)fd;
	(void)what;
	conn_doom(c->conn, -ESRCH);
}

/* Peer credentials stay those of the one that connected for ever, so its life is watched. */
static int watch_process(struct client *c, int sock)
{
	socklen_t len = sizeof(c->pid_fd);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERPIDFD, &c->pid_fd, &len) < 0) {
		c->pid_fd = -1;
		if (errno != ENOPROTOOPT)
			return -errno; /* it has ended already */
		c->pid_fd = (int)syscall(SYS_pidfd_open, (pid_t)c->pid, 0);
		if (c->pid_fd < 0)
			return -errno;
	}
	c->pid_event = event_new(c->broker->base, c->pid_fd, EV_READ, on_process_end, c);
	return c->pid_event && event_add(c->pid_event, NULL) == 0 ? 0 : -ENOMEM;
}

/* *fd is the conn's, and -1, as soon as there is one. */
static int client_begin(struct client *c, int *fd)
{
	int r;

	c->ack_timer = evtimer_new(c->broker->base, on_no_ack, c);
	if (!c->ack_timer)
		return -ENOMEM;
	r = watch_process(c, *fd);
	if (r == 0)
		r = conn_new(c->broker->base, *fd, &kind, c, CLIENT_NEW, &c->conn);
	if (r < 0)
		return r;
	*fd = -1;
	conn_watch_holder(c->conn, c->pid_fd);
	conn_expect_soon(c->conn, HELLO_S);
	return 0;
}

void client_accept(void *data, struct peer peer)
{
	struct broker *b = data;
	cleanup_fd int fd = peer.fd;
	struct client *c;
	unsigned over;
	int r = b->is_stopping ? -ESHUTDOWN : quota_connect(&b->quota, peer.uid);

	if (r < 0) {
		audit_refused(b, peer.uid, "",
			r == -EUSERS ? "too many connections" : strerror(-r));
		if (rate_permits(&b->refusals, clock_monotonic_ns(), REFUSAL_LINES, &over))
			log_notice("client uid %u pid %d not accepted: %s", peer.uid, (int)peer.pid,
				r == -EUSERS ? "too many connections" : strerror(-r));
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		quota_disconnect(&b->quota, peer.uid);
		return;
	}
	c->broker = b;
	c->uid = peer.uid;
	c->pid = (uint32_t)peer.pid;
	c->pid_fd = -1;
	LIST_INIT(&c->tenures);
	TAILQ_INIT(&c->queue);
	LIST_INSERT_HEAD(&b->clients, c, link);
	if (client_begin(c, &fd) < 0)
		client_free(c);
}

void client_free_all(struct broker *b)
{
	struct client *c, *next;

	LIST_FOREACH_SAFE (c, &b->clients, link, next)
		client_free(c);
}
