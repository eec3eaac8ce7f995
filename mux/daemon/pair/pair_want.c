/*
 * When a camera is to live: leases, the lingering after them, warm ones, and what stands against
 * it. Runs in framemuxd's loop.
 */
#include <sodium.h>

#include "mux/daemon/pair/pair_private.h"

#define STAGGER_MS     100u /* for each camera: warm ones are not all born at one moment */
#define STAGGER_MAX_MS 10000u

bool pair_is_barred(const struct pair *p)
{
	return p->block[0] || p->disabled[0] || p->forbidden[0];
}

/* Somebody asks for it, or it is always to be there, and nothing forbids it. */
bool pair_is_wanted(const struct pair *p)
{
	if (p->stopped || p->aborted || pair_is_barred(p))
		return false;
	return p->leases || (p->camera->warm && p->is_served);
}

uint64_t pair_pause_left_ns(const struct pair *p)
{
	uint64_t now = clock_monotonic_ns();

	return p->pause.until_ns > now ? p->pause.until_ns - now : 0;
}

void pair_on_linger(evutil_socket_t fd, short what, void *data)
{
	struct pair *p = data;

	(void)fd;
	(void)what;
	if (!pair_is_wanted(p))
		pair_end_orderly(p, GOODBYE_MS);
}

/* It is wanted: at once, or when its pause is over: asking often is no way around that. */
static void begin(struct pair *p)
{
	uint64_t left_ns = pair_pause_left_ns(p);

	event_del(p->linger);
	if (p->phase != PAIR_REST && (p->phase != PAIR_PAUSE || left_ns))
		return;
	if (left_ns) {
		pair_pause(p, left_ns);
		return;
	}
	event_del(p->timer); /* it was only waiting for its turn */
	pair_open(p);
}

void pair_want(struct pair *p, uint32_t leases)
{
	p->leases = leases;
	if (p->stopped || p->aborted || pair_is_barred(p))
		return;
	if (leases)
		begin(p);
	else if (pair_is_wanted(p))
		return; /* warm: stays */
	else if (p->phase == PAIR_PAUSE)
		pair_end_orderly(p, GOODBYE_MS);
	else if (p->phase != PAIR_REST && !event_pending(p->linger, EV_TIMEOUT, NULL) &&
		pair_arm(p->linger, p->host->linger_s * NS_PER_S) < 0)
		event_active(p->linger, EV_TIMEOUT, 0); /* now rather than never */
}

void pair_begin_if_wanted(struct pair *p)
{
	if (pair_is_wanted(p))
		begin(p);
}

void pair_serve(struct pair *p)
{
	uint64_t spread_ms = p->host->n_pairs * STAGGER_MS, wait_ns;

	p->is_served = true;
	if (p->is_untold)
		pair_present(p);
	p->is_untold = false;
	if (p->leases) { /* those that its predecessor was told of */
		pair_begin_if_wanted(p);
		return;
	}
	if (!pair_is_wanted(p) || p->phase != PAIR_REST)
		return;
	if (spread_ms > STAGGER_MAX_MS)
		spread_ms = STAGGER_MAX_MS;
	wait_ns = randombytes_uniform((uint32_t)spread_ms) * NS_PER_MS;
	pair_pause(p, wait_ns > pair_pause_left_ns(p) ? wait_ns : pair_pause_left_ns(p));
}
