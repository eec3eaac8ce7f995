/*
 * The time by which a policy expires: the clock, but never earlier than what was known before. A
 * clock that is set back gives no expired permit back. In framemuxd; reads the clocks, keeps no file.
 */
#ifndef FRAMEMUX_POLICY_CLOCK_H
#define FRAMEMUX_POLICY_CLOCK_H

#include <stdint.h>

struct policy_clock {
	uint64_t unix_s, boot_s; /* at that boot time it was at least that late */
};

/* Seconds since the Unix epoch. */
uint64_t policy_now(struct policy_clock *c);

/* The same, with the clocks passed in. */
uint64_t policy_clock_at(struct policy_clock *c, uint64_t unix_s, uint64_t boot_s);

/* It is known to be at least that late: somebody trusted has written it down, or signed it. */
void policy_clock_raise(struct policy_clock *c, uint64_t unix_s);

#endif
