/*
 * The RTSP state machine: which request comes when, what its reply means, when it is too late. How a
 * request is sent and authorised: session_request.c.
 */
#include "mux/ingest/session_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

#define SESSION_TIMEOUT_S   60u /* unless the server says another (RFC 2326 12.37) */
#define SESSION_TIMEOUT_MIN 2u
#define SESSION_TIMEOUT_MAX 86400u

struct session *session_new(
	const struct session_config *config, const struct session_ops *ops, void *self)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = *config;
	s->ops = ops;
	s->self = self;
	s->timeout_s = SESSION_TIMEOUT_S;
	s->choice = (struct transport_choice){
		.transport = config->transport, .may_switch = config->may_switch};
	return s;
}

void session_free(struct session *s)
{
	free(s);
}

const struct failure *session_failure(const struct session *s)
{
	return &s->failure;
}

/* It does what no camera does by accident for long. */
static int breach(struct session *s, const char *why)
{
	return fail_as(&s->failure, INGEST_BREACH, "%s", why);
}

static uint64_t patience_ns(const struct session *s)
{
	return s->config.patience_s * NS_PER_S;
}

static int enter(struct session *s, enum phase phase, enum rtsp_method method, const char *uri,
	uint64_t now_ns)
{
	s->phase = phase;
	s->phase_end_ns = now_ns + patience_ns(s);
	s->ops->phase(s->self, rtsp_method_name(method));
	return session_request(s, method, uri);
}

int session_start(struct session *s, uint64_t now_ns)
{
	if (!url_is_valid(s->config.home.url))
		return fail_final(&s->failure, "the configured URL is not an RTSP URL");
	return enter(s, PHASE_OPTIONS, RTSP_OPTIONS, s->config.home.url, now_ns);
}

/* ---- transports -------------------------------------------------------------------------- */

/* SETUP, for UDP once there are ports to name in it. */
static int set_up(struct session *s, uint64_t now_ns)
{
	if (s->choice.transport == TRANSPORT_TCP)
		return enter(s, PHASE_SETUP, RTSP_SETUP, s->control, now_ns);
	s->phase = PHASE_SETUP;
	s->phase_end_ns = now_ns + patience_ns(s);
	s->method = RTSP_SETUP;
	s->open = false;
	s->binding = true;
	return s->ops->udp_bind(s->self) < 0
		? fail(&s->failure, "the UDP sockets could not be asked for")
		: 0;
}

int session_udp_bound(struct session *s, const struct msg_udp_bound *bound, uint64_t now_ns)
{
	if (!s->binding)
		return fail(&s->failure, "framemuxd answers a question that was not asked");
	s->binding = false;
	if (!bound->rtp_port)
		return transport_fail(&s->choice, INGEST_AGAIN, &s->failure, bound->reason);
	s->choice.port = (uint16_t)bound->rtp_port;
	return enter(s, PHASE_SETUP, RTSP_SETUP, s->control, now_ns);
}

/* ---- replies ---------------------------------------------------------------------------- */

/* Nothing of its pictures is asked for before framemuxd has said that it is who it was. */
static int ask_identity(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	struct span sdp = {(const char *)m->body, m->body_len};
	struct msg_identity identity;

	identity_make(head_first(&m->head, "Server"), sdp, &s->config.ends, &identity);
	s->phase = PHASE_IDENTITY;
	s->phase_end_ns = now_ns + patience_ns(s);
	return s->ops->identity(s->self, &identity) < 0
		? fail(&s->failure, "framemuxd could not be asked whether this is the camera")
		: 0;
}

int session_identified(struct session *s, uint64_t now_ns)
{
	if (s->phase != PHASE_IDENTITY)
		return fail(&s->failure, "framemuxd answers what it was not asked");
	return set_up(s, now_ns);
}

static int take_description(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	static const char *const names[] = {"Content-Base", "Content-Location"};
	const struct home *home = &s->config.home;
	int r;

	if (!m->body_len)
		return fail(&s->failure, "camera describes nothing");
	r = sdp_parse(m->body, m->body_len, &s->video, &s->failure);
	if (r < 0)
		return r;
	if (url_base(home, head_first(&m->head, names[0]), s->base) < 0 &&
		url_base(home, head_first(&m->head, names[1]), s->base) < 0)
		snprintf(s->base, sizeof(s->base), "%s", home->url);
	r = url_resolve(home, s->base, span_of(s->video.session_control), s->aggregate);
	if (r == 0)
		r = url_resolve(home, s->aggregate, span_of(s->video.control), s->control);
	if (r < 0)
		return fail_final(&s->failure, "camera's control URL is malformed");
	r = s->ops->video(s->self, &s->video, &s->failure);
	if (r < 0)
		return r;
	return ask_identity(s, m, now_ns);
}

