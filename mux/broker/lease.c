/* Phases and outcomes of a lease. Owns nothing, no clock, no descriptor. Runs in the broker. */
#include "mux/broker/lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLLOWS(phase) (1u << (phase))

static const unsigned may_follow[] = {
	[LEASE_ASKED] = FOLLOWS(LEASE_OVER),
	[LEASE_WAITING] = FOLLOWS(LEASE_ATTACHING) | FOLLOWS(LEASE_OVER),
	[LEASE_ATTACHING] = FOLLOWS(LEASE_ATTACHED) | FOLLOWS(LEASE_DETACHING),
	[LEASE_ATTACHED] = FOLLOWS(LEASE_DETACHING),
	[LEASE_DETACHING] = FOLLOWS(LEASE_WAITING),
	[LEASE_OVER] = 0,
};

bool lease_state_is_final(enum framemux_state state)
{
	return state == FRAMEMUX_STATE_REVOKED || state == FRAMEMUX_STATE_REFUSED ||
		state == FRAMEMUX_STATE_CLOSED;
}

static unsigned gravity(enum framemux_state state)
{
	if (lease_state_is_final(state))
		return 3;
	if (state == FRAMEMUX_STATE_LOST)
		return 2;
	return state == FRAMEMUX_STATE_STALE;
}

static void set_outcome(struct lease_life *l, enum framemux_state state, const char *reason)
{
	l->outcome = state;
	snprintf(l->reason, sizeof(l->reason), "%s", reason);
}

void lease_ask(struct lease_life *l)
{
	*l = (struct lease_life){.phase = LEASE_ASKED, .outcome = FRAMEMUX_STATE_CONNECTING};
}

void lease_begin(struct lease_life *l)
{
	*l = (struct lease_life){.phase = LEASE_WAITING, .outcome = FRAMEMUX_STATE_CONNECTING};
}

bool lease_is_ending(const struct lease_life *l)
{
	return lease_state_is_final(l->outcome);
}

int lease_move(struct lease_life *l, enum lease_phase next)
{
	if (!(may_follow[l->phase] & FOLLOWS(next)))
		return -EINVAL;
	if (next == LEASE_OVER && !lease_is_ending(l))
		return -EINVAL;
	if (next == LEASE_ATTACHING && lease_is_ending(l))
		return -EINVAL;
	if (next == LEASE_ATTACHED) {
		/* The attach message says as much as a state would. */
		set_outcome(l, FRAMEMUX_STATE_LIVE, "");
		l->told = FRAMEMUX_STATE_LIVE;
	}
	l->phase = next;
	return 0;
}

void lease_turn(struct lease_life *l, enum framemux_state state, const char *reason)
{
	if (l->phase == LEASE_OVER || lease_is_ending(l))
		return;
	if (l->phase != LEASE_WAITING && gravity(state) < gravity(l->outcome))
		return;
	set_outcome(l, state, reason);
}

bool lease_tell(struct lease_life *l)
{
	if (l->phase == LEASE_ASKED && !lease_is_ending(l))
		return false; /* it has not begun */
	if (l->phase != LEASE_ASKED && l->phase != LEASE_WAITING)
		return false;
	if (l->outcome == FRAMEMUX_STATE_LIVE)
		return false;
	if (l->told == l->outcome && !strcmp(l->told_reason, l->reason))
		return false;
	l->told = l->outcome;
	memcpy(l->told_reason, l->reason, sizeof(l->told_reason));
	return true;
}

enum framemux_state lease_shown(const struct lease_life *l)
{
	if (gravity(l->outcome) > 0)
		return l->outcome;
	return l->phase == LEASE_ATTACHED ? FRAMEMUX_STATE_LIVE : FRAMEMUX_STATE_CONNECTING;
}
