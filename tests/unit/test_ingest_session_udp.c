/* mux/ingest/session: media over UDP, and from one transport to the other. */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "tests/unit/session_live.h"

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
	Suite *s = suite_create("ingest session udp");
	TCase *t = tcase_create("session");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_whole_session_over_udp);
	tcase_add_test(t, without_a_port_to_connect_to);
	tcase_add_test(t, unsupported_is_the_other_transport);
	tcase_add_test(t, silence_is_the_other_transport);
	tcase_add_test(t, each_step_of_udp_has_its_time);
	suite_add_tcase(s, t);
	return unit_run(s);
}
