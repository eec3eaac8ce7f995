/* Reloads under way and who asked for them. Owns the latter. Runs in the broker. */
#include "mux/broker/reload.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/broker/control.h"
#include "mux/broker/erase.h"
#include "mux/broker/standing.h"
#include "mux/broker/tenure.h"

#define LIMIT_S 25 /* for a pair that is to be reaped, and for framemuxd's disk */

struct reloading {
	LIST_ENTRY(reloading) link;
	struct control *asker; /* borrowed */
	uint32_t request;      /* the asker's number */
	uint32_t sent_request; /* ours to framemuxd */
	struct event *limit;   /* owned */
};

/* ---- who asked ----------------------------------------------------------------------------- */

static void reloading_free(struct reloading *r)
{
	LIST_REMOVE(r, link);
	if (r->limit)
		event_free(r->limit);
	free(r);
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	struct reloading *r = data;

	(void)fd;
	(void)what;
	control_done(r->asker, r->request, ETIMEDOUT, 0,
		"the reload is not over yet; it goes on, and the log says how it ends");
	reloading_free(r);
}

int reload_ask(struct broker *b, struct control *asker, uint32_t request)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	struct reloading *r = calloc(1, sizeof(*r));
	struct msg_reload_ask m = {.uid = asker->uid, .pid = asker->pid};

	if (!r)
		return -ENOMEM;
	LIST_INSERT_HEAD(&b->reloadings, r, link);
	r->asker = asker;
	r->request = request;
	r->sent_request = m.request = ++b->last_request;
	r->limit = evtimer_new(b->base, on_limit, r);
	if (!r->limit || evtimer_add(r->limit, &limit) < 0) {
		reloading_free(r);
		return -ENOMEM;
	}
	conn_send(b->daemon, &wire_reload_ask, &m, NULL, 0);
	return 0;
}

/* NULL: the asker has gone, or was answered. */
static struct reloading *find(const struct broker *b, uint32_t request)
{
	struct reloading *r;

	LIST_FOREACH (r, &b->reloadings, link)
		if (r->sent_request == request)
			return r;
	return NULL;
}

void reload_tell_change(struct broker *b, const struct msg_reload_change *m)
{
	const struct reloading *r = find(b, m->request);
	struct msg_ctl_change change;

	if (!r)
		return;
	memcpy(change.kind, m->kind, sizeof(change.kind));
	memcpy(change.name, m->name, sizeof(change.name));
	memcpy(change.what, m->what, sizeof(change.what));
	memcpy(change.detail, m->detail, sizeof(change.detail));
	control_record(r->asker, &wire_ctl_change, &change);
}

void reload_tell_fault(struct broker *b, const struct msg_reload_fault *m)
{
	const struct reloading *r = find(b, m->request);
	struct msg_ctl_fault fault;

	if (!r)
		return;
	memcpy(fault.text, m->text, sizeof(fault.text));
	control_record(r->asker, &wire_ctl_fault, &fault);
}

void reload_tell_done(struct broker *b, const struct msg_reload_done *m)
{
	struct reloading *r = find(b, m->request);

	if (!r)
		return;
	control_done(r->asker, r->request, m->status, 0, m->reason);
	reloading_free(r);
}

void reload_forget_asker(struct broker *b, const struct control *asker)
{
	struct reloading *r, *next;

	LIST_FOREACH_SAFE (r, &b->reloadings, link, next)
		if (r->asker == asker)
			reloading_free(r);
}

/* ---- what is over -------------------------------------------------------------------------- */

static bool is_of_token(const void *id, const struct tenure *t)
{
	return !memcmp(t->token, id, TOKEN_ID_BYTES);
}

int reload_end_token(struct broker *b, const uint8_t id[TOKEN_ID_BYTES], const char *reason)
{
	int r = revoked_add(&b->revoked, id);

	if (r < 0)
		return r;
	standing_forget(b, id);
	tenure_end_those(b, is_of_token, id, true, reason);
	return 0;
}

/* From the loop and not from where the last one ends: that one's camera is still in use there. */
static void on_check(evutil_socket_t fd, short what, void *data)
{
	struct broker *b = data;
	const struct msg_reload_cleared m = {.request = b->clear_request};
	const struct tenure *t;
	bool is_swept = camera_sweep(b);

	(void)fd;
	(void)what;
	LIST_FOREACH (t, &b->tenures, in_broker)
		is_swept = is_swept && !t->ends_by_reload;
	if (!is_swept || !b->is_clearing)
		return;
	b->is_clearing = false;
	conn_send(b->daemon, &wire_reload_cleared, &m, NULL, 0);
}

void reload_check_soon(struct broker *b)
{
	const struct timeval now = {0};

	if (b->is_clearing && !b->is_over && evtimer_add(b->clear_timer, &now) < 0)
		event_active(b->clear_timer, EV_TIMEOUT, 0); /* else it would wait for ever */
}

int reload_clear(struct broker *b, uint32_t request)
{
	if (b->is_clearing)
		return -EINVAL;
	b->is_clearing = true;
	b->clear_request = request;
	reload_check_soon(b);
	return 0;
}

int reload_init(struct broker *b)
{
	b->clear_timer = evtimer_new(b->base, on_check, b);
	return b->clear_timer ? 0 : -ENOMEM;
}

void reload_free_all(struct broker *b)
{
	struct reloading *r, *next;

	LIST_FOREACH_SAFE (r, &b->reloadings, link, next)
		reloading_free(r);
	if (b->clear_timer)
		event_free(b->clear_timer);
	b->clear_timer = NULL;
}
