/*
 * What comes for a view: messages of the broker, frames, the passing of time; and the telling of
 * its owner. Never talks to the application but in view_tell_all. In the client's process.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "clients/lib/frames.h"
#include "clients/lib/view.h"
#include "clients/lib/view_attach.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"

static struct framemux_view *find(const struct framemux *fm, uint32_t number)
{
	struct framemux_view *v;

	LIST_FOREACH (v, &fm->views, link)
		if (v->number == number)
			return v;
	return NULL;
}

/* --- telling --------------------------------------------------------------------------------- */

static void make_pending(struct framemux_view *v)
{
	if (!v->is_pending) {
		v->is_pending = true;
		LIST_INSERT_HEAD(&v->fm->pending, v, pending_link);
	}
	if (v->fm->depth == 0) /* else the dispatch that runs will tell, or see to it */
		connection_wake_at(v->fm, 0);
}

/* A state is told when it changes, and again when there is something new to say about it. */
void view_set_state(struct framemux_view *v, enum framemux_state state, const char *reason)
{
	if (v->state == state && (!*reason || !strcmp(v->reason, reason)))
		return;
	v->state = state;
	snprintf(v->reason, sizeof(v->reason), "%s", reason);
	text_make_plain(v->reason, strlen(v->reason)); /* a camera's words may be in it */
	v->tell_state = true;
	make_pending(v);
}

static void tell(struct framemux_view *v)
{
	const struct framemux_listener *l = v->listener;
	char reason[LIMIT_REASON];

	if (v->tell_state) {
		v->tell_state = false;
		memcpy(reason, v->reason, sizeof(reason)); /* the callback may change it */
		if (l && l->state)
			l->state(v->data, v, v->state, reason);
	}
	if (v->is_closed || !v->tell_frame)
		return;
	v->tell_frame = false;
	if (v->ring && v->ring->ready >= 0 && l && l->frame)
		l->frame(v->data, v);
}

void view_tell_all(struct framemux *fm)
{
	struct view_list detached = LIST_HEAD_INITIALIZER(detached);
	struct framemux_view *v;

	if (LIST_EMPTY(&fm->pending))
		return;
	/* A list of its own: closing a view takes it off whichever list it is on. */
	detached.lh_first = LIST_FIRST(&fm->pending);
	detached.lh_first->pending_link.le_prev = &detached.lh_first;
	LIST_INIT(&fm->pending);
	while ((v = LIST_FIRST(&detached))) {
		LIST_REMOVE(v, pending_link);
		v->is_pending = false;
		tell(v);
	}
}

/* --- the end --------------------------------------------------------------------------------- */

static void finish(struct framemux_view *v, enum framemux_state state, const char *reason)
{
	view_end_attach(v);
	v->phase = VIEW_FINAL;
	v->is_bad = v->tell_frame = false;
	sodium_memzero(&v->token, sizeof(v->token));
	view_set_state(v, state, reason);
}

void view_lose_all(struct framemux *fm, const char *reason)
{
	struct framemux_view *v;

	LIST_FOREACH (v, &fm->views, link) {
		if (v->phase == VIEW_FINAL)
			continue;
		if (!v->returns) {
			finish(v, FRAMEMUX_STATE_CLOSED, reason);
			continue;
		}
		view_end_attach(v);
		v->phase = VIEW_QUEUED;
		v->is_bad = v->has_camera = false;
		view_set_state(v, FRAMEMUX_STATE_LOST, reason);
	}
}

bool view_any_returns(const struct framemux *fm)
{
	struct framemux_view *v;

	LIST_FOREACH (v, &fm->views, link)
		if (v->returns && v->phase != VIEW_FINAL)
			return true;
	return false;
}

/* --- from the broker ------------------------------------------------------------------------- */

