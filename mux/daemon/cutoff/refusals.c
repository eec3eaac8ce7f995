/* Counts refusals for log and audit log. In framemuxd's loop. */
#include "mux/daemon/cutoff/refusals.h"

#include <errno.h>
#include <string.h>

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
	if (!r->n_held)
		return;
	for (unsigned i = 0; i < r->n_held; i++)
		audit_note(r->mux->audit, &r->held[i]);
	r->n_held = 0;
	r->noted_ns = clock_monotonic_ns();
}

/* Whom it counts for. */
static void hold(struct refusals *r, const struct msg_audit_note *note)
{
	struct msg_audit_note *h = r->held;
	unsigned i = 0;
	uint64_t count;

	while (i < r->n_held && (h[i].uid != note->uid || h[i].by_uid != note->by_uid))
		i++;
	if (i == r->n_held && i < REFUSALS_HELD)
		h[r->n_held++].count = 0;
	if (i == REFUSALS_HELD)
		i--;
	count = h[i].count + 1;
	if (i == REFUSALS_HELD - 1) { /* nobody's by name */
		h[i] = (struct msg_audit_note){
			.event = note->event, .uid = UINT32_MAX, .by_uid = UINT32_MAX};
		memcpy(h[i].what, note->what, sizeof(h[i].what));
	} else {
		h[i] = *note;
	}
	h[i].count = count;
}

void refusals_note(struct refusals *r, const struct msg_audit_note *note)
{
	uint64_t passed_ns = clock_monotonic_ns() - r->noted_ns, us;
	struct timeval rest;

	hold(r, note);
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
