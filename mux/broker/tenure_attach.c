/*
 * When a lease gets its attach: at once, in turn, later, or not at all. Owns the line of those that
 * are next. Runs in the broker.
 */
#include "mux/broker/tenure.h"

#include <errno.h>
#include <event2/event.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/camera.h"
#include "mux/broker/client.h"

#define RETRY_NS       NS_PER_S           /* after a shortage */
#define FAULT_PAUSE_NS (500u * NS_PER_MS) /* after a fault of the client's */
#define FAULTS_MAX     3u                 /* in a row, and the lease ends */
#define FAULTLESS_NS   (10u * NS_PER_S)   /* an attach that lasted so long begins a new row */

/* --- the line ------------------------------------------------------------------------------- */

static void call_next(struct broker *b)
{
	const struct timeval now = {0};

	if (evtimer_add(b->begin_timer, &now) < 0)
		broker_fail(b, "no timer for the next attach");
}

/*
 * Making a ring takes milliseconds for each of its megabytes. A camera that comes back makes one
 * for each of its leases: one a round of the loop, so that a revocation has to wait for one at
 * most.
 */
static void join_line(struct tenure *t)
{
	if (t->is_in_line)
		return;
	t->is_in_line = true;
	TAILQ_INSERT_TAIL(&t->broker->beginners, t, in_line);
	call_next(t->broker);
}

void tenure_leave_line(struct tenure *t)
{
	if (t->is_in_line)
		TAILQ_REMOVE(&t->broker->beginners, t, in_line);
	t->is_in_line = false;
}

/* --- attaches come and go ------------------------------------------------------------------- */

void tenure_try_at(struct tenure *t, uint64_t at_ns, uint64_t now_ns)
{
	uint64_t us = (at_ns - now_ns) / NS_PER_US + 1;
	const struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000u), .tv_usec = (suseconds_t)(us % 1000000u)};

	if (evtimer_add(t->timer, &tv) < 0)
		broker_fail(t->broker, "no timer for a lease");
}

/* It cannot be now: after the first attach that is a dark view, before it is still connecting. */
static void postpone(struct tenure *t, const char *reason)
{
	t->attach_not_before_ns = clock_monotonic_ns() + RETRY_NS;
	tenure_darken(t, t->last_attach ? FRAMEMUX_STATE_STALE : FRAMEMUX_STATE_CONNECTING, reason);
}

void tenure_shortage(struct tenure *t, const char *reason)
{
	t->attach_not_before_ns = clock_monotonic_ns() + RETRY_NS;
	tenure_darken(t, FRAMEMUX_STATE_STALE, reason);
}

static void begin(struct tenure *t, uint64_t now_ns)
{
	int r = attach_begin(t);

	if (r == 0) {
		(void)lease_move(&t->life, LEASE_ATTACHING);
		return;
	}
	if (r == -EINVAL) {
		tenure_end(t, FRAMEMUX_STATE_REFUSED, "the capability's limits permit no picture");
		return;
	}
	if (r == -EDQUOT && !t->last_attach) {
		tenure_end(t, FRAMEMUX_STATE_REFUSED, "the ring memory of this user is used up");
		return;
	}
	tenure_try_at(t, now_ns + RETRY_NS, now_ns);
	postpone(t,
		r == -EDQUOT ? "the ring memory of this user is used up"
			     : "the mux is short of memory or descriptors");
}

/* Nothing about the lease itself stands against an attach, and its camera has pictures. */
static bool may_begin(const struct tenure *t)
{
	return !t->attach && !lease_is_ending(&t->life) && !t->broker->is_stopping &&
		camera_is_showing(t->camera);
}

void tenure_try(struct tenure *t)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t at = t->attach_not_before_ns;

	if (t->attach || t->life.phase == LEASE_ASKED || lease_is_ending(&t->life) ||
		t->broker->is_stopping)
		return;
	if (at > now) {
		tenure_try_at(t, at, now);
		if (t->life.outcome == FRAMEMUX_STATE_LIVE) /* nothing says yet that it is dark */
			tenure_darken(t, FRAMEMUX_STATE_STALE, "the picture is being set up again");
		return;
	}
	if (t->is_unproven) {
		tenure_end(t, FRAMEMUX_STATE_REVOKED, "the client could not take its ring");
		return;
	}
	if (camera_is_showing(t->camera))
		join_line(t);
}

static void on_turn(evutil_socket_t fd, short what, void *data)
{
	struct broker *b = data;
	struct tenure *t = TAILQ_FIRST(&b->beginners);

	(void)fd;
	(void)what;
	if (!t)
		return;
	tenure_leave_line(t);
	if (!TAILQ_EMPTY(&b->beginners))
		call_next(b);
	if (may_begin(t))
		begin(t, clock_monotonic_ns());
}

int tenure_init_line(struct broker *b)
{
	TAILQ_INIT(&b->beginners);
	b->begin_timer = evtimer_new(b->base, on_turn, b);
	return b->begin_timer ? 0 : -ENOMEM;
}

void tenure_free_line(struct broker *b)
{
	if (b->begin_timer)
		event_free(b->begin_timer);
	b->begin_timer = NULL;
}

void tenure_attached(struct tenure *t)
{
	(void)lease_move(&t->life, LEASE_ATTACHED);
}

void tenure_fault(struct tenure *t, const char *reason)
{
	uint64_t now = clock_monotonic_ns();
	const struct attach *a = t->attach;

	if (a && a->phase == ATTACH_GIVEN) {
		if (now - a->given_ns >= FAULTLESS_NS)
			t->faults = 0;
		t->faults++;
		t->is_unproven = t->client && t->client->unacknowledged == a->id;
	}
	log_notice("lease %016llx: uid %u pid %u: %s", (unsigned long long)t->id, t->uid, t->pid,
		reason);
	if (t->faults >= FAULTS_MAX) {
		tenure_end(t, FRAMEMUX_STATE_REVOKED, reason);
		return;
	}
	t->attach_not_before_ns = now + FAULT_PAUSE_NS;
	if (a)
		tenure_darken(t, FRAMEMUX_STATE_STALE, reason);
}
