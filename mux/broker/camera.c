/* The table of cameras. Owns the records and, through them, the decoders. Runs in the broker. */
#include "mux/broker/camera.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/conn.h"
#include "mux/broker/decoder.h"
#include "mux/broker/erase.h"
#include "mux/broker/reload.h"
#include "mux/broker/tenure.h"
#include "mux/broker/watch.h"

#define WANT_RETRY_MS     20
#define REFIT_INTERVAL_NS NS_PER_S /* between attaches that the camera causes */

static void on_refit(evutil_socket_t fd, short what, void *data);

struct camera *camera_by_id(const struct broker *b, const uint8_t id[CAMERA_ID_BYTES])
{
	struct camera *c;

	LIST_FOREACH (c, &b->cameras, link)
		if (!memcmp(c->id.b, id, CAMERA_ID_BYTES))
			return c;
	return NULL;
}

struct camera *camera_by_name(const struct broker *b, const char *name)
{
	struct camera *c;

	LIST_FOREACH (c, &b->cameras, link)
		if (!c->is_gone && !strcmp(c->name, name))
			return c;
	return NULL;
}

static void on_want_again(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	camera_count_wanted(data);
}

/* In the order of the configuration, for status. */
static void append(struct broker *b, struct camera *c)
{
	struct camera *last = LIST_FIRST(&b->cameras);

	while (last && LIST_NEXT(last, link))
		last = LIST_NEXT(last, link);
	if (last)
		LIST_INSERT_AFTER(last, c, link);
	else
		LIST_INSERT_HEAD(&b->cameras, c, link);
}

static void camera_free(struct camera *c)
{
	if (c->want_timer)
		event_free(c->want_timer);
	if (c->refit_timer)
		event_free(c->refit_timer);
	free(c);
}

int camera_add(struct broker *b, const struct msg_broker_camera *m)
{
	struct camera *c;

	if (camera_by_id(b, m->id) || camera_by_name(b, m->name))
		return -EEXIST;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->want_timer = evtimer_new(b->base, on_want_again, c);
	c->refit_timer = evtimer_new(b->base, on_refit, c);
	if (!c->want_timer || !c->refit_timer) {
		camera_free(c);
		return -ENOMEM;
	}
	c->broker = b;
	memcpy(c->id.b, m->id, CAMERA_ID_BYTES);
	memcpy(c->name, m->name, sizeof(c->name));
	memcpy(c->vendor, m->vendor, sizeof(c->vendor));
	c->epoch = m->epoch;
	c->state = CAMERA_IDLE;
	LIST_INIT(&c->tenures);
	append(b, c);
	watch_camera(c);
	return 0;
}

int camera_stays(struct camera *c, const struct msg_broker_camera *m)
{
	/* framemuxd is confused: an id stands for one name and epoch. */
	if (c->is_gone || c->epoch != m->epoch || strcmp(c->name, m->name) != 0)
		return -EINVAL;
	memcpy(c->vendor, m->vendor, sizeof(c->vendor));
	LIST_REMOVE(c, link);
	append(c->broker, c);
	return 0;
}

static bool is_of_camera(const void *camera, const struct tenure *t)
{
	return t->camera == camera;
}

void camera_end(struct camera *c, bool stays, const char *reason)
{
	c->is_gone = !stays;
	if (c->is_gone)
		watch_camera_removed(c);
	if (c->decoder)
		c->decoder->is_retired = true;
	tenure_end_those(c->broker, is_of_camera, c, true, reason);
}

bool camera_sweep(struct broker *b)
{
	struct camera *c, *next;
	bool is_swept = true;

	LIST_FOREACH_SAFE (c, &b->cameras, link, next) {
		if (c->decoder && c->decoder->is_retired)
			is_swept = false;
		if (!c->is_gone)
			continue;
		if (c->decoder || !LIST_EMPTY(&c->tenures)) {
			is_swept = false;
			continue;
		}
		LIST_REMOVE(c, link);
		camera_free(c);
	}
	return is_swept;
}

/* After the last lease has ended. */
void camera_free_all(struct broker *b)
{
	struct camera *c;

	while ((c = LIST_FIRST(&b->cameras))) {
		LIST_REMOVE(c, link);
		decoder_free(take_ptr(c->decoder), "the mux stops");
		camera_free(c);
	}
}

static bool state_is_dark(enum camera_state state)
{
	return state == CAMERA_STALE || state == CAMERA_LOST || state == CAMERA_DISABLED ||
		state == CAMERA_BLOCKED;
}

bool camera_is_showing(const struct camera *c)
{
	return c->decoder && c->decoder->conn && !c->decoder->is_condemned &&
		!c->decoder->is_retired && c->decoder->format.serial && !state_is_dark(c->state);
}

/*
 * Clients can make this change as often as they like; while framemuxd does not read, only the last
 * count waits.
 */
void camera_count_wanted(struct camera *c)
{
	const struct timeval later = {.tv_usec = WANT_RETRY_MS * 1000};
	struct conn *daemon = c->broker->daemon;
	struct msg_camera_want m = {0};
	struct tenure *t;

	LIST_FOREACH (t, &c->tenures, in_camera)
		m.leases += t->life.phase != LEASE_ASKED && !lease_is_ending(&t->life);
	if (m.leases == c->wanted)
		return;
	if (conn_is_backed_up(daemon) && evtimer_add(c->want_timer, &later) == 0)
		return;
	c->wanted = m.leases;
	memcpy(m.id, c->id.b, sizeof(m.id));
	conn_send(daemon, &wire_camera_want, &m, NULL, 0);
}

