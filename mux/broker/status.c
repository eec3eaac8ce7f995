/* Status answers. Owns the surveys that wait for framemuxd. Runs in the broker. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "mux/broker/status.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "mux/audit_note.h"
#include "mux/broker/attach.h"
#include "mux/broker/camera.h"
#include "mux/broker/decoder.h"
#include "mux/broker/tenure.h"

#define SURVEY_LIMIT_S 1
/* Of all surveys in flight: each is answered with a message for each camera. */
#define SURVEYED_MAX 4096u

struct survey {
	uint32_t request;                  /* framemuxctl's number */
	uint32_t sent_request;             /* ours */
	struct event *limit;               /* owned */
	struct msg_survey_camera *cameras; /* owned; room for each of ours */
	size_t n, room;
};

static void survey_free(struct survey *s)
{
	if (!s)
		return;
	if (s->limit)
		event_free(s->limit);
	free(s->cameras);
	free(s);
}

void status_abandon(struct control *c)
{
	survey_free(c->survey);
	c->survey = NULL;
}

/* --- the records ---------------------------------------------------------------------------- */

static void send_mux(struct control *c, const struct msg_survey_done *done)
{
	const struct totals *t = &c->broker->totals;
	struct msg_ctl_mux m = {
		.version = PACKAGE_VERSION,
		.leases_opened = t->leases_opened,
		.leases_refused = t->leases_refused,
		.revokes = t->revokes,
		.revoke_us_max = t->revoke_us_max,
		.erased_bytes = t->erased_bytes,
		.provenance_failures = t->provenance_failures,
	};

	if (done) {
		m.pid = done->pid;
		m.uptime_ns = done->uptime_ns;
		m.walls_full = done->walls_full;
		memcpy(m.missing_walls, done->missing_walls, sizeof(m.missing_walls));
		strcpy(m.audit_state,
			audit_state_name(done->audit_state)); /* of a table, and short */
		m.audit_records = done->audit_records;
	} else {
		m.pid = (uint32_t)getppid();
	}
	control_record(c, &wire_ctl_mux, &m);
}

static const struct msg_survey_camera *find_surveyed(const struct survey *s, const struct camera *c)
{
	for (size_t i = 0; i < s->n; i++)
		if (!memcmp(s->cameras[i].id, c->id.b, CAMERA_ID_BYTES))
			return &s->cameras[i];
	return NULL;
}

static void add_surveyed(const struct msg_survey_camera *s, struct msg_ctl_camera *m)
{
	m->state = s->state;
	memcpy(m->reason, s->reason, sizeof(m->reason));
	m->generation = s->generation;
	memcpy(m->codec, s->codec, sizeof(m->codec));
	m->width = s->width;
	m->height = s->height;
	m->fps_milli = s->fps_milli;
	m->frames_decoded = s->frames_decoded;
	m->frames_corrupt = s->frames_corrupt;
	m->last_frame_age_ms = s->last_frame_age_ms;
	m->reconnects = s->reconnects;
	m->ingest_pid = s->ingest_pid;
	m->decode_pid = s->decode_pid;
	m->cpu_ms = s->cpu_ms;
	m->rss_kib = s->rss_kib;
}

/* Without framemuxd's word: what the broker has seen itself. */
static void add_own(const struct camera *c, struct msg_ctl_camera *m)
{
	m->state = c->state;
	memcpy(m->reason, c->reason, sizeof(m->reason));
	if (!c->decoder)
		return;
	m->generation = c->decoder->generation;
	m->width = c->decoder->format.width;
	m->height = c->decoder->format.height;
	m->fps_milli = c->decoder->format.fps_milli;
}

static void send_camera(struct control *to, const struct camera *c)
{
	const struct msg_survey_camera *s = find_surveyed(to->survey, c);
	struct msg_ctl_camera m = {.epoch = c->epoch};

	memcpy(m.name, c->name, sizeof(m.name));
	memcpy(m.vendor, c->vendor, sizeof(m.vendor));
	if (s)
		add_surveyed(s, &m);
	else
		add_own(c, &m);
	control_record(to, &wire_ctl_camera, &m);
}

