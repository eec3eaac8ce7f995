/* Leases and what belongs to them. Owns them; the states are lease.c's. Runs in the broker. */
#include "mux/broker/tenure.h"

#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/camera.h"
#include "mux/broker/client.h"
#include "mux/broker/decoder.h"
#include "mux/broker/erase.h"
#include "mux/broker/expiry.h"
#include "mux/broker/held.h"
#include "mux/broker/reload.h"
#include "mux/broker/revoke.h"
#include "mux/broker/unit.h"
#include "mux/broker/watch.h"

/* Beyond this an expiry is never reached, and a sum of nanoseconds would wrap. */
#define EXPIRY_FAR_S (1ull << 33)

/* --- the client is told; the end ------------------------------------------------------------ */

static void log_end(struct tenure *t)
{
	struct tenure_counts n;

	tenure_count(t, &n);
	log_notice("lease %016llx ended: uid %u pid %u, camera %s: %s; published %llu, "
		   "delivered %llu, dropped %llu, withheld %llu",
		(unsigned long long)t->id, t->uid, t->pid, t->camera_name, t->life.reason,
		(unsigned long long)n.published, (unsigned long long)n.delivered,
		(unsigned long long)n.dropped, (unsigned long long)n.withheld);
}

static void tenure_free(struct tenure *t)
{
	struct broker *b = t->broker;

	LIST_REMOVE(t, in_broker);
	LIST_REMOVE(t, in_camera);
	if (t->client)
		LIST_REMOVE(t, in_client);
	tenure_leave_line(t);
	quota_release(&b->quota, t->uid, t->reserved_bytes);
	quota_lease_end(&b->quota, t->uid);
	if (t->timer)
		event_free(t->timer);
	free(t);
}

static void tenure_close(struct tenure *t)
{
	struct broker *b = t->broker;
	const struct tenure gone = *t;

	if (lease_move(&t->life, LEASE_OVER) < 0)
		return;
	audit_closed(t);
	if (t->is_open) { /* of others nobody knows that they were */
		log_end(t);
		watch_lease(t, EVENT_LEASE_CLOSED);
	}
	camera_count_wanted(t->camera);
	tenure_free(t);
	revoke_lease_gone(b, &gone);
	reload_check_soon(b);
}

/* Without an attach: tell what is to be told, and go if that was final. False: t is no more. */
static bool settle(struct tenure *t)
{
	if (lease_tell(&t->life) && t->client)
		client_tell(t->client, t->view, t->life.outcome, t->life.reason);
	if (!lease_is_ending(&t->life))
		return true;
	tenure_close(t);
	return false;
}

void tenure_end(struct tenure *t, enum framemux_state state, const char *reason)
{
	lease_turn(&t->life, state, reason);
	camera_count_wanted(t->camera);
	if (t->attach)
		tenure_reattach(t);
	else
		settle(t);
}

void tenure_end_those(struct broker *b, tenure_is_meant *is_meant, const void *data, bool by_reload,
	const char *reason)
{
	struct tenure *t, *next;

	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->attach && is_meant(data, t))
			ring_mark_dead(&t->attach->ring);
	LIST_FOREACH_SAFE (t, &b->tenures, in_broker, next) {
		if (!is_meant(data, t))
			continue;
		t->ends_by_reload |= by_reload;
		if (t->attach)
			erase_hasten(t->attach); /* of one that is ending already */
		tenure_end(t, FRAMEMUX_STATE_REVOKED, reason);
	}
}

void tenure_darken(struct tenure *t, enum framemux_state state, const char *reason)
{
	lease_turn(&t->life, state, reason);
	if (t->attach)
		tenure_reattach(t);
	else
		settle(t);
}

void tenure_reattach(struct tenure *t)
{
	if (!t->attach)
		return;
	/* Cannot fail but when it is on its way out already. */
	(void)lease_move(&t->life, LEASE_DETACHING);
	erase_begin(t->attach);
}

void tenure_detached(struct tenure *t)
{
	/* DETACHING came first: nothing but tenure_reattach ends an attach. */
	(void)lease_move(&t->life, LEASE_WAITING);
	if (settle(t))
		tenure_try(t);
}

