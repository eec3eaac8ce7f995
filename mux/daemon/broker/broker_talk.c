/*
 * The conversation with the broker: what it is told when it is born, and what it may ask. Runs in
 * framemuxd's loop. Cameras are found by their id, never by name.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/protocol.h"
#include "mux/daemon/broker/process_unit.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/notify.h"
#include "mux/daemon/reload/reload.h"

/* ---- what it is told ----------------------------------------------------------------- */

static void send_start(struct mux *m)
{
	const struct root_keys *root = &m->keys->root;
	struct msg_broker_start start = {.key_id = root->list[0].id,
		.key_since_s = root->list[0].since_s,
		.stale_after_ms = m->config->stale_after_ms,
		.uid_quota_mb = m->config->uid_quota_mb,
		.mux_uid = geteuid(),
		.verbose = (uint32_t)m->options->verbose};

	memcpy(start.k_session, m->keys->session, KEY_BYTES);
	memcpy(start.root_key, root->list[0].key, KEY_BYTES);
	broker_send(m->broker, &wire_broker_start, &start, NULL, 0);
	sodium_memzero(&start, sizeof(start));
	for (uint32_t i = 1; i < root->n; i++)
		mux_send_key(m, &root->list[i], false);
}

void mux_send_camera(struct mux *m, const struct camera_record *cam)
{
	struct msg_broker_camera msg = {.epoch = cam->epoch};

	memcpy(msg.id, cam->id.b, sizeof(msg.id));
	memcpy(msg.name, cam->name, sizeof(msg.name));
	memcpy(msg.vendor, cam->vendor, sizeof(msg.vendor));
	broker_send(m->broker, &wire_broker_camera, &msg, NULL, 0);
}

void mux_send_grant(struct mux *m, const struct standing *st)
{
	const struct config_grant *g = st->grant;
	struct msg_broker_grant msg = {.uid = g->uid,
		.max_width = g->max_width,
		.max_height = g->max_height,
		.max_fps = g->max_fps,
		.not_after = st->not_after,
		.dump = g->dump,
		.round = st->round};

	memcpy(msg.grant, g->name, sizeof(msg.grant));
	memcpy(msg.camera, st->camera, sizeof(msg.camera));
	if (st->has_id)
		memcpy(msg.id, st->id, sizeof(msg.id));
	memcpy(msg.label, g->label, sizeof(msg.label));
	memcpy(msg.unit, g->unit, sizeof(msg.unit));
	masks_pack(g->masks, g->n_masks, msg.masks, &msg.masks_len);
	broker_send(m->broker, &wire_broker_grant, &msg, NULL, 0);
}

static void send_cutoff(struct mux *m, const struct cutoff *c)
{
	struct msg_broker_cutoff msg = {.kind = c->kind, .uid = c->uid, .issue = c->issue};

	memcpy(msg.camera, c->camera, sizeof(msg.camera));
	broker_send(m->broker, &wire_broker_cutoff, &msg, NULL, 0);
}

void mux_send_admins(struct mux *m)
{
	for (size_t i = 0; i < m->config->n_admins; i++)
		broker_send(m->broker, &wire_broker_admin,
			&(struct msg_broker_admin){.uid = m->config->admins[i]}, NULL, 0);
}

int mux_set_up_broker(void *mux)
{
	struct msg_broker_setup_done done = {
		.cameras = (uint32_t)((struct mux *)mux)->config->n_cameras};
	struct mux *m = mux;
	struct standing *standing;
	size_t n = grants_standing(m->grants, &standing);

	mux_reload_broker_new(m);
	m->broker_ready = false;
	randombytes_buf(m->keys->session, KEY_BYTES);
	send_start(m);
	mux_send_clock(m);
	mux_send_admins(m);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		mux_send_camera(m, pair_camera(m->pair_host.pairs[i]));
	for (size_t i = 0; i < n; i++)
		mux_send_grant(m, &standing[i]);
	for (size_t i = 0; i < m->n_revoked; i++) {
		struct msg_broker_revoked msg;

		memcpy(msg.id, m->revoked + i * TOKEN_ID_BYTES, TOKEN_ID_BYTES);
		broker_send(m->broker, &wire_broker_revoked, &msg, NULL, 0);
	}
	for (size_t i = 0; i < m->cutoffs.n; i++)
		send_cutoff(m, &m->cutoffs.list[i]);
	kill_switch_introduce(m->kill_switch);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		pair_introduce(m->pair_host.pairs[i]);
	broker_send(m->broker, &wire_broker_setup_done, &done, NULL, 0);
	return 0;
}

size_t mux_set_up_messages(const struct mux *m)
{
	struct standing *standing;

	return 3 + ROOT_KEYS_MAX + m->config->n_admins + 2 * m->config->n_cameras + m->n_revoked +
		m->cutoffs.n + kill_switch_messages(m->kill_switch) +
		grants_standing(m->grants, &standing);
}

