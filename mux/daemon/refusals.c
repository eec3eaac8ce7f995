/* Counts refusals for log and audit log. In framemuxd's loop. */
#include "mux/daemon/refusals.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/daemon/daemon_private.h"

#define LOG_MAX 10u /* lines a second */
#define NOTE_NS (60 * NS_PER_S)

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	refusals_flush(data);
}

int refusals_begin(struct refusals *r, struct mux *m)
{
	*r = (struct refusals){.mux = m, .timer = evtimer_new(m->base, on_timer, r)};
	return r->timer ? 0 : -ENOMEM;
}

void refusals_end(struct refusals *r)
{
	if (r->timer)
		event_free(r->timer);
	r->timer = NULL;
}

bool refusals_may_log(struct refusals *r)
{
	uint64_t now = clock_monotonic_ns();

	if (now - r->second_ns >= NS_PER_S) {
		r->second_ns = now;
		r->n_logged = 0;
	}
	return r->n_logged++ < LOG_MAX;
}

void refusals_flush(struct refusals *r)
{
	if (!r->n_unnoted)
		return;
	r->last.count = r->n_unnoted;
	r->n_unnoted = 0;
	r->noted_ns = clock_monotonic_ns();
	audit_note(r->mux->audit, &r->last);
}

void refusals_note(struct refusals *r, const struct msg_audit_note *note)
{
	uint64_t passed_ns = clock_monotonic_ns() - r->noted_ns, us;
	struct timeval rest;

	r->last = *note;
	r->n_unnoted++;
	if (!r->noted_ns || passed_ns >= NOTE_NS) {
		refusals_flush(r);
		return;
	}
	if (event_pending(r->timer, EV_TIMEOUT, NULL))
		return;
	us = (NOTE_NS - passed_ns) / NS_PER_US;
	rest = (struct timeval){(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
	if (event_add(r->timer, &rest) < 0)
		log_error("out of memory: refusals are recorded with the next one");
}
