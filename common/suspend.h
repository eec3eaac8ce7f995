/*
 * Whether the machine has slept: boot time goes on meanwhile and monotonic time does not. What came
 * before that looks as if it had come a moment ago.
 */
#ifndef FRAMEMUX_SUSPEND_H
#define FRAMEMUX_SUSPEND_H

#include <stdbool.h>

#include "common/clock.h"

#define SUSPEND_MIN_NS (500 * NS_PER_MS)

/* Zero to begin with, then looked at once. */
struct suspend {
	uint64_t asleep_ns; /* by how much boot time is ahead of monotonic */
};

/*
 * Whether it has since the last look. Boot time is read first: who is interrupted between the two
 * has slept a little less, never more.
 */
static inline bool suspend_notice(struct suspend *s)
{
	uint64_t boot = clock_boot_ns(), now = clock_monotonic_ns();
	uint64_t asleep = boot > now ? boot - now : 0, before = s->asleep_ns;

	if (asleep > before)
		s->asleep_ns = asleep;
	return asleep > before + SUSPEND_MIN_NS;
}

#endif
