/* When a frame was, on the pipeline's clock, and how late such frames are. */
#ifndef FRAMEMUX_GST_STAMP_H
#define FRAMEMUX_GST_STAMP_H

#include <gst/gst.h>
#include <stdbool.h>
#include <stdint.h>

#include "framemux.h"

#define STAMP_LATENCY_FIRST (40 * GST_MSECOND)
#define STAMP_LATENCY_MAX   (1 * GST_SECOND)

struct stamp {
	GstClockTime last;    /* the latest that was given; GST_CLOCK_TIME_NONE: none yet */
	GstClockTime latency; /* a frame comes so long after its time, as far as is known */
};

void stamp_begin(struct stamp *s);

/* When the frame was taken, or else came, on CLOCK_MONOTONIC. */
uint64_t stamp_taken_ns(const struct framemux_frame *f);

/*
 * Its running time: running is that of now, now_ns now on CLOCK_MONOTONIC. Never before the last one.
 * *ret_grew: the latency has to be told anew.
 */
GstClockTime stamp_of(struct stamp *s, const struct framemux_frame *f, GstClockTime running,
	uint64_t now_ns, bool *ret_grew);

#endif
