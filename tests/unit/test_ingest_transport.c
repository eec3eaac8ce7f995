/* mux/ingest/transport: the Transport header, and what follows from it. */
#include "mux/ingest/transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static struct rtsp_message msg;
static char text[1024];

static void reply(const char *header)
{
	const char *why;

	snprintf(text, sizeof(text), "RTSP/1.0 200 OK\r\n%s\r\n", header);
	ck_assert_int_gt(rtsp_next((const uint8_t *)text, strlen(text), &msg, &why), 0);
}

static struct transport_reply reads(const char *value)
{
	struct transport_reply r = {.rtp_channel = 77};
	char header[512];

	snprintf(header, sizeof(header), "Transport: %s\r\n", value);
	reply(header);
	ck_assert_int_eq(transport_read(&msg, &r), 0);
	return r;
}

static void refuses(const char *value, int error)
{
	struct transport_reply r = {.rtp_channel = 77};
	char header[512] = "";

	if (value)
		snprintf(header, sizeof(header), "Transport: %s\r\n", value);
	reply(header);
	ck_assert_int_eq(transport_read(&msg, &r), error);
	ck_assert_uint_eq(r.rtp_channel, 77); /* untouched */
}

START_TEST(over_tcp)
{
	struct transport_reply r =
		reads("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=4cacc3d1;mode=\"play\"");

	ck_assert_int_eq(r.transport, TRANSPORT_TCP);
	ck_assert_uint_eq(r.rtp_channel, 2);
	ck_assert_uint_eq(r.rtcp_channel, 3);
	r = reads("rtp/avp/tcp; interleaved = 4"); /* not understood: what we proposed */
	ck_assert_uint_eq(r.rtp_channel, 0);
	ck_assert_uint_eq(r.rtcp_channel, 1);
	r = reads("RTP/AVPF/TCP; interleaved=7");
	ck_assert_uint_eq(r.rtp_channel, 7);
	ck_assert_uint_eq(r.rtcp_channel, 8);
}
END_TEST

START_TEST(over_udp)
{
	struct transport_reply r = reads("RTP/AVP;unicast;source=10.0.0.8;client_port=5000-5001;"
					 "server_port=6970-6971;ssrc=1");

	ck_assert_int_eq(r.transport, TRANSPORT_UDP);
	ck_assert_uint_eq(r.rtp_port, 6970);
	ck_assert_uint_eq(r.rtcp_port, 6971);
	r = reads("RTP/AVP/UDP; unicast; server_port=65534");
	ck_assert_uint_eq(r.rtp_port, 65534);
	ck_assert_uint_eq(r.rtcp_port, 65535);
	r = reads("RTP/AVP;unicast;client_port=5000-5001");
	ck_assert_uint_eq(r.rtp_port, 0);
	ck_assert(!r.is_multicast);
	r = reads("RTP/AVP;multicast;destination=239.1.1.1;port=5000-5001;ttl=16");
	ck_assert(r.is_multicast);
}
END_TEST

START_TEST(what_is_refused)
{
	refuses(NULL, -ENOENT);
	refuses("", -ENOENT);
	refuses("RTP/SAVP;unicast", -EPROTONOSUPPORT);
	refuses("RAW/RAW/UDP;unicast;server_port=1-2", -EPROTONOSUPPORT);
	refuses("RTP/AVP/TCP;interleaved=256-257", -EPROTONOSUPPORT);
	refuses("RTP/AVP/TCP;interleaved=255", -EPROTONOSUPPORT);
	refuses("RTP/AVP/TCP;interleaved=", -EPROTONOSUPPORT);
	refuses("RTP/AVP;server_port=65536-65537", -EPROTONOSUPPORT);
	refuses("RTP/AVP;server_port=1-65536", -EPROTONOSUPPORT);
	refuses("RTP/AVP;server_port=-1", -EPROTONOSUPPORT);
	refuses("RTP/AVP;server_port=99999999999999999999", -EPROTONOSUPPORT);
}
END_TEST

static struct transport_choice choice(enum transport t, bool may_switch)
{
	return (struct transport_choice){.transport = t, .may_switch = may_switch, .port = 5000};
}

START_TEST(proposals)
{
	struct transport_choice c = choice(TRANSPORT_UDP, false);
	char line[TRANSPORT_HEADER_MAX];

	transport_propose(&c, line);
	ck_assert_str_eq(line, "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n");
	c.transport = TRANSPORT_TCP;
	transport_propose(&c, line);
	ck_assert_str_eq(line, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
}
END_TEST

static void agrees(bool may_switch, const char *header, int r, enum ingest_failure what)
{
	struct transport_choice c = choice(TRANSPORT_UDP, may_switch);
	struct failure why = {0};

	reply(header);
	ck_assert_int_eq(transport_agree(&c, &msg, &why), r);
	ck_assert_int_eq(why.what, what);
	ck_assert(r == 0 || strstr(why.reason, "does not offer RTP over UDP"));
}

START_TEST(agreement)
{
	agrees(true, "Transport: RTP/AVP;server_port=1-2\r\n", 0, INGEST_AGAIN);
	agrees(true, "", 0, INGEST_AGAIN);
	agrees(true, "Transport: RTP/AVP/TCP;interleaved=0-1\r\n", -EPROTO, INGEST_SWITCH);
	agrees(true, "Transport: RTP/AVP;multicast\r\n", -EPROTO, INGEST_SWITCH);
	agrees(false, "Transport: RTP/AVP/TCP;interleaved=0-1\r\n", -EPROTO, INGEST_FINAL);
	agrees(false, "Transport: nonsense\r\n", -EPROTO, INGEST_FINAL);
}
END_TEST

START_TEST(refusal)
{
	struct transport_choice c = choice(TRANSPORT_TCP, true);
	struct failure why = {0};

	ck_assert_int_eq(transport_refused(&c, &why), 0);
	ck_assert_int_eq(c.transport, TRANSPORT_UDP);
	/* Once is enough, and a failure then is no reason to go back. */
	ck_assert_int_eq(transport_fail(&c, INGEST_AGAIN, &why, "x"), -EPROTO);
	ck_assert_int_eq(why.what, INGEST_AGAIN);
	ck_assert_int_eq(transport_refused(&c, &why), -EPROTO);
	ck_assert_int_eq(why.what, INGEST_FINAL);
	ck_assert_str_eq(why.reason, "461: camera offers RTP over neither TCP nor UDP");
	c = choice(TRANSPORT_UDP, false);
	ck_assert_int_eq(transport_refused(&c, &why), -EPROTO);
	ck_assert_int_eq(why.what, INGEST_FINAL);
	ck_assert_str_eq(why.reason,
		"461: camera does not offer RTP over UDP, and \"transport\" permits no other");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest transport");
	TCase *t = tcase_create("transport");

	tcase_add_test(t, over_tcp);
	tcase_add_test(t, over_udp);
	tcase_add_test(t, what_is_refused);
	tcase_add_test(t, proposals);
	tcase_add_test(t, agreement);
	tcase_add_test(t, refusal);
	suite_add_tcase(s, t);
	return unit_run(s);
}
