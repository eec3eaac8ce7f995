/* mux/ingest: RTSP messages, challenges, URLs. Pure code. */
#include "mux/ingest/rtsp.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "ingest_material.h"
#include "mux/ingest/challenge.h"
#include "mux/ingest/transport.h"
#include "mux/ingest/url.h"
#include "unit.h"

static struct rtsp_message msg;
static const char *why;

static ssize_t parse(const char *text)
{
	return rtsp_next((const uint8_t *)text, strlen(text), &msg, &why);
}

static void assert_span(struct span s, const char *text)
{
	ck_assert_msg(s.len == strlen(text) && memcmp(s.at, text, s.len) == 0, "'%.*s' is not '%s'",
		(int)s.len, s.at, text);
}

START_TEST(a_reply_is_taken_apart)
{
	const char *text = "RTSP/1.0 200 OK\r\nCSeq: 7 \r\nSession:   12 ;timeout=30\r\n"
			   "Content-length:  3\r\n\r\nabcRTSP/1.0";
	char id[16];
	uint32_t cseq, timeout;

	ck_assert_int_eq(parse(text), (ssize_t)strlen(text) - 8);
	ck_assert_int_eq(msg.kind, RTSP_KIND_RESPONSE);
	ck_assert_uint_eq(msg.status, 200);
	assert_span(msg.reason, "OK");
	ck_assert_uint_eq(msg.body_len, 3);
	ck_assert_mem_eq(msg.body, "abc", 3);
	ck_assert_int_eq(rtsp_cseq(&msg, &cseq), 0);
	ck_assert_uint_eq(cseq, 7);
	ck_assert_int_eq(rtsp_session(&msg, id, sizeof(id), &timeout), 0);
	ck_assert_str_eq(id, "12");
	ck_assert_uint_eq(timeout, 30);
}
END_TEST

START_TEST(every_prefix_asks_for_more)
{
	const char *text = "RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\nabc";

	for (size_t n = 0; n < strlen(text); n++)
		ck_assert_int_eq(rtsp_next((const uint8_t *)text, n, &msg, &why), 0);
	ck_assert_int_eq(parse(text), (ssize_t)strlen(text));
}
END_TEST

START_TEST(frames_and_blank_lines)
{
	const uint8_t frame[] = {'$', 2, 0, 3, 'x', 'y', 'z', '\r', '\n', 'R'};

	for (size_t n = 0; n < 7; n++)
		ck_assert_int_eq(rtsp_next(frame, n, &msg, &why), 0);
	ck_assert_int_eq(rtsp_next(frame, sizeof(frame), &msg, &why), 7);
	ck_assert_int_eq(msg.kind, RTSP_KIND_FRAME);
	ck_assert_uint_eq(msg.channel, 2);
	ck_assert_mem_eq(msg.body, "xyz", 3);
	ck_assert_int_eq(rtsp_next(frame + 7, 3, &msg, &why), 2);
	ck_assert_int_eq(msg.kind, RTSP_KIND_BLANK);
}
END_TEST

START_TEST(bare_line_feeds_and_folded_headers)
{
	ck_assert_int_gt(parse("RTSP/1.0 401 No\nCSeq: 1\nWWW-Authenticate: Digest\n"
			       "\trealm=\"a\",\n  nonce=\"b\"\n\n"),
		0);
	ck_assert_uint_eq(msg.head.n, 2);
	assert_span(
		head_first(&msg.head, "www-authenticate"), "Digest\n\trealm=\"a\",\n  nonce=\"b\"");
}
END_TEST

START_TEST(requests_of_the_server)
{
	ck_assert_int_gt(parse("OPTIONS rtsp://x/y RTSP/1.0\r\nCSeq: 5\r\n\r\n"), 0);
	ck_assert_int_eq(msg.kind, RTSP_KIND_REQUEST);
	assert_span(msg.method, "OPTIONS");
}
END_TEST

START_TEST(what_is_not_rtsp_is_refused)
{
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\r\n\r\n",
		"RTSP/2.0 200 OK\r\n\r\n",
		"RTSP/1.0 20 OK\r\n\r\n",
		"RTSP/1.0 2000 OK\r\n\r\n",
		"RTSP/1.0 2x0 OK\r\n\r\n",
		"RTSP/1.0\r\n\r\n",
		"\x16\x03\x01",
		" RTSP/1.0 200 OK\r\n\r\n",
		"RTSP/1.0 200 OK\r\nno colon\r\n\r\n",
		"RTSP/1.0 200 OK\r\n folded: first\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"RTSP/1.0 200 OK\r\nContent-Length: 1e3\r\n\r\n",
		"OPTIONS\r\n\r\n",
		"Options x RTSP/1.0\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(parse(bad[i]) == -EPROTO, "%s", bad[i]);
}
END_TEST

