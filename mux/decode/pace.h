/*
 * The time that a stream's frames stand for, its rate, and which frames an attach limited to so
 * many a second gets. Pure: clocks are passed in. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_PACE_H
#define FRAMEMUX_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Media time follows the stream's own timestamps, which come without the network's jitter, but is
 * held within PACE_SLACK_NS of the arrival times: a camera whose timestamps stand still, jump or
 * lie gets no more frames through a limit than one whose do not. Never runs backwards.
 * Zero-initialised: not started.
 */
#define PACE_SLACK_NS 250000000ull

struct media_clock {
	bool started;
	uint64_t pts_ns, arrival_ns; /* of the frame before */
	uint64_t now_ns;
};

/* The media time of the next frame in presentation order. arrival_ns must not run backwards. */
uint64_t media_clock_step(struct media_clock *mc, uint64_t pts_ns, uint64_t arrival_ns);

/* The rate of the newest frames. Zero-initialised: nothing known. */
#define RATE_FRAMES 32u

struct rate_meter {
	uint64_t time_ns[RATE_FRAMES];
	uint64_t n;
};

void rate_meter_add(struct rate_meter *rm, uint64_t media_ns);

/* Frames in 1000 seconds, at most LIMIT_FPS * 1000; 0: unknown. */
uint32_t rate_meter_fps_milli(const struct rate_meter *rm);

/* Lets at most max_fps frames a second through, evenly. */
struct pacer {
	uint64_t interval_ns; /* 0: every frame */
	uint64_t next_ns;
	bool started;
};

/* max_fps 0: every frame. */
void pacer_init(struct pacer *p, uint32_t max_fps);

/* Whether the frame of this media time goes through. */
bool pacer_take(struct pacer *p, uint64_t media_ns);

#endif
