/* RTP headers, gaps in the sequence, unwrapped time. */
#include "mux/ingest/rtp.h"

#include <errno.h>

#include "common/clock.h"

#define RTP_HEADER_BYTES 12u
#define RTP_OLD_MAX      100 /* further back than this, the sender began anew */

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return be16(p) << 16 | be16(p + 2);
}

int rtp_parse(const uint8_t *buf, size_t len, struct rtp_packet *ret)
{
	size_t at = RTP_HEADER_BYTES;

	if (len < at || buf[0] >> 6 != 2)
		return -EPROTO;
	at += 4u * (buf[0] & 0x0f);
	if (buf[0] & 0x10) {
		if (len < at + 4)
			return -EPROTO;
		at += 4 + 4 * (size_t)be16(buf + at + 2);
	}
	if (len < at)
		return -EPROTO;
	ret->payload = buf + at;
	ret->payload_len = len - at;
	if (buf[0] & 0x20) {
		size_t padding = ret->payload_len ? buf[len - 1] : 0;

		if (!padding || padding > ret->payload_len)
			return -EPROTO;
		ret->payload_len -= padding;
	}
	ret->marker = buf[1] & 0x80;
	ret->payload_type = buf[1] & 0x7f;
	ret->sequence = (uint16_t)be16(buf + 2);
	ret->timestamp = be32(buf + 4);
	ret->ssrc = be32(buf + 8);
	return 0;
}

static void follow_time(
	struct rtp_track *t, const struct rtp_packet *p, uint32_t clock_rate, uint64_t arrival_ns)
{
	int64_t ticks = (int32_t)(p->timestamp - t->timestamp);
	int64_t limit = (int64_t)RTP_JUMP_S * clock_rate;
	uint64_t ns = (uint64_t)(ticks < 0 ? -ticks : ticks) * NS_PER_S / clock_rate;

	if (ticks < -limit || ticks > limit)
		t->pts_ns += arrival_ns - t->arrival_ns;
	else if (ticks >= 0)
		t->pts_ns += ns;
	else
		t->pts_ns -= t->pts_ns < ns ? t->pts_ns : ns;
	t->timestamp = p->timestamp;
	t->arrival_ns = arrival_ns;
}

enum rtp_order rtp_follow(struct rtp_track *t, const struct rtp_packet *p, uint32_t clock_rate,
	uint64_t arrival_ns, uint64_t *ret_pts_ns)
{
	enum rtp_order order = RTP_IN_ORDER;

	if (!t->started) {
		t->started = true;
		t->timestamp = p->timestamp;
		t->arrival_ns = arrival_ns;
		t->pts_ns = NS_PER_S; /* room for the B-frames that lie before the first picture */
	} else if (p->ssrc != t->ssrc) {
		if (t->has_other && p->ssrc == t->other_ssrc &&
			arrival_ns - t->arrival_ns < RTP_OTHER_NS)
			return RTP_OLD;
		t->has_other = true;
		t->other_ssrc = t->ssrc;
		order = RTP_GAP;
		t->timestamp = p->timestamp; /* another origin */
		t->pts_ns += arrival_ns - t->arrival_ns;
		t->arrival_ns = arrival_ns;
	} else {
		int16_t ahead = (int16_t)(p->sequence - t->sequence);

		if (ahead < 0 && ahead >= -RTP_OLD_MAX)
			return RTP_OLD;
		if (ahead != 0)
			order = RTP_GAP;
		follow_time(t, p, clock_rate, arrival_ns);
	}
	t->ssrc = p->ssrc;
	t->sequence = (uint16_t)(p->sequence + 1);
	*ret_pts_ns = t->pts_ns;
	return order;
}
