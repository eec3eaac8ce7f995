/* Reception statistics of RTP. */
#include "mux/ingest/reception.h"

#include "common/clock.h"

#define NOT_STRANGE 0x10000u
#define LOST_MAX    0x7fffff
#define LOST_MIN    (-0x800000)

static void start(struct reception *c, const struct rtp_packet *p)
{
	*c = (struct reception){.started = true,
		.ssrc = p->ssrc,
		.base = p->sequence,
		.max = p->sequence,
		.strange = NOT_STRANGE};
}

static enum reception_verdict follow(struct reception *c, const struct rtp_packet *p)
{
	uint16_t ahead = (uint16_t)(p->sequence - c->max);

	if (ahead < RECEPTION_DROPOUT_MAX) {
		if (p->sequence < c->max)
			c->cycles += 0x10000;
		c->max = p->sequence;
	} else if (ahead <= 0x10000u - RECEPTION_MISORDER_MAX) {
		if (p->sequence != c->strange) {
			c->strange = (uint16_t)(p->sequence + 1);
			return RECEPTION_STRANGE;
		}
		start(c, p); /* two in a row: the sender began anew */
		return RECEPTION_ANEW;
	}
	return RECEPTION_GOOD;
}

static void measure_jitter(
	struct reception *c, const struct rtp_packet *p, uint32_t clock_rate, uint64_t arrival_ns)
{
	uint64_t s = arrival_ns / NS_PER_S, ns = arrival_ns % NS_PER_S;
	uint32_t transit = (uint32_t)(s * clock_rate + ns * clock_rate / NS_PER_S) - p->timestamp;
	int32_t d = (int32_t)(transit - c->transit);
	uint32_t abs = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

	if (c->has_transit)
		c->jitter += abs - ((c->jitter + 8) >> 4);
	c->has_transit = true;
	c->transit = transit;
}

enum reception_verdict reception_packet(
	struct reception *c, const struct rtp_packet *p, uint32_t clock_rate, uint64_t arrival_ns)
{
	enum reception_verdict verdict = RECEPTION_ANEW;

	if (!c->started || p->ssrc != c->ssrc)
		start(c, p);
	else
		verdict = follow(c, p);
	if (verdict == RECEPTION_STRANGE)
		return verdict;
	c->received++;
	measure_jitter(c, p, clock_rate, arrival_ns);
	return verdict;
}

void reception_report(struct reception *c, struct reception_report *ret)
{
	uint64_t highest = c->cycles + c->max, expected = highest - c->base + 1;
	uint64_t expected_now = expected - c->expected_prior;
	uint64_t received_now = c->received - c->received_prior;
	int64_t lost = (int64_t)expected - (int64_t)c->received;

	if (lost > LOST_MAX)
		lost = LOST_MAX;
	if (lost < LOST_MIN) /* more duplicates than packets */
		lost = LOST_MIN;
	*ret = (struct reception_report){
		.lost = (int32_t)lost, .highest = (uint32_t)highest, .jitter = c->jitter >> 4};
	if (expected_now > received_now) {
		uint64_t fraction = (expected_now - received_now) * 256 / expected_now;

		ret->fraction_lost = fraction > 255 ? 255 : (uint8_t)fraction;
	}
	c->expected_prior = expected;
	c->received_prior = c->received;
}