void tenure_client_gone(struct tenure *t, const char *reason)
{
	if (t->attach)
		client_unqueue(t->client, t->attach);
	LIST_REMOVE(t, in_client);
	t->client = NULL;
	tenure_end(t, FRAMEMUX_STATE_CLOSED, reason);
}

/* --- the camera ----------------------------------------------------------------------------- */

void tenure_camera_stale(struct tenure *t)
{
	uint64_t usual = t->broker->settings.stale_after_ns, now = clock_monotonic_ns();

	if (t->attach &&
		t->attach->plan.stale_ns > usual) /* of a slow lease: its own limit counts */
		tenure_try_at(t, now + t->attach->plan.stale_ns - usual, now);
	else
		tenure_darken(t, FRAMEMUX_STATE_STALE, t->camera->reason);
}

void tenure_camera_back(struct tenure *t)
{
	if (t->attach) {
		evtimer_del(t->timer);
		return;
	}
	/* What was dark stays so until there is a picture; what connects hears how it is going. */
	if (t->life.outcome == FRAMEMUX_STATE_CONNECTING)
		tenure_darken(t, FRAMEMUX_STATE_CONNECTING, t->camera->reason);
	tenure_try(t);
}

/* Refused by what framemuxd said, or did not. why_log may say more than the client is told. */
static void refuse(struct tenure *t, const char *why_log, const char *why)
{
	struct broker *b = t->broker;

	b->totals.leases_refused++;
	audit_refused(b, t->uid, t->camera_name, why_log);
	if (rate_permits(&b->refusals, clock_monotonic_ns(), REFUSAL_LINES, NULL))
		log_notice("refused: uid %u pid %u, camera %s: %s", t->uid, t->pid, t->camera_name,
			why_log);
	tenure_end(t, FRAMEMUX_STATE_REFUSED, why);
}

static void unanswered(struct tenure *t)
{
	if (t->unit_request)
		refuse(t, "framemuxd did not say in time of which unit its process is",
			"the mux did not find out in time of which unit the process is: try again");
	else
		tenure_recorded(t, ETIMEDOUT);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct tenure *t = data;

	(void)fd;
	(void)what;
	if (t->life.phase == LEASE_ASKED)
		unanswered(t);
	else if (!t->attach)
		tenure_try(t);
	else if (t->camera->state == CAMERA_STALE)
		tenure_darken(t, FRAMEMUX_STATE_STALE, t->camera->reason);
}

/* What the camera is like at the moment, for one who has just come. */
static void first_news(struct tenure *t)
{
	const struct camera *c = t->camera;
	char reason[LIMIT_REASON];

	if (c->state == CAMERA_LOST)
		tenure_darken(t, FRAMEMUX_STATE_LOST, c->reason);
	else if (c->state == CAMERA_STALE)
		tenure_darken(t, FRAMEMUX_STATE_STALE, c->reason);
	else if (c->state == CAMERA_DISABLED || c->state == CAMERA_BLOCKED) {
		camera_end_reason(c, reason);
		tenure_end(t, FRAMEMUX_STATE_REVOKED, reason);
	} else {
		tenure_try(t);
	}
}

/* --- the beginning -------------------------------------------------------------------------- */

static uint64_t fresh_id(const struct broker *b)
{
	const struct tenure *t;
	uint64_t id;

	do {
		randombytes_buf(&id, sizeof(id));
		LIST_FOREACH (t, &b->tenures, in_broker)
			if (t->id == id)
				id = 0;
	} while (id == 0);
	return id;
}

/* Real time decides at the open; from then on the lease ends when so much time has passed, whatever
 * the clock is set to. */
static void set_expiry(struct tenure *t, const struct tenure_ask *ask)
{
	uint64_t left_s = ask->rights->not_after - ask->now_s; /* verified to be later */

	t->expires_boot_ns = UINT64_MAX;
	if (ask->rights->never_expires)
		return;
	t->not_after_s = ask->rights->not_after;
	if (left_s < EXPIRY_FAR_S)
		t->expires_boot_ns = ask->now_boot_ns + left_s * NS_PER_S;
}

