/*
 * A whole session: the input is what the camera says, cut into pieces of a size that the first byte
 * tells. Whatever it says, requests go to the configured host, and a failure has a reason.
 */
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "fuzz.h"
#include "mux/ingest/rtsp.h"
#include "mux/ingest/session.h"

#define URL "rtsp://cam.lan:554/live"

static struct msg_digest_ask asked;
static bool has_question, has_video, is_named, is_binding, is_connecting;

static int on_send(void *self, const void *buf, size_t len)
{
	const char *text = buf;
	const char *uri = memchr(text, ' ', len);

	(void)self;
	if (len && text[0] == '$') /* a report of ours */
		return 0;
	MUST(uri && memchr(text, '\n', len));
	if (len > 9 && !memcmp(text, "RTSP/1.0 ", 9)) /* an answer of ours */
		return 0;
	MUST((size_t)(text + len - uri) > 21 && !memcmp(uri, " rtsp://cam.lan:554/", 20));
	return len > 4000 ? -ENOBUFS : 0;
}

static int on_ask(void *self, const struct msg_digest_ask *ask)
{
	(void)self;
	MUST(!strncmp(ask->uri, "rtsp://cam.lan:554/", 19));
	asked = *ask;
	has_question = true;
	return 0;
}

static int on_video(void *self, const struct sdp_video *video, struct failure *ret_why)
{
	(void)self;
	if (has_video)
		return fail(ret_why, "again");
	MUST(video->clock_rate);
	has_video = true;
	return 0;
}

static int on_packet(void *self, const uint8_t *buf, size_t len)
{
	(void)self;
	(void)buf;
	MUST(has_video && len <= 65535);
	return 0;
}

static int on_rtcp(void *self, const uint8_t *buf, size_t len, struct failure *ret_why)
{
	(void)self;
	(void)buf;
	MUST(has_video && len <= 65535);
	return len == 1 ? fail(ret_why, "goodbye") : 0;
}

static int on_identity(void *self, const struct msg_identity *identity)
{
	(void)self;
	MUST(memchr(identity->server, 0, sizeof(identity->server)));
	MUST(memchr(identity->origin, 0, sizeof(identity->origin)));
	is_named = true;
	return 0;
}

static int on_udp_bind(void *self)
{
	(void)self;
	is_binding = true;
	return 0;
}

static int on_udp_connect(void *self, const struct msg_udp_connect *ports)
{
	(void)self;
	MUST(ports->rtp_port > 0 && ports->rtp_port <= 65535);
	is_connecting = true;
	return 0;
}

static void on_phase(void *self, const char *name)
{
	(void)self;
	MUST(*name);
}

static const struct session_ops ops = {
	.send = on_send,
	.ask = on_ask,
	.identity = on_identity,
	.video = on_video,
	.packet = on_packet,
	.rtcp = on_rtcp,
	.udp_bind = on_udp_bind,
	.udp_connect = on_udp_connect,
	.phase = on_phase,
};

static int answer(struct session *s)
{
	struct msg_digest_answer a = {.request = asked.request, .authorization = "Digest x"};

	has_question = false;
	if (asked.nonce[0] == '!') {
		a.status = EPERM;
		snprintf(a.reason, sizeof(a.reason), "no");
	}
	return session_answer(s, &a);
}

/* What framemuxd says, as soon as it is asked. */
static int framemuxd(struct session *s, uint64_t now)
{
	const struct msg_udp_bound bound = {.rtp_port = 40000, .rtcp_port = 40001};
	int r = 0;

	if (has_question)
		r = answer(s);
	if (r == 0 && is_named) {
		is_named = false;
		r = session_identified(s, now);
	}
	if (r == 0 && is_binding) {
		is_binding = false;
		r = session_udp_bound(s, &bound, now);
	}
	if (r == 0 && is_connecting) {
		is_connecting = false;
		r = session_udp_connected(s, now);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t in[RTSP_MESSAGE_MAX + 256];
	struct fuzz f = {data, len};
	uint8_t how = fuzz_byte(&f);
	struct session_config config = {.home = {URL, "10.0.0.7"},
		.ends = {"10.0.0.7", "10.0.0.1"},
		.has_password = how & 1,
		.transport = how & 2 ? TRANSPORT_UDP : TRANSPORT_TCP,
		.may_switch = how & 4,
		.patience_s = 10,
		.basic = ""};
	uint64_t now = 1000 * NS_PER_S;
	size_t piece = (size_t)(how >> 3) * 16 + 1, have = 0;
	struct session *s = session_new(&config, &ops, NULL);
	int r;

	MUST(s);
	has_question = has_video = is_named = is_binding = is_connecting = false;
	r = session_start(s, now);
	MUST(r == 0);
	while (r == 0 && f.len) {
		size_t n = f.len < piece ? f.len : piece, used = 0;

		MUST(have < sizeof(in)); /* it asks for no more than a message */
		if (n > sizeof(in) - have)
			n = sizeof(in) - have;
		memcpy(in + have, f.at, n);
		have += n;
		f.at += n;
		f.len -= n;
		r = session_input(s, in, have, now, &used);
		MUST(used <= have);
		have -= used;
		memmove(in, in + used, have);
		if (r == 0)
			r = framemuxd(s, now);
		now += NS_PER_S / 10;
		if (r == 0 && session_deadline(s) <= now)
			r = session_tick(s, now);
	}
	if (r == 0 && !f.len)
		r = session_closed(s);
	MUST(r == 0 || session_failure(s)->reason[0]);
	session_end(s);
	session_free(s);
	return 0;
}
