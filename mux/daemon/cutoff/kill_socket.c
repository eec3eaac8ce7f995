/* The kill switch's socket. Owns its connections; borrows the listening socket. In framemuxd. */
#include "mux/daemon/cutoff/kill_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "mux/daemon/cutoff/kill_switch.h"
#include "mux/daemon/cutoff/refusals.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/policy/policy_talk.h"
#include "mux/daemon/roles/peer.h"

#define TALKS_MAX  48u
#define TALKS_KEPT 16u   /* of these: for root and the mux's uid alone */
#define TALKS_LOOK 16u   /* at most, of all who may only look */
#define TALKS_UID  8u    /* at most, of one uid that is neither of the two */
#define BURST      8u    /* connections before everybody else's turn */
#define OUTBOX_MAX 8192u /* a record for each camera of a vendor */
#define PER_SECOND 64u
#define READ_PER_S 8u /* by those who may only look: each makes work for the loop */
#define PAUSE_S    1  /* when descriptors have run out */

enum { TALK_NEW = 1, TALK_READY = 2, TALK_BUSY = 4 };

struct talk {
	LIST_ENTRY(talk) link;
	struct kill_socket *socket; /* borrowed */
	struct peer *peer;          /* owned */
	unsigned state;
	uint32_t uid, pid;
	struct policy_upload upload;
};

struct kill_socket {
	struct mux *mux; /* borrowed */
	LIST_HEAD(, talk) talks;
	unsigned n_talks;
	struct refusals refusals;
	struct event *readable, *resume; /* owned */
};

uint32_t talk_uid(const struct talk *t)
{
	return t->uid;
}

uint32_t talk_pid(const struct talk *t)
{
	return t->pid;
}

struct policy_upload *talk_upload(struct talk *t)
{
	return &t->upload;
}

void talk_record(struct talk *t, const struct wire_message *m, const void *msg)
{
	(void)peer_send(t->peer, m, msg, NULL, 0);
}

void talk_camera(struct talk *t, const char *name)
{
	struct msg_ctl_switched m = {0};

	memcpy(m.camera, name, strnlen(name, sizeof(m.camera) - 1));
	(void)peer_send(t->peer, &wire_ctl_switched, &m, NULL, 0);
}

void talk_done(
	struct talk *t, uint32_t request, uint32_t status, uint64_t elapsed_us, const char *reason)
{
	struct msg_ctl_done m = {.request = request, .status = status, .elapsed_us = elapsed_us};

	memcpy(m.reason, reason, strnlen(reason, sizeof(m.reason) - 1));
	t->state = TALK_READY;
	(void)peer_send(
		t->peer, &wire_ctl_done, &m, NULL, 0); /* one that has gone is told nothing */
}

/* ---- who may not ---------------------------------------------------------------------- */

static void note_refused(struct kill_socket *s, uint32_t uid, uint32_t pid)
{
	const struct msg_audit_note note = {
		.event = AUDIT_EVENT_DENIED, .uid = uid, .what = "kill switch"};

	if (refusals_may_log(&s->refusals))
		log_notice("refused: the kill switch for uid %u pid %u", uid, pid);
	refusals_note(&s->refusals, &note);
}

/* Asked each time: whoever was an admin when he connected may be none since the last reload. */
static bool may_change(struct talk *t, uint32_t request)
{
	if (mux_may_change(t->socket->mux, t->uid) || breakage("kill-socket-any"))
		return true;
	note_refused(t->socket, t->uid, t->pid);
	talk_done(t, request, EACCES, 0, "only root, the mux's own user and admins may do that");
	return false;
}

/* ---- the conversation ---------------------------------------------------------------- */

static int on_hello(void *self, const void *msg, int *fds)
{
	const struct msg_hello *m = msg;
	struct talk *t = self;

	(void)fds;
	if (m->magic != PROTOCOL_MAGIC || m->version < PROTOCOL_VERSION)
		return -EPROTO;
	t->state = TALK_READY;
	return 0;
}

static int on_switch(void *self, const void *msg, int *fds)
{
	const struct msg_ctl_switch *m = msg;
	struct talk *t = self;
	int rc;

	(void)fds;
	t->state = TALK_BUSY;
	if (!may_change(t, m->request))
		return 0;
	rc = kill_switch_ask(t->socket->mux->kill_switch, t, m);
	if (rc == -ENOENT)
		talk_done(t, m->request, ENOENT, 0, "no such camera");
	else if (rc == -EINVAL)
		talk_done(
			t, m->request, EINVAL, 0, "not the name of a camera or vendor, or no uid");
	else if (rc == -ENOSPC)
		talk_done(t, m->request, ENOSPC, 0, "too many are disabled");
	else if (rc < 0)
		talk_done(t, m->request, (uint32_t)-rc, 0, "framemuxd is short of memory");
	return 0;
}

static int on_policy_apply(void *self, const void *msg, int *fds)
{
	const struct msg_ctl_policy_apply *m = msg;
	struct talk *t = self;

	(void)fds;
	t->state = TALK_BUSY;
	if (may_change(t, m->request))
		policy_talk_apply(t->socket->mux, t, m);
	return 0;
}

