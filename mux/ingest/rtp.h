/*
 * RTP packets (RFC 3550) of one stream: header, sequence, time. Pure. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_RTP_H
#define FRAMEMUX_INGEST_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtp_packet {
	bool marker;
	unsigned payload_type;
	uint16_t sequence;
	uint32_t timestamp, ssrc;
	const uint8_t *payload; /* without CSRCs, extension and padding; may be empty */
	size_t payload_len;
};

/* 0, or -EPROTO: not a whole RTP packet. */
int rtp_parse(const uint8_t *buf, size_t len, struct rtp_packet *ret);

/* What is remembered from packet to packet. Zeroed at first. */
struct rtp_track {
	bool started, has_other;
	uint16_t sequence; /* expected next */
	uint32_t ssrc, timestamp;
	uint32_t other_ssrc; /* of the sender before */
	uint64_t arrival_ns, pts_ns;
};

enum rtp_order {
	RTP_IN_ORDER,
	RTP_GAP, /* something before it is missing, or the sender began anew */
	RTP_OLD, /* again or late: not to be used */
};

/*
 * Take a packet into account and tell its place and its time: timestamps of 32 bits are unwrapped;
 * a jump of more than RTP_JUMP_S is bridged by the time of arrival. clock_rate: ticks a second. A
 * new sender (SSRC) replaces the one before, which is old for as long as the new one sends: two at
 * a time are not mixed.
 */
#define RTP_JUMP_S   10
#define RTP_OTHER_NS 1000000000u /* silence after which the sender before may come back */
enum rtp_order rtp_follow(struct rtp_track *t, const struct rtp_packet *p, uint32_t clock_rate,
	uint64_t arrival_ns, uint64_t *ret_pts_ns);

#endif
