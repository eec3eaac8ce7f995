/* Media time, frame rate and pacing. Pure. */
#include "mux/decode/pace.h"

#include "common/breakage.h"
#include "common/clock.h"
#include "common/limits.h"

#define STEP_MAX_NS (10 * NS_PER_S)  /* a longer step of the timestamps is a jump */
#define JITTER_NS   (15 * NS_PER_MS) /* so much too early is not early, but see pacer_take */

uint64_t media_clock_step(struct media_clock *mc, uint64_t pts_ns, uint64_t arrival_ns)
{
	uint64_t step = pts_ns - mc->pts_ns, now, low, high;

	if (!mc->started) {
		*mc = (struct media_clock){true, pts_ns, arrival_ns, arrival_ns};
		return mc->now_ns;
	}
	/* Backwards wraps around to something huge. */
	if (step == 0 || step > STEP_MAX_NS)
		step = arrival_ns - mc->arrival_ns;
	now = mc->now_ns + step;
	low = arrival_ns > PACE_SLACK_NS ? arrival_ns - PACE_SLACK_NS : 0;
	high = arrival_ns + PACE_SLACK_NS;
	if (now < low)
		now = low;
	if (now > high)
		now = high;
	if (now > mc->now_ns)
		mc->now_ns = now;
	mc->pts_ns = pts_ns;
	mc->arrival_ns = arrival_ns;
	return mc->now_ns;
}

void rate_meter_add(struct rate_meter *rm, uint64_t media_ns)
{
	rm->time_ns[rm->n++ % RATE_FRAMES] = media_ns;
}

uint32_t rate_meter_fps_milli(const struct rate_meter *rm)
{
	uint64_t kept = rm->n < RATE_FRAMES ? rm->n : RATE_FRAMES;
	uint64_t first, last, milli;

	if (kept < 2)
		return 0;
	first = rm->time_ns[(rm->n - kept) % RATE_FRAMES];
	last = rm->time_ns[(rm->n - 1) % RATE_FRAMES];
	if (last <= first)
		return 0;
	milli = ((kept - 1) * 1000 * NS_PER_S + (last - first) / 2) / (last - first);
	return milli > LIMIT_FPS * 1000u ? LIMIT_FPS * 1000u : (uint32_t)milli;
}

void pacer_init(struct pacer *p, uint32_t max_fps)
{
	*p = (struct pacer){.interval_ns = max_fps ? NS_PER_S / max_fps : 0};
}

bool pacer_take(struct pacer *p, uint64_t media_ns)
{
	uint64_t jitter = p->interval_ns / 4 < JITTER_NS ? p->interval_ns / 4 : JITTER_NS;

	if (p->interval_ns == 0 || breakage("decode-skip-pace"))
		return true;
	/* What an early frame gains is missing from the next. */
	if (p->started && media_ns + jitter < p->next_ns)
		return false;
	/* Late by less than an interval keeps the average; a pause is not made up for. */
	if (!p->started || media_ns > p->next_ns + p->interval_ns)
		p->next_ns = media_ns;
	p->next_ns += p->interval_ns;
	p->started = true;
	return true;
}
