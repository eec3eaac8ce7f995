/* The three clocks, in nanoseconds: monotonic for pacing, boot time for age, real time for dates.
 */
#ifndef FRAMEMUX_CLOCK_H
#define FRAMEMUX_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

static inline uint64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Stops during suspend: order and pacing. */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Goes on during suspend: age of a frame, expiry of a lease. */
static inline uint64_t clock_boot_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

/* Seconds since the Unix epoch: a token's expiry. */
static inline uint64_t clock_unix_s(void)
{
	return clock_read_ns(CLOCK_REALTIME) / NS_PER_S;
}

/* A real time that is believed, and the boot time then. */
struct clock_mark {
	uint64_t real_s, boot_ns;
};

/*
 * What real time is at least, by that. A thousandth is left out: no clock runs so wrong, and what is
 * believed does not run ahead of one that is put right by steps.
 */
static inline uint64_t clock_mark_now_s(const struct clock_mark *m, uint64_t boot_ns)
{
	uint64_t passed_s = boot_ns > m->boot_ns ? (boot_ns - m->boot_ns) / NS_PER_S : 0;

	return m->real_s + passed_s - passed_s / 1000;
}

#endif