void mux_ask_alive(void *mux)
{
	struct mux *m = mux;

	if (broker_is_coming(m->broker))
		notify_alive(); /* that has limits of its own, and the kill switch is served */
	else if (m->broker_ready)
		broker_send(m->broker, &wire_broker_ping, &(struct msg_broker_ping){0}, NULL, 0);
}

/* ---- what it asks -------------------------------------------------------------------- */

static struct pair *find_in(struct pair *const *pairs, size_t n, const uint8_t id[CAMERA_ID_BYTES])
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(pair_camera(pairs[i])->id.b, id, CAMERA_ID_BYTES))
			return pairs[i];
	return NULL;
}

/* While a changed camera's old pair is there the broker speaks of that one. */
static struct pair *find_pair(const struct mux *m, const uint8_t id[CAMERA_ID_BYTES])
{
	const struct pair_host *h = &m->pair_host;
	struct pair *retired = find_in(h->retired, h->n_retired, id);

	return retired ? retired : find_in(h->pairs, h->n_pairs, id);
}

static int on_grant_token(void *self, const void *msg, int *fds)
{
	const struct msg_grant_token *t = msg;
	struct mux *m = self;
	int rc;

	(void)fds;
	if (m->broker_ready && !mux_reload_takes_tokens(m))
		return -EPROTO;
	rc = grants_take_token(m->grants, t->grant, t->camera, t->token);
	if (rc == -ENOMEM) {
		log_error("no memory for the token of grant %s", t->grant);
		return 0;
	}
	if (rc < 0)
		return -EPROTO;
	mux_note_token(m, grants_find(m->grants, t->grant, t->camera));
	return 0;
}

static int on_ready(void *self, const void *msg, int *fds)
{
	struct mux *m = self;

	(void)msg;
	(void)fds;
	broker_set_serving(m->broker);
	mux_note_broker(m, AUDIT_EVENT_ROLE_START);
	m->broker_ready = true;
	(void)mux_rekey_tokens(m); /* made before it heard of a newer key */
	mux_hand_out(m);
	mux_key_keep(m);
	mux_announce(m);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		pair_serve(m->pair_host.pairs[i]);
	mux_reload_go_on(m);
	return 0;
}

/* The init system's watchdog is fed for both of us. */
static int on_pong(void *self, const void *msg, int *fds)
{
	(void)self;
	(void)msg;
	(void)fds;
	notify_alive();
	return 0;
}

static int on_camera_want(void *self, const void *msg, int *fds)
{
	const struct msg_camera_want *want = msg;
	struct pair *p = find_pair(self, want->id);

	(void)fds;
	if (!p)
		return -EPROTO;
	pair_want(p, want->leases);
	return 0;
}

static int on_pair_kill(void *self, const void *msg, int *fds)
{
	const struct msg_pair_kill *kill = msg;
	struct pair *p = find_pair(self, kill->id);

	(void)fds;
	if (!p)
		return -EPROTO;
	pair_kill(p, kill->generation, kill->reason);
	return 0;
}

/* For as long as framemuxd runs: the rings that it is about do not outlast that. */
static int on_camera_block(void *self, const void *msg, int *fds)
{
	const struct msg_camera_block *block = msg;
	struct pair *p = find_pair(self, block->id);

	(void)fds;
	if (!p)
		return -EPROTO;
	pair_block(p, block->reason, false);
	return 0;
}

static int on_survey(void *self, const void *msg, int *fds)
{
	const struct msg_survey *survey = msg;
	struct mux *m = self;
	struct msg_survey_done done = {.request = survey->request,
		.pid = (uint32_t)getpid(),
		.uptime_ns = clock_boot_ns() - m->started_ns,
		.walls_full = !m->roles.missing[0],
		.audit_state = audit_state(m->audit),
		.audit_records = audit_records(m->audit)};

	(void)fds;
	for (size_t i = 0; i < m->pair_host.n_pairs; i++) {
		struct msg_survey_camera camera;

		pair_survey(m->pair_host.pairs[i], survey->request, &camera);
		broker_send(m->broker, &wire_survey_camera, &camera, NULL, 0);
	}
	memcpy(done.missing_walls, m->roles.missing, sizeof(done.missing_walls));
	broker_send(m->broker, &wire_survey_done, &done, NULL, 0);
	return 0;
}

/* What was not even begun is answered at once. */
static void answer_kept(struct mux *m, uint32_t request, int rc)
{
	const struct msg_revoked_kept kept = {.request = request, .status = (uint32_t)-rc};

	if (rc < 0)
		broker_send(m->broker, &wire_revoked_kept, &kept, NULL, 0);
}

