/* What framemuxd says. Owns nothing: each handler hands on. Runs in the broker. */
#include "mux/broker/daemon_link.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/accept.h"
#include "mux/broker/audit.h"
#include "mux/broker/audit_read.h"
#include "mux/broker/barred.h"
#include "mux/broker/camera.h"
#include "mux/broker/drain.h"
#include "mux/broker/keys.h"
#include "mux/broker/reload.h"
#include "mux/broker/revoke.h"
#include "mux/broker/secrets.h"
#include "mux/broker/standing.h"
#include "mux/broker/status.h"
#include "mux/broker/unit.h"
#include "mux/link/daemon_broker.h"

#define OUTBOX_MAX   65536u /* all standing tokens go out at once */
#define ADMINS_MAX   4096u
#define STALE_MAX_MS 3600000u

/* --- setup ---------------------------------------------------------------------------------- */

static int take_settings(struct broker *b, uint32_t stale_after_ms, uint32_t uid_quota_mb)
{
	if (stale_after_ms == 0 || stale_after_ms > STALE_MAX_MS)
		return -EINVAL;
	b->settings.stale_after_ns = stale_after_ms * NS_PER_MS;
	b->quota.limits.uid_bytes = (uint64_t)uid_quota_mb << 20;
	return 0;
}

static int handle_start(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_start *m = msg;

	(void)fds;
	if (take_settings(b, m->stale_after_ms, m->uid_quota_mb) < 0)
		return -EINVAL;
	memcpy(b->secrets->root, m->root_key, KEY_BYTES);
	memcpy(b->secrets->k_session, m->k_session, KEY_BYTES);
	b->settings.key_id = m->key_id;
	b->settings.key_since_s = m->key_since_s;
	b->settings.issue = cutoffs_next_issue(&b->cutoffs);
	b->settings.mux_uid = m->mux_uid;
	log_init("broker", (int)m->verbose);
	sodium_memzero((void *)m, sizeof(*m)); /* the dispatcher's own buffer, not const */
	conn_set_state(b->daemon, DAEMON_SETUP);
	return 0;
}

static int handle_key(void *self, const void *msg, int *fds)
{
	const struct msg_broker_key *m = msg;
	struct broker *b = self;

	(void)fds;
	/* A newer one only while serving: the older of the two is one at a time. */
	if (m->key_id == 0 || m->is_current == (conn_state(b->daemon) == DAEMON_SETUP) ||
		(m->is_current ? m->key_id <= b->settings.key_id : m->key_id >= b->settings.key_id))
		return -EINVAL;
	keys_take(b, m);
	sodium_memzero((void *)m, sizeof(*m));
	return 0;
}

static int handle_key_rotated(void *self, const void *msg, int *fds)
{
	const struct msg_key_rotated *m = msg;

	(void)fds;
	keys_rotated(self, m->request, m->status);
	return 0;
}

static int handle_admin(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	struct settings *s = &b->settings;
	const struct msg_broker_admin *m = msg;
	uint32_t *admins;

	(void)fds;
	if (s->n_admins >= ADMINS_MAX)
		return -E2BIG;
	admins = reallocarray(s->admins, s->n_admins + 1, sizeof(*admins));
	if (!admins)
		return -ENOMEM;
	admins[s->n_admins++] = m->uid;
	s->admins = admins;
	return 0;
}

static int handle_camera(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_camera *m = msg;
	struct camera *known = camera_by_id(b, m->id);

	(void)fds;
	if (known && conn_state(b->daemon) == DAEMON_RELOADING)
		return camera_stays(known, m);
	return camera_add(b, m);
}

static int handle_grant(void *self, const void *msg, int *fds)
{
	(void)fds;
	return standing_add(self, msg);
}

static int handle_revoked(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_revoked *m = msg;

	(void)fds;
	return revoked_add(&b->revoked, m->id);
}

static int handle_cutoff(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_cutoff *m = msg;
	struct cutoff c = {.kind = m->kind, .uid = m->uid, .issue = m->issue};
	int r;

	(void)fds;
	memcpy(c.camera, m->camera, sizeof(c.camera));
	r = cutoffs_add(&b->cutoffs, &c);
	if (r == 0)
		b->settings.issue = cutoffs_next_issue(&b->cutoffs);
	return r;
}

static int handle_clock(void *self, const void *msg, int *fds)
{
	const struct msg_broker_clock *m = msg;
	struct broker *b = self;

	(void)fds;
	b->least = (struct clock_mark){m->real_s, m->boot_ns};
	return 0;
}

static int handle_user(void *self, const void *msg, int *fds)
{
	const struct msg_broker_user *m = msg;

	(void)fds;
	return barred_set(self, m->uid, m->disabled);
}

static uint32_t count_cameras(const struct broker *b)
{
	const struct camera *c;
	uint32_t n = 0;

	LIST_FOREACH (c, &b->cameras, link)
		n++;
	return n;
}

