/* mux/ingest/session: whole dialogues, with a camera and a clock that the test plays. */
#include "mux/ingest/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "unit.h"

#define URL "rtsp://cam.lan/live"
#define SDP                                                                                        \
	"v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:t1\r\n"

static struct session *session;
static char sent[65536];             /* since the last look */
static struct msg_digest_ask asked;  /* the last question */
static struct msg_identity identity; /* what was told of the camera */
static bool is_held;                 /* framemuxd does not answer about it yet */
static unsigned asks, packets, rtcps, videos, identities, binds, connects;
static struct msg_udp_connect connected_to;
static struct session_config how; /* transport, may_switch, patience */
static uint64_t now = 1000 * NS_PER_S;

static int on_send(void *self, const void *buf, size_t len)
{
	(void)self;
	strncat(sent, buf, len);
	return 0;
}

static int on_ask(void *self, const struct msg_digest_ask *ask)
{
	(void)self;
	asked = *ask;
	asks++;
	return 0;
}

static int on_identity(void *self, const struct msg_identity *m)
{
	(void)self;
	identity = *m;
	identities++;
	return is_held ? 0 : session_identified(session, now);
}

static int on_video(void *self, const struct sdp_video *video, struct failure *ret_why)
{
	(void)self;
	(void)video;
	(void)ret_why;
	videos++;
	return 0;
}

static int on_packet(void *self, const uint8_t *buf, size_t len)
{
	(void)self;
	(void)buf;
	(void)len;
	packets++;
	return 0;
}

static void on_phase(void *self, const char *name)
{
	(void)self;
	(void)name;
}

static int on_rtcp(void *self, const uint8_t *buf, size_t len, struct failure *ret_why)
{
	(void)self;
	(void)buf;
	(void)len;
	(void)ret_why;
	rtcps++;
	return 0;
}

static int on_udp_bind(void *self)
{
	(void)self;
	binds++;
	return 0;
}

static int on_udp_connect(void *self, const struct msg_udp_connect *ports)
{
	(void)self;
	connected_to = *ports;
	connects++;
	return 0;
}

static const struct session_ops ops = {.send = on_send,
	.ask = on_ask,
	.identity = on_identity,
	.video = on_video,
	.packet = on_packet,
	.rtcp = on_rtcp,
	.phase = on_phase,
	.udp_bind = on_udp_bind,
	.udp_connect = on_udp_connect};

static void setup(void)
{
	how = (struct session_config){.transport = TRANSPORT_TCP, .patience_s = 10, .basic = ""};
}

static void begin(bool has_password)
{
	struct session_config config = how;

	config.home = (struct home){URL, "10.0.0.7"};
	config.ends = (struct identity_ends){"10.0.0.7", "10.0.0.1"};
	config.has_password = has_password;
	sent[0] = 0;
	asks = packets = rtcps = videos = identities = binds = connects = 0;
	session = session_new(&config, &ops, NULL);
	ck_assert_int_eq(session_start(session, now), 0);
}

/* The camera says this. */
static int says_bytes(const void *text, size_t len)
{
	size_t used;

	return session_input(session, text, len, now, &used);
}

static int says(const char *text)
{
	sent[0] = 0;
	return says_bytes(text, strlen(text));
}

/* A reply to the request with that number. */
static int replies(unsigned cseq, const char *status, const char *headers, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text), "RTSP/1.0 %s\r\nCSeq: %u\r\n%sContent-Length: %zu\r\n\r\n%s",
		status, cseq, headers, strlen(body), body);
	return says(text);
}

static void assert_sent(const char *part)
{
	ck_assert_msg(strstr(sent, part) != NULL, "'%s' is not in:\n%s", part, sent);
}

static void assert_failed(int r, bool final, const char *part)
{
	ck_assert_int_lt(r, 0);
	ck_assert_msg(strstr(session_failure(session)->reason, part) != NULL, "'%s' is not '%s'",
		session_failure(session)->reason, part);
	ck_assert_int_eq(session_failure(session)->what == INGEST_FINAL, final);
	session_free(session);
}