static int on_revoked_keep(void *self, const void *msg, int *fds)
{
	const struct msg_revoked_keep *keep = msg;
	size_t n = keep->ids_len / TOKEN_ID_BYTES;

	(void)fds;
	if (n == 0 || keep->ids_len % TOKEN_ID_BYTES)
		return -EPROTO;
	answer_kept(self, keep->request, mux_keep_revoked(self, keep->request, keep->ids, n));
	return 0;
}

static int on_cutoff_keep(void *self, const void *msg, int *fds)
{
	const struct msg_cutoff_keep *keep = msg;
	struct cutoff c = {.kind = keep->kind, .uid = keep->uid, .issue = keep->issue};
	struct mux *m = self;
	int rc;

	(void)fds;
	/* A number that was skipped would be a kill of what is yet to come. */
	if (keep->issue > cutoffs_next_issue(&m->cutoffs))
		return -EPROTO;
	memcpy(c.camera, keep->camera, sizeof(c.camera));
	rc = mux_keep_cutoff(m, keep->request, &c);
	answer_kept(m, keep->request, rc);
	return rc == -EINVAL ? -EPROTO : 0;
}

static int on_camera_accept(void *self, const void *msg, int *fds)
{
	const struct msg_camera_accept *accept = msg;
	struct msg_camera_accepted accepted = {.request = accept->request};
	struct pair *p = find_pair(self, accept->id);
	struct mux *m = self;
	int rc;

	(void)fds;
	if (!p)
		return -EPROTO;
	rc = mux_accept(m, accept->request, p);
	if (rc < 0) {
		accepted.status = (uint32_t)-rc;
		broker_send(m->broker, &wire_camera_accepted, &accepted, NULL, 0);
	}
	return 0;
}

static int on_unit_ask(void *self, const void *msg, int *fds)
{
	const struct msg_unit_ask *ask = msg;
	struct msg_unit_told told = {.request = ask->request};
	struct mux *m = self;
	int rc = process_unit_read(ask->pid, told.unit);

	(void)fds;
	told.status = (uint32_t)-rc;
	if (rc < 0)
		told.unit[0] = 0;
	broker_send(m->broker, &wire_unit_told, &told, NULL, 0);
	return 0;
}

static int on_drained(void *self, const void *msg, int *fds)
{
	const struct msg_drained *drained = msg;
	struct mux *m = self;

	(void)fds;
	cuts_drained(m->cuts, drained->request);
	return 0;
}

static int on_reload_ask(void *self, const void *msg, int *fds)
{
	(void)fds;
	mux_reload(self, msg);
	return 0;
}

static int on_reload_cleared(void *self, const void *msg, int *fds)
{
	(void)msg;
	(void)fds;
	return mux_reload_cleared(self);
}

static int on_reload_ready(void *self, const void *msg, int *fds)
{
	(void)msg;
	(void)fds;
	return mux_reload_ready(self);
}

const struct wire_rule mux_broker_rules[] = {
	{&wire_grant_token, BROKER_STARTING | BROKER_SERVING, 0, on_grant_token},
	{&wire_broker_ready, BROKER_STARTING, 0, on_ready},
	{&wire_broker_pong, BROKER_SERVING, 0, on_pong},
	{&wire_audit_note, BROKER_SERVING | BROKER_LEAVING, 0, mux_on_audit_note},
	{&wire_audit_ask, BROKER_SERVING, 0, mux_on_audit_ask},
	{&wire_state_accept, BROKER_SERVING, 0, mux_on_state_accept},
	{&wire_camera_want, BROKER_SERVING, 0, on_camera_want},
	{&wire_pair_kill, BROKER_SERVING, 0, on_pair_kill},
	{&wire_camera_block, BROKER_SERVING, 0, on_camera_block},
	{&wire_survey, BROKER_SERVING, 0, on_survey},
	{&wire_revoked_keep, BROKER_SERVING, 0, on_revoked_keep},
	{&wire_cutoff_keep, BROKER_SERVING, 0, on_cutoff_keep},
	{&wire_key_rotate, BROKER_SERVING, 0, mux_on_key_rotate},
	{&wire_key_retire, BROKER_SERVING, 0, mux_on_key_retire},
	{&wire_unit_ask, BROKER_SERVING, 0, on_unit_ask},
	{&wire_camera_accept, BROKER_SERVING, 0, on_camera_accept},
	{&wire_drained, BROKER_SERVING, 0, on_drained},
	{&wire_reload_ask, BROKER_SERVING, 0, on_reload_ask},
	{&wire_reload_cleared, BROKER_SERVING, 0, on_reload_cleared},
	{&wire_reload_ready, BROKER_SERVING, 0, on_reload_ready},
};
const size_t mux_n_broker_rules = ARRAY_SIZE(mux_broker_rules);