/* Every standing token is on its way before anybody can connect. */
static int handle_setup_done(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_setup_done *m = msg;
	struct msg_broker_ready ready;
	int r;

	(void)fds;
	if (count_cameras(b) != m->cameras)
		return -EINVAL;
	r = standing_mint_all(b, &ready.grants);
	if (r == 0)
		r = broker_serve(b);
	if (r < 0)
		return r;
	conn_set_state(b->daemon, DAEMON_SERVING);
	conn_send(b->daemon, &wire_broker_ready, &ready, NULL, 0);
	return 0;
}

/* --- service -------------------------------------------------------------------------------- */

static int handle_ping(void *self, const void *msg, int *fds)
{
	const struct msg_broker_ping *m = msg;
	struct broker *b = self;

	(void)fds;
	conn_send(b->daemon, &wire_broker_pong, &(struct msg_broker_pong){m->number}, NULL, 0);
	return 0;
}

static int handle_pair_born(void *self, const void *msg, int *fds)
{
	const struct msg_pair_born *m = msg;
	struct camera *c = camera_by_id(self, m->id);
	int r = c ? camera_pair_born(c, m->generation, &fds[0]) : -EINVAL;

	if (r != -ENOMEM)
		return r;
	/* It sees the end of its link, and framemuxd makes another. */
	log_error("camera %s: no memory for its pair", c->name);
	return 0;
}

static int handle_pair_dead(void *self, const void *msg, int *fds)
{
	const struct msg_pair_dead *m = msg;
	struct camera *c = camera_by_id(self, m->id);

	(void)fds;
	if (!c)
		return -EINVAL;
	camera_pair_dead(c, m->generation, m->reason);
	return 0;
}

static int handle_news(void *self, const void *msg, int *fds)
{
	const struct msg_camera_news *m = msg;
	struct camera *c = camera_by_id(self, m->id);

	(void)fds;
	if (!c || m->state < CAMERA_IDLE || m->state > CAMERA_BLOCKED)
		return -EINVAL;
	camera_news(c, m->state, m->reason);
	return 0;
}

static int handle_drain(void *self, const void *msg, int *fds)
{
	const struct msg_drain *m = msg;

	(void)fds;
	return drain_ask(self, m->request);
}

static int handle_survey_camera(void *self, const void *msg, int *fds)
{
	(void)fds;
	status_survey_camera(self, msg);
	return 0;
}

static int handle_survey_done(void *self, const void *msg, int *fds)
{
	(void)fds;
	status_survey_done(self, msg);
	return 0;
}

static int handle_revoked_kept(void *self, const void *msg, int *fds)
{
	const struct msg_revoked_kept *m = msg;

	(void)fds;
	revoke_kept(self, m->request, m->status);
	return 0;
}

static int handle_camera_accepted(void *self, const void *msg, int *fds)
{
	const struct msg_camera_accepted *m = msg;

	(void)fds;
	accept_done(self, m->request, m->status);
	return 0;
}

static int handle_audit_written(void *self, const void *msg, int *fds)
{
	const struct msg_audit_written *m = msg;

	(void)fds;
	audit_written(self, m->request, m->status);
	return 0;
}

static int handle_unit_told(void *self, const void *msg, int *fds)
{
	const struct msg_unit_told *m = msg;

	(void)fds;
	unit_told(self, m->request, m->status, m->unit);
	return 0;
}

static int handle_audit_segment(void *self, const void *msg, int *fds)
{
	audit_read_segment(self, msg, fds[0]);
	return 0;
}

static int handle_audit_told(void *self, const void *msg, int *fds)
{
	(void)fds;
	audit_read_told(self, msg);
	return 0;
}

/* --- a reload ------------------------------------------------------------------------------- */

static int handle_settings(void *self, const void *msg, int *fds)
{
	const struct msg_broker_settings *m = msg;

	(void)fds;
	return take_settings(self, m->stale_after_ms, m->uid_quota_mb);
}

static int handle_token_end(void *self, const void *msg, int *fds)
{
	const struct msg_token_end *m = msg;

	(void)fds;
	return reload_end_token(self, m->id, m->reason);
}

static int handle_camera_end(void *self, const void *msg, int *fds)
{
	const struct msg_camera_end *m = msg;
	struct camera *c = camera_by_id(self, m->id);

	(void)fds;
	if (!c || c->is_gone)
		return -EINVAL;
	camera_end(c, m->stays, m->reason);
	return 0;
}

static int handle_reload_clear(void *self, const void *msg, int *fds)
{
	const struct msg_reload_clear *m = msg;

	(void)fds;
	return reload_clear(self, m->request);
}

static int handle_reload_begin(void *self, const void *msg, int *fds)
{
	struct broker *b = self;

	(void)msg;
	(void)fds;
	if (b->is_clearing)
		return -EINVAL;
	free(b->settings.admins);
	b->settings.admins = NULL;
	b->settings.n_admins = 0;
	conn_set_state(b->daemon, DAEMON_RELOADING);
	return 0;
}

