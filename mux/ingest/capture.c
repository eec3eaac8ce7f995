/* Capture times. */
#include "mux/ingest/capture.h"

#define NTP_TO_UNIX_S 2208988800u /* from 1900 to 1970 */
/*
 * PTP counts TAI. It has been 37 s ahead of UTC since 2017, and leap seconds are to be given up; a
 * further one would make capture times of PTP cameras wrong by a second until this is changed.
 */
#define TAI_MINUS_UTC_S 37u

void capture_begin(struct capture *c, const struct sdp_video *video)
{
	*c = (struct capture){.clock_rate = video->clock_rate, .clock = video->clock};
}

void capture_report(struct capture *c, const struct rtcp_news *news, uint64_t arrival_ns)
{
	/* In 32 bits, so that the end of NTP's era in 2036 does not matter. */
	uint32_t s = (uint32_t)(news->ntp >> 32) - NTP_TO_UNIX_S;
	uint64_t fraction = news->ntp & UINT32_MAX;

	if (!news->ntp) /* it has no clock */
		return;
	c->has_report = true;
	c->ssrc = news->ssrc;
	c->rtp_time = news->rtp_time;
	c->real_ns = s * NS_PER_S + (fraction * NS_PER_S >> 32);
	c->arrival_ns = arrival_ns;
}

/* The capture time in place of the real time that it claims to be; 0: not believed. */
static uint64_t believe(uint64_t real_ns, uint64_t arrival_ns, uint64_t real_offset_ns)
{
	int64_t age = (int64_t)(arrival_ns + real_offset_ns - real_ns);

	if (age > (int64_t)CAPTURE_AGE_NS || age < -(int64_t)CAPTURE_AHEAD_NS)
		return 0;
	if (age <= 0)
		return arrival_ns;
	return (uint64_t)age < arrival_ns ? arrival_ns - (uint64_t)age : 0;
}

static int64_t ticks_to_ns(int32_t ticks, uint32_t clock_rate)
{
	return (int64_t)ticks * (int64_t)NS_PER_S / (int64_t)clock_rate;
}

/* RFC 7273 5.2: RTP time is the clock's offset plus all ticks since the clock's epoch. */
static uint64_t by_description(
	const struct capture *c, uint32_t rtp_time, uint64_t arrival_ns, uint64_t real_offset_ns)
{
	uint64_t real_ns = arrival_ns + real_offset_ns;
	uint64_t s = real_ns / NS_PER_S +
		(c->clock.kind == SDP_CLOCK_NTP ? NTP_TO_UNIX_S : TAI_MINUS_UTC_S);
	uint32_t ticks = (uint32_t)(s * c->clock_rate +
		real_ns % NS_PER_S * c->clock_rate / NS_PER_S + c->clock.offset);
	int64_t age = ticks_to_ns((int32_t)(ticks - rtp_time), c->clock_rate);

	return believe(real_ns - (uint64_t)age, arrival_ns, real_offset_ns);
}

static uint64_t by_report(const struct capture *c, uint32_t ssrc, uint32_t rtp_time,
	uint64_t arrival_ns, uint64_t real_offset_ns)
{
	int64_t since = ticks_to_ns((int32_t)(rtp_time - c->rtp_time), c->clock_rate);

	if (!c->has_report || c->ssrc != ssrc || arrival_ns > c->arrival_ns + CAPTURE_REPORT_NS)
		return 0;
	return believe(c->real_ns + (uint64_t)since, arrival_ns, real_offset_ns);
}

uint64_t capture_of(const struct capture *c, uint32_t ssrc, uint32_t rtp_time, uint64_t arrival_ns,
	uint64_t real_offset_ns)
{
	uint64_t at = 0;

	if (c->clock.kind != SDP_CLOCK_NONE)
		at = by_description(c, rtp_time, arrival_ns, real_offset_ns);
	return at ? at : by_report(c, ssrc, rtp_time, arrival_ns, real_offset_ns);
}
