/* How often something may happen in a second: log lines that a peer can cause, messages of a peer.
 */
#ifndef FRAMEMUX_BROKER_RATE_H
#define FRAMEMUX_BROKER_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

struct rate {
	uint64_t second_ns; /* when the current second began */
	unsigned n, over;   /* in it: all, and those beyond the limit */
};

/*
 * Whether one more is within per_second. ret_over, if wanted: with the first of a new second, how
 * many were beyond the limit in the last; else 0.
 */
static inline bool rate_permits(
	struct rate *r, uint64_t now_ns, unsigned per_second, unsigned *ret_over)
{
	if (ret_over)
		*ret_over = 0;
	if (now_ns - r->second_ns >= NS_PER_S) {
		if (ret_over)
			*ret_over = r->over;
		*r = (struct rate){.second_ns = now_ns};
	}
	if (r->n < per_second) {
		r->n++;
		return true;
	}
	r->over++;
	return false;
}

#endif
