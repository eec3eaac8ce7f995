/* mux/ingest/session: whole dialogues, and cameras that misbehave. */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "tests/unit/session_live.h"

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

/* ---- cameras that misbehave -------------------------------------------------------------------- */

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
	tcase_add_test(t, statuses_have_reasons);
	tcase_add_test(t, wrong_numbers_and_sessions);
	tcase_add_test(t, other_hosts_and_transports);
	tcase_add_test(t, media_before_setup_and_rubbish);
	tcase_add_test(t, requests_of_the_camera);
	suite_add_tcase(s, t);
	return unit_run(s);
}
