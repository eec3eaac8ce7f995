/*
 * A session of ingest with a camera and a clock that the test plays: what it says, what was sent. For
 * one including file each.
 */
#ifndef FRAMEMUX_TESTS_SESSION_LIVE_H
#define FRAMEMUX_TESTS_SESSION_LIVE_H

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "mux/ingest/session.h"
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

static inline int on_send(void *self, const void *buf, size_t len)
{
	(void)self;
	strncat(sent, buf, len);
	return 0;
}

static inline int on_ask(void *self, const struct msg_digest_ask *ask)
{
	(void)self;
	asked = *ask;
	asks++;
	return 0;
}

static inline int on_identity(void *self, const struct msg_identity *m)
{
	(void)self;
	identity = *m;
	identities++;
	return is_held ? 0 : session_identified(session, now);
}

static inline int on_video(void *self, const struct sdp_video *video, struct failure *ret_why)
{
	(void)self;
	(void)video;
	(void)ret_why;
	videos++;
	return 0;
}

static inline int on_packet(void *self, const uint8_t *buf, size_t len)
{
	(void)self;
	(void)buf;
	(void)len;
	packets++;
	return 0;
}

static inline void on_phase(void *self, const char *name)
{
	(void)self;
	(void)name;
}

static inline int on_rtcp(void *self, const uint8_t *buf, size_t len, struct failure *ret_why)
{
	(void)self;
	(void)buf;
	(void)len;
	(void)ret_why;
	rtcps++;
	return 0;
}

static inline int on_udp_bind(void *self)
{
	(void)self;
	binds++;
	return 0;
}

static inline int on_udp_connect(void *self, const struct msg_udp_connect *ports)
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

static inline void setup(void)
{
	how = (struct session_config){.transport = TRANSPORT_TCP, .patience_s = 10, .basic = ""};
}

static inline void begin(bool has_password)
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
static inline int says_bytes(const void *text, size_t len)
{
	size_t used;

	return session_input(session, text, len, now, &used);
}

static inline int says(const char *text)
{
	sent[0] = 0;
	return says_bytes(text, strlen(text));
}

/* A reply to the request with that number. */
static inline int replies(unsigned cseq, const char *status, const char *headers, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text), "RTSP/1.0 %s\r\nCSeq: %u\r\n%sContent-Length: %zu\r\n\r\n%s",
		status, cseq, headers, strlen(body), body);
	return says(text);
}

static inline void assert_sent(const char *part)
{
	ck_assert_msg(strstr(sent, part) != NULL, "'%s' is not in:\n%s", part, sent);
}

static inline void assert_failed(int r, bool final, const char *part)
{
	ck_assert_int_lt(r, 0);
	ck_assert_msg(strstr(session_failure(session)->reason, part) != NULL, "'%s' is not '%s'",
		session_failure(session)->reason, part);
	ck_assert_int_eq(session_failure(session)->what == INGEST_FINAL, final);
	session_free(session);
}

/* Up to PLAYING without a password; keep-alives begin with CSeq 5. */
static inline void play(const char *session_header)
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

#endif
