/* Times of frames. Pure: both clocks are passed in. In the application's process. */
#include "clients/gst/stamp.h"

#define CAPTURE_OLDEST (1 * GST_SECOND) /* before arrival: a camera whose clock is older is wrong */
#define LATENCY_STEP   (20 * GST_MSECOND) /* so that it is told seldom */

void stamp_begin(struct stamp *s)
{
	*s = (struct stamp){GST_CLOCK_TIME_NONE, STAMP_LATENCY_FIRST};
}

uint64_t stamp_taken_ns(const struct framemux_frame *f)
{
	if (f->capture_ns && f->capture_ns <= f->arrival_ns &&
		f->arrival_ns - f->capture_ns <= CAPTURE_OLDEST)
		return f->capture_ns;
	return f->arrival_ns;
}

static bool note_latency(struct stamp *s, uint64_t age_ns)
{
	GstClockTime needed = (age_ns / LATENCY_STEP + 1) * LATENCY_STEP;

	if (needed > STAMP_LATENCY_MAX)
		needed = STAMP_LATENCY_MAX;
	if (needed <= s->latency)
		return false;
	s->latency = needed;
	return true;
}

GstClockTime stamp_of(struct stamp *s, const struct framemux_frame *f, GstClockTime running,
	uint64_t now_ns, bool *ret_grew)
{
	uint64_t taken_ns = stamp_taken_ns(f);
	uint64_t age_ns = now_ns > taken_ns ? now_ns - taken_ns : 0;
	GstClockTime t = running > age_ns ? running - age_ns : 0;

	if (s->last != GST_CLOCK_TIME_NONE && t < s->last)
		t = s->last; /* capture times may come and go */
	s->last = t;
	*ret_grew = note_latency(s, age_ns);
	return t;
}
