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
static bool has_question, has_video;

static int on_send(void *self, const void *buf, size_t len)
{
	const char *text = buf;
	const char *uri = memchr(text, ' ', len);

	(void)self;
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

static void on_phase(void *self, const char *name)
{
	(void)self;
	MUST(*name);
}

static const struct session_ops ops = {
	.send = on_send,
	.ask = on_ask,
	.video = on_video,
	.packet = on_packet,
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t in[RTSP_MESSAGE_MAX + 256];
	struct fuzz f = {data, len};
	uint8_t how = fuzz_byte(&f);
	struct session_config config = {.home = {URL, "10.0.0.7"}, .has_password = how & 1};
	uint64_t now = 1000 * NS_PER_S;
	size_t piece = (size_t)(how >> 1) * 4 + 1, have = 0;
	struct session *s = session_new(&config, &ops, NULL);
	int r;

	MUST(s);
	has_question = has_video = false;
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
		if (r == 0 && has_question)
			r = answer(s);
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