static int on_policy_show(void *self, const void *msg, int *fds)
{
	struct talk *t = self;

	(void)fds;
	t->state = TALK_BUSY;
	policy_talk_show(t->socket->mux, t, msg);
	return 0;
}

static const struct wire_rule rules[] = {
	{&wire_hello, TALK_NEW, 0, on_hello},
	{&wire_ctl_switch, TALK_READY, 0, on_switch},
	{&wire_ctl_policy_apply, TALK_READY, 0, on_policy_apply},
	{&wire_ctl_policy_show, TALK_READY, 0, on_policy_show},
};

/* ---- life and death ------------------------------------------------------------------ */

static void talk_free(struct talk *t)
{
	kill_switch_forget(t->socket->mux->kill_switch, t);
	enforce_forget(t->socket->mux->enforce, t);
	free(t->upload.bytes);
	LIST_REMOVE(t, link);
	t->socket->n_talks--;
	peer_close(t->peer);
	free(t);
}

static void on_end(void *owner, int error)
{
	struct talk *t = owner;

	if (error != -EPIPE)
		log_info(
			"kill switch: uid %u pid %u dropped: %s", t->uid, t->pid, strerror(-error));
	talk_free(t);
}

/* For request 0: the connection as such is refused. */
static void turn_away(int fd, uint32_t status, const char *reason)
{
	struct msg_ctl_done m = {.status = status};

	memcpy(m.reason, reason, strlen(reason));
	(void)sock_send_msg(fd, &wire_ctl_done, &m);
}

static bool is_owner(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

/*
 * Why there is no room for one more, or NULL. Whoever keeps connections open keeps nobody out who may do
 * more than he.
 */
static const char *crowded(const struct kill_socket *s, uint32_t uid)
{
	static const char others[] = "too many connections to the kill switch by all users "
				     "together: try again in a moment";
	unsigned n_others = 0, n_lookers = 0, n_same = 0;
	const struct talk *t;

	if (s->n_talks >= TALKS_MAX)
		return others;
	if (is_owner(uid))
		return NULL;
	LIST_FOREACH (t, &s->talks, link) {
		n_others += !is_owner(t->uid);
		n_lookers += !mux_may_change(s->mux, t->uid);
		n_same += t->uid == uid;
	}
	if (n_same >= TALKS_UID)
		return "this user has too many connections to the kill switch: end one of them, "
		       "such as a framemuxctl that still waits, and try again";
	return n_others < TALKS_MAX - TALKS_KEPT &&
			(n_lookers < TALKS_LOOK || mux_may_change(s->mux, uid))
		? NULL
		: others;
}

static void take(struct kill_socket *s, int connected)
{
	cleanup_fd int fd = connected;
	const char *why;
	struct talk *t;
	uid_t uid;
	gid_t gid;
	pid_t pid;

	sock_refuse_fds(fd);
	if (sock_peer(fd, &pid, &uid, &gid) < 0)
		return;
	why = crowded(s, uid);
	if (why) {
		turn_away(fd, EUSERS, why);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return;
	t->socket = s;
	t->state = TALK_NEW;
	t->uid = uid;
	t->pid = (uint32_t)pid;
	if (peer_new(s->mux->base, take_fd(&fd),
		    &(struct peer_spec){.name = "kill switch",
			    .rules = rules,
			    .n_rules = ARRAY_SIZE(rules),
			    .state = &t->state,
			    .outbox_max = OUTBOX_MAX,
			    .per_second = mux_may_change(s->mux, uid) ? PER_SECOND : READ_PER_S,
			    .self = t,
			    .owner = t,
			    .on_end = on_end},
		    &t->peer) < 0) {
		free(t);
		return;
	}
	LIST_INSERT_HEAD(&s->talks, t, link);
	s->n_talks++;
}

static void on_readable(evutil_socket_t listening, short what, void *data)
{
	const struct timeval pause = {.tv_sec = PAUSE_S};
	struct kill_socket *s = data;

	(void)what;
	for (unsigned i = 0; i < BURST; i++) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			take(s, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			if (event_add(s->resume, &pause) == 0)
				event_del(s->readable);
			return;
		}
	}
}

static void on_resume(evutil_socket_t fd, short what, void *data)
{
	const struct timeval pause = {.tv_sec = PAUSE_S};
	struct kill_socket *s = data;

	(void)fd;
	(void)what;
	if (event_add(s->readable, NULL) < 0)
		(void)event_add(s->resume, &pause);
}

int kill_socket_new(struct mux *m, struct kill_socket **ret)
{
	struct kill_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->mux = m;
	s->readable =
		event_new(m->base, m->listening.kill_fd, EV_READ | EV_PERSIST, on_readable, s);
	s->resume = evtimer_new(m->base, on_resume, s);
	if (!s->readable || !s->resume || refusals_begin(&s->refusals, m) < 0 ||
		event_add(s->readable, NULL) < 0) {
		kill_socket_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void kill_socket_flush(struct kill_socket *s)
{
	if (s)
		refusals_flush(&s->refusals);
}

void kill_socket_free(struct kill_socket *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->talks))
		talk_free(LIST_FIRST(&s->talks));
	refusals_end(&s->refusals);
	if (s->readable)
		event_free(s->readable);
	if (s->resume)
		event_free(s->resume);
	free(s);
}