static int take_session_id(struct session *s, const struct rtsp_message *m)
{
	uint32_t timeout = 0;
	char id[SESSION_ID_MAX];
	int r = rtsp_session(m, id, sizeof(id), &timeout);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return breach(s, "camera's session is malformed");
	if (s->id[0] && strcmp(s->id, id) != 0)
		return breach(s, "camera answers for another session");
	memcpy(s->id, id, sizeof(id));
	if (timeout) {
		s->timeout_s = timeout < SESSION_TIMEOUT_MIN ? SESSION_TIMEOUT_MIN : timeout;
		if (s->timeout_s > SESSION_TIMEOUT_MAX)
			s->timeout_s = SESSION_TIMEOUT_MAX;
	}
	return 0;
}

/* UDP: connected to where the camera says that it sends from. */
static int connect_udp(struct session *s)
{
	struct msg_udp_connect ports = {s->choice.agreed.rtp_port, s->choice.agreed.rtcp_port};

	if (!ports.rtp_port)
		return transport_fail(&s->choice, INGEST_FINAL, &s->failure,
			"camera does not say from which UDP port it sends");
	if (ports.rtp_port < UDP_PORT_LEAST || ports.rtcp_port < UDP_PORT_LEAST) {
		char why[LIMIT_REASON];

		snprintf(why, sizeof(why), "camera names UDP port %u, which is no camera's",
			ports.rtp_port < UDP_PORT_LEAST ? ports.rtp_port : ports.rtcp_port);
		return transport_fail(&s->choice, INGEST_FINAL, &s->failure, why);
	}
	s->connecting = true;
	return s->ops->udp_connect(s->self, &ports) < 0
		? fail(&s->failure, "the UDP sockets could not be asked for")
		: 0;
}

static int take_setup(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	int r = take_session_id(s, m);

	if (r < 0)
		return r;
	r = transport_agree(&s->choice, m, &s->failure);
	if (r < 0)
		return r;
	if (s->choice.transport == TRANSPORT_UDP)
		return connect_udp(s);
	s->is_set_up = true;
	return enter(s, PHASE_PLAY, RTSP_PLAY, s->aggregate, now_ns);
}

int session_udp_connected(struct session *s, uint64_t now_ns)
{
	if (!s->connecting)
		return fail(&s->failure, "framemuxd answers a question that was not asked");
	s->connecting = false;
	s->is_set_up = true;
	return enter(s, PHASE_PLAY, RTSP_PLAY, s->aggregate, now_ns);
}

int session_udp_refused(struct session *s, const struct msg_udp_refused *refused)
{
	s->connecting = false;
	return transport_fail(&s->choice, INGEST_AGAIN, &s->failure, refused->reason);
}

static void plan_keep_alive(struct session *s, uint64_t now_ns)
{
	s->alive_ns = now_ns + s->timeout_s * NS_PER_S / 2;
}

static int take_play(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	int r = take_session_id(s, m);

	if (r < 0)
		return r;
	s->phase = PHASE_PLAYING;
	s->progress_ns = s->heard_ns = now_ns;
	plan_keep_alive(s, now_ns);
	s->ops->phase(s->self, "waiting for video");
	return 0;
}

static int take_success(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	s->open = false;
	s->was_accepted = s->was_accepted || s->authorised;
	switch (s->phase) {
	case PHASE_OPTIONS:
		return enter(s, PHASE_DESCRIBE, RTSP_DESCRIBE, s->config.home.url, now_ns);
	case PHASE_DESCRIBE:
		return take_description(s, m, now_ns);
	case PHASE_IDENTITY: /* no request is open then */
		break;
	case PHASE_SETUP:
		return take_setup(s, m, now_ns);
	case PHASE_PLAY:
		return take_play(s, m, now_ns);
	case PHASE_PLAYING:
		break;
	}
	return 0;
}

