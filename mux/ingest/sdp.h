/*
 * Session descriptions (RFC 4566, as RTSP cameras write them): finds the first video that we can
 * take. Pure; addresses in it are never read. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_SDP_H
#define FRAMEMUX_INGEST_SDP_H

#include "mux/ingest/failure.h"
#include "mux/ingest/span.h"
#include "mux/link/stream.h"

#define SDP_FMTP_MAX 8192u

/* What RTP time is counted from (RFC 7273), where the description says so. */
enum sdp_clock_kind { SDP_CLOCK_NONE, SDP_CLOCK_NTP, SDP_CLOCK_PTP };
struct sdp_clock {
	enum sdp_clock_kind kind;
	uint32_t offset; /* the RTP time at that clock's epoch */
};

struct sdp_video {
	enum stream_codec codec;
	unsigned payload_type;
	uint32_t clock_rate;
	struct sdp_clock clock;
	char fmtp[SDP_FMTP_MAX];          /* behind the payload type; "" if there is none */
	char control[LIMIT_PATH];         /* of the media, as written; "" if there is none */
	char session_control[LIMIT_PATH]; /* of the session, as written */
};

/* 0, or -EPROTO with the reason: no video, or none that we can take (final). */
int sdp_parse(const uint8_t *text, size_t len, struct sdp_video *ret, struct failure *ret_why);

/* "H264" for STREAM_H264: the name in rtpmap. */
const char *sdp_encoding(enum stream_codec codec);

#endif