static int handle_reload_end(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_reload_end *m = msg;
	struct msg_reload_ready ready;
	int r;

	(void)fds;
	if (count_cameras(b) != m->cameras)
		return -EINVAL;
	r = standing_mint_all(b, &ready.grants);
	if (r < 0)
		return r;
	conn_set_state(b->daemon, DAEMON_SERVING);
	conn_send(b->daemon, &wire_reload_ready, &ready, NULL, 0);
	return 0;
}

static int handle_reload_change(void *self, const void *msg, int *fds)
{
	(void)fds;
	reload_tell_change(self, msg);
	return 0;
}

static int handle_reload_fault(void *self, const void *msg, int *fds)
{
	(void)fds;
	reload_tell_fault(self, msg);
	return 0;
}

static int handle_reload_done(void *self, const void *msg, int *fds)
{
	(void)fds;
	reload_tell_done(self, msg);
	return 0;
}

#define SERVING (DAEMON_SERVING | DAEMON_RELOADING)

const struct wire_rule daemon_rules[] = {
	{&wire_broker_start, DAEMON_BORN, 0, handle_start},
	{&wire_broker_key, DAEMON_SETUP | SERVING, 0, handle_key},
	{&wire_key_rotated, SERVING, 0, handle_key_rotated},
	{&wire_broker_admin, DAEMON_SETUP | DAEMON_RELOADING, 0, handle_admin},
	{&wire_broker_camera, DAEMON_SETUP | DAEMON_RELOADING, 0, handle_camera},
	{&wire_broker_grant, DAEMON_SETUP | DAEMON_RELOADING, 0, handle_grant},
	{&wire_broker_revoked, DAEMON_SETUP, 0, handle_revoked},
	{&wire_broker_cutoff, DAEMON_SETUP, 0, handle_cutoff},
	{&wire_broker_clock, DAEMON_SETUP | SERVING, 0, handle_clock},
	{&wire_broker_user, DAEMON_SETUP | SERVING, 0, handle_user},
	{&wire_broker_setup_done, DAEMON_SETUP, 0, handle_setup_done},
	{&wire_camera_news, DAEMON_SETUP | SERVING, 0, handle_news},
	{&wire_broker_ping, SERVING, 0, handle_ping},
	{&wire_pair_born, SERVING, 1, handle_pair_born},
	{&wire_pair_dead, SERVING, 0, handle_pair_dead},
	{&wire_drain, SERVING, 0, handle_drain},
	{&wire_survey_camera, SERVING, 0, handle_survey_camera},
	{&wire_survey_done, SERVING, 0, handle_survey_done},
	{&wire_revoked_kept, SERVING, 0, handle_revoked_kept},
	{&wire_camera_accepted, SERVING, 0, handle_camera_accepted},
	{&wire_audit_written, SERVING, 0, handle_audit_written},
	{&wire_unit_told, SERVING, 0, handle_unit_told},
	{&wire_audit_segment, SERVING, 1, handle_audit_segment},
	{&wire_audit_told, SERVING, 0, handle_audit_told},
	{&wire_broker_settings, DAEMON_SERVING, 0, handle_settings},
	{&wire_token_end, DAEMON_SERVING, 0, handle_token_end},
	{&wire_camera_end, DAEMON_SERVING, 0, handle_camera_end},
	{&wire_reload_clear, DAEMON_SERVING, 0, handle_reload_clear},
	{&wire_reload_begin, DAEMON_SERVING, 0, handle_reload_begin},
	{&wire_reload_end, DAEMON_RELOADING, 0, handle_reload_end},
	{&wire_reload_change, SERVING, 0, handle_reload_change},
	{&wire_reload_fault, SERVING, 0, handle_reload_fault},
	{&wire_reload_done, SERVING, 0, handle_reload_done},
};
const size_t daemon_n_rules = ARRAY_SIZE(daemon_rules);

/* --- the end -------------------------------------------------------------------------------- */

static void on_gone(void *self, int error)
{
	if (error == -EPIPE) {
		log_info("framemuxd has gone: everything is erased");
		broker_stop(self, EX_OK);
		return;
	}
	log_error("the link to framemuxd is broken: %s", strerror(-error));
	broker_stop(self, EX_SOFTWARE);
}

static const struct conn_kind kind = {
	.rules = daemon_rules,
	.n_rules = ARRAY_SIZE(daemon_rules),
	.outbox_max = OUTBOX_MAX,
	.takes_fds = true,
	.is_secret = true,
	.speaks_last = true,
	.gone = on_gone,
};

int daemon_link_begin(struct broker *b, int fd)
{
	return conn_new(b->base, fd, &kind, b, DAEMON_BORN, &b->daemon);
}