static int take_error(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	static const struct {
		unsigned status;
		enum ingest_failure what;
		const char *why;
	} known[] = {
		{403, INGEST_FINAL, "access refused"},
		{404, INGEST_FINAL, "the camera has no such stream"},
		{453, INGEST_AGAIN, "the camera has no bandwidth left"},
		{454, INGEST_AGAIN, "the camera has forgotten the session"},
		{503, INGEST_AGAIN, "the camera is busy"},
	};

	if (s->phase == PHASE_OPTIONS) /* a courtesy: some refuse it and work all the same */
		return take_success(s, m, now_ns);
	if (s->phase == PHASE_PLAYING && m->status != 454) {
		if (s->method == RTSP_GET_PARAMETER)
			s->options_keep_alive = true;
		s->open = false;
		return 0;
	}
	if (s->phase == PHASE_SETUP && m->status == 461) {
		int r = transport_refused(&s->choice, &s->failure);

		return r < 0 ? r : set_up(s, now_ns);
	}
	/* Another SETUP in one session may be too much for it. */
	if (s->phase == PHASE_SETUP && s->choice.has_switched)
		return fail_as(
			&s->failure, INGEST_SWITCH, "%u in answer to the second SETUP", m->status);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == m->status) {
			return fail_as(
				&s->failure, known[i].what, "%u: %s", m->status, known[i].why);
		}
	return fail(&s->failure, "%u in answer to %s: %.*s", m->status, rtsp_method_name(s->method),
		m->reason.len > 64 ? 64 : (int)m->reason.len, m->reason.at);
}

/* Whether a reply is to the request under way: 1, 0 to an older one, -errno to none of ours. */
static int match_reply(struct session *s, const struct rtsp_message *m)
{
	uint32_t cseq = 0;
	int r = rtsp_cseq(m, &cseq);

	if (r == -ENOENT && m->status == 401 && s->open && !s->asking)
		return 1; /* some leave it out there */
	if (r < 0)
		return breach(s, "camera answers without a valid CSeq");
	if (cseq == s->cseq && s->open && !s->asking)
		return 1;
	if (s->phase == PHASE_PLAYING && cseq <= s->cseq)
		return 0; /* a late reply to an earlier keep-alive */
	return fail_as(&s->failure, INGEST_BREACH,
		"camera answers a request that was not made (CSeq %u)", cseq);
}

static int on_reply(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	int r;

	if (m->status < 200) /* 100 Continue */
		return 0;
	r = match_reply(s, m);
	if (r <= 0)
		return r;
	log_debug("%s: %u", rtsp_method_name(s->method), m->status);
	if (m->status < 300)
		return take_success(s, m, now_ns);
	if (m->status < 400)
		return fail_final(
			&s->failure, "%u: camera redirects elsewhere; refused", m->status);
	if (m->status == 401 && s->phase != PHASE_OPTIONS)
		return session_challenge(s, m);
	return take_error(s, m, now_ns);
}

/* ---- what the camera asks ---------------------------------------------------------------- */

static int on_request(struct session *s, const struct rtsp_message *m)
{
	uint32_t cseq = 0;
	bool known = span_is(m->method, "OPTIONS") || span_is(m->method, "GET_PARAMETER") ||
		span_is(m->method, "SET_PARAMETER");
	char text[128];
	int n;

	if (span_is(m->method, "REDIRECT"))
		return fail_final(&s->failure, "camera redirects elsewhere; refused");
	if (rtsp_cseq(m, &cseq) < 0)
		return breach(s, "camera sends a request without CSeq");
	n = snprintf(text, sizeof(text), "RTSP/1.0 %s\r\nCSeq: %u\r\n\r\n",
		known ? "200 OK" : "501 Not Implemented", cseq);
	if (s->ops->send(s->self, text, (size_t)n) < 0)
		return fail(&s->failure, "camera does not take what is sent to it");
	return 0;
}

static int on_frame(struct session *s, const struct rtsp_message *m, uint64_t now_ns)
{
	if (!s->is_set_up || s->choice.transport != TRANSPORT_TCP)
		return breach(s, "camera sends media that was not asked for");
	if (m->channel == s->choice.agreed.rtcp_channel)
		return s->ops->rtcp(s->self, m->body, m->body_len, &s->failure);
	if (m->channel != s->choice.agreed.rtp_channel)
		return 0;
	session_heard(s, now_ns);
	return s->ops->packet(s->self, m->body, m->body_len);
}

