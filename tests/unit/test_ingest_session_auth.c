/* mux/ingest/session: passwords, in the clear and over TLS. */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "tests/unit/session_live.h"

/* ---- passwords --------------------------------------------------------------------------------- */

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

/* ---- over TLS ---------------------------------------------------------------------------------- */

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

int main(void)
{
	Suite *s = suite_create("ingest session auth");
	TCase *t = tcase_create("session");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, each_request_is_authorised_anew);
	tcase_add_test(t, a_wrong_password_is_final);
	tcase_add_test(t, a_stale_nonce_is_tried_once_more);
	tcase_add_test(t, refusals_of_framemuxd_and_late_answers);
	tcase_add_test(t, no_password_no_basic);
	tcase_add_test(t, basic_where_it_is_permitted);
	tcase_add_test(t, digest_wins_over_basic);
	tcase_add_test(t, basic_where_it_is_not);
	tcase_add_test(t, no_way_down_from_rtsps);
	suite_add_tcase(s, t);
	return unit_run(s);
}