/* --- what framemuxd says -------------------------------------------------------------------- */

/*
 * The client has one final state for all that ends a right; that it is not its own right that ended
 * stands in the words (framemux-dump tells the two apart by them).
 */
void camera_end_reason(const struct camera *c, char ret[LIMIT_REASON])
{
	if (snprintf(ret, LIMIT_REASON, "%s%s",
		    c->state == CAMERA_BLOCKED ? "the camera is blocked: " : "",
		    c->reason) >= (int)LIMIT_REASON)
		memset(ret + LIMIT_REASON - 4, '.', 3);
}

static void set_state(struct camera *c, enum camera_state state, const char *reason)
{
	bool is_news = c->state != state || strcmp(c->reason, reason) != 0;

	c->state = state;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	if (is_news && !c->is_gone)
		watch_camera(c);
}

static void tell_tenure(struct tenure *t, const struct camera *c)
{
	char reason[LIMIT_REASON];

	switch (c->state) {
	case CAMERA_STALE:
		tenure_camera_stale(t);
		break;
	case CAMERA_LOST:
		tenure_darken(t, FRAMEMUX_STATE_LOST, c->reason);
		break;
	case CAMERA_DISABLED:
	case CAMERA_BLOCKED:
		camera_end_reason(c, reason);
		tenure_end(t, FRAMEMUX_STATE_REVOKED, reason);
		break;
	default:
		tenure_camera_back(t);
		break;
	}
}

void camera_news(struct camera *c, uint32_t state, const char *reason)
{
	struct tenure *t, *next;

	set_state(c, (enum camera_state)state, reason);
	log_info("camera %s: %s%s%s", c->name, camera_state_name(state), *reason ? ": " : "",
		reason);
	LIST_FOREACH_SAFE (t, &c->tenures, in_camera, next)
		tell_tenure(t, c);
}

int camera_pair_born(struct camera *c, uint64_t generation, int *fd)
{
	int r;

	if (c->decoder)
		return -EEXIST; /* two pairs of one camera: the one thing that must not be */
	r = decoder_new(c, generation, *fd, &c->decoder);
	if (r < 0)
		return r;
	*fd = -1;
	if (c->state == CAMERA_LOST || c->state == CAMERA_STALE)
		set_state(c, CAMERA_CONNECTING, "");
	log_debug("camera %s: generation %llu", c->name, (unsigned long long)generation);
	return 0;
}

void camera_pair_dead(struct camera *c, uint64_t generation, const char *reason)
{
	struct decoder *d = c->decoder;

	if (!d || d->generation != generation)
		return; /* one that we could not take over */
	c->decoder = NULL;
	decoder_free(d, reason);
	reload_check_soon(c->broker);
}

void camera_ask_block(struct camera *c, const char *reason)
{
	struct msg_camera_block m = {0};

	memcpy(m.id, c->id.b, sizeof(m.id));
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	conn_send(c->broker->daemon, &wire_camera_block, &m, NULL, 0);
}

/* --- what its decoder says ------------------------------------------------------------------ */

/* New attaches for those whose attach does not suit the camera's present form. */
static void refit(struct camera *c, uint64_t now)
{
	struct tenure *t, *next;
	bool is_any = false;

	LIST_FOREACH_SAFE (t, &c->tenures, in_camera, next) {
		if (!t->attach || attach_is_kept(t->attach))
			continue;
		is_any = true;
		tenure_reattach(t);
	}
	if (is_any)
		c->refit_not_before_ns = now + REFIT_INTERVAL_NS;
}

static void on_refit(evutil_socket_t fd, short what, void *data)
{
	struct camera *c = data;

	(void)fd;
	(void)what;
	if (c->decoder)
		refit(c, clock_monotonic_ns());
}

static void refit_at(struct camera *c, uint64_t at_ns, uint64_t now_ns)
{
	uint64_t us = (at_ns - now_ns) / NS_PER_US + 1;
	const struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000u), .tv_usec = (suseconds_t)(us % 1000000u)};

	if (evtimer_add(c->refit_timer, &tv) < 0)
		broker_fail(c->broker, "no timer for a camera");
}

/*
 * A change costs each of its clients an attach: the next one not before a second has passed. Until
 * then an attach stays, and shows what is still of its form: of a camera that alternates, every
 * other picture.
 */
void camera_format_changed(struct camera *c)
{
	uint32_t serial = c->decoder->format.serial;
	uint64_t now = clock_monotonic_ns();
	struct tenure *t, *next;

	LIST_FOREACH_SAFE (t, &c->tenures, in_camera, next) {
		if (!t->attach)
			tenure_try(t);
		else if (attach_is_kept(t->attach))
			attach_keep(t->attach, serial);
	}
	if (now >= c->refit_not_before_ns)
		refit(c, now);
	else if (!evtimer_pending(c->refit_timer, NULL))
		refit_at(c, c->refit_not_before_ns, now);
}