void view_ask_all(struct framemux *fm)
{
	struct framemux_view *v;

	LIST_FOREACH (v, &fm->views, link) {
		if (v->phase != VIEW_QUEUED)
			continue;
		v->open.view = v->number;
		v->phase = VIEW_ASKED;
		connection_ask(fm, &v->open, &v->token);
	}
}

int view_leased(struct framemux *fm, const struct msg_lease *m)
{
	struct framemux_view *v = find(fm, m->view);

	if (!v)
		return 0; /* closed while this was under way */
	if (v->phase != VIEW_ASKED)
		return -EPROTO;
	v->phase = VIEW_LEASED;
	v->lease = m->lease;
	if (!v->returns)
		sodium_memzero(&v->token, sizeof(v->token));
	view_set_state(v, FRAMEMUX_STATE_CONNECTING, "accepted");
	return 0;
}

int view_told(struct framemux *fm, const struct msg_state *m)
{
	struct framemux_view *v = find(fm, m->view);

	if (!v || v->phase == VIEW_FINAL)
		return 0;
	switch (m->state) {
	case FRAMEMUX_STATE_REVOKED:
	case FRAMEMUX_STATE_REFUSED:
		finish(v, m->state, m->reason);
		return 0;
	case FRAMEMUX_STATE_CLOSED: /* a view that returns waits for the end of the connection */
		if (!v->returns)
			finish(v, m->state, m->reason);
		return 0;
	default:
		break;
	}
	if (v->phase != VIEW_LEASED)
		return -EPROTO;
	switch (m->state) {
	case FRAMEMUX_STATE_CONNECTING:
		/* Frames come on another socket and may have been faster. */
		if (v->state != FRAMEMUX_STATE_LIVE)
			view_set_state(v, m->state, m->reason);
		return 0;
	case FRAMEMUX_STATE_LIVE: /* found out by the first verified frame, not by hearsay */
		return 0;
	case FRAMEMUX_STATE_STALE:
	case FRAMEMUX_STATE_LOST:
		view_end_attach(v);
		view_set_state(v, m->state, m->reason);
		return 0;
	default:
		return -EPROTO;
	}
}

int view_attach(struct framemux *fm, const struct msg_attach *m, int fds[ATTACH_FDS])
{
	struct framemux_view *v = find(fm, m->view);
	struct msg_attached done = {.view = m->view, .attach = m->attach, .status = ECANCELED};

	if (v && v->phase != VIEW_FINAL) {
		if (v->phase != VIEW_LEASED)
			return -EPROTO;
		done.status = (uint32_t)-view_begin_attach(v, m, fds);
	}
	connection_send(fm, &wire_attached, &done);
	return 0;
}

/* --- from the lease socket and the clock ----------------------------------------------------- */

void view_ready(struct framemux *fm, uint32_t number)
{
	struct framemux_view *v = find(fm, number);

	if (v && view_drain(v) > 0) {
		v->tell_frame = true;
		make_pending(v);
	}
}

static void tick(struct framemux_view *v)
{
	char reason[LIMIT_REASON];

	if (v->state != FRAMEMUX_STATE_LIVE)
		return;
	if (clock_boot_ns() > v->dark_at_ns) {
		view_ready(v->fm,
			v->number); /* what waits may be fresh: a late wake-up is no silence */
		if (v->state == FRAMEMUX_STATE_LIVE && clock_boot_ns() > v->dark_at_ns) {
			if (v->ring)
				frames_drop_ready(v->ring);
			snprintf(reason, sizeof(reason), "no new frame for %llu ms",
				(unsigned long long)(v->stale_ns / NS_PER_MS));
			view_set_state(v, FRAMEMUX_STATE_STALE, reason);
			return;
		}
	}
	if (v->state == FRAMEMUX_STATE_LIVE)
		connection_wake_at(v->fm, v->dark_at_ns + 1);
}

void view_tick_all(struct framemux *fm)
{
	struct framemux_view *v;

	LIST_FOREACH (v, &fm->views, link)
		tick(v);
}
