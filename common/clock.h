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

#endif
