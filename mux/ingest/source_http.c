/*
 * The HTTP camera as a source: one GET, a challenge perhaps, then pictures without end. Opens
 * nothing: the socket was connected by framemuxd. Runs in ingest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/ingest/challenge.h"
#include "mux/ingest/channel.h"
#include "mux/ingest/http.h"
#include "mux/ingest/identity.h"
#include "mux/ingest/multipart.h"
#include "mux/ingest/source.h"

#define CAMERA_IN_BYTES    (64u * 1024u)
#define CAMERA_REFUSAL_MAX (64u * 1024u) /* the page of a 401, which nobody reads */
#define CAMERA_REQUESTS    3u            /* bare, authorised, stale nonce */
#define CAMERA_LATE_NS     (10 * NS_PER_S)

_Static_assert(CAMERA_IN_BYTES > HEAD_BYTES_MAX, "a head has to fit");

enum phase {
	PHASE_ASKING,   /* for the answer to a challenge */
	PHASE_IDENTITY, /* whether this is the camera that it was */
	PHASE_HEAD,     /* of the answer to our request */
	PHASE_REFUSAL,  /* the body of a 401 */
	PHASE_STREAM,
};

struct camera {
	struct source_context cx;
	struct channel *channel;     /* owned */
	struct multipart *multipart; /* owned; from the answer on */
	enum phase phase;
	uint64_t patience_ns, phase_end_ns, picture_ns, now_ns;
	uint64_t pictures;
	uint64_t second_ns; /* when the second began in which so many pictures came */
	unsigned in_second;
	unsigned requests; /* sent in this life */
	bool authorised;   /* the last of them */
	bool is_gone;      /* the camera closes the connection after its 401 */
	bool is_multipart;
	bool was_open; /* the connection: after the TLS handshake, if there is one */
	bool has_challenge;
	struct challenge challenge;
	uint32_t ask; /* number of the question to framemuxd; 0: of the life before */
	struct http_body body;
	size_t in_len;
	uint8_t in[CAMERA_IN_BYTES];
};

static int enter(struct camera *c, enum phase phase, const char *name)
{
	c->phase = phase;
	log_debug("%s", name);
	c->cx.news(c->cx.ingest, name);
	return 0;
}

