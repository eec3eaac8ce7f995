/*
 * The life of framemux-ingest: START from framemuxd, then one poll() loop over the link, the source
 * and the stream to the decoder. Never opens a socket or a file.
 */
#include "mux/ingest/ingest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/outbox.h"
#include "common/sock.h"
#include "common/suspend.h"
#include "mux/ingest/lav_log.h"
#include "mux/ingest/source.h"
#include "mux/link/birth.h"
#include "mux/role.h"

#define INGEST_OUTBOX_MAX 16u

enum { STATE_WAITING = 1, STATE_RUNNING = 2 };

struct ingest {
	unsigned state;
	struct outbox *outbox; /* owned; to framemuxd */
	struct stream *stream; /* owned */
	const struct source_ops *ops;
	void *source; /* owned */
	bool playing; /* the first unit is sent, and framemuxd knows */
	struct msg_ingest_start start;
	struct failure failure;
	struct suspend suspend;
};

/* How a life ends. */
enum { ENDED = 1 }; /* in an orderly way: the other side has gone */

static int tell(struct ingest *in, const struct wire_message *m, const void *msg)
{
	return outbox_send(in->outbox, LINK_FD_DAEMON, m, msg, NULL, 0);
}

static int on_ask(void *self, const struct wire_message *m, const void *msg)
{
	return tell(self, m, msg);
}

static void on_news(void *self, const char *what)
{
	struct ingest *in = self;
	struct msg_ingest_news news = {.playing = in->playing};

	snprintf(news.reason, sizeof(news.reason), "%s", what);
	tell(in, &wire_ingest_news, &news);
}

static const struct source_ops *source_of(uint32_t kind)
{
	switch (kind) {
	case INGEST_RTSP:
		return &source_rtsp;
	case INGEST_HTTP:
		return &source_http;
	case INGEST_V4L2:
		return &source_v4l2;
	case INGEST_FILE:
		return &source_file;
	case INGEST_PATTERN:
		return &source_pattern;
	default:
		return NULL;
	}
}

static int on_start(void *self, const void *msg, int *fds)
{
	struct ingest *in = self;
	struct msg_ingest_ready ready;
	struct source_context cx;
	char who[LIMIT_NAME + 8];
	int r;

	(void)fds;
	in->start = *(const struct msg_ingest_start *)msg;
	in->state = STATE_RUNNING;
	snprintf(who, sizeof(who), "ingest %s", in->start.name);
	log_init(who, (int)in->start.verbose);
	r = role_limit_memory(in->start.memory_mb);
	if (r < 0)
		return r;
	ready.generation = in->start.generation;
	r = tell(in, &wire_ingest_ready, &ready);
	if (r < 0)
		return r;
	r = stream_hello(in->stream, in->start.id, in->start.generation);
	if (r < 0)
		return r;
	in->ops = source_of(in->start.kind);
	if (!in->ops)
		return fail_final(&in->failure, "this kind of camera is not supported");
	cx = (struct source_context){
		.start = &in->start,
		.fd = LINK_FD_INGEST_SOURCE,
		.stream = in->stream,
		.failure = &in->failure,
		.ask = on_ask,
		.news = on_news,
		.ingest = in,
	};
	return in->ops->open(&cx, clock_monotonic_ns(), &in->source);
}

static int answered(struct ingest *in, const struct wire_message *m, const void *msg, int *fds)
{
	return in->ops->answer ? in->ops->answer(in->source, m, msg, fds) : -EPROTO;
}

static int on_digest_answer(void *self, const void *msg, int *fds)
{
	return answered(self, &wire_digest_answer, msg, fds);
}

static int on_udp_bound(void *self, const void *msg, int *fds)
{
	return answered(self, &wire_udp_bound, msg, fds);
}

static int on_udp_connected(void *self, const void *msg, int *fds)
{
	return answered(self, &wire_udp_connected, msg, fds);
}

static int on_udp_refused(void *self, const void *msg, int *fds)
{
	return answered(self, &wire_udp_refused, msg, fds);
}

static int on_identity_ok(void *self, const void *msg, int *fds)
{
	return answered(self, &wire_identity_ok, msg, fds);
}

static const struct wire_rule rules[] = {
	{&wire_ingest_start, STATE_WAITING, 0, on_start},
	{&wire_digest_answer, STATE_RUNNING, 0, on_digest_answer},
	{&wire_udp_bound, STATE_RUNNING, 0, on_udp_bound},
	{&wire_udp_connected, STATE_RUNNING, UDP_FDS, on_udp_connected},
	{&wire_udp_refused, STATE_RUNNING, 0, on_udp_refused},
	{&wire_identity_ok, STATE_RUNNING, 0, on_identity_ok},
};

