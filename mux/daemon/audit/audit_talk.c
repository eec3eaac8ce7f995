/*
 * What framemuxd has to record of itself, and what the broker has it record. Runs in the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <config.h>

#include "common/log.h"
#include "mux/daemon/daemon_private.h"

static void note_gone(void *mux, const char *name, uint32_t epoch)
{
	mux_note_camera(mux, name, epoch, "removed");
}

void mux_note_start(struct mux *m)
{
	struct msg_audit_note note = {
		.event = AUDIT_EVENT_START, .pid = (uint32_t)getpid(), .what = PACKAGE_VERSION};

	snprintf(note.reason, sizeof(note.reason), "%s%.*s",
		m->roles.missing[0] ? "missing walls: " : "all walls", LIMIT_REASON - 32,
		m->roles.missing);
	audit_note(m->audit, &note);
	/* An epoch of 1 says itself: no other token is for it. */
	for (size_t i = 0; i < m->config->n_cameras; i++)
		if (m->cameras[i].epoch > 1)
			mux_note_camera(m, m->cameras[i].name, m->cameras[i].epoch, "configured");
	/* It was read a moment ago; else what is gone stays unsaid, as it did until it comes back. */
	if (state_epochs_gone(m->state, m->config->cameras, m->config->n_cameras, note_gone, m) < 0)
		log_warning("which cameras are gone is not recorded");
}

void mux_note_stop(struct mux *m)
{
	audit_note(m->audit, &(struct msg_audit_note){.event = AUDIT_EVENT_STOP});
}

/* With its broker every lease has ended: who reads the log knows by this record. */
void mux_note_broker(struct mux *m, enum audit_event event)
{
	audit_note(m->audit, &(struct msg_audit_note){.event = event, .name = "broker"});
}

/* A standing grant's token, as the broker made it: in each life anew, as the log's old end goes. */
void mux_note_token(struct mux *m, const struct standing *st)
{
	const struct config_grant *g = st->grant;
	struct msg_audit_note note = {.event = AUDIT_EVENT_GRANT,
		.uid = g->uid,
		.key_id = m->keys->root.list[0].id,
		.width = g->max_width,
		.height = g->max_height,
		.fps = g->max_fps,
		.masks = g->n_masks,
		.dump = g->dump,
		.not_after = st->not_after};

	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		if (!strcmp(pair_camera(m->pair_host.pairs[i])->name, st->camera))
			note.epoch = pair_camera(m->pair_host.pairs[i])->epoch;
	memcpy(note.camera, st->camera, sizeof(note.camera));
	memcpy(note.name, g->name, sizeof(note.name));
	memcpy(note.label, g->label, sizeof(note.label));
	memcpy(note.unit, g->unit, sizeof(note.unit));
	memcpy(note.token, st->id, sizeof(note.token));
	audit_note(m->audit, &note);
}

void mux_note_key(struct mux *m, uint32_t by_uid, uint32_t by_pid)
{
	audit_note(m->audit,
		&(struct msg_audit_note){.event = AUDIT_EVENT_KEY,
			.key_id = m->keys->root.list[0].id,
			.by_uid = by_uid,
			.by_pid = by_pid,
			.what = "rotated"});
}

void mux_note_token_end(struct mux *m, const struct msg_token_end *end)
{
	struct msg_audit_note note = {
		.event = AUDIT_EVENT_REVOKE, .uid = UINT32_MAX, .what = "grant"};

	memcpy(note.token, end->id, sizeof(note.token));
	memcpy(note.reason, end->reason, sizeof(note.reason));
	audit_note(m->audit, &note);
}

void mux_note_reload(struct mux *m, const struct msg_reload_ask *ask)
{
	struct msg_audit_note note = {.event = AUDIT_EVENT_RELOAD, .what = "by a signal"};

	if (ask) {
		note.by_uid = ask->uid;
		note.by_pid = ask->pid;
		note.what[0] = 0;
	}
	audit_note(m->audit, &note);
}

void mux_note_change(struct mux *m, const char *kind, const char *name, const char *what)
{
	struct msg_audit_note note = {.event = AUDIT_EVENT_CHANGE};

	snprintf(note.name, sizeof(note.name), "%s", name);
	snprintf(note.what, sizeof(note.what), "%.15s %.15s", kind, what);
	audit_note(m->audit, &note);
}

