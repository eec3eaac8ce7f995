/*
 * The RTSP camera as a source: its connection and its datagrams, and what joins session, media and
 * stream. Opens nothing: the sockets were connected by framemuxd. Runs in ingest.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/ingest/channel.h"
#include "mux/ingest/media.h"
#include "mux/ingest/rtsp.h"
#include "mux/ingest/session.h"
#include "mux/ingest/source.h"
#include "mux/link/birth.h"

#define CAMERA_IN_BYTES   (256u * 1024u) /* more than the largest message */
#define DATAGRAM_BYTES    65536u         /* none is larger */
#define DATAGRAMS_AT_ONCE 64u            /* then the others have their turn */

_Static_assert(CAMERA_IN_BYTES > RTSP_MESSAGE_MAX, "a message has to fit");

struct camera {
	struct source_context cx;
	struct channel *channel; /* owned */
	struct session *session; /* owned */
	struct media *media;     /* owned; from DESCRIBE on */
	bool has_udp;            /* LINK_FD_INGEST_RTP and RTCP are there */
	char peer[INET6_ADDRSTRLEN], local[INET6_ADDRSTRLEN];
	uint64_t now_ns; /* of the bytes that are being read */
	size_t in_len;
	bool started;      /* the session: when the channel is open */
	int channel_error; /* has said why */
	int stream_error;  /* of the decoder's socket: not the camera's fault */
	int media_error;   /* has said why */
	uint8_t in[CAMERA_IN_BYTES];
	uint8_t datagram[DATAGRAM_BYTES];
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

/* Over the socket or the channel that media comes by. */
static void on_report(void *self, const uint8_t *buf, size_t len)
{
	struct camera *c = self;

	if (c->has_udp)
		(void)send(LINK_FD_INGEST_RTCP, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	else
		session_report(c->session, buf, len);
}

static const struct media_ops media_ops = {.unit = on_unit, .report = on_report};

static int on_video(void *self, const struct sdp_video *video, struct failure *ret_why)
{
	struct camera *c = self;
	struct stream_format format;
	int r;

	if (c->media)
		return fail_as(ret_why, INGEST_BREACH, "camera describes itself twice");
	r = media_new(video, &media_ops, c, &c->media, ret_why);
	if (r < 0)
		return r == -ENOMEM ? fail_no_memory(ret_why) : r;
	media_format(c->media, &format);
	c->stream_error = stream_codec(c->cx.stream, &format);
	return c->stream_error;
}

static int on_packet(void *self, const uint8_t *buf, size_t len)
{
	struct camera *c = self;

	c->stream_error = media_packet(c->media, buf, len, c->now_ns);
	return c->stream_error;
}

static int on_rtcp(void *self, const uint8_t *buf, size_t len, struct failure *ret_why)
{
	struct camera *c = self;

	return media_rtcp(c->media, buf, len, c->now_ns, ret_why);
}

static int on_udp_bind(void *self)
{
	struct camera *c = self;
	struct msg_udp_bind bind = {c->cx.start->generation};

	return c->cx.ask(c->cx.ingest, &wire_udp_bind, &bind);
}

static int on_udp_connect(void *self, const struct msg_udp_connect *ports)
{
	struct camera *c = self;

	return c->cx.ask(c->cx.ingest, &wire_udp_connect, ports);
}

static const struct session_ops session_ops = {
	.send = on_send,
	.ask = on_ask,
	.identity = on_identity,
	.video = on_video,
	.packet = on_packet,
	.rtcp = on_rtcp,
	.phase = on_phase,
	.udp_bind = on_udp_bind,
	.udp_connect = on_udp_connect,
};

/* ---- source ------------------------------------------------------------------------------- */

/* The result of a session's function as that of a source's. */
static int outcome(struct camera *c, int r)
{
	if (r < 0 && !c->stream_error && !c->channel_error && !c->media_error)
		*c->cx.failure = *session_failure(c->session);
	return r;
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
	media_free(c->media);
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
		return fail_no_memory(cx->failure);
	c->cx = *cx;
	identity_name_ends(cx->fd, c->peer, c->local);
	config = (struct session_config){
		.home = {.url = cx->start->url, .peer = c->peer},
		.ends = {.camera = c->peer, .ours = c->local},
		.has_password = cx->start->has_password,
		.patience_s = cx->start->patience_s,
		.is_secret = cx->start->tls,
		.basic = cx->start->tls ? cx->start->basic : "",
		.transport = (enum transport)cx->start->transport,
		.may_switch = cx->start->may_switch,
	};
	r = channel_open(cx->fd, cx->start, cx->failure, &c->channel);
	if (r == 0) {
		c->session = session_new(&config, &session_ops, c);
		if (cx->start->tls)
			on_phase(c, "TLS handshake");
		r = c->session ? outcome(c, start_session(c, now_ns)) : fail_no_memory(cx->failure);
	}
	if (r < 0) {
		camera_free(c);
		return r;
	}
	*ret_self = c;
	return 0;
}

enum { CAMERA_CONTROL, CAMERA_RTP, CAMERA_RTCP, CAMERA_FDS };

_Static_assert((int)CAMERA_FDS <= (int)SOURCE_FDS_MAX, "more than a source may wait for");

static size_t camera_poll(const void *self, struct pollfd fds[SOURCE_FDS_MAX])
{
	const struct camera *c = self;

	fds[CAMERA_CONTROL] = (struct pollfd){c->cx.fd, channel_events(c->channel), 0};
	fds[CAMERA_RTP] = (struct pollfd){LINK_FD_INGEST_RTP, POLLIN, 0};
	fds[CAMERA_RTCP] = (struct pollfd){LINK_FD_INGEST_RTCP, POLLIN, 0};
	return c->has_udp ? CAMERA_FDS : CAMERA_CONTROL + 1;
}

static uint64_t camera_deadline(const void *self)
{
	const struct camera *c = self;
	uint64_t session = c->started ? session_deadline(c->session) : channel_deadline(c->channel);
	uint64_t media = c->media ? media_deadline(c->media) : UINT64_MAX;

	if (channel_is_ready(c->channel))
		return 0;
	return media < session ? media : session;
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

/* Some datagrams of a socket. What it says of ports that are closed at the camera is no end. */
static int read_datagrams(struct camera *c, int fd)
{
	int r = 0;

	for (unsigned i = 0; i < DATAGRAMS_AT_ONCE && r == 0; i++) {
		ssize_t n = recv(fd, c->datagram, sizeof(c->datagram), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0)
			continue;
		if (fd == LINK_FD_INGEST_RTCP) {
			r = media_rtcp(c->media, c->datagram, (size_t)n, c->now_ns, c->cx.failure);
			c->media_error = r;
			continue;
		}
		session_heard(c->session, c->now_ns);
		r = c->stream_error = media_datagram(c->media, c->datagram, (size_t)n, c->now_ns);
	}
	return r;
}

static int camera_run(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns)
{
	struct camera *c = self;
	short revents = n ? fds[CAMERA_CONTROL].revents : 0;
	int r;

	c->now_ns = now_ns;
	r = c->channel_error = channel_run(c->channel, revents);
	if (r == 0)
		r = start_session(c, now_ns);
	if (r == 0 && n > CAMERA_RTP && fds[CAMERA_RTP].revents)
		r = read_datagrams(c, LINK_FD_INGEST_RTP);
	if (r == 0 && n > CAMERA_RTCP && fds[CAMERA_RTCP].revents)
		r = read_datagrams(c, LINK_FD_INGEST_RTCP);
	if (r == 0 && (revents & (POLLIN | POLLHUP | POLLERR) || channel_is_ready(c->channel)))
		r = read_some(c);
	if (r == 0 && c->media)
		r = c->stream_error = media_tick(c->media, now_ns);
	if (r == 0 && c->started)
		r = session_tick(c->session, now_ns);
	return outcome(c, r);
}

/*
 * To the two numbers that they are to have, whatever they have now: each may be the other's. They
 * are taken: -1 is left.
 */
static int place_sockets(int *fds)
{
	static const int places[UDP_FDS] = {
		[UDP_FD_RTP] = LINK_FD_INGEST_RTP, [UDP_FD_RTCP] = LINK_FD_INGEST_RTCP};
	int above[UDP_FDS], r = 0;

	for (size_t i = 0; i < UDP_FDS; i++) {
		above[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, LINK_FD_INGEST_RTCP + 1);
		if (above[i] < 0)
			r = -errno;
		close(fds[i]);
		fds[i] = -1;
	}
	for (size_t i = 0; i < UDP_FDS; i++) {
		if (r == 0 && dup3(above[i], places[i], O_CLOEXEC) < 0)
			r = -errno;
		if (above[i] >= 0)
			close(above[i]);
	}
	return r;
}

/*
 * A firewall of this machine lets in what it takes for an answer: so something goes out on both
 * sockets before anything is to come. An RTP header and a report of nothing, which mean nothing.
 */
static void open_firewall(void)
{
	static const uint8_t rtp[12] = {0x80}, rtcp[8] = {0x80, 201, 0, 1};

	(void)send(LINK_FD_INGEST_RTP, rtp, sizeof(rtp), MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)send(LINK_FD_INGEST_RTCP, rtcp, sizeof(rtcp), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int camera_answer(void *self, const struct wire_message *m, const void *msg, int *fds)
{
	struct camera *c = self;
	uint64_t now_ns = clock_monotonic_ns();
	int r = -EPROTO;

	if (m == &wire_digest_answer) {
		r = session_answer(c->session, msg);
	} else if (m == &wire_identity_ok) {
		r = session_identified(c->session, now_ns);
	} else if (m == &wire_udp_bound) {
		r = session_udp_bound(c->session, msg, now_ns);
	} else if (m == &wire_udp_refused) {
		r = session_udp_refused(c->session, msg);
	} else if (m == &wire_udp_connected) {
		r = place_sockets(fds);
		if (r < 0)
			return fail(c->cx.failure, "the UDP sockets cannot be used");
		c->has_udp = true;
		open_firewall();
		r = session_udp_connected(c->session, now_ns);
	}
	return outcome(c, r);
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