static int read_link(struct ingest *in)
{
	uint8_t buf[LIMIT_MESSAGE];
	int fds[SOCK_FDS_MAX], r;
	size_t n_fds = 0;
	ssize_t n = sock_recv(LINK_FD_DAEMON, buf, sizeof(buf), fds, &n_fds);

	if (n == -EAGAIN)
		return 0;
	if (n == -EPIPE)
		return ENDED;
	if (n < 0)
		return (int)n;
	r = wire_dispatch(rules, ARRAY_SIZE(rules), in->state, buf, (size_t)n, fds, n_fds, in);
	sock_close_fds(fds, n_fds);
	return r;
}

static void note_playing(struct ingest *in)
{
	if (in->playing || !stream_units(in->stream))
		return;
	in->playing = true;
	log_info("the first access unit is sent");
	on_news(in, "playing");
}

static struct timespec until(uint64_t deadline_ns, uint64_t now_ns)
{
	uint64_t ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;

	return (struct timespec){(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
}

enum { POLL_LINK, POLL_STREAM, POLL_SOURCE, POLL_FDS = POLL_SOURCE + SOURCE_FDS_MAX };

/*
 * What waits in the source's sockets and buffers since before a suspend would pass for new: it is
 * not read any more. Looked at behind the time that is to be of what is read, so that what slips
 * through bears the time from before, and decode drops it.
 */
static int run_source(struct ingest *in, const struct pollfd *fds, size_t n)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (suspend_notice(&in->suspend))
		return fail(&in->failure, "resumed after a suspend");
	return in->ops->run(in->source, fds, n, now_ns);
}

/* One turn: wait, then link, decoder, source. 0 goes on, ENDED, or -errno. */
static int turn(struct ingest *in)
{
	uint64_t deadline = in->source ? in->ops->deadline(in->source) : UINT64_MAX;
	struct timespec wait = until(deadline, clock_monotonic_ns());
	struct pollfd p[POLL_FDS] = {
		[POLL_LINK] = {LINK_FD_DAEMON, POLLIN, 0},
		[POLL_STREAM] = {LINK_FD_INGEST_STREAM, 0, 0},
	};
	size_t n_source =
		in->source && in->ops->poll ? in->ops->poll(in->source, p + POLL_SOURCE) : 0;
	int r = 0;

	if (outbox_is_pending(in->outbox))
		p[POLL_LINK].events |= POLLOUT;
	if (stream_is_pending(in->stream))
		p[POLL_STREAM].events |= POLLOUT;
	if (ppoll(p, POLL_SOURCE + n_source, deadline == UINT64_MAX ? NULL : &wait, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	role_turn();
	if (p[POLL_STREAM].revents & (POLLHUP | POLLERR)) /* the decoder has gone */
		return ENDED;
	if (p[POLL_LINK].revents & POLLOUT)
		r = outbox_flush(in->outbox, LINK_FD_DAEMON);
	if (r == 0 && p[POLL_LINK].revents & ~POLLOUT)
		r = read_link(in);
	if (r == 0 && p[POLL_STREAM].revents & POLLOUT)
		r = stream_flush(in->stream);
	/* What the source waits for may be another set since the link was read: then the next turn. */
	if (r == 0 && in->source)
		r = run_source(in, p + POLL_SOURCE, n_source);
	if (r == 0)
		note_playing(in);
	return r;
}

static void tell_failure(struct ingest *in, int r)
{
	struct msg_ingest_failed failed = {.what = in->failure.what};

	if (!in->failure.reason[0] && r == -ENOMEM)
		fail_no_memory(&in->failure);
	else if (!in->failure.reason[0])
		fail(&in->failure, "ingest failed: %s", strerror(-r));
	memcpy(failed.reason, in->failure.reason, sizeof(failed.reason));
	log_warning("%s", failed.reason);
	tell(in, &wire_ingest_failed, &failed);
}

static void destroy(struct ingest *in)
{
	if (in->source)
		in->ops->free(in->source);
	stream_free(in->stream);
	outbox_free(in->outbox);
	explicit_bzero(in->start.basic, sizeof(in->start.basic));
}

int ingest_run(void)
{
	struct ingest in = {.state = STATE_WAITING};
	int r = 0;

	lav_log_to_ours();
	suspend_notice(&in.suspend);
	in.outbox = outbox_new(INGEST_OUTBOX_MAX);
	in.stream = stream_new(LINK_FD_INGEST_STREAM, STREAM_QUEUE_MAX);
	if (!in.outbox || !in.stream)
		r = -ENOMEM;
	while (r == 0)
		r = turn(&in);
	if (r == -EPIPE) /* from either link: who is on the other side has gone */
		r = ENDED;
	if (in.source && in.ops->end)
		in.ops->end(in.source);
	if (r < 0 && in.outbox)
		tell_failure(&in, r);
	destroy(&in);
	return r < 0 ? 1 : EX_OK;
}
