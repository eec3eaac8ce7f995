/*
 * When a camera's newest frame is too old, the same for everyone who has to know: the decoder tells
 * that moment, framemuxd judges by it, the broker gives it to each lease.
 */
#ifndef FRAMEMUX_STALE_H
#define FRAMEMUX_STALE_H

#include <stdint.h>

#include "common/clock.h"

#define STALE_INTERVALS 3u /* without a frame */
/* The rate is the camera's word, which is not believed without bound. */
#define STALE_CAMERA_MAX_NS (10 * NS_PER_S)

/* fps_milli: frames in 1000 seconds; 0: unknown. */
static inline uint64_t stale_limit_ns(uint64_t stale_after_ns, uint32_t fps_milli)
{
	uint64_t camera = 0;

	if (fps_milli)
		camera = STALE_INTERVALS * NS_PER_S * 1000u / fps_milli;
	if (camera > STALE_CAMERA_MAX_NS)
		camera = STALE_CAMERA_MAX_NS;
	return camera > stale_after_ns ? camera : stale_after_ns;
}

#endif