/* Up to PLAYING without a password; keep-alives begin with CSeq 5. */
static void play(const char *session_header)
{
	begin(false);
	assert_sent("OPTIONS " URL " RTSP/1.0\r\nCSeq: 1\r\n");
	ck_assert_int_eq(replies(1, "200 OK", "Public: DESCRIBE\r\n", ""), 0);
	assert_sent("DESCRIBE " URL " RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n");
	ck_assert_int_eq(replies(2, "200 OK", "Content-Base: " URL "/\r\n", SDP), 0);
	ck_assert_uint_eq(videos, 1);
	assert_sent("SETUP " URL "/t1 RTSP/1.0\r\nCSeq: 3\r\n"
		    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
	ck_assert_int_eq(replies(3, "200 OK", session_header, ""), 0);
	assert_sent("PLAY " URL "/ RTSP/1.0\r\nCSeq: 4\r\nSession: S1\r\n");
	ck_assert_int_eq(replies(4, "200 OK", "Session: S1\r\n", ""), 0);
}

#define SETUP_REPLY "Session:  S1;timeout=20\r\nTransport: RTP/AVP/TCP;interleaved=2-3\r\n"

START_TEST(a_whole_session)
{
	static const uint8_t rtp[] = {'$', 2, 0, 1, 'x'}, rtcp[] = {'$', 3, 0, 1, 'x'};

	play(SETUP_REPLY);
	ck_assert_int_eq(says_bytes(rtp, sizeof(rtp)), 0);
	ck_assert_int_eq(says_bytes(rtcp, sizeof(rtcp)), 0);
	ck_assert_uint_eq(packets, 1); /* of the channel that the server chose */
	ck_assert_uint_eq(rtcps, 1);
	sent[0] = 0;
	session_report(session, (const uint8_t *)"abc", 3);
	ck_assert_str_eq(sent, "$\3"); /* and what is zero ends it for strncat */
	sent[0] = 0;
	session_end(session);
	assert_sent("TEARDOWN " URL "/ RTSP/1.0\r\nCSeq: 5\r\nSession: S1\r\n");
	session_free(session);
}
END_TEST

START_TEST(keep_alive_at_half_of_the_timeout)
{
	play(SETUP_REPLY);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t due = session_deadline(session);

		now += 9 * NS_PER_S;
		session_progress(session, now);
		ck_assert_int_eq(session_tick(session, now), 0);
		now += NS_PER_S;
		session_progress(session, now);
		ck_assert(i > 0 || due <= now);
		sent[0] = 0;
		ck_assert_int_eq(session_tick(session, now), 0);
		/* The first is refused, so that the next ones are another method. */
		assert_sent(i == 0 ? "GET_PARAMETER " URL "/ RTSP/1.0\r\nCSeq: 5\r\nSession: S1"
				   : "OPTIONS " URL "/ RTSP/1.0");
		ck_assert_int_eq(replies(5 + i, "405 Method Not Allowed", "", ""), 0);
	}
	session_free(session);
}
END_TEST

START_TEST(unanswered_keep_alives_do_not_matter)
{
	play(SETUP_REPLY);
	for (unsigned i = 0; i < 5; i++) {
		now += 10 * NS_PER_S;
		session_progress(session, now);
		ck_assert_int_eq(session_tick(session, now), 0);
	}
	ck_assert_int_eq(replies(5, "200 OK", "", ""), 0); /* late */
	assert_failed(replies(99, "200 OK", "", ""), false, "not made");
}
END_TEST

START_TEST(silence_ends_it)
{
	play(SETUP_REPLY);
	now += 10 * NS_PER_S - 1;
	ck_assert_int_eq(session_tick(session, now), 0);
	now += 1;
	assert_failed(session_tick(session, now), false, "no packet for 10.0 s");
}
END_TEST

START_TEST(packets_without_a_picture_end_it)
{
	static const uint8_t rtp[] = {'$', 2, 0, 1, 'x'};

	play(SETUP_REPLY);
	now += 7 * NS_PER_S;
	ck_assert_int_eq(says_bytes(rtp, sizeof(rtp)), 0);
	now += 3 * NS_PER_S;
	assert_failed(session_tick(session, now), false, "no picture for 10.0 s");
	play(SETUP_REPLY); /* heard of in another way, as over UDP */
	now += 7 * NS_PER_S;
	session_heard(session, now);
	now += 4 * NS_PER_S;
	assert_failed(session_tick(session, now), false, "no picture for 11.0 s");
}
END_TEST