START_TEST(everything_is_bounded)
{
	cleanup_free char *text = calloc(1, 200000);
	size_t n;

	ck_assert_int_eq(parse("RTSP/1.0 200 OK\r\nContent-Length: 2147483648\r\n\r\n"), -EMSGSIZE);
	ck_assert_int_eq(parse("RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		-EMSGSIZE);
	ck_assert_int_eq(parse("RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n"), -EMSGSIZE);
	ck_assert_int_eq(parse("RTSP/1.0 200 OK\r\nContent-Length: 65536\r\n\r\n"), 0);
	/* A header line without end. */
	memset(text, 'A', HEAD_BYTES_MAX);
	ck_assert_int_eq(parse(text), -EMSGSIZE);
	text[HEAD_BYTES_MAX - 1] = 0;
	ck_assert_int_eq(parse(text), 0);
	/* 65 headers. */
	n = (size_t)sprintf(text, "RTSP/1.0 200 OK\r\n");
	for (unsigned i = 0; i < HEAD_LINES_MAX; i++)
		n += (size_t)sprintf(text + n, "A: b\r\n");
	sprintf(text + n, "\r\n");
	ck_assert_int_gt(parse(text), 0);
	sprintf(text + n, "A: b\r\n\r\n");
	ck_assert_int_eq(parse(text), -EMSGSIZE);
}
END_TEST

START_TEST(requests_are_written)
{
	char text[RTSP_REQUEST_MAX], longer[RTSP_REQUEST_MAX];
	struct rtsp_request rq = {.method = RTSP_PLAY,
		.cseq = 4,
		.uri = "rtsp://h/x",
		.session = "S",
		.authorization = "Digest x",
		.extra = "Range: npt=0.000-\r\n"};

	ck_assert_int_gt(rtsp_write(&rq, text), 0);
	ck_assert_ptr_nonnull(strstr(text,
		"PLAY rtsp://h/x RTSP/1.0\r\nCSeq: 4\r\n"
		"Authorization: Digest x\r\nSession: S\r\n"
		"Range: npt=0.000-\r\n"));
	ck_assert_str_eq(text + strlen(text) - 4, "\r\n\r\n");
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	rq.uri = longer;
	ck_assert_int_eq(rtsp_write(&rq, text), -EMSGSIZE);
}
END_TEST

/* ---- challenges --------------------------------------------------------------------------- */

static int pick(const char *headers, struct challenge *ret)
{
	static char text[4096]; /* what msg leads into, afterwards too */

	snprintf(text, sizeof(text), "RTSP/1.0 401 Unauthorized\r\n%s\r\n\r\n", headers);
	ck_assert_int_gt(parse(text), 0);
	memset(ret, 0, sizeof(*ret));
	return challenge_pick(&msg.head, false, ret);
}

START_TEST(the_strongest_challenge_wins)
{
	struct challenge c;

	ck_assert_int_eq(
		pick("WWW-Authenticate: Basic realm=\"b\", Digest realm=\"m\", nonce=\"1\", "
		     "algorithm=MD5, Digest realm=\"s\",nonce=\"2\",algorithm=sha-256,"
		     "qop=\"auth,auth-int\"\r\n"
		     "WWW-Authenticate: Digest realm=\"t\", nonce=\"3\", algorithm=MD5-sess",
			&c),
		0);
	ck_assert_int_eq(c.algorithm, DIGEST_SHA256);
	ck_assert_str_eq(c.realm, "s");
	ck_assert_str_eq(c.nonce, "2");
	ck_assert(c.has_qop && c.names_algorithm && !c.stale);
}
END_TEST

START_TEST(a_plain_challenge_is_md5)
{
	struct challenge c;

	ck_assert_int_eq(pick("WWW-Authenticate: Digest realm=\"IP \\\"Cam\\\" \\\\\", "
			      "nonce=98481030,opaque=\"\", stale=TRUE",
				 &c),
		0);
	ck_assert_int_eq(c.algorithm, DIGEST_MD5);
	ck_assert_str_eq(c.realm, "IP \"Cam\" \\");
	ck_assert_str_eq(c.nonce, "98481030");
	ck_assert(!c.has_qop && !c.names_algorithm && c.stale);
}
END_TEST

START_TEST(basic_only_where_it_is_permitted)
{
	struct challenge c;

	ck_assert_int_eq(pick("WWW-Authenticate: Basic realm=\"x\"", &c), -EACCES);
	ck_assert_int_eq(challenge_pick(&msg.head, true, &c), 0);
	ck_assert(c.basic);
	ck_assert_int_eq(pick("WWW-Authenticate: Basic realm=\"x\"\r\n"
			      "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"",
				 &c),
		0);
	ck_assert_int_eq(challenge_pick(&msg.head, true, &c), 0);
	ck_assert(!c.basic);
	ck_assert_int_eq(pick("WWW-Authenticate: Bearer realm=\"x\"", &c), -EOPNOTSUPP);
	ck_assert_int_eq(challenge_pick(&msg.head, true, &c), -EOPNOTSUPP);
}
END_TEST

START_TEST(what_cannot_be_answered)
{
	struct challenge c;
	char text[3000];
	size_t n;

	ck_assert_int_eq(pick("WWW-Authenticate: Basic realm=\"x\"", &c), -EACCES);
	ck_assert_int_eq(challenge_pick(&msg.head, true, &c), 0);
	ck_assert(c.basic);
	ck_assert_int_eq(pick("X: y", &c), -ENOENT);
	ck_assert_int_eq(pick("WWW-Authenticate: Bearer realm=\"x\"", &c), -EOPNOTSUPP);
	ck_assert_int_eq(pick("WWW-Authenticate: Digest realm=\"x\", nonce=\"y\", "
			      "algorithm=SHA-512-256",
				 &c),
		-EOPNOTSUPP);
	ck_assert_int_eq(
		pick("WWW-Authenticate: Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"", &c),
		-EOPNOTSUPP);
	ck_assert_int_eq(pick("WWW-Authenticate: Digest realm=\"x\"", &c), -EOPNOTSUPP);
	ck_assert_int_eq(pick("WWW-Authenticate: Digest realm=\"x, nonce=\"y\"", &c), -EOPNOTSUPP);
	ck_assert_int_eq(pick("WWW-Authenticate: ,,, = \" = ,", &c), -ENOENT);
	/* A realm that does not fit is not cut. */
	n = (size_t)sprintf(text, "WWW-Authenticate: Digest nonce=\"y\", realm=\"");
	memset(text + n, 'r', 300);
	strcpy(text + n + 300, "\"");
	ck_assert_int_eq(pick(text, &c), -EOPNOTSUPP);
}
END_TEST

/* ---- URLs --------------------------------------------------------------------------------- */

static const struct home home = {"rtsp://cam.lan:8554/live?ch=1", "192.168.1.20"};

static const char *resolve(const char *base, const char *control)
{
	static char out[LIMIT_PATH];
	int r = url_resolve(&home, base, span_of(control), out);

	if (r < 0)
		snprintf(out, sizeof(out), "%s", strerror(-r));
	return out;
}

START_TEST(control_urls_are_resolved)
{
	const char *base = "rtsp://cam.lan:8554/live/";

	ck_assert_str_eq(resolve(base, "trackID=1"), "rtsp://cam.lan:8554/live/trackID=1");
	ck_assert_str_eq(
		resolve("rtsp://cam.lan:8554/live", "track1"), "rtsp://cam.lan:8554/live/track1");
	ck_assert_str_eq(resolve(base, "*"), base);
	ck_assert_str_eq(resolve(base, ""), base);
	ck_assert_str_eq(resolve(base, "?ctype=video"), "rtsp://cam.lan:8554/live/?ctype=video");
	ck_assert_str_eq(resolve(base, "/other/1"), "rtsp://cam.lan:8554/other/1");
	/* Its own name, its own address, "myself": said with the configured authority. */
	ck_assert_str_eq(resolve(base, "rtsp://CAM.lan/x?y=z"), "rtsp://cam.lan:8554/x?y=z");
	ck_assert_str_eq(resolve(base, "rtsp://192.168.1.20:554/x/1"), "rtsp://cam.lan:8554/x/1");
	ck_assert_str_eq(resolve(base, "rtsp://u:p@0.0.0.0/x"), "rtsp://cam.lan:8554/x");
}
END_TEST

START_TEST(other_hosts_are_never_named)
{
	static const char *const away[] = {"rtsp://evil/x", "rtsps://evil/x",
		"rtsp://cam.lan.evil/x", "rtsp://cam.lan@evil/x", "rtsp://192.168.1.2/x",
		"rtsp://192.168.1.200/x", "rtsp://[fe80::1]/x"};
	static const char *const bad[] = {
		"http://cam.lan/x", "rtsp:///x", "a b", "x\x7f", "a\"b", "rtsp://[fe80::1/x"};

	for (size_t i = 0; i < ARRAY_SIZE(away); i++)
		ck_assert_str_eq(resolve("rtsp://cam.lan/", away[i]), "rtsp://cam.lan:8554/x");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_str_eq(resolve("rtsp://cam.lan/", bad[i]), strerror(EINVAL));
}
END_TEST

START_TEST(bases_may_lack_parts)
{
	char out[LIMIT_PATH];

	ck_assert_int_eq(url_base(&home, span_of("192.168.1.20:554/live/"), out), 0);
	ck_assert_str_eq(out, "rtsp://cam.lan:8554/live/");
	ck_assert_int_eq(url_base(&home, span_of("/live/"), out), 0);
	ck_assert_str_eq(out, "rtsp://cam.lan:8554/live/");
	ck_assert_int_eq(url_base(&home, span_of("rtsp://cam.lan"), out), 0);
	ck_assert_str_eq(out, "rtsp://cam.lan:8554/");
	ck_assert_int_eq(url_base(&home, span_of(""), out), -EINVAL);
	ck_assert_int_eq(url_base(&home, span_of("10.0.0.1/live"), out), -EINVAL);
	ck_assert_int_eq(url_base(&home, span_of("rtsp://10.0.0.1/live"), out), 0);
	ck_assert_str_eq(out, "rtsp://cam.lan:8554/live");
	ck_assert(url_is_valid("rtsp://h/x") && url_is_valid("rtsps://[::1]:5/x"));
	ck_assert(!url_is_valid("http://h/x") && !url_is_valid("rtsp:///x"));
}
END_TEST

/* ---- what real cameras said, and worse ------------------------------------------------------ */

START_TEST(real_replies_are_understood)
{
	static const struct {
		const char *name;
		unsigned status;
	} replies[] = {
		{"bunny_describe", 200},
		{"bunny_play", 200},
		{"bunny_setup", 200},
		{"dahua_describe_h264_aac_onvif", 200},
		{"dahua_play", 200},
		{"dahua_setup", 200},
		{"hikvision_describe", 200},
		{"hikvision_play", 200},
		{"hikvision_setup", 200},
		{"longse_unauthorized", 401},
		{"reolink_describe", 200},
	};

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		char name[128];
		size_t len;
		struct challenge c;

		snprintf(name, sizeof(name), "rtsp-sdp/retina/%s.txt", replies[i].name);
		cleanup_free uint8_t *text = material_read(name, &len);

		if (!text)
			continue;
		ck_assert_int_eq(rtsp_next(text, len, &msg, &why), (ssize_t)len);
		ck_assert_uint_eq(msg.status, replies[i].status);
		if (msg.status == 401)
			ck_assert_int_eq(challenge_pick(&msg.head, false, &c), 0);
	}
}
END_TEST

START_TEST(mutations_never_read_outside)
{
	const char *seed = "RTSP/1.0 401 No\r\nCSeq: 1\r\nSession: 12;timeout=30\r\n"
			   "Transport: RTP/AVP/TCP;interleaved=0-1\r\nWWW-Authenticate: Digest "
			   "realm=\"a\\\"\", nonce=\"b\", qop=\"auth\", Basic realm=\"x\"\r\n"
			   "Content-Length: 4\r\n\r\nv=0\n";
	size_t len = strlen(seed);
	uint32_t state = 1;

	for (unsigned i = 0; i < 200000; i++) {
		size_t n = material_random(&state) % (len + 1);
		uint8_t *copy = malloc(n ? n : 1); /* exact, so that a sanitizer sees each byte */
		struct challenge c;
		char id[8], out[LIMIT_PATH];
		uint32_t v;
		struct transport_reply transport;

		memcpy(copy, seed, n);
		for (unsigned k = material_random(&state) % 6; n && k; k--)
			copy[material_random(&state) % n] =
				(uint8_t) "\r\n \t:;,=\"\\$0A\xff"[material_random(&state) % 14];
		ssize_t used = rtsp_next(copy, n, &msg, &why);

		ck_assert_int_le(used, (ssize_t)n);
		if (used > 0 && msg.kind == RTSP_KIND_RESPONSE) {
			challenge_pick(&msg.head, false, &c);
			rtsp_session(&msg, id, sizeof(id), &v);
			transport_read(&msg, &transport);
			url_base(&home, head_first(&msg.head, "Session"), out);
		}
		free(copy);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest rtsp");
	TCase *t = tcase_create("rtsp");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_reply_is_taken_apart);
	tcase_add_test(t, every_prefix_asks_for_more);
	tcase_add_test(t, frames_and_blank_lines);
	tcase_add_test(t, bare_line_feeds_and_folded_headers);
	tcase_add_test(t, requests_of_the_server);
	tcase_add_test(t, what_is_not_rtsp_is_refused);
	tcase_add_test(t, everything_is_bounded);
	tcase_add_test(t, requests_are_written);
	tcase_add_test(t, the_strongest_challenge_wins);
	tcase_add_test(t, a_plain_challenge_is_md5);
	tcase_add_test(t, basic_only_where_it_is_permitted);
	tcase_add_test(t, what_cannot_be_answered);
	tcase_add_test(t, control_urls_are_resolved);
	tcase_add_test(t, other_hosts_are_never_named);
	tcase_add_test(t, bases_may_lack_parts);
	tcase_add_test(t, real_replies_are_understood);
	tcase_add_test(t, mutations_never_read_outside);
	suite_add_tcase(s, t);
	return unit_run(s);
}