void session_report(struct session *s, const uint8_t *buf, size_t len)
{
	uint8_t frame[RTSP_FRAME_HEADER + 256];

	if (!s->is_set_up || s->choice.transport != TRANSPORT_TCP || len > 256)
		return;
	frame[0] = '$';
	frame[1] = (uint8_t)s->choice.agreed.rtcp_channel;
	frame[2] = (uint8_t)(len >> 8);
	frame[3] = (uint8_t)len;
	memcpy(frame + RTSP_FRAME_HEADER, buf, len);
	(void)s->ops->send(s->self, frame, RTSP_FRAME_HEADER + len);
}

int session_input(
	struct session *s, const uint8_t *buf, size_t len, uint64_t now_ns, size_t *ret_used)
{
	struct rtsp_message m;
	const char *why = "";
	size_t used = 0;
	int r = 0;

	*ret_used = 0;
	while (r == 0) {
		ssize_t n = rtsp_next(buf + used, len - used, &m, &why);

		if (n < 0)
			return fail_as(
				&s->failure, INGEST_BREACH, "camera breaks the protocol: %s", why);
		if (n == 0)
			break;
		used += (size_t)n;
		switch (m.kind) {
		case RTSP_KIND_FRAME:
			r = on_frame(s, &m, now_ns);
			break;
		case RTSP_KIND_RESPONSE:
			r = on_reply(s, &m, now_ns);
			break;
		case RTSP_KIND_REQUEST:
			r = on_request(s, &m);
			break;
		case RTSP_KIND_BLANK:
			break;
		}
	}
	*ret_used = used;
	return r;
}

/* ---- time -------------------------------------------------------------------------------- */

/* How long to wait for the first packet before the other transport is tried. */
static uint32_t media_patience_s(const struct session *s)
{
	return s->config.patience_s < SESSION_MEDIA_S ? s->config.patience_s : SESSION_MEDIA_S;
}

/* After PLAY nothing at all has come yet, and there is something else to try. */
static bool may_be_deaf(const struct session *s)
{
	return !s->heard && s->config.may_switch && !s->choice.has_switched;
}

uint64_t session_deadline(const struct session *s)
{
	uint64_t silence =
		s->progress_ns + (may_be_deaf(s) ? media_patience_s(s) * NS_PER_S : patience_ns(s));

	if (s->phase != PHASE_PLAYING)
		return s->phase_end_ns;
	return s->alive_ns < silence ? s->alive_ns : silence;
}

int session_tick(struct session *s, uint64_t now_ns)
{
	if (s->phase != PHASE_PLAYING) {
		if (now_ns < s->phase_end_ns)
			return 0;
		if (s->phase == PHASE_IDENTITY)
			return fail(&s->failure,
				"framemuxd did not say for %u s whether this is the camera",
				s->config.patience_s);
		return fail(&s->failure, "no answer to %s for %u s", rtsp_method_name(s->method),
			s->config.patience_s);
	}
	if (may_be_deaf(s) && now_ns >= s->progress_ns + media_patience_s(s) * NS_PER_S)
		return fail_as(&s->failure, INGEST_SWITCH, "no media over %s for %u s",
			transport_name(s->choice.transport), media_patience_s(s));
	if (now_ns >= s->progress_ns + patience_ns(s)) {
		bool silent = now_ns - s->heard_ns >= patience_ns(s);
		uint64_t since_ns = silent ? s->heard_ns : s->progress_ns;

		return fail(&s->failure, "no %s for %.1f s", silent ? "packet" : "picture",
			(double)(now_ns - since_ns) / (double)NS_PER_S);
	}
	if (now_ns < s->alive_ns)
		return 0;
	plan_keep_alive(s, now_ns);
	return session_request(
		s, s->options_keep_alive ? RTSP_OPTIONS : RTSP_GET_PARAMETER, s->aggregate);
}

void session_heard(struct session *s, uint64_t now_ns)
{
	s->heard = true;
	s->heard_ns = now_ns;
}

void session_progress(struct session *s, uint64_t now_ns)
{
	s->progress_ns = now_ns;
}

int session_closed(struct session *s)
{
	if (s->phase == PHASE_PLAYING)
		return fail(&s->failure, "camera closed the connection");
	return fail(
		&s->failure, "camera closed the connection during %s", rtsp_method_name(s->method));
}

/*
 * Bare, since framemuxd may be gone: a camera that wants it authorised ends the session all the
 * same when the connection closes.
 */
void session_end(struct session *s)
{
	if (!s->id[0])
		return;
	s->method = RTSP_TEARDOWN;
	snprintf(s->uri, sizeof(s->uri), "%s", s->aggregate);
	session_send(s, NULL);
}
