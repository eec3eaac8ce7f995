/*
 * framemuxctl's side of the control socket: hello, a request, its records, done. Waits in poll with
 * a deadline. Receives no descriptor but where a verb asks for that. In framemuxctl's process.
 */
#include "clients/lib/control.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"
#include "common/text.h"

#define DEFAULT_CONTROL_SOCKET RUNSTATEDIR "/framemux/control.sock"

struct control {
	int fd; /* owned */
	bool takes_fds;
	int record_fd; /* owned; of the record that is being handed out, or -1 */
	uint32_t last_request;
};

/* What may come before done. Each begins a record of some request's answer. */
static const struct wire_message *const records[] = {
	&wire_ctl_mux,
	&wire_ctl_camera,
	&wire_ctl_lease,
	&wire_ctl_uid,
	&wire_ctl_token,
	&wire_ctl_ended,
	&wire_ctl_change,
	&wire_ctl_fault,
	&wire_ctl_switched,
	&wire_ctl_policy,
	&wire_ctl_policy_key,
	&wire_ctl_policy_line,
	&wire_ctl_policy_camera,
	&wire_ctl_segment,
	&wire_ctl_head,
	&wire_ctl_event,
	&wire_ctl_key,
};

union record {
	struct msg_ctl_mux mux;
	struct msg_ctl_camera camera;
	struct msg_ctl_lease lease;
	struct msg_ctl_uid uid;
	struct msg_ctl_token token;
	struct msg_ctl_ended ended;
	struct msg_ctl_change change;
	struct msg_ctl_fault fault;
	struct msg_ctl_switched switched;
	struct msg_ctl_policy policy;
	struct msg_ctl_policy_key policy_key;
	struct msg_ctl_policy_line policy_line;
	struct msg_ctl_policy_camera policy_camera;
	struct msg_ctl_segment segment;
	struct msg_ctl_head head;
	struct msg_ctl_event event;
	struct msg_ctl_key key;
};

static int connect_to(const char *path, struct control **ret)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->fd = c->record_fd = -1;
	r = sock_connect_to_owner(path, &c->fd);
	if (r == 0) {
		sock_refuse_fds(c->fd);
		r = sock_send_msg(c->fd, &wire_hello, &hello);
	}
	if (r == -EPIPE) /* turned away at once; what it said is there to be read */
		r = 0;
	if (r < 0) {
		control_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

static const char *choose_path(const char *path)
{
	if (!path)
		path = getenv("FRAMEMUX_CONTROL_SOCKET");
	return path && *path ? path : DEFAULT_CONTROL_SOCKET;
}

int control_connect(const char *path, struct control **ret)
{
	return connect_to(choose_path(path), ret);
}

int control_connect_kill(const char *path, struct control **ret)
{
	char kill_path[LIMIT_PATH];

	if (snprintf(kill_path, sizeof(kill_path), "%s" KILL_SUFFIX, choose_path(path)) >=
		(int)sizeof(kill_path))
		return -ENAMETOOLONG;
	return connect_to(kill_path, ret);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

void control_accept_fds(struct control *c)
{
	sock_permit_fds(c->fd);
	c->takes_fds = true;
}

int control_take_fd(struct control *c)
{
	return take_fd(&c->record_fd);
}

/* One message, and its descriptor where there may be one. */
static ssize_t receive(struct control *c, uint8_t buf[LIMIT_MESSAGE])
{
	int fds[SOCK_FDS_MAX] = {-1, -1, -1, -1};
	size_t n_fds = 0;
	ssize_t n;

	if (!c->takes_fds)
		return sock_recv(c->fd, buf, LIMIT_MESSAGE, NULL, NULL);
	n = sock_recv(c->fd, buf, LIMIT_MESSAGE, fds, &n_fds);
	if (n > 0 && n_fds)
		c->record_fd = take_fd(&fds[0]);
	if (n > 0)
		sock_close_fds(fds, n_fds);
	return n;
}

static int wait_readable(int fd, uint64_t deadline_ns)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_boot_ns();
		int n;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* What cameras and token holders wrote ends on a terminal. */
static void make_plain(const struct wire_message *m, void *record)
{
	for (size_t i = 0; i < m->n_fields; i++) {
		char *text = (char *)record + m->fields[i].offset;

		if (m->fields[i].kind == WIRE_STR)
			text_make_plain(text, strlen(text));
	}
}

/* 1 with the closing message, 0 with a record, -EPROTO. */
static int take(struct control *c, const uint8_t *buf, size_t len,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done)
{
	union record rec;
	struct msg_ctl_done done;

	if (wire_type(buf, len) == wire_ctl_done.type) {
		if (wire_decode(&wire_ctl_done, buf, len, &done) < 0)
			return -EPROTO;
		/* Request 0: the connection as such is refused. */
		if (done.request != c->last_request && done.request != 0)
			return -EPROTO;
		make_plain(&wire_ctl_done, &done);
		*ret_done = done;
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		int r = wire_decode(records[i], buf, len, &rec);

		if (r == 0)
			make_plain(records[i], &rec);
		if (r == 0 && on_record)
			on_record(data, records[i], &rec);
		if (r == 0) {
			sodium_memzero(&rec, sizeof(rec)); /* may be a token */
			return 0;
		}
	}
	return -EPROTO;
}

int control_fd(const struct control *c)
{
	return c->fd;
}

int control_send(struct control *c, const struct wire_message *request, void *msg)
{
	int r;

	/* Each request begins with its number. */
	if (strcmp(request->fields[0].name, "request"))
		return -EINVAL;
	c->last_request++;
	memcpy((uint8_t *)msg + request->fields[0].offset, &c->last_request, sizeof(uint32_t));
	r = sock_send_msg(c->fd, request, msg);
	/* A refusal may have been said before the end of the connection: read it. */
	return r == -EPIPE ? 0 : r;
}

int control_take(struct control *c,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = receive(c, buf);
	int r;

	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	r = take(c, buf, (size_t)n, on_record, data, ret_done);
	sodium_memzero(buf, (size_t)n);
	cleanup_close(&c->record_fd);
	c->record_fd = -1;
	return r;
}

int control_ask(struct control *c, const struct wire_message *request, void *msg, int timeout_ms,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done)
{
	uint64_t deadline_ns = clock_boot_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	int r = control_send(c, request, msg);

	while (r == 0) {
		r = wait_readable(c->fd, deadline_ns);
		if (r == 0)
			r = control_take(c, on_record, data, ret_done);
	}
	return r < 0 ? r : 0;
}