static void send_lease(struct control *to, const struct tenure *t)
{
	const struct attach *a = t->attach;
	struct tenure_counts n;
	struct msg_ctl_lease m = {
		.id = t->id,
		.state = lease_shown(&t->life),
		.pid = t->pid,
		.uid = t->uid,
		.width = a ? a->plan.picture.width : t->terms.width,
		.height = a ? a->plan.picture.height : t->terms.height,
		.fourcc = t->terms.fourcc,
		.slots = t->terms.slots,
		.bytes = a ? a->plan.ring_bytes : 0,
		.since_s = t->since_s,
		.not_after = t->not_after_s,
	};

	tenure_count(t, &n);
	m.published = n.published;
	m.delivered = n.delivered;
	m.dropped = n.dropped;
	m.withheld = n.withheld;
	memcpy(m.token, t->token, sizeof(m.token));
	memcpy(m.camera, t->camera_name, sizeof(m.camera));
	memcpy(m.label, t->label, sizeof(m.label));
	control_record(to, &wire_ctl_lease, &m);
}

static void send_uid(struct control *to, const struct quota_uid *u)
{
	const struct msg_ctl_uid m = {
		.uid = u->uid, .leases = u->leases, .bytes = u->bytes, .held_bytes = u->held_bytes};

	control_record(to, &wire_ctl_uid, &m);
}

static void finish(struct control *c, const struct msg_survey_done *done)
{
	const struct broker *b = c->broker;
	uint32_t request = c->survey->request;
	const struct camera *camera;
	const struct tenure *t;
	const struct quota_uid *u;

	send_mux(c, done);
	LIST_FOREACH (camera, &b->cameras, link)
		if (!camera->is_gone)
			send_camera(c, camera);
	LIST_FOREACH (t, &b->tenures, in_broker)
		send_lease(c, t);
	LIST_FOREACH (u, &b->quota.uids, link)
		if (u->leases || u->bytes)
			send_uid(c, u);
	status_abandon(c);
	control_done(c, request, 0, 0, "");
}

/* --- the survey ----------------------------------------------------------------------------- */

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	finish(data, NULL);
}

static size_t count_cameras(const struct broker *b)
{
	const struct camera *c;
	size_t n = 0;

	LIST_FOREACH (c, &b->cameras, link)
		n++;
	return n;
}

/* Each uid may have one at least, however many cameras there are. */
static int ask_survey(struct broker *b, uint32_t request, uint32_t uid, size_t cameras)
{
	uint32_t max = (uint32_t)(SURVEYED_MAX / (cameras + 1)) + 1;
	int r = asks_permit(&b->surveys, uid, max / 2 + 1, max);

	return r < 0 && !breakage("broker-skip-asks") ? r : asks_begin(&b->surveys, request, uid);
}

int status_begin(struct control *c, uint32_t request)
{
	const struct timeval limit = {.tv_sec = SURVEY_LIMIT_S};
	struct survey *s = calloc(1, sizeof(*s));
	struct msg_survey m;

	if (!s)
		return -ENOMEM;
	s->request = request;
	s->sent_request = m.request = ++c->broker->last_request;
	s->room = count_cameras(c->broker);
	s->cameras = calloc(s->room + 1, sizeof(*s->cameras));
	s->limit = evtimer_new(c->broker->base, on_limit, c);
	if (!s->cameras || !s->limit || evtimer_add(s->limit, &limit) < 0) {
		survey_free(s);
		return -ENOMEM;
	}
	c->survey = s;
	if (ask_survey(c->broker, m.request, c->uid, s->room) < 0)
		finish(c, NULL);
	else
		conn_send(c->broker->daemon, &wire_survey, &m, NULL, 0);
	return 0;
}

static struct control *find_asker(const struct broker *b, uint32_t request)
{
	struct control *c;

	LIST_FOREACH (c, &b->controls, link)
		if (c->survey && c->survey->sent_request == request)
			return c;
	return NULL; /* it has gone, or was answered without */
}

void status_survey_camera(struct broker *b, const struct msg_survey_camera *m)
{
	struct control *c = find_asker(b, m->request);

	if (c && c->survey->n < c->survey->room)
		c->survey->cameras[c->survey->n++] = *m;
}

void status_survey_done(struct broker *b, const struct msg_survey_done *m)
{
	struct control *c = find_asker(b, m->request);

	asks_end(&b->surveys, m->request);
	if (c)
		finish(c, m);
}
