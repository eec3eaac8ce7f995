/* The broker's records. Owns the minute's sums and its timer. Runs in the broker. */
#include "mux/broker/audit.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "mux/broker/audit_sums.h"
#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/broker/control.h"
#include "mux/broker/decoder.h"
#include "mux/broker/tenure.h"
#include "mux/link/daemon_broker.h"

#define MINUTE_S 60

struct audit {
	struct event *minute;                      /* owned */
	struct audit_sums refused, failed, denied; /* each has its own sum of the rest */
	struct asks granting;                      /* tokens; leases are in broker->asks */
};

static uint64_t now_ms(void)
{
	return clock_read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

/* Cut where it does not fit. */
static void put(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = 0;
}

#define PUT(m, member, from) put((m).member, sizeof((m).member), from)

void audit_note(struct broker *b, const struct msg_audit_note *m)
{
	conn_send(b->daemon, &wire_audit_note, m, NULL, 0);
}

/* The record is m; it is written for uid. */
static int ask(struct broker *b, struct asks *asks, uint32_t uid, struct msg_audit_note *m,
	uint32_t *ret_request)
{
	int r;

	m->request = ++b->last_request;
	r = asks_begin(asks, m->request, uid);
	if (r < 0)
		return r;
	*ret_request = m->request;
	audit_note(b, m);
	return 0;
}

/* ---- leases -------------------------------------------------------------------------- */

static struct msg_audit_note of_lease(const struct tenure *t, enum audit_event event)
{
	const struct camera *camera = camera_by_id(t->broker, t->camera_id.b);
	struct msg_audit_note m = {.event = event,
		.epoch = camera ? camera->epoch : 0,
		.lease = t->id,
		.uid = t->uid,
		.pid = t->pid};

	PUT(m, camera, t->camera_name);
	PUT(m, label, t->label);
	memcpy(m.token, t->token, sizeof(m.token));
	return m;
}

static void add_counts(struct msg_audit_note *m, const struct tenure *t)
{
	struct tenure_counts n;

	tenure_count(t, &n);
	m->published = n.published;
	m->delivered = n.delivered;
	m->dropped = n.dropped;
	m->withheld = n.withheld;
	m->generation = t->record.first_generation;
	m->last_generation = t->record.last_generation;
}

int audit_opening(struct tenure *t)
{
	struct msg_audit_note m = of_lease(t, AUDIT_EVENT_OPEN);

	m.width = t->terms.width ? t->terms.width : t->terms.max_width;
	m.height = t->terms.height ? t->terms.height : t->terms.max_height;
	m.fps = t->terms.fps;
	m.masks = t->terms.n_masks;
	m.dump = t->record.is_dump;
	m.not_after = t->not_after_s;
	PUT(m, unit, t->unit);
	m.generation = t->camera->decoder ? t->camera->decoder->generation : 0;
	return ask(t->broker, &t->broker->asks, t->uid, &m, &t->record.request);
}

void audit_ring_given(struct tenure *t, uint64_t generation)
{
	struct record *r = &t->record;

	if (!r->first_generation) {
		r->first_generation = generation;
		r->first_ms = now_ms();
	}
	r->last_generation = generation;
	r->rings++;
}

/* Rings come and go with a camera's whims; of each that goes with its right there is a record. */
void audit_ring_erased(struct tenure *t, uint64_t generation, uint64_t bytes, uint64_t us)
{
	struct record *r = &t->record;
	struct msg_audit_note m;

	r->last_ms = now_ms();
	r->erased_bytes += bytes;
	if (!lease_is_ending(&t->life))
		return;
	m = of_lease(t, AUDIT_EVENT_ERASE);
	m.generation = generation;
	m.bytes = bytes;
	m.elapsed_us = us;
	PUT(m, reason, t->life.reason);
	audit_note(t->broker, &m);
}

void audit_closed(struct tenure *t)
{
	const struct record *r = &t->record;
	struct msg_audit_note m = of_lease(t, AUDIT_EVENT_CLOSE);

	if (!r->request || r->is_void)
		return;
	add_counts(&m, t);
	m.first_ms = r->first_ms;
	m.last_ms = r->first_ms ? r->last_ms : 0;
	m.count = r->rings;
	m.bytes = r->erased_bytes;
	PUT(m, reason, t->life.reason);
	audit_note(t->broker, &m);
}

static void note_alive(struct broker *b)
{
	const struct tenure *t;

	LIST_FOREACH (t, &b->tenures, in_broker) {
		struct msg_audit_note m;

		if (t->life.phase == LEASE_ASKED)
			continue;
		m = of_lease(t, AUDIT_EVENT_ALIVE);
		add_counts(&m, t);
		audit_note(b, &m);
	}
}

/* ---- tokens -------------------------------------------------------------------------- */

int audit_granting(struct control *c, const struct rights *rights,
	const uint8_t token[TOKEN_ID_BYTES], uint32_t *ret_request)
{
	struct msg_audit_note m = {.event = AUDIT_EVENT_GRANT,
		.epoch = rights->epoch,
		.uid = rights->uid,
		.key_id = c->broker->settings.key_id,
		.by_uid = c->uid,
		.by_pid = c->pid,
		.width = rights->max_width,
		.height = rights->max_height,
		.fps = rights->max_fps,
		.masks = rights->n_masks,
		.dump = !rights->no_dump,
		.not_after = rights->never_expires ? 0 : rights->not_after,
		.issue = rights->issue};

	PUT(m, camera, rights->camera);
	PUT(m, unit, rights->unit);
	PUT(m, label, rights->label);
	memcpy(m.token, token, sizeof(m.token));
	return ask(c->broker, &c->broker->audit->granting, c->uid, &m, ret_request);
}

void audit_accepted(const struct control *c, const struct camera *camera)
{
	struct msg_audit_note m = {.event = AUDIT_EVENT_ACCEPT,
		.epoch = camera->epoch,
		.by_uid = c->uid,
		.by_pid = c->pid,
		.what = "camera"};

	PUT(m, camera, camera->name);
	audit_note(c->broker, &m);
}

void audit_written(struct broker *b, uint32_t request, uint32_t status)
{
	struct tenure *t;

	asks_end(&b->asks, request);
	asks_end(&b->audit->granting, request);
	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->record.request == request)
			break;
	if (t)
		tenure_recorded(t, status);
	else
		control_granted(b, request, status);
}

