/* The plan of pauses. Pure code, in framemuxd. */
#include "mux/daemon/pair/pause.h"

#include "common/breakage.h"
#include "common/clock.h"

#define NO_PAUSE_MS 20u

#define GROWTH     2u
#define GROWTH_BAD 4u /* a birth costs 30 ms of a processor: a crash loop at first 1 % of one */

/* The pause that is due; the one after it is so many times as long. */
static uint32_t grow(uint32_t *next_ms, uint32_t min_ms, uint32_t max_ms, uint32_t growth)
{
	uint32_t ms = *next_ms ? *next_ms : min_ms;

	*next_ms = ms > max_ms / growth ? max_ms : growth * ms;
	return ms;
}

bool pause_is_open(const struct pause *p)
{
	return p->bad >= PAUSE_BREAKER;
}

void pause_plan(
	struct pause *p, enum pause_cause cause, bool was_steady, uint64_t now_ns, uint32_t random)
{
	bool at_once = cause == PAUSE_AT_ONCE && !p->was_at_once;
	uint32_t ms;

	if (was_steady)
		*p = (struct pause){0};
	p->was_at_once = at_once;
	if (at_once) {
		p->until_ns = now_ns;
		return;
	}
	/*
	 * Only a steady life forgives: one that crashes and cannot be reached by turns is no better
	 * than one that only crashes.
	 */
	if (cause == PAUSE_USELESS)
		p->bad = PAUSE_BREAKER;
	if (cause == PAUSE_BAD && p->bad < PAUSE_BREAKER)
		p->bad++;
	if (pause_is_open(p) && cause != PAUSE_PLAIN)
		ms = grow(&p->open_ms, PAUSE_OPEN_MIN_MS, PAUSE_OPEN_MAX_MS, GROWTH);
	else
		ms = grow(&p->next_ms, PAUSE_MIN_MS, PAUSE_MAX_MS,
			cause == PAUSE_BAD ? GROWTH_BAD : GROWTH);
	if (breakage("daemon-no-pause")) /* for a soak that kills a thousand times */
		ms = NO_PAUSE_MS;
	ms = ms * 4 / 5 + random % (ms * 2 / 5 + 1);
	p->until_ns = now_ns + ms * NS_PER_MS;
}
