/* The control conversation. Owns its connections. Runs in the broker. */
#include "mux/broker/control.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/sock.h"
#include "mux/broker/accept.h"
#include "mux/broker/audit.h"
#include "mux/broker/audit_read.h"
#include "mux/broker/camera.h"
#include "mux/broker/grant.h"
#include "mux/broker/keys.h"
#include "mux/broker/reload.h"
#include "mux/broker/revoke.h"
#include "mux/broker/secrets.h"
#include "mux/broker/status.h"

#define READERS_MAX     64u /* connections of those who may only read; */
#define READERS_UID_MAX 8u  /* of one such uid */
#define HELLO_S         5u
#define OUTBOX_MAX      16384u /* a whole status: a record for each camera, lease and uid */

void control_record(struct control *c, const struct wire_message *m, const void *msg)
{
	conn_send(c->conn, m, msg, NULL, 0);
}

void control_done(struct control *c, uint32_t request, uint32_t status, uint64_t elapsed_us,
	const char *reason)
{
	struct msg_ctl_done m = {.request = request, .status = status, .elapsed_us = elapsed_us};

	memcpy(m.reason, reason, strnlen(reason, sizeof(m.reason) - 1));
	control_record(c, &wire_ctl_done, &m);
	conn_set_state(c->conn, CONTROL_READY);
}

static void refuse(struct control *c, uint32_t request, int error, const char *reason)
{
	control_done(c, request, (uint32_t)-error, 0, reason);
}

bool control_may_change(const struct control *c)
{
	const struct settings *s = &c->broker->settings;

	if (c->uid == 0 || c->uid == s->mux_uid)
		return true;
	for (uint32_t i = 0; i < s->n_admins; i++)
		if (s->admins[i] == c->uid)
			return true;
	return false;
}

/* Whether the request may go on; if not, it has been answered. */
static bool admit_change(struct control *c, uint32_t request, const char *verb)
{
	struct rate *refusals = &c->broker->refusals;

	if (control_may_change(c)) {
		log_notice("%s by uid %u pid %u", verb, c->uid, c->pid);
		return true;
	}
	audit_denied(c->broker, c, verb);
	if (rate_permits(refusals, clock_monotonic_ns(), REFUSAL_LINES, NULL))
		log_notice("refused: %s by uid %u pid %u", verb, c->uid, c->pid);
	refuse(c, request, -EACCES, "only root, the mux's own user and admins may do that");
	return false;
}

/* --- the conversation ----------------------------------------------------------------------- */

static int handle_hello(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_hello *m = msg;

	(void)fds;
	if (m->magic != PROTOCOL_MAGIC || m->version < PROTOCOL_VERSION)
		return -EPROTO;
	conn_set_state(c->conn, CONTROL_READY);
	return 0;
}

static int handle_status(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_status *m = msg;

	(void)fds;
	conn_set_state(c->conn, CONTROL_BUSY);
	if (status_begin(c, m->request) < 0)
		refuse(c, m->request, -ENOMEM, "the mux is short of memory");
	return 0;
}

static int mint(const struct broker *b, const struct rights *rights, struct msg_ctl_token *ret)
{
	struct token token;
	int r;

	randombytes_buf(ret->id, sizeof(ret->id));
	r = grant_mint(b->secrets->root, b->settings.key_id, ret->id, rights, &token);
	if (r == 0)
		r = token_format(&token, ret->token);
	sodium_memzero(&token, sizeof(token));
	ret->not_after = rights->never_expires ? 0 : rights->not_after;
	return r;
}

/* --- a token, from its minting until its record is written ------------------------------------ */

struct pending_grant {
	uint32_t request;      /* the asker's number */
	uint32_t sent_request; /* ours to framemuxd */
	struct event *limit;   /* owned */
	struct msg_ctl_token answer;
};

static void forget_grant(struct control *c)
{
	if (!c->grant)
		return;
	if (c->grant->limit)
		event_free(c->grant->limit);
	sodium_memzero(&c->grant->answer, sizeof(c->grant->answer));
	free(c->grant);
	c->grant = NULL;
}

static void answer_grant(struct control *c, uint32_t status)
{
	uint32_t request = c->grant->request;
	char text[LIMIT_REASON] = "";

	if (status) {
		audit_refusal_reason(status, text);
	} else {
		token_id_text(c->grant->answer.id, text);
		log_notice("token %s granted by uid %u", text, c->uid);
		control_record(c, &wire_ctl_token, &c->grant->answer);
	}
	forget_grant(c);
	control_done(c, request, status, 0, status ? text : "");
}

static void on_no_record(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	answer_grant(data, ETIMEDOUT);
}

void control_granted(struct broker *b, uint32_t request, uint32_t status)
{
	struct control *c;

	LIST_FOREACH (c, &b->controls, link) {
		if (!c->grant || c->grant->sent_request != request)
			continue;
		answer_grant(c, status);
		return;
	}
}

