/* Time that does not go back. In framemuxd. */
#include "mux/daemon/policy_clock.h"

#include "common/breakage.h"
#include "common/clock.h"

uint64_t policy_clock_at(struct policy_clock *c, uint64_t unix_s, uint64_t boot_s)
{
	uint64_t least = c->unix_s + (boot_s - c->boot_s);

	if (unix_s < least && !breakage("policy-no-clock"))
		return least;
	c->unix_s = unix_s;
	c->boot_s = boot_s;
	return unix_s;
}

uint64_t policy_now(struct policy_clock *c)
{
	return policy_clock_at(c, clock_unix_s(), clock_boot_ns() / NS_PER_S);
}

void policy_clock_raise(struct policy_clock *c, uint64_t unix_s)
{
	if (unix_s <= policy_now(c))
		return;
	c->unix_s = unix_s;
	c->boot_s = clock_boot_ns() / NS_PER_S;
}
