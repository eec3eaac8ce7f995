/*
 * The clock floor: real time is at least this, whatever the clock is set to. A clock that is set back,
 * before a restart or while the mux runs, must not bring an expired token back to life.
 *
 * What is believed: a time that the clock has kept to for HELD_NS of CLOCK_BOOTTIME without a jump;
 * one wrong answer of a time server does not poison it. From then on it goes on by itself, a little
 * slower than any clock does. Pure: the clocks are passed in; only clock_floor_load sees a file.
 */
#ifndef FRAMEMUX_CLOCK_FLOOR_H
#define FRAMEMUX_CLOCK_FLOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/clock.h"

#define CLOCK_FILE          "clock"
#define CLOCK_FLOOR_HELD_NS (600 * NS_PER_S)
#define CLOCK_FLOOR_JUMP_S  5u              /* between two looks; suspend costs a second or two */
#define CLOCK_FLOOR_MAX_S   253402300799ull /* the year 9999: no later time is believed */

struct clock_floor {
	struct clock_mark least;  /* what is believed; real_s 0: nothing yet */
	struct clock_mark seen;   /* the clock at the last look */
	uint64_t steady_since_ns; /* boot time */
};

/* kept_s: what was believed when the mux ended; 0: nothing. */
void clock_floor_begin(struct clock_floor *f, uint64_t kept_s, uint64_t real_s, uint64_t boot_ns);

/* A look at the clock, once a minute or so. Whether the floor has risen to it. */
bool clock_floor_look(struct clock_floor *f, uint64_t real_s, uint64_t boot_ns);

/* The later one of clock and floor. */
uint64_t clock_floor_now_s(const struct clock_floor *f, uint64_t real_s, uint64_t boot_ns);

/* 0 (*ret_s 0: there is no file yet), or -errno and why; -EBADMSG: damaged. */
int clock_floor_load(int folder, uint64_t *ret_s, char *ret_why, size_t why_size);

/* The file's text. */
#define CLOCK_TEXT_MAX 64u
size_t clock_floor_text(uint64_t s, char ret[CLOCK_TEXT_MAX]);

#endif
