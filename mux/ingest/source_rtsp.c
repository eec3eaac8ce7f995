/*
 * The RTSP camera as a source: its connection, and what joins session, depacketiser and stream.
 * Opens nothing: the socket was connected by framemuxd. Runs in ingest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/ingest/channel.h"
#include "mux/ingest/depay.h"
#include "mux/ingest/rtsp.h"
#include "mux/ingest/session.h"
#include "mux/ingest/source.h"

#define CAMERA_IN_BYTES (256u * 1024u) /* more than the largest message */

_Static_assert(CAMERA_IN_BYTES > RTSP_MESSAGE_MAX, "a message has to fit");

struct camera {
	struct source_context cx;
	struct channel *channel; /* owned */
	struct session *session; /* owned */
	struct depay *depay;     /* owned; from DESCRIBE on */
	char peer[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
	uint64_t now_ns; /* of the bytes that are being read */
	size_t in_len;
	bool started;      /* the session: when the channel is open */
	int channel_error; /* has said why */
	int stream_error;  /* of the decoder's socket: not the camera's fault */
	uint8_t in[CAMERA_IN_BYTES];
};

/* ---- what the session needs --------------------------------------------------------------- */

static int on_send(void *self, const void *buf, size_t len)
{
	struct camera *c = self;

	return channel_send(c->channel, buf, len);
}

static int on_ask(void *self, const struct msg_digest_ask *ask)
{
	struct camera *c = self;

	return c->cx.ask(c->cx.ingest, &wire_digest_ask, ask);
}

static int on_identity(void *self, const struct msg_identity *identity)
{
	struct camera *c = self;

	return c->cx.ask(c->cx.ingest, &wire_identity, identity);
}

static void on_phase(void *self, const char *name)
{
	struct camera *c = self;

	log_debug("%s", name);
	c->cx.news(c->cx.ingest, name);
}

static int on_unit(void *data, const struct stream_unit *unit)
{
	struct camera *c = data;

	session_progress(c->session, c->now_ns);
	return stream_unit(c->cx.stream, unit);
}

static int on_video(void *self, const struct sdp_video *video, struct failure *ret_why)
{
	struct camera *c = self;
	struct stream_format format;
	int r;

	if (c->depay)
		return fail_as(ret_why, INGEST_BREACH, "camera describes itself twice");
	r = depay_new(video, on_unit, c, &c->depay, ret_why);
	if (r < 0)
		return r == -ENOMEM ? fail(ret_why, "out of memory") : r;
	depay_format(c->depay, &format);
	c->stream_error = stream_codec(c->cx.stream, &format);
	return c->stream_error;
}

static int on_packet(void *self, const uint8_t *buf, size_t len)
{
	struct camera *c = self;

	c->stream_error = depay_packet(c->depay, buf, len, c->now_ns);
	return c->stream_error;
}

static const struct session_ops session_ops = {
	.send = on_send,
	.ask = on_ask,
	.identity = on_identity,
	.video = on_video,
	.packet = on_packet,
	.phase = on_phase,
};

/* ---- source ------------------------------------------------------------------------------- */

/* The result of a session's function as that of a source's. */
static int outcome(struct camera *c, int r)
{
	if (r < 0 && !c->stream_error && !c->channel_error)
		*c->cx.failure = *session_failure(c->session);
	return r;
}

/* One end of the connection: get is getpeername or getsockname. */
static void name_end(
	int fd, int (*get)(int, struct sockaddr *, socklen_t *), char ret[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	const void *address = NULL;

	ret[0] = 0;
	if (get(fd, (struct sockaddr *)&ss, &len) < 0)
		return;
	if (ss.ss_family == AF_INET)
		address = &((struct sockaddr_in *)&ss)->sin_addr;
	else if (ss.ss_family == AF_INET6)
		address = &((struct sockaddr_in6 *)&ss)->sin6_addr;
	if (address && !inet_ntop(ss.ss_family, address, ret, INET6_ADDRSTRLEN))
		ret[0] = 0;
}

/* The session's first step has its time from when there is somebody to speak with. */
static int start_session(struct camera *c, uint64_t now_ns)
{
	if (c->started || !channel_is_open(c->channel))
		return 0;
	c->started = true;
	return session_start(c->session, now_ns);
}

static void camera_free(void *self)
{
	struct camera *c = self;

	if (!c)
		return;
	depay_free(c->depay);
	session_free(c->session);
	channel_free(c->channel);
	free(c);
}

static int camera_open(const struct source_context *cx, uint64_t now_ns, void **ret_self)
{
	struct camera *c = calloc(1, sizeof(*c));
	struct session_config config;
	int r;

	if (!c)
		return fail(cx->failure, "out of memory");
	c->cx = *cx;
	name_end(cx->fd, getpeername, c->peer);
	name_end(cx->fd, getsockname, c->local);
	config = (struct session_config){
		.home = {.url = cx->start->url, .peer = c->peer},
		.ends = {.camera = c->peer, .ours = c->local},
		.has_password = cx->start->has_password,
		.patience_s = cx->start->patience_s,
		.is_secret = cx->start->tls,
		.basic = cx->start->tls ? cx->start->basic : "",
	};
	r = channel_open(cx->fd, cx->start, cx->failure, &c->channel);
	if (r == 0) {
		c->session = session_new(&config, &session_ops, c);
		if (cx->start->tls)
			on_phase(c, "TLS handshake");
		r = c->session ? outcome(c, start_session(c, now_ns))
			       : fail(cx->failure, "out of memory");
	}
	if (r < 0) {
		camera_free(c);
		return r;
	}
	*ret_self = c;
	return 0;
}

static size_t camera_poll(const void *self, struct pollfd fds[SOURCE_FDS_MAX])
{
	const struct camera *c = self;

	fds[0] = (struct pollfd){c->cx.fd, channel_events(c->channel), 0};
	return 1;
}

static uint64_t camera_deadline(const void *self)
{
	const struct camera *c = self;
	uint64_t session = c->started ? session_deadline(c->session) : channel_deadline(c->channel);
	uint64_t unit = c->depay ? depay_deadline(c->depay) : UINT64_MAX;

	if (channel_is_ready(c->channel))
		return 0;
	return unit < session ? unit : session;
}

static int read_some(struct camera *c)
{
	ssize_t n = channel_recv(c->channel, c->in + c->in_len, sizeof(c->in) - c->in_len);
	size_t used = 0;
	int r;

	if (n == -EAGAIN)
		return 0;
	if (n < 0) {
		c->channel_error = (int)n;
		return (int)n;
	}
	if (n == 0)
		return session_closed(c->session);
	c->in_len += (size_t)n;
	r = session_input(c->session, c->in, c->in_len, c->now_ns, &used);
	c->in_len -= used;
	memmove(c->in, c->in + used, c->in_len);
	return r;
}

static int camera_run(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns)
{
	struct camera *c = self;
	short revents = n ? fds[0].revents : 0;
	int r;

	c->now_ns = now_ns;
	r = c->channel_error = channel_run(c->channel, revents);
	if (r == 0)
		r = start_session(c, now_ns);
	if (r == 0 && (revents & (POLLIN | POLLHUP | POLLERR) || channel_is_ready(c->channel)))
		r = read_some(c);
	if (r == 0 && c->depay)
		r = c->stream_error = depay_tick(c->depay, now_ns);
	if (r == 0 && c->started)
		r = session_tick(c->session, now_ns);
	return outcome(c, r);
}

static int camera_answer(void *self, const struct wire_message *m, const void *msg, int *fds)
{
	struct camera *c = self;

	(void)fds;
	if (m == &wire_digest_answer)
		return outcome(c, session_answer(c->session, msg));
	if (m == &wire_identity_ok)
		return outcome(c, session_identified(c->session, clock_monotonic_ns()));
	return -EPROTO;
}

static void camera_end(void *self)
{
	struct camera *c = self;

	session_end(c->session);
}

const struct source_ops source_rtsp = {
	.open = camera_open,
	.free = camera_free,
	.poll = camera_poll,
	.deadline = camera_deadline,
	.run = camera_run,
	.answer = camera_answer,
	.end = camera_end,
};