static int send_request(struct camera *c, const char *authorization)
{
	char text[HTTP_REQUEST_MAX];
	ssize_t n = http_write(c->cx.start->url, authorization, text);
	int r;

	if (n < 0)
		return fail_final(c->cx.failure, "the configured URL is not an HTTP URL");
	c->authorised = authorization;
	c->requests++;
	c->phase_end_ns = c->now_ns + c->patience_ns;
	r = channel_send(c->channel, text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	if (r < 0)
		return fail(c->cx.failure, "camera does not take what is sent to it");
	return enter(c, PHASE_HEAD, authorization ? "GET, authorised" : "GET");
}

/* ---- challenges --------------------------------------------------------------------------- */

/*
 * The camera closed its connection with the 401, and this process has no other: framemuxd keeps
 * what is to be said, and the next life says it at once.
 */
static int answer_next_time(struct camera *c)
{
	return fail_as(c->cx.failure, INGEST_AUTH,
		"401: camera closes the connection instead of waiting for the password");
}

static int ask(struct camera *c)
{
	struct msg_digest_ask ask = {
		.request = ++c->ask,
		.algorithm = c->challenge.algorithm,
		.named_algorithm = c->challenge.names_algorithm,
		.qop = c->challenge.has_qop,
		.method = HTTP_GET,
	};

	memcpy(ask.realm, c->challenge.realm, sizeof(ask.realm));
	memcpy(ask.nonce, c->challenge.nonce, sizeof(ask.nonce));
	memcpy(ask.opaque, c->challenge.opaque, sizeof(ask.opaque));
	if (http_target(c->cx.start->url, ask.uri, NULL) < 0)
		return fail_final(c->cx.failure, "the configured URL is not an HTTP URL");
	c->phase = PHASE_ASKING;
	return c->cx.ask(c->cx.ingest, &wire_digest_ask, &ask) < 0
		? fail(c->cx.failure, "the password could not be asked for")
		: 0;
}

/* The 401 is read: answer it. */
static int answer_challenge(struct camera *c)
{
	if (!c->challenge.basic)
		return ask(c);
	return c->is_gone ? answer_next_time(c) : send_request(c, c->cx.start->basic);
}

static int take_challenge(struct camera *c, const struct http_response *m)
{
	const char *why;
	int r;

	if (!c->cx.start->has_password)
		return fail_final(c->cx.failure,
			"401: camera asks for a user and password, none is configured");
	r = challenge_pick(&m->head, c->cx.start->basic[0], &c->challenge);
	if (r == -EACCES)
		return fail_final(c->cx.failure,
			c->cx.start->tls
				? "401: camera asks for Basic: auth = \"basic\" would permit it"
				: "401: camera asks for Basic in the clear; refused");
	if (r < 0)
		return fail_final(
			c->cx.failure, "401: camera asks for a password in an unknown way");
	if ((c->authorised && !c->challenge.stale) || c->requests >= CAMERA_REQUESTS)
		return fail_final(c->cx.failure, "401: wrong user or password");
	c->has_challenge = true;
	c->is_gone = !m->keeps ||
		http_body_begin(m, false, CAMERA_REFUSAL_MAX, &c->body, &why) < 0 ||
		c->body.state == HTTP_BODY_OPEN;
	if (c->is_gone || c->body.state == HTTP_BODY_DONE)
		return answer_challenge(c);
	c->phase = PHASE_REFUSAL;
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------ */

static int take_error(struct camera *c, const struct http_response *m)
{
	static const struct {
		unsigned status;
		enum ingest_failure what;
		const char *why;
	} known[] = {
		{400, INGEST_FINAL, "the camera does not understand the request"},
		{403, INGEST_FINAL, "access refused"},
		{404, INGEST_FINAL, "the camera has no such stream"},
		{405, INGEST_FINAL, "the camera gives no stream at this URL"},
		{410, INGEST_FINAL, "the camera has no such stream any more"},
		{429, INGEST_FINAL, "the camera is asked too often"},
		{500, INGEST_AGAIN, "the camera has failed"},
		{503, INGEST_AGAIN, "the camera is busy"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == m->status)
			return fail_as(
				c->cx.failure, known[i].what, "%u: %s", m->status, known[i].why);
	return fail(c->cx.failure, "%u in answer to GET: %.*s", m->status,
		m->reason.len > 64 ? 64 : (int)m->reason.len, m->reason.at);
}

/* What the smallest pictures at the speed of the network would cost the decoder is left out. */
static bool is_too_fast(struct camera *c)
{
	if (c->now_ns - c->second_ns >= NS_PER_S) {
		c->second_ns = c->now_ns;
		c->in_second = 0;
	}
	return ++c->in_second > LIMIT_FPS;
}

static int on_picture(void *self, const struct multipart_picture *picture)
{
	struct camera *c = self;
	uint64_t real_ns = clock_read_ns(CLOCK_REALTIME);
	struct stream_unit unit = {.pts_ns = c->now_ns,
		.arrival_ns = c->now_ns,
		.flags = STREAM_UNIT_KEY,
		.data = picture->data,
		.len = picture->len};

	/* A camera whose clock goes right says when; another one is not believed. */
	if (picture->real_ns && picture->real_ns <= real_ns &&
		real_ns - picture->real_ns <= CAMERA_LATE_NS &&
		real_ns - picture->real_ns < c->now_ns)
		unit.capture_ns = c->now_ns - (real_ns - picture->real_ns);
	c->picture_ns = c->now_ns;
	c->pictures++;
	if (is_too_fast(c))
		return 0;
	return stream_unit(c->cx.stream, &unit);
}

/* Nothing of its pictures goes on before framemuxd has said that it is who it was. */
static int ask_identity(struct camera *c, const struct http_response *m)
{
	char camera[INET6_ADDRSTRLEN], ours[INET6_ADDRSTRLEN];
	const struct identity_ends ends = {camera, ours};
	struct msg_identity identity;

	identity_name_ends(c->cx.fd, camera, ours);
	identity_make(head_first(&m->head, "Server"), span_of(""), &ends, &identity);
	c->phase = PHASE_IDENTITY;
	c->phase_end_ns = c->now_ns + c->patience_ns;
	return c->cx.ask(c->cx.ingest, &wire_identity, &identity) < 0
		? fail(c->cx.failure, "framemuxd could not be asked whether this is the camera")
		: 0;
}

static int begin_stream(struct camera *c, const struct http_response *m)
{
	char boundary[HTTP_BOUNDARY_BYTES];
	struct span type = head_first(&m->head, "Content-Type");
	enum http_content content = http_content(&m->head, boundary);
	const char *why = "";
	uint32_t length = 0;

	if (content == HTTP_OTHER)
		return fail_final(c->cx.failure, "the camera sends %.*s, not MJPEG",
			type.len > 64 ? 64 : (int)type.len, type.at);
	/* A stream may claim any length; one that a single picture could have is believed. */
	if (content == HTTP_JPEG &&
		head_content_length(&m->head, LIMIT_ACCESS_UNIT, &length, &why) == 0)
		return fail_final(c->cx.failure, "this URL gives one picture, not a stream");
	if (http_body_begin(m, true, 0, &c->body, &why) < 0)
		return fail_final(c->cx.failure, "camera breaks the protocol: %s", why);
	c->multipart = multipart_new(boundary, on_picture, c);
	if (!c->multipart)
		return fail_no_memory(c->cx.failure);
	c->is_multipart = content == HTTP_MULTIPART;
	return ask_identity(c, m);
}

/* It is who it was: now its pictures count. */
static int begin_pictures(struct camera *c)
{
	const struct stream_format format = {.codec = STREAM_MJPEG};
	int r = stream_codec(c->cx.stream, &format);

	c->picture_ns = c->now_ns;
	return r < 0 ? r : enter(c, PHASE_STREAM, "waiting for video");
}

static int on_response(struct camera *c, const struct http_response *m)
{
	log_debug("GET: %u", m->status);
	if (m->status < 200) /* 100 Continue */
		return 0;
	if (m->status == 200)
		return begin_stream(c, m);
	if (m->status >= 300 && m->status < 400)
		return fail_final(
			c->cx.failure, "%u: camera redirects elsewhere; refused", m->status);
	if (m->status == 401)
		return take_challenge(c, m);
	return take_error(c, m);
}

/* ---- bytes -------------------------------------------------------------------------------- */

/* The connection, or the body, has ended. */
static int closed(struct camera *c)
{
	switch (c->phase) {
	case PHASE_ASKING:
	case PHASE_IDENTITY:
		break;
	case PHASE_REFUSAL:
		c->is_gone = true;
		return answer_challenge(c);
	case PHASE_HEAD:
		/* Closed after the 401 all the same, or while the answer was on its way. */
		if (c->has_challenge && !c->in_len) {
			c->is_gone = true;
			return answer_challenge(c);
		}
		return fail(c->cx.failure, "camera closed the connection before it answered");
	case PHASE_STREAM:
		if (!c->is_multipart && c->pictures == 1)
			return fail_final(
				c->cx.failure, "this URL gives one picture, not a stream");
		return fail(c->cx.failure, "camera closed the connection");
	}
	return 0;
}

static int take_head(struct camera *c, size_t *ret_used)
{
	struct http_response m;
	const char *why = "";
	ssize_t n = http_next(c->in, c->in_len, &m, &why);

	*ret_used = 0;
	if (n < 0)
		return fail(c->cx.failure, "camera breaks the protocol: %s", why);
	if (n == 0)
		return 0;
	*ret_used = (size_t)n;
	return on_response(c, &m);
}

static int take_body(struct camera *c, size_t *ret_used)
{
	struct span piece;
	const char *why = "";
	ssize_t n =
		http_body_take(&c->body, c->in + *ret_used, c->in_len - *ret_used, &piece, &why);

	if (n < 0)
		return fail(c->cx.failure, "camera breaks the protocol: %s", why);
	*ret_used += (size_t)n;
	if (c->phase == PHASE_STREAM && piece.len) {
		int r = multipart_feed(c->multipart, (const uint8_t *)piece.at, piece.len);

		if (r < 0)
			return r == -ENOMEM ? fail_no_memory(c->cx.failure) : r;
	}
	if (c->body.state != HTTP_BODY_DONE)
		return 0;
	return c->phase == PHASE_STREAM ? closed(c) : answer_challenge(c);
}

/* While framemuxd is asked, nothing is read: what the camera says then is for later. */
static bool is_listening(const struct camera *c)
{
	return c->phase != PHASE_ASKING && c->phase != PHASE_IDENTITY;
}

/* Take what has come, as far as this phase goes. */
static int take(struct camera *c)
{
	int r = 0;

	while (r == 0 && c->in_len && is_listening(c)) {
		size_t used = 0;

		if (c->phase == PHASE_HEAD)
			r = take_head(c, &used);
		else
			while (r == 0 && used < c->in_len && c->phase >= PHASE_REFUSAL)
				r = take_body(c, &used);
		if (!used)
			break;
		c->in_len -= used;
		memmove(c->in, c->in + used, c->in_len);
	}
	return r;
}

static int read_some(struct camera *c)
{
	ssize_t n = channel_recv(c->channel, c->in + c->in_len, sizeof(c->in) - c->in_len);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return (int)n;
	if (n == 0)
		return closed(c);
	c->in_len += (size_t)n;
	return take(c);
}

/* ---- source ------------------------------------------------------------------------------- */

static void camera_free(void *self)
{
	struct camera *c = self;

	if (!c)
		return;
	multipart_free(c->multipart);
	channel_free(c->channel);
	free(c);
}

static int camera_open(const struct source_context *cx, uint64_t now_ns, void **ret_self)
{
	struct camera *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return fail_no_memory(cx->failure);
	c->cx = *cx;
	c->now_ns = now_ns;
	c->patience_ns = cx->start->patience_s * NS_PER_S;
	c->phase_end_ns = now_ns + c->patience_ns;
	r = channel_open(cx->fd, cx->start, cx->failure, &c->channel);
	if (r == 0 && !cx->start->answered)
		r = send_request(c, NULL);
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
	return is_listening(c) ? 1 : 0;
}

static uint64_t camera_deadline(const void *self)
{
	const struct camera *c = self;

	if (!c->was_open)
		return channel_deadline(c->channel);
	if (is_listening(c) && channel_is_ready(c->channel))
		return 0;
	return c->phase == PHASE_STREAM ? c->picture_ns + c->patience_ns : c->phase_end_ns;
}

static int tick(struct camera *c)
{
	uint64_t damaged = c->multipart ? multipart_damaged(c->multipart) : 0;
	double silent_s;

	if (!c->was_open || c->now_ns < camera_deadline(c))
		return 0;
	if (c->phase == PHASE_IDENTITY)
		return fail(c->cx.failure,
			"framemuxd did not say for %u s whether this is the camera",
			c->cx.start->patience_s);
	if (c->phase != PHASE_STREAM)
		return fail(c->cx.failure, "no answer to GET for %u s", c->cx.start->patience_s);
	silent_s = (double)(c->now_ns - c->picture_ns) / (double)NS_PER_S;
	if (damaged)
		return fail(c->cx.failure, "no picture for %.1f s, and %llu damaged ones", silent_s,
			(unsigned long long)damaged);
	return fail(c->cx.failure, "no picture for %.1f s", silent_s);
}

/* The first step has its time from when there is somebody to speak with. */
static void note_open(struct camera *c)
{
	if (c->was_open || !channel_is_open(c->channel))
		return;
	c->was_open = true;
	c->phase_end_ns = c->now_ns + c->patience_ns;
}

static int camera_run(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns)
{
	struct camera *c = self;
	short revents = n ? fds[0].revents : 0;
	int r;

	c->now_ns = now_ns;
	r = channel_run(c->channel, revents);
	note_open(c);
	if (r == 0 && is_listening(c) &&
		(revents & (POLLIN | POLLHUP | POLLERR) || channel_is_ready(c->channel)))
		r = read_some(c);
	return r < 0 ? r : tick(c);
}

static int camera_answer(void *self, const struct wire_message *m, const void *msg, int *fds)
{
	const struct msg_digest_answer *answer = msg;
	struct camera *c = self;

	(void)fds;
	if (m == &wire_identity_ok && c->phase == PHASE_IDENTITY) {
		int r = begin_pictures(c);

		return r < 0 ? r : take(c);
	}
	if (m != &wire_digest_answer)
		return -EPROTO;
	if (c->phase != PHASE_ASKING || answer->request != c->ask)
		return 0;
	if (answer->status)
		return fail_final(c->cx.failure, "%s",
			answer->reason[0] ? answer->reason : "framemuxd refused to authorise");
	return c->is_gone ? answer_next_time(c) : send_request(c, answer->authorization);
}

const struct source_ops source_http = {
	.open = camera_open,
	.free = camera_free,
	.poll = camera_poll,
	.deadline = camera_deadline,
	.run = camera_run,
	.answer = camera_answer,
};