/* Nothing is set up before framemuxd has said that it is the camera that it was. */
START_TEST(identity_comes_before_setup)
{
	begin(false);
	is_held = true;
	replies(1, "200 OK", "Server: not this one\r\n", "");
	ck_assert_uint_eq(identities, 0);
	ck_assert_int_eq(replies(2, "200 OK", "Server: Rtsp Server\r\n",
				 "v=0\r\no=- 5 6 IN IP4 10.0.0.7\r\n"
				 "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
		0);
	ck_assert_uint_eq(identities, 1);
	ck_assert_str_eq(identity.server, "Rtsp Server");
	ck_assert_str_eq(identity.origin, "- IN IP4 itself");
	ck_assert_str_eq(sent, "");
	ck_assert_uint_eq(session_deadline(session), now + 10 * NS_PER_S);
	ck_assert_int_eq(session_identified(session, now), 0);
	assert_sent("SETUP " URL " RTSP/1.0");
	assert_failed(session_identified(session, now), false, "not asked");
	begin(false);
	replies(1, "200 OK", "", "");
	replies(2, "200 OK", "", SDP);
	ck_assert_str_eq(sent, "");
	assert_failed(replies(3, "200 OK", SETUP_REPLY, ""), false, "not made");
	begin(false);
	replies(1, "200 OK", "", "");
	replies(2, "200 OK", "", SDP);
	now += 10 * NS_PER_S;
	assert_failed(session_tick(session, now), false, "framemuxd did not say for 10 s");
	is_held = false;
}
END_TEST

START_TEST(patience_is_configured)
{
	const struct session_config config = {.home = {URL, "10.0.0.7"},
		.ends = {"10.0.0.7", "10.0.0.1"},
		.transport = TRANSPORT_TCP,
		.patience_s = 3,
		.basic = ""};

	session = session_new(&config, &ops, NULL);
	ck_assert_int_eq(session_start(session, now), 0);
	now += 3 * NS_PER_S - 1;
	ck_assert_int_eq(session_tick(session, now), 0);
	now++;
	assert_failed(session_tick(session, now), false, "no answer to OPTIONS for 3 s");
}
END_TEST

/* What no camera does by accident for long: framemuxd spares those that keep at it. */
START_TEST(breaches_are_told_apart)
{
	begin(false);
	ck_assert_int_lt(says("HTTP/1.1 400 Bad Request\r\n\r\n"), 0);
	ck_assert_int_eq(session_failure(session)->what, INGEST_BREACH);
	session_free(session);
	begin(false);
	ck_assert_int_lt(replies(2, "200 OK", "", ""), 0);
	ck_assert_int_eq(session_failure(session)->what, INGEST_BREACH);
	session_free(session);
	begin(false);
	ck_assert_int_lt(session_closed(session), 0);
	ck_assert_int_eq(session_failure(session)->what, INGEST_AGAIN);
	session_free(session);
}
END_TEST

START_TEST(each_step_has_its_time)
{
	begin(false);
	now += 9 * NS_PER_S;
	ck_assert_int_eq(replies(1, "404 Not Found", "", ""), 0); /* OPTIONS is a courtesy */
	assert_sent("DESCRIBE ");
	now += 9 * NS_PER_S;
	ck_assert_int_eq(session_tick(session, now), 0);
	now += NS_PER_S;
	ck_assert_uint_eq(session_deadline(session), now);
	assert_failed(session_tick(session, now), false, "no answer to DESCRIBE for 10 s");
}
END_TEST

/* ---- passwords ---------------------------------------------------------------------------- */

static void answer(unsigned status, const char *authorization)
{
	struct msg_digest_answer a = {.request = asked.request, .status = status};

	snprintf(a.authorization, sizeof(a.authorization), "%s", authorization);
	sent[0] = 0;
	ck_assert_int_eq(session_answer(session, &a), 0);
}

static void challenged(void)
{
	begin(true);
	replies(1, "200 OK", "", "");
	/* Without CSeq, as some cameras do it. */
	ck_assert_int_eq(says("RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"R\", "
			      "nonce=\"N1\", qop=\"auth\"\r\n\r\n"),
		0);
	ck_assert_uint_eq(asks, 1);
	ck_assert_str_eq(sent, ""); /* nothing before the answer */
	ck_assert_int_eq(asked.algorithm, DIGEST_MD5);
	ck_assert_uint_eq(asked.named_algorithm, 0);
	ck_assert_uint_eq(asked.qop, 1);
	ck_assert_int_eq(asked.method, RTSP_DESCRIBE);
	ck_assert_str_eq(asked.realm, "R");
	ck_assert_str_eq(asked.nonce, "N1");
	ck_assert_str_eq(asked.uri, URL);
	answer(0, "Digest one");
	assert_sent("DESCRIBE " URL " RTSP/1.0\r\nCSeq: 3\r\nAuthorization: Digest one\r\n");
}

START_TEST(each_request_is_authorised_anew)
{
	challenged();
	ck_assert_int_eq(replies(3, "200 OK", "", SDP), 0);
	ck_assert_uint_eq(asks, 2);
	ck_assert_int_eq(asked.method, RTSP_SETUP);
	ck_assert_str_eq(asked.uri, URL "/t1");
	ck_assert_str_eq(sent, "");
	answer(0, "Digest two");
	assert_sent("SETUP " URL "/t1 RTSP/1.0\r\nCSeq: 4\r\nAuthorization: Digest two\r\n");
	/* A nonce may change after the password was accepted. */
	ck_assert_int_eq(replies(4, "401 Unauthorized",
				 "WWW-Authenticate: Digest realm=\"R\", nonce=\"N2\"\r\n", ""),
		0);
	ck_assert_str_eq(asked.nonce, "N2");
	answer(0, "Digest three");
	assert_sent("Authorization: Digest three");
	session_free(session);
}
END_TEST

START_TEST(a_wrong_password_is_final)
{
	challenged();
	assert_failed(replies(3, "401 Unauthorized",
			      "WWW-Authenticate: Digest realm=\"R\", nonce=\"N2\"\r\n", ""),
		true, "401: wrong user or password");
}
END_TEST

START_TEST(a_stale_nonce_is_tried_once_more)
{
	static const char *const stale =
		"WWW-Authenticate: Digest realm=\"R\", nonce=\"N2\", stale=true\r\n";

	challenged();
	ck_assert_int_eq(replies(3, "401 Unauthorized", stale, ""), 0);
	ck_assert_str_eq(asked.nonce, "N2");
	answer(0, "Digest two");
	assert_failed(replies(4, "401 Unauthorized", stale, ""), true, "wrong user or password");
}
END_TEST

START_TEST(refusals_of_framemuxd_and_late_answers)
{
	struct msg_digest_answer a = {.status = EACCES, .reason = "the realm has changed"};

	challenged();
	replies(3, "200 OK", "", SDP);
	a.request = asked.request - 1; /* of a request that is over */
	ck_assert_int_eq(session_answer(session, &a), 0);
	a.request = asked.request;
	assert_failed(session_answer(session, &a), true, "the realm has changed");
}
END_TEST

START_TEST(no_password_no_basic)
{
	begin(false);
	replies(1, "200 OK", "", "");
	assert_failed(replies(2, "401 Unauthorized",
			      "WWW-Authenticate: Digest realm=\"R\", nonce=\"N\"\r\n", ""),
		true, "none is configured");
	begin(true);
	replies(1, "200 OK", "", "");
	assert_failed(replies(2, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"R\"\r\n", ""),
		true, "Basic in the clear; refused");
	ck_assert_uint_eq(asks, 0);
}
END_TEST

/* ---- over TLS ----------------------------------------------------------------------------- */

#define BASIC "Basic dXNlcjpwYXNz"

static void begin_secret(const char *basic)
{
	const struct session_config config = {.home = {"rtsps://cam.lan/live", "10.0.0.7"},
		.ends = {"10.0.0.7", "10.0.0.1"},
		.has_password = true,
		.transport = TRANSPORT_TCP,
		.patience_s = 10,
		.is_secret = true,
		.basic = basic};

	sent[0] = 0;
	asks = packets = videos = 0;
	session = session_new(&config, &ops, NULL);
	ck_assert_int_eq(session_start(session, now), 0);
	ck_assert_int_eq(replies(1, "200 OK", "", ""), 0);
	ck_assert(!strstr(sent, "Authorization")); /* nobody asked */
}

#define ASKS_BASIC  "WWW-Authenticate: Basic realm=\"R\"\r\n"
#define ASKS_DIGEST "WWW-Authenticate: Digest realm=\"R\", nonce=\"N\"\r\n"

START_TEST(basic_where_it_is_permitted)
{
	begin_secret(BASIC);
	ck_assert_int_eq(replies(2, "401 Unauthorized", ASKS_BASIC, ""), 0);
	assert_sent("DESCRIBE rtsps://cam.lan/live RTSP/1.0\r\nCSeq: 3\r\nAuthorization: " BASIC
		    "\r\n");
	ck_assert_int_eq(replies(3, "200 OK", "", SDP), 0);
	assert_sent("SETUP rtsps://cam.lan/live/t1 RTSP/1.0\r\nCSeq: 4\r\nAuthorization: " BASIC
		    "\r\n");
	ck_assert_uint_eq(asks, 0);
	session_free(session);

	begin_secret(BASIC); /* a wrong password is not tried twice */
	replies(2, "401 Unauthorized", ASKS_BASIC, "");
	assert_failed(
		replies(3, "401 Unauthorized", ASKS_BASIC, ""), true, "wrong user or password");
}
END_TEST

START_TEST(digest_wins_over_basic)
{
	begin_secret(BASIC);
	ck_assert_int_eq(replies(2, "401 Unauthorized", ASKS_BASIC ASKS_DIGEST, ""), 0);
	ck_assert_uint_eq(asks, 1);
	ck_assert_str_eq(sent, "");
	session_free(session);
	/* But not where it is of a kind that nobody can answer. */
	begin_secret(BASIC);
	ck_assert_int_eq(replies(2, "401 Unauthorized",
				 "WWW-Authenticate: Digest realm=\"R\", nonce=\"N\", "
				 "algorithm=X\r\n" ASKS_BASIC,
				 ""),
		0);
	assert_sent("Authorization: " BASIC "\r\n");
	session_free(session);
}
END_TEST

START_TEST(basic_where_it_is_not)
{
	begin_secret("");
	assert_failed(replies(2, "401 Unauthorized", ASKS_BASIC, ""), true, "auth = \"basic\"");
	begin_secret(NULL);
	assert_failed(replies(2, "401 Unauthorized", ASKS_BASIC, ""), true, "auth = \"basic\"");
	/* In the clear it is refused even if somebody hands it over. */
	const struct session_config config = {.home = {URL, "10.0.0.7"},
		.ends = {"10.0.0.7", "10.0.0.1"},
		.has_password = true,
		.transport = TRANSPORT_TCP,
		.patience_s = 10,
		.basic = BASIC};

	sent[0] = 0;
	session = session_new(&config, &ops, NULL);
	session_start(session, now);
	replies(1, "200 OK", "", "");
	assert_failed(
		replies(2, "401 Unauthorized", ASKS_BASIC, ""), true, "in the clear; refused");
	ck_assert(!strstr(sent, BASIC));
}
END_TEST

/* Whatever scheme the camera names: the connection and the requests stay what they are. */
START_TEST(no_way_down_from_rtsps)
{
	begin_secret("");
	ck_assert_int_eq(replies(2, "200 OK", "Content-Base: rtsp://cam.lan:554/other/\r\n",
				 "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
				 "a=control:rtsp://10.0.0.7/t1\r\n"),
		0);
	assert_sent("SETUP rtsps://cam.lan/t1 RTSP/1.0\r\nCSeq: 3\r\n"
		    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
	ck_assert_int_eq(replies(3, "200 OK", SETUP_REPLY, ""), 0);
	assert_sent("PLAY rtsps://cam.lan/other/ RTSP/1.0");
	session_free(session);
	begin_secret(BASIC);
	assert_failed(replies(2, "302 Moved", "Location: rtsp://cam.lan/live\r\n", ""), true,
		"redirects elsewhere; refused");
}
END_TEST

/* ---- cameras that misbehave --------------------------------------------------------------- */

START_TEST(statuses_have_reasons)
{
	static const struct {
		const char *status, *reason;
		bool final;
	} table[] = {
		{"302 Moved", "302: camera redirects elsewhere; refused", true},
		{"403 Forbidden", "403: access refused", true},
		{"404 Not Found", "404: the camera has no such stream", true},
		{"453 No", "453: the camera has no bandwidth left", false},
		{"503 Busy", "503: the camera is busy", false},
		{"500 Oh\x01no", "500 in answer to DESCRIBE: Oh?no", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		begin(false);
		replies(1, "200 OK", "", "");
		assert_failed(replies(2, table[i].status, "Location: rtsp://evil/\r\n", ""),
			table[i].final, table[i].reason);
	}
	begin(false); /* also as the first thing */
	assert_failed(replies(1, "301 Moved", "", ""), true, "redirects");
	begin(false);
	replies(1, "200 OK", "", "");
	replies(2, "200 OK", "", SDP);
	assert_failed(replies(3, "461 Unsupported", "", ""), true, "does not offer RTP over TCP");
}
END_TEST

START_TEST(wrong_numbers_and_sessions)
{
	begin(false);
	assert_failed(replies(2, "200 OK", "", ""), false, "CSeq 2");
	begin(false);
	assert_failed(says("RTSP/1.0 200 OK\r\n\r\n"), false, "without a valid CSeq");
	begin(false);
	assert_failed(says("RTSP/1.0 200 OK\r\nCSeq: x\r\n\r\n"), false, "without a valid CSeq");
	begin(false);
	replies(1, "200 OK", "", "");
	replies(2, "200 OK", "", SDP);
	replies(3, "200 OK", SETUP_REPLY, "");
	assert_failed(replies(4, "200 OK", "Session: S2\r\n", ""), false, "another session");
}
END_TEST

START_TEST(other_hosts_and_transports)
{
	static const char *const sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
				       "a=control:rtsp://10.0.0.%d/t1\r\n";
	char text[256];

	/* Whatever it is called, also by itself: it is not spoken to under that name. */
	for (int host = 7; host <= 8; host++) {
		if (host > 7)
			session_free(session);
		begin(false);
		replies(1, "200 OK", "", "");
		snprintf(text, sizeof(text), sdp, host);
		ck_assert_int_eq(
			replies(2, "200 OK", "Content-Base: rtsp://10.9.9.9/\r\n", text), 0);
		assert_sent("SETUP rtsp://cam.lan/t1 RTSP/1.0");
	}
	assert_failed(replies(3, "200 OK",
			      "Session: S1\r\nTransport: RTP/AVP;unicast;source=10.0.0.8;"
			      "server_port=5000-5001\r\n",
			      ""),
		true, "does not offer RTP over TCP");
}
END_TEST

START_TEST(media_before_setup_and_rubbish)
{
	begin(false);
	assert_failed(says_bytes("$\0\0\1x", 5), false, "not asked for");
	begin(false);
	assert_failed(says("HTTP/1.1 400 Bad Request\r\n\r\n"), false, "not RTSP");
	begin(false);
	replies(1, "200 OK", "", "");
	assert_failed(replies(2, "200 OK", "", ""), false, "describes nothing");
	begin(false);
	assert_failed(session_closed(session), false, "during OPTIONS");
}
END_TEST

START_TEST(requests_of_the_camera)
{
	play(SETUP_REPLY);
	ck_assert_int_eq(says("OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n"), 0);
	ck_assert_str_eq(sent, "RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n");
	ck_assert_int_eq(says("ANNOUNCE x RTSP/1.0\r\nCSeq: 78\r\n\r\n"), 0);
	ck_assert_str_eq(sent, "RTSP/1.0 501 Not Implemented\r\nCSeq: 78\r\n\r\n");
	assert_failed(says("REDIRECT x RTSP/1.0\r\nCSeq: 79\r\nLocation: rtsp://evil/\r\n\r\n"),
		true, "redirects elsewhere");
}
END_TEST

/* ---- transports --------------------------------------------------------------------------- */

static int binds_to(uint32_t port)
{
	struct msg_udp_bound bound = {.rtp_port = port, .rtcp_port = port + 1};

	sent[0] = 0;
	if (!port)
		snprintf(bound.reason, sizeof(bound.reason), "no UDP ports: none left");
	return session_udp_bound(session, &bound, now);
}

/* Up to the question for a pair of ports; the next CSeq is 3. */
static void until_bind(bool may_switch)
{
	how.transport = TRANSPORT_UDP;
	how.may_switch = may_switch;
	begin(false);
	replies(1, "200 OK", "", "");
	ck_assert_int_eq(replies(2, "200 OK", "", SDP), 0);
	ck_assert_uint_eq(binds, 1);
	ck_assert_str_eq(sent, ""); /* no SETUP before there are ports to name */
}

#define UDP_REPLY                                                                                  \
	"Session: S1\r\nTransport: RTP/AVP;unicast;source=10.9.9.9;client_port=5000-5001;"         \
	"server_port=6970-6971;ssrc=11223344\r\n"

/* Up to PLAYING over UDP; keep-alives begin with CSeq 5. */
static void play_udp(bool may_switch)
{
	until_bind(may_switch);
	ck_assert_int_eq(binds_to(5000), 0);
	assert_sent("SETUP " URL "/t1 RTSP/1.0\r\nCSeq: 3\r\n"
		    "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n");
	ck_assert_int_eq(replies(3, "200 OK", UDP_REPLY, ""), 0);
	ck_assert_uint_eq(connects, 1);
	ck_assert_uint_eq(connected_to.rtp_port, 6970);
	ck_assert_uint_eq(connected_to.rtcp_port, 6971);
	ck_assert_str_eq(sent, ""); /* nothing is played before the sockets are there */
	ck_assert_int_eq(session_udp_connected(session, now), 0);
	assert_sent("PLAY " URL " RTSP/1.0\r\nCSeq: 4\r\nSession: S1\r\n");
	ck_assert_int_eq(replies(4, "200 OK", "", ""), 0);
}

START_TEST(a_whole_session_over_udp)
{
	static const uint8_t rtp[] = {'$', 0, 0, 1, 'x'};

	play_udp(false);
	now += 9 * NS_PER_S;
	session_heard(session, now);
	ck_assert_int_eq(session_tick(session, now), 0);
	session_report(session, (const uint8_t *)"abc", 3);
	sent[0] = 0;
	session_end(session);
	assert_sent("TEARDOWN " URL " RTSP/1.0\r\nCSeq: 5\r\nSession: S1\r\n");
	assert_failed(says_bytes(rtp, sizeof(rtp)), false, "not asked for");
}
END_TEST

static void assert_fails_as(int r, enum ingest_failure what, const char *part)
{
	ck_assert_int_lt(r, 0);
	ck_assert_msg(strstr(session_failure(session)->reason, part) != NULL, "'%s' is not '%s'",
		session_failure(session)->reason, part);
	ck_assert_int_eq(session_failure(session)->what, what);
	session_free(session);
}

START_TEST(without_a_port_to_connect_to)
{
	static const char *const reply = "Session: S1\r\nTransport: RTP/AVP;unicast\r\n";
	static const char *const privileged =
		"Session: S1\r\nTransport: RTP/AVP;unicast;server_port=53-1024\r\n";

	for (int may = 0; may < 2; may++) {
		until_bind(may);
		binds_to(5000);
		assert_fails_as(replies(3, "200 OK", reply, ""), may ? INGEST_SWITCH : INGEST_FINAL,
			"from which UDP port");
		ck_assert_uint_eq(connects, 0);
		until_bind(may);
		binds_to(5000);
		assert_fails_as(replies(3, "200 OK", privileged, ""),
			may ? INGEST_SWITCH : INGEST_FINAL, "UDP port 53, which is no camera's");
		ck_assert_uint_eq(connects, 0);
		until_bind(may);
		assert_fails_as(
			binds_to(0), may ? INGEST_SWITCH : INGEST_AGAIN, "no UDP ports: none left");
		until_bind(may);
		binds_to(5000);
		replies(3, "200 OK", UDP_REPLY, "");
		assert_fails_as(session_udp_refused(session,
					&(struct msg_udp_refused){.reason = "cannot connect"}),
			may ? INGEST_SWITCH : INGEST_AGAIN, "cannot connect");
	}
}
END_TEST

START_TEST(unsupported_is_the_other_transport)
{
	/* UDP first, then TCP in the same session. */
	until_bind(true);
	binds_to(5000);
	ck_assert_int_eq(replies(3, "461 Unsupported Transport", "", ""), 0);
	assert_sent("SETUP " URL "/t1 RTSP/1.0\r\nCSeq: 4\r\n"
		    "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
	ck_assert_int_eq(replies(4, "200 OK", SETUP_REPLY, ""), 0);
	assert_sent("PLAY ");
	session_free(session);
	/* TCP first. */
	how.transport = TRANSPORT_TCP;
	begin(false);
	replies(1, "200 OK", "", "");
	replies(2, "200 OK", "", SDP);
	ck_assert_int_eq(replies(3, "461 Unsupported Transport", "", ""), 0);
	ck_assert_uint_eq(binds, 1);
	binds_to(6000);
	assert_sent("client_port=6000-6001");
	/* Neither. */
	assert_failed(replies(4, "461 Unsupported Transport", "", ""), true, "neither TCP nor UDP");
	/* A second SETUP may be too much for it: then from the beginning. */
	begin(false);
	replies(1, "200 OK", "", "");
	replies(2, "200 OK", "", SDP);
	replies(3, "461 Unsupported Transport", "", "");
	binds_to(6000);
	assert_fails_as(replies(4, "455 Not Valid", "", ""), INGEST_SWITCH, "455");
	/* Not permitted. */
	until_bind(false);
	binds_to(5000);
	assert_failed(replies(3, "461 No", "", ""), true, "\"transport\" permits no other");
}
END_TEST

START_TEST(silence_is_the_other_transport)
{
	play_udp(true);
	ck_assert_uint_eq(session_deadline(session), now + 5 * NS_PER_S);
	now += 5 * NS_PER_S - 1;
	ck_assert_int_eq(session_tick(session, now), 0);
	now += 1;
	assert_fails_as(session_tick(session, now), INGEST_SWITCH, "no media over UDP for 5 s");
	/* Something came, if no picture: then it is not the transport. */
	play_udp(true);
	session_heard(session, now);
	now += 5 * NS_PER_S;
	ck_assert_int_eq(session_tick(session, now), 0);
	now += 5 * NS_PER_S;
	assert_fails_as(session_tick(session, now), INGEST_AGAIN, "no packet for 10.0 s");
	/* Nothing else is permitted. */
	play_udp(false);
	now += 10 * NS_PER_S;
	assert_fails_as(session_tick(session, now), INGEST_AGAIN, "no packet for 10.0 s");
	/* Less patience. */
	how.patience_s = 2;
	play_udp(true);
	now += 2 * NS_PER_S;
	assert_fails_as(session_tick(session, now), INGEST_SWITCH, "no media over UDP for 2 s");
}
END_TEST

START_TEST(each_step_of_udp_has_its_time)
{
	until_bind(true);
	now += 10 * NS_PER_S;
	ck_assert_uint_eq(session_deadline(session), now);
	assert_failed(session_tick(session, now), false, "no answer to SETUP for 10 s");
	until_bind(true);
	binds_to(5000);
	replies(3, "200 OK", UDP_REPLY, "");
	now += 10 * NS_PER_S;
	assert_failed(session_tick(session, now), false, "no answer to SETUP for 10 s");
	/* The camera cannot answer for framemuxd. */
	until_bind(true);
	assert_failed(replies(3, "200 OK", UDP_REPLY, ""), false, "not made");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest session");
	TCase *t = tcase_create("session");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_whole_session);
	tcase_add_test(t, keep_alive_at_half_of_the_timeout);
	tcase_add_test(t, unanswered_keep_alives_do_not_matter);
	tcase_add_test(t, silence_ends_it);
	tcase_add_test(t, packets_without_a_picture_end_it);
	tcase_add_test(t, identity_comes_before_setup);
	tcase_add_test(t, patience_is_configured);
	tcase_add_test(t, breaches_are_told_apart);
	tcase_add_test(t, each_step_has_its_time);
	tcase_add_test(t, each_request_is_authorised_anew);
	tcase_add_test(t, a_wrong_password_is_final);
	tcase_add_test(t, a_stale_nonce_is_tried_once_more);
	tcase_add_test(t, refusals_of_framemuxd_and_late_answers);
	tcase_add_test(t, no_password_no_basic);
	tcase_add_test(t, basic_where_it_is_permitted);
	tcase_add_test(t, digest_wins_over_basic);
	tcase_add_test(t, basic_where_it_is_not);
	tcase_add_test(t, no_way_down_from_rtsps);
	tcase_add_test(t, statuses_have_reasons);
	tcase_add_test(t, wrong_numbers_and_sessions);
	tcase_add_test(t, other_hosts_and_transports);
	tcase_add_test(t, media_before_setup_and_rubbish);
	tcase_add_test(t, requests_of_the_camera);
	tcase_add_test(t, a_whole_session_over_udp);
	tcase_add_test(t, without_a_port_to_connect_to);
	tcase_add_test(t, unsupported_is_the_other_transport);
	tcase_add_test(t, silence_is_the_other_transport);
	tcase_add_test(t, each_step_of_udp_has_its_time);
	suite_add_tcase(s, t);
	return unit_run(s);
}