/* Its tokens are those of this epoch: what was issued for an earlier one is dead. */
void mux_note_camera(struct mux *m, const char *name, uint32_t epoch, const char *what)
{
	struct msg_audit_note note = {.event = AUDIT_EVENT_CHANGE, .epoch = epoch};

	snprintf(note.camera, sizeof(note.camera), "%s", name);
	snprintf(note.what, sizeof(note.what), "camera %.15s", what);
	audit_note(m->audit, &note);
}

void mux_written(void *mux, uint64_t life, uint32_t request, int status)
{
	struct mux *m = mux;
	struct msg_audit_written written = {.request = request, .status = (uint32_t)-status};

	if (broker_life(m->broker) == life)
		broker_send(m->broker, &wire_audit_written, &written, NULL, 0);
}

int mux_on_audit_note(void *self, const void *msg, int *fds)
{
	const struct msg_audit_note *note = msg;
	struct mux *m = self;
	uint64_t life = broker_life(m->broker);
	int rc;

	(void)fds;
	if (!audit_event_is_brokers(note->event))
		return -EPROTO;
	if (!note->request) {
		audit_note(m->audit, note);
		return 0;
	}
	rc = audit_request(m->audit, note, life, note->request);
	if (rc < 0)
		mux_written(m, life, note->request, rc);
	return 0;
}

/* ---- reading it ---------------------------------------------------------------------- */

struct asker {
	struct mux *mux;
	uint64_t life;
	uint32_t request;
};

static struct asker *asker_new(struct mux *m, uint32_t request)
{
	struct asker *a = malloc(sizeof(*a));

	if (a)
		*a = (struct asker){m, broker_life(m->broker), request};
	return a;
}

static void send_told(const struct asker *a, int status, const struct audit_reading *r)
{
	const struct audit *audit = a->mux->audit;
	struct msg_audit_told told = {.request = a->request,
		.status = (uint32_t)-status,
		.state = audit_state(audit),
		.anchor = audit_anchor_kind(audit)};

	if (r) {
		told.n = r->mark.head.n;
		told.seal = r->mark.seal;
		memcpy(told.chain, r->mark.head.chain, sizeof(told.chain));
		memcpy(told.key, r->mark.key, sizeof(told.key));
	}
	broker_send(a->mux->broker, &wire_audit_told, &told, NULL, 0);
}

static void on_read(void *data, int status, const struct audit_reading *r)
{
	struct asker *a = data;

	for (size_t i = 0; !status && i < r->n && broker_life(a->mux->broker) == a->life; i++) {
		struct msg_audit_segment m = {.request = a->request,
			.segment = r->parts[i].segment,
			.bytes = r->parts[i].bytes};

		broker_send(a->mux->broker, &wire_audit_segment, &m, &r->parts[i].fd, 1);
	}
	if (broker_life(a->mux->broker) == a->life)
		send_told(a, status, r);
	free(a);
}

int mux_on_audit_ask(void *self, const void *msg, int *fds)
{
	const struct msg_audit_ask *m = msg;
	struct asker *a = asker_new(self, m->request), none = {self, 0, m->request};
	int rc = a ? audit_read(none.mux->audit, on_read, a) : -ENOMEM;

	(void)fds;
	if (rc < 0) {
		send_told(&none, rc, NULL);
		free(a);
	}
	return 0;
}

static void on_accepted(void *data, int status)
{
	struct asker *a = data;
	struct msg_camera_accepted m = {.request = a->request, .status = (uint32_t)-status};

	if (broker_life(a->mux->broker) == a->life)
		broker_send(a->mux->broker, &wire_camera_accepted, &m, NULL, 0);
	free(a);
}

int mux_on_state_accept(void *self, const void *msg, int *fds)
{
	const struct msg_state_accept *m = msg;
	struct mux *mux = self;
	struct asker *a = asker_new(self, m->request);
	struct msg_camera_accepted refused = {.request = m->request};
	const struct msg_audit_note note = {
		.event = AUDIT_EVENT_ACCEPT, .by_uid = m->uid, .by_pid = m->pid, .what = "state"};
	int rc = a ? audit_accept(mux->audit, &note, on_accepted, a) : -ENOMEM;

	(void)fds;
	if (rc < 0) {
		refused.status = (uint32_t)-rc;
		broker_send(mux->broker, &wire_camera_accepted, &refused, NULL, 0);
		free(a);
	}
	return 0;
}
