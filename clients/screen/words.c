/* A camera's state in words. In the process of whoever shows it. */
#include "clients/screen/words.h"

#include <inttypes.h>
#include <stdio.h>

#define MINUTE_S 60u
#define HOUR_S   (60u * MINUTE_S)
#define DAY_S    (24u * HOUR_S)

bool words_is_dark(enum framemux_state state)
{
	return state != FRAMEMUX_STATE_LIVE;
}

bool words_is_final(enum framemux_state state)
{
	return state == FRAMEMUX_STATE_REVOKED || state == FRAMEMUX_STATE_REFUSED ||
		state == FRAMEMUX_STATE_CLOSED;
}

static const char *name_of(enum framemux_state state)
{
	switch (state) {
	case FRAMEMUX_STATE_CONNECTING:
		return "connecting";
	case FRAMEMUX_STATE_LIVE:
		return "live";
	case FRAMEMUX_STATE_STALE:
		return "no picture";
	case FRAMEMUX_STATE_LOST:
		return "camera lost";
	case FRAMEMUX_STATE_REVOKED:
		return "revoked";
	case FRAMEMUX_STATE_REFUSED:
		return "refused";
	case FRAMEMUX_STATE_CLOSED:
		return "closed";
	}
	return "no picture";
}

void words_of(enum framemux_state state, uint64_t since_s, char ret[WORDS_MAX])
{
	const char *unit = "s";
	uint64_t n = since_s;

	if (since_s >= DAY_S) {
		unit = "d";
		n /= DAY_S;
	} else if (since_s >= HOUR_S) {
		unit = "h";
		n /= HOUR_S;
	} else if (since_s >= 2 * MINUTE_S) {
		unit = "min";
		n /= MINUTE_S;
	}
	if (words_is_final(state) || state == FRAMEMUX_STATE_LIVE || !since_s)
		snprintf(ret, WORDS_MAX, "%s", name_of(state));
	else
		snprintf(ret, WORDS_MAX, "%s, %" PRIu64 " %s", name_of(state), n, unit);
}
