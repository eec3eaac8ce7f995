/*
 * How long a camera is left alone after its pair ended. Pauses grow, with jitter, so that cameras
 * that fell together do not come back together; a circuit breaker opens for one that keeps showing
 * that it is broken or hostile, or that trying again is useless: then one trial each, up to five
 * minutes apart, until one of them has lived for a good while. Pure: clock and random number are
 * passed in.
 */
#ifndef FRAMEMUX_PAUSE_H
#define FRAMEMUX_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#define PAUSE_MIN_MS      500u
#define PAUSE_MAX_MS      30000u /* of one that merely cannot be reached */
#define PAUSE_OPEN_MIN_MS 30000u /* with the breaker open */
#define PAUSE_OPEN_MAX_MS 300000u
#define PAUSE_BREAKER     5u /* bad ends without a steady life between them open it */
#define PAUSE_STEADY_NS   (10u * 1000000000ull) /* live for so long: all is forgiven */

/* Why a life ended; of several the largest counts. */
enum pause_cause {
	PAUSE_PLAIN,   /* it went away, or was not there */
	PAUSE_AT_ONCE, /* the next attempt will be another one: no pause, but not twice in a row */
	PAUSE_BAD,     /* a crash, a broken protocol, a stream that cannot be decoded */
	PAUSE_USELESS, /* 401, 404: the breaker opens at once (cameras lock accounts) */
};

/* Zero to begin with. */
struct pause {
	uint32_t next_ms, open_ms; /* the next pause; 0: the shortest */
	unsigned bad;              /* ends, since the last steady life */
	bool was_at_once;
	uint64_t until_ns; /* monotonic: not before */
};

/* A life has ended. was_steady: it had been live for PAUSE_STEADY_NS. random: any number. */
void pause_plan(
	struct pause *p, enum pause_cause cause, bool was_steady, uint64_t now_ns, uint32_t random);

/* Whether the breaker is open: the next attempt is a trial. */
bool pause_is_open(const struct pause *p);

#endif