static void keep_until_recorded(struct control *c, uint32_t request, const struct rights *rights,
	const struct msg_ctl_token *answer)
{
	const struct timeval limit = {.tv_sec = AUDIT_LIMIT_S};
	int r = -ENOMEM;

	c->grant = calloc(1, sizeof(*c->grant));
	if (c->grant) {
		c->grant->request = request;
		c->grant->answer = *answer;
		c->grant->limit = evtimer_new(c->broker->base, on_no_record, c);
	}
	if (c->grant && c->grant->limit && evtimer_add(c->grant->limit, &limit) == 0)
		r = audit_granting(c, rights, answer->id, &c->grant->sent_request);
	if (r < 0) {
		forget_grant(c);
		refuse(c, request, r, "the mux is short of memory, or of time for its audit log");
		return;
	}
	conn_set_state(c->conn, CONTROL_BUSY);
}

static int handle_grant(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_grant *m = msg;
	const struct camera *camera = camera_by_name(c->broker, m->camera);
	struct msg_ctl_token answer = {0};
	struct rights rights;

	(void)fds;
	if (!admit_change(c, m->request, "grant"))
		return 0;
	if (!camera) {
		refuse(c, m->request, -ENOENT, "no such camera");
		return 0;
	}
	if (grant_from_request(m, camera->epoch, c->uid, c->broker->settings.issue,
		    broker_now_s(c->broker), &rights) < 0 ||
		mint(c->broker, &rights, &answer) < 0) {
		refuse(c, m->request, -EINVAL, "a limit is missing or impossible");
		return 0;
	}
	keep_until_recorded(c, m->request, &rights, &answer);
	sodium_memzero(&answer, sizeof(answer));
	return 0;
}

static int handle_revoke(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_revoke *m = msg;
	int r;

	(void)fds;
	if (!admit_change(c, m->request, "revoke"))
		return 0;
	conn_set_state(c->conn, CONTROL_BUSY);
	r = revoke_begin(c->broker, c, m);
	if (r == -ENOENT)
		refuse(c, m->request, r, m->cutoff ? "no such camera" : "no such lease or token");
	else if (r == -ENOSPC)
		refuse(c, m->request, r,
			"too many cameras and uids had all their tokens revoked; revoke --all "
			"makes room");
	else if (r == -EINVAL)
		refuse(c, m->request, r,
			"an id is 16 hexadecimal digits of a lease or 32 of a token");
	else if (r < 0)
		refuse(c, m->request, r, "the mux is short of memory");
	return 0;
}

static int handle_key_show(void *self, const void *msg, int *fds)
{
	const struct msg_ctl_key_show *m = msg;

	(void)fds;
	keys_show(self, m->request);
	return 0;
}

static int handle_key_rotate(void *self, const void *msg, int *fds)
{
	const struct msg_ctl_key_rotate *m = msg;
	struct control *c = self;

	(void)fds;
	if (!admit_change(c, m->request, "key rotate"))
		return 0;
	conn_set_state(c->conn, CONTROL_BUSY);
	if (keys_rotate(c, m->request) < 0)
		refuse(c, m->request, -ENOMEM, "the mux is short of memory");
	return 0;
}

static int handle_key_retire(void *self, const void *msg, int *fds)
{
	const struct msg_ctl_key_retire *m = msg;
	struct control *c = self;
	int r;

	(void)fds;
	if (!admit_change(c, m->request, "key retire"))
		return 0;
	conn_set_state(c->conn, CONTROL_BUSY);
	r = revoke_begin_key(c->broker, c, m->request);
	if (r == -ENOENT)
		refuse(c, m->request, -EINVAL,
			"there is one key only: rotate first, and give out new tokens");
	else if (r < 0)
		refuse(c, m->request, r, "the mux is short of memory");
	return 0;
}

static int handle_accept(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_accept *m = msg;
	const struct camera *camera = camera_by_name(c->broker, m->camera);

	(void)fds;
	if (!admit_change(c, m->request, "accept"))
		return 0;
	if (!camera) {
		refuse(c, m->request, -ENOENT, "no such camera");
		return 0;
	}
	log_notice("camera %s accepted as it is now by uid %u", camera->name, c->uid);
	audit_accepted(c, camera);
	conn_set_state(c->conn, CONTROL_BUSY);
	if (accept_begin(c->broker, c, m->request, camera) < 0)
		refuse(c, m->request, -ENOMEM, "the mux is short of memory");
	return 0;
}

static int handle_accept_state(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_accept_state *m = msg;

	(void)fds;
	if (!admit_change(c, m->request, "accept"))
		return 0;
	conn_set_state(c->conn, CONTROL_BUSY);
	if (accept_begin_state(c->broker, c, m->request) < 0)
		refuse(c, m->request, -ENOMEM, "the mux is short of memory");
	return 0;
}

static int handle_audit(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_audit *m = msg;
	int r;

	(void)fds;
	conn_set_state(c->conn, CONTROL_BUSY);
	r = audit_read_begin(c->broker, c, m->request);
	if (r < 0)
		refuse(c, m->request, r,
			r == -EBUSY ? "others are reading the audit log: try again"
				    : "the mux is short of memory");
	return 0;
}

