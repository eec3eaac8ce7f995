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
#include "mux/broker/camera.h"
#include "mux/broker/revoke.h"
#include "mux/broker/secrets.h"
#include "mux/broker/standing.h"
#include "mux/broker/status.h"
#include "mux/link.h"

#define OUTBOX_MAX   65536u /* all standing tokens go out at once */
#define ADMINS_MAX   4096u
#define STALE_MAX_MS 3600000u

/* --- setup ---------------------------------------------------------------------------------- */

static int handle_start(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_start *m = msg;

	(void)fds;
	if (m->stale_after_ms == 0 || m->stale_after_ms > STALE_MAX_MS)
		return -EINVAL;
	memcpy(b->secrets->root, m->root_key, KEY_BYTES);
	memcpy(b->secrets->k_session, m->k_session, KEY_BYTES);
	b->settings.key_id = m->key_id;
	b->settings.stale_after_ns = m->stale_after_ms * NS_PER_MS;
	b->settings.mux_uid = m->mux_uid;
	b->quota.limits.uid_bytes = (uint64_t)m->uid_quota_mb << 20;
	log_init("broker", (int)m->verbose);
	sodium_memzero((void *)m, sizeof(*m)); /* the dispatcher's own buffer, not const */
	conn_set_state(b->daemon, DAEMON_SETUP);
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
	(void)fds;
	return camera_add(self, msg);
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

/* Every standing token is on its way before anybody can connect. */
static int handle_setup_done(void *self, const void *msg, int *fds)
{
	struct broker *b = self;
	const struct msg_broker_setup_done *m = msg;
	struct msg_broker_ready ready;
	const struct camera *c;
	uint32_t cameras = 0;
	int r;

	(void)fds;
	LIST_FOREACH (c, &b->cameras, link)
		cameras++;
	if (cameras != m->cameras)
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

const struct wire_rule daemon_rules[] = {
	{&wire_broker_start, DAEMON_BORN, 0, handle_start},
	{&wire_broker_admin, DAEMON_SETUP, 0, handle_admin},
	{&wire_broker_camera, DAEMON_SETUP, 0, handle_camera},
	{&wire_broker_grant, DAEMON_SETUP, 0, handle_grant},
	{&wire_broker_revoked, DAEMON_SETUP, 0, handle_revoked},
	{&wire_broker_setup_done, DAEMON_SETUP, 0, handle_setup_done},
	{&wire_camera_news, DAEMON_SETUP | DAEMON_SERVING, 0, handle_news},
	{&wire_pair_born, DAEMON_SERVING, 1, handle_pair_born},
	{&wire_pair_dead, DAEMON_SERVING, 0, handle_pair_dead},
	{&wire_survey_camera, DAEMON_SERVING, 0, handle_survey_camera},
	{&wire_survey_done, DAEMON_SERVING, 0, handle_survey_done},
	{&wire_revoked_kept, DAEMON_SERVING, 0, handle_revoked_kept},
	{&wire_camera_accepted, DAEMON_SERVING, 0, handle_camera_accepted},
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
	.gone = on_gone,
};

int daemon_link_begin(struct broker *b, int fd)
{
	return conn_new(b->base, fd, &kind, b, DAEMON_BORN, &b->daemon);
}