static void fill(struct tenure *t, const struct tenure_ask *ask)
{
	/* Keys are of the camera that the capability names, looked up by that name; ask->camera is
	 * where the frames come from. That they are the same is what the tags prove. */
	const struct camera *named = camera_by_name(t->broker, ask->rights->camera);

	t->client = ask->client;
	t->camera = ask->camera;
	t->camera_id = named->id;
	memcpy(t->camera_name, named->name, sizeof(t->camera_name));
	t->id = fresh_id(t->broker);
	t->view = ask->view;
	memcpy(t->token, ask->token, TOKEN_ID_BYTES);
	t->key_id = ask->key_id;
	memcpy(t->label, ask->rights->label, sizeof(t->label));
	memcpy(t->unit, ask->rights->unit, sizeof(t->unit));
	t->terms = *ask->terms;
	t->uid = ask->client->uid;
	t->pid = ask->client->pid;
	t->since_s = clock_unix_s(); /* for people: ask->now_s may be a floor */
	t->reserved_bytes = ask->reserved_bytes;
	t->record.is_dump = ask->is_dump;
	set_expiry(t, ask);
	lease_ask(&t->life);
}

/* framemuxd, for the unit of the process and then for the record, or for the record alone. */
static int ask_framemuxd(struct tenure *t)
{
	const struct timeval limit = {.tv_sec = AUDIT_LIMIT_S};

	if (evtimer_add(t->timer, &limit) < 0)
		return -ENOMEM;
	if (!*t->unit)
		return audit_opening(t);
	return unit_ask(t);
}

void tenure_placed(struct tenure *t, const char *wrong)
{
	int r;

	t->unit_request = 0;
	if (wrong) {
		refuse(t, wrong, verdict_for_client(VERDICT_UNIT));
		return;
	}
	r = audit_opening(t);
	if (r < 0)
		tenure_recorded(t, (uint32_t)-r);
}

static void refuse_unrecorded(struct tenure *t, uint32_t status)
{
	char reason[LIMIT_REASON];

	audit_refusal_reason(status, reason);
	refuse(t, reason, reason);
}

void tenure_recorded(struct tenure *t, uint32_t status)
{
	struct broker *b = t->broker;
	const struct msg_lease m = {.view = t->view, .lease = t->id};

	if (t->life.phase != LEASE_ASKED)
		return;
	evtimer_del(t->timer);
	t->record.is_void = status && status != ETIMEDOUT;
	if (status) {
		refuse_unrecorded(t, status);
		return;
	}
	lease_begin(&t->life);
	t->is_open = true;
	b->totals.leases_opened++;
	log_notice("lease %016llx: uid %u pid %u, camera %s", (unsigned long long)t->id, t->uid,
		t->pid, t->camera_name);
	watch_lease(t, EVENT_LEASE_OPENED); /* before its client hears of it */
	conn_send(t->client->conn, &wire_lease, &m, NULL, 0);
	settle(t); /* CONNECTING */
	camera_count_wanted(t->camera);
	expiry_arm(b);
	first_news(t);
}

int tenure_new(struct broker *b, const struct tenure_ask *ask)
{
	struct tenure *t;
	int r = quota_lease_begin(&b->quota, ask->client->uid);

	if (r == -EUSERS && held_check(b))
		r = quota_lease_begin(&b->quota, ask->client->uid);
	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (t) {
		t->broker = b;
		t->timer = evtimer_new(b->base, on_timer, t);
	}
	if (!t || !t->timer) {
		free(t);
		quota_lease_end(&b->quota, ask->client->uid);
		return -ENOMEM;
	}
	fill(t, ask);
	LIST_INSERT_HEAD(&b->tenures, t, in_broker);
	LIST_INSERT_HEAD(&t->camera->tenures, t, in_camera);
	LIST_INSERT_HEAD(&t->client->tenures, t, in_client);
	r = ask_framemuxd(t);
	if (r < 0) { /* nobody has been told */
		t->reserved_bytes = 0;
		tenure_free(t);
	}
	return r;
}

void tenure_count(const struct tenure *t, struct tenure_counts *ret)
{
	const struct attach *a = t->attach;

	*ret = t->counts;
	if (!a)
		return;
	ret->published += a->published;
	ret->delivered += a->delivered;
	ret->dropped += a->dropped;
}
