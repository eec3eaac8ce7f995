/* What was seen of a camera, by number and time. In the checking clients' processes. */
#include "clients/ctl/check/check_seen.h"

#include "common/clock.h"

/* One word, so that it is written at once: 16 bits of the generation, then microseconds. */
#define TIME_BITS 48u
#define TIME_MASK ((1ull << TIME_BITS) - 1)

/*
 * Numbers come again; what is older than half a round is of an earlier one. What is looked for lies at
 * most a quarter of a round away, so that a client that was stopped between acquiring and noting does
 * no harm.
 */
#define AHEAD_MAX (BOARD_NUMBERS / 4)

static uint64_t round_half_us(const struct board_camera *c)
{
	return BOARD_NUMBERS / 2 * 1000000ull / c->fps;
}

/* When, in microseconds; 0: not in this generation and round. */
static uint64_t when_us(
	const struct board_camera *c, uint64_t generation, unsigned number, uint64_t at_us)
{
	uint64_t v = atomic_load_explicit(&c->seen[number], memory_order_relaxed);
	uint64_t us = v & TIME_MASK;

	if (!v || v >> TIME_BITS != (generation & 0xffff) || us + round_half_us(c) < at_us)
		return 0;
	return us;
}

void seen_note(struct board_camera *c, uint64_t generation, int number, uint64_t now_ns)
{
	uint64_t us = now_ns / NS_PER_US;

	if (!when_us(c, generation, (unsigned)number, us)) /* the first who saw it */
		atomic_store_explicit(&c->seen[number],
			(generation & 0xffff) << TIME_BITS | (us & TIME_MASK),
			memory_order_relaxed);
}

bool seen_is_stale(const struct board_camera *c, uint64_t generation, int number, uint64_t at_ns,
	uint64_t limit_ns)
{
	uint64_t at_us = at_ns / NS_PER_US, limit_us = limit_ns / NS_PER_US;

	for (unsigned i = 1; i < AHEAD_MAX; i++) {
		unsigned later = ((unsigned)number + i) % BOARD_NUMBERS;
		uint64_t us = when_us(c, generation, later, at_us);

		if (us && us + limit_us < at_us)
			return true;
	}
	return false;
}

bool seen_before(const struct board_camera *c, uint64_t generation, int number, uint64_t at_ns)
{
	uint64_t at_us = at_ns / NS_PER_US, us = when_us(c, generation, (unsigned)number, at_us);

	return us && us < at_us;
}