static int handle_reload(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_reload *m = msg;

	(void)fds;
	if (!admit_change(c, m->request, "reload"))
		return 0;
	conn_set_state(c->conn, CONTROL_BUSY);
	if (reload_ask(c->broker, c, m->request) < 0)
		refuse(c, m->request, -ENOMEM, "the mux is short of memory");
	return 0;
}

static int handle_watch(void *self, const void *msg, int *fds)
{
	struct control *c = self;
	const struct msg_ctl_watch *m = msg;

	(void)fds;
	conn_set_state(c->conn, CONTROL_BUSY);
	if (watch_begin(c) < 0)
		refuse(c, m->request, -EBUSY, "too many are watching already");
	return 0;
}

const struct wire_rule control_rules[] = {
	{&wire_hello, CONTROL_NEW, 0, handle_hello},
	{&wire_ctl_status, CONTROL_READY, 0, handle_status},
	{&wire_ctl_grant, CONTROL_READY, 0, handle_grant},
	{&wire_ctl_revoke, CONTROL_READY, 0, handle_revoke},
	{&wire_ctl_key_show, CONTROL_READY, 0, handle_key_show},
	{&wire_ctl_key_rotate, CONTROL_READY, 0, handle_key_rotate},
	{&wire_ctl_key_retire, CONTROL_READY, 0, handle_key_retire},
	{&wire_ctl_accept, CONTROL_READY, 0, handle_accept},
	{&wire_ctl_reload, CONTROL_READY, 0, handle_reload},
	{&wire_ctl_audit, CONTROL_READY, 0, handle_audit},
	{&wire_ctl_accept_state, CONTROL_READY, 0, handle_accept_state},
	{&wire_ctl_watch, CONTROL_READY, 0, handle_watch},
};
const size_t control_n_rules = ARRAY_SIZE(control_rules);

/* --- life and death ------------------------------------------------------------------------- */

static void control_free(struct control *c)
{
	revoke_forget_asker(c->broker, c);
	accept_forget_asker(c->broker, c);
	keys_forget_asker(c->broker, c);
	reload_forget_asker(c->broker, c);
	audit_read_forget_asker(c->broker, c);
	status_abandon(c);
	forget_grant(c);
	LIST_REMOVE(c, link);
	conn_free(c->conn);
	free(c);
}

static void on_gone(void *self, int error)
{
	struct control *c = self;

	if (error != -EPIPE)
		log_info("control uid %u pid %u dropped: %s", c->uid, c->pid, strerror(-error));
	control_free(c);
}

static void on_drained(void *self)
{
	watch_drained(self);
}

static const struct conn_kind kind = {
	.rules = control_rules,
	.n_rules = ARRAY_SIZE(control_rules),
	.outbox_max = OUTBOX_MAX,
	.is_personal = true,
	.gone = on_gone,
	.drained = on_drained,
};

/*
 * Who may change things always gets in: a reader that keeps connections open must not keep root
 * from revoking.
 */
static const char *crowded(const struct broker *b, const struct control *c)
{
	const struct control *other;
	unsigned readers = 0, same = 0;

	if (control_may_change(c))
		return NULL;
	LIST_FOREACH (other, &b->controls, link) {
		readers += !control_may_change(other);
		same += other->uid == c->uid;
	}
	if (same >= READERS_UID_MAX)
		return "this user has too many control connections: end one of them, such as a "
		       "framemuxctl watch, and try again";
	return readers >= READERS_MAX
		? "too many users read the status at once: try again in a moment"
		: NULL;
}

/* The connection as such is refused: done for request 0. */
static void turn_away(int fd, const char *reason)
{
	struct msg_ctl_done m = {.status = EUSERS};

	memcpy(m.reason, reason, strlen(reason));
	(void)sock_send_msg(fd, &wire_ctl_done, &m);
}

void control_accept(void *data, struct peer peer)
{
	struct broker *b = data;
	cleanup_fd int fd = peer.fd;
	cleanup_free struct control *c = calloc(1, sizeof(*c));
	struct control *kept;
	const char *why;

	if (!c)
		return;
	c->broker = b;
	c->uid = peer.uid;
	c->pid = (uint32_t)peer.pid;
	why = b->is_stopping ? "the mux ends" : crowded(b, c);
	if (why) {
		turn_away(fd, why);
		return;
	}
	if (conn_new(b->base, fd, &kind, c, CONTROL_NEW, &c->conn) < 0)
		return;
	kept = take_ptr(c);
	take_fd(&fd);
	LIST_INSERT_HEAD(&b->controls, kept, link);
	conn_expect_soon(kept->conn, HELLO_S);
}

void control_free_all(struct broker *b)
{
	struct control *c, *next;

	LIST_FOREACH_SAFE (c, &b->controls, link, next)
		control_free(c);
}