void audit_refusal_reason(uint32_t status, char ret[LIMIT_REASON])
{
	const char *why = strerror((int)(status & INT32_MAX));

	if (status == ETIMEDOUT)
		why = "the disk does not answer";
	else if (status == ENOSPC || status == EDQUOT)
		why = "the disk is full";
	else if (status == EROFS)
		why = "the state folder is read-only";
	else if (status == EAGAIN || status == EBUSY || status == ENOBUFS)
		why = "too much waits for the disk";
	else if (status == EUCLEAN)
		why = "the state folder was rolled back, and nobody has accepted that";
	snprintf(ret, LIMIT_REASON, "the audit log cannot be written: %s", why);
}

/* ---- sums ---------------------------------------------------------------------------- */

void audit_refused(struct broker *b, uint32_t uid, const char *camera, const char *why)
{
	audit_sums_add(&b->audit->refused, AUDIT_EVENT_REFUSED, uid, camera, why);
}

void audit_provenance(struct broker *b, const struct tenure *t)
{
	audit_sums_add(&b->audit->failed, AUDIT_EVENT_PROVENANCE, t->uid, t->camera_name,
		"a frame was not what its tag says");
}

void audit_denied(struct broker *b, const struct control *c, const char *verb)
{
	audit_sums_add(&b->audit->denied, AUDIT_EVENT_DENIED, c->uid, "", verb);
}

static void note_sum(struct broker *b, const struct audit_sum *sum)
{
	struct msg_audit_note m = {.event = sum->event, .uid = sum->uid, .count = sum->count};

	if (!sum->count)
		return;
	if (sum->event == AUDIT_EVENT_DENIED)
		PUT(m, what, sum->reason);
	PUT(m, camera, sum->camera);
	PUT(m, reason, sum->reason);
	audit_note(b, &m);
}

static void note_sums(struct broker *b, struct audit_sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		note_sum(b, &s->rows[i]);
	note_sum(b, &s->others);
	memset(s, 0, sizeof(*s));
}

static void flush(struct broker *b)
{
	note_sums(b, &b->audit->refused);
	note_sums(b, &b->audit->failed);
	note_sums(b, &b->audit->denied);
}

static void arm(struct broker *b)
{
	const struct timeval minute = {.tv_sec = breakage("audit-hurry") ? 1 : MINUTE_S};

	if (evtimer_add(b->audit->minute, &minute) < 0)
		broker_fail(b, "no timer for the records of the minute");
}

static void on_minute(evutil_socket_t fd, short what, void *data)
{
	struct broker *b = data;

	(void)fd;
	(void)what;
	note_alive(b);
	flush(b);
	arm(b);
}

int audit_init(struct broker *b)
{
	b->audit = calloc(1, sizeof(*b->audit));
	if (!b->audit)
		return -ENOMEM;
	b->audit->minute = evtimer_new(b->base, on_minute, b);
	if (!b->audit->minute)
		return -ENOMEM;
	arm(b);
	return 0;
}

void audit_free(struct broker *b)
{
	if (!b->audit)
		return;
	if (b->daemon)
		flush(b);
	if (b->audit->minute)
		event_free(b->audit->minute);
	free(b->audit);
	b->audit = NULL;
}
