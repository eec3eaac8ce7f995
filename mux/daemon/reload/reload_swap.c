/*
 * One configuration in the place of another. Cameras are matched by their ids alone, never by their
 * places: a pair whose record is the same stays with all that runs in it, every other one is retired
 * and another is made. Runs in framemuxd's loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/reload/reload_private.h"
#include "mux/daemon/trust/fingerprint.h"

/* ---- before: all that takes memory ---------------------------------------------------- */

static struct pair *find_pair(const struct pair_host *h, const struct camera_id *id)
{
	for (size_t i = 0; i < h->n_pairs; i++)
		if (!memcmp(&pair_camera(h->pairs[i])->id, id, sizeof(*id)))
			return h->pairs[i];
	return NULL;
}

static int make_pair(struct reload *r, size_t i)
{
	struct pair_host *h = &r->mux->pair_host;
	struct pair *there = find_pair(h, &r->records[i].id);
	char detail[LIMIT_CHANGE];

	r->n_pairs = i + 1;
	if (there && reload_compare(pair_camera(there), &r->records[i], detail) != CAMERA_CHANGED) {
		r->pairs[i] = there;
		return 0;
	}
	r->is_fresh[i] = true;
	r->pairs[i] = pair_new(h, &r->records[i]);
	return r->pairs[i] ? 0 : -ENOMEM;
}

static int make_diff(struct reload *r)
{
	const struct mux *m = r->mux;
	const struct pair_host *h = &m->pair_host;
	cleanup_free const struct camera_record **old = calloc(h->n_pairs + 1, sizeof(*old));
	int rc;

	if (!old)
		return -ENOMEM;
	for (size_t i = 0; i < h->n_pairs; i++)
		old[i] = pair_camera(h->pairs[i]);
	rc = reload_diff_cameras(&r->diff, old, h->n_pairs, r->records, r->config->n_cameras);
	if (!rc)
		rc = reload_diff_grants(&r->diff, m->config, r->config, m->grants, r->grants);
	return rc ? rc : reload_diff_settings(&r->diff, m->config, r->config);
}

int reload_make(struct reload *r)
{
	size_t n = r->config->n_cameras;
	int rc = 0;

	r->pairs = calloc(n + 1, sizeof(struct pair *));
	r->retired = calloc(r->mux->pair_host.n_pairs + 1, sizeof(struct pair *));
	r->is_fresh = calloc(n + 1, sizeof(bool));
	if (!r->pairs || !r->retired || !r->is_fresh)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++)
		rc = make_pair(r, i);
	if (!rc)
		rc = make_diff(r);
	if (rc)
		return rc;
	config_forget_passwords(r->config); /* what is compared and needed is in the pairs */
	for (size_t i = 0; i < n; i++)
		r->records[i].password = NULL;
	return 0;
}

/* ---- the swap ------------------------------------------------------------------------- */

static bool stays(const struct reload *r, const struct pair *p)
{
	for (size_t i = 0; i < r->n_pairs; i++)
		if (r->pairs[i] == p)
			return true;
	return false;
}

static void swap_pairs(struct reload *r)
{
	struct pair_host *h = &r->mux->pair_host;
	struct pair **old = h->pairs;
	size_t n_old = h->n_pairs;

	h->retired = r->retired; /* a reload begins when there are none left */
	h->n_retired = 0;
	for (size_t i = 0; i < n_old; i++)
		if (!stays(r, old[i]))
			h->retired[h->n_retired++] = old[i];
	h->pairs = r->pairs;
	h->n_pairs = r->n_pairs;
	r->pairs = r->retired = NULL;
	free(old);
}

/* Those who ask for the dead tokens of an earlier broker are refused by the next. */
static void add_revoked(struct reload *r)
{
	struct mux *m = r->mux;
	size_t more = r->n_revoked - r->n_before;
	uint8_t *ids = reallocarray(m->revoked, m->n_revoked + more + 1, TOKEN_ID_BYTES);

	if (ids)
		m->revoked = ids;
	if (!ids ||
		revoked_add_all(&m->revoked_set, r->revoked + r->n_before * TOKEN_ID_BYTES, more) <
			0) { /* the disk knows them, and this process will not: another has to begin */
		log_error("no memory for the tokens that a reload killed: framemuxd ends");
		(void)raise(SIGTERM);
		return;
	}
	memcpy(ids + m->n_revoked * TOKEN_ID_BYTES, r->revoked + r->n_before * TOKEN_ID_BYTES,
		more * TOKEN_ID_BYTES);
	m->n_revoked += more;
}

/* What is on disk of a camera stays there, under its next pair, while the old one still ends. */
static void keep_print(const struct pair_host *h, const struct pair *retired)
{
	struct pair *heir = find_pair(h, &pair_camera(retired)->id);

	if (heir && fingerprint_applies(pair_camera(heir)))
		pair_restore(heir, pair_record(retired));
}

static void swap_settings(struct reload *r)
{
	struct mux *m = r->mux;
	struct config *c = r->config;
	int rc = 0;

	reload_keep_fixed(m->config, c);
	m->pair_host.linger_s = c->linger_s;
	m->pair_host.stale_after_ms = c->stale_after_ms;
	if (!strcmp(c->admin_group, m->config->admin_group))
		return;
	if (r->group != (gid_t)-1)
		rc = listen_give_to(c, &m->listening, r->group);
	if (rc < 0 || r->group == (gid_t)-1)
		log_warning("the control socket stays in the group that it has: %s",
			rc < 0 ? strerror(-rc) : "there is no such admin_group");
}

/*
 * The old configuration and grants stay with r until its end: what is said to the broker about
 * them is still to come.
 */
void reload_swap(struct reload *r)
{
	struct mux *m = r->mux;
	struct config *config = m->config;
	struct grants *grants = m->grants;
	bool is_stale_changed = m->config->stale_after_ms != r->config->stale_after_ms;

	swap_settings(r);
	swap_pairs(r);
	add_revoked(r);
	grants_take_over(r->grants, m->grants);
	m->config = r->config;
	m->grants = r->grants;
	r->config = config;
	r->grants = grants;
	broker_make_room(m->broker,
		mux_set_up_messages(m) + m->pair_host.n_retired + config->n_cameras + r->diff.n +
			MUX_OUTBOX_SPARE);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++) {
		struct pair *p = m->pair_host.pairs[i];

		if (r->is_fresh[i])
			continue;
		pair_adjust(p, &r->records[i]);
		if (is_stale_changed)
			pair_restart(p);
	}
	for (size_t i = 0; i < m->pair_host.n_retired; i++) {
		pair_retire(m->pair_host.retired[i]);
		keep_print(&m->pair_host, m->pair_host.retired[i]);
	}
	cuts_apply(m->cuts);
	mux_keep_prints(m);
}

/* ---- what the broker hears ------------------------------------------------------------ */

static const struct config_grant *find_grant(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_grants; i++)
		if (!strcmp(c->grants[i].name, name))
			return &c->grants[i];
	return NULL;
}

static void end_tokens(struct reload *r)
{
	struct mux *m = r->mux;
	struct standing *old;
	size_t n = grants_standing(r->grants, &old);

	for (size_t i = 0; i < n; i++) {
		const struct standing *now =
			grants_find(m->grants, old[i].grant->name, old[i].camera);
		struct msg_token_end m_end = {0};

		if (!old[i].has_id ||
			(now && now->has_id && !memcmp(now->id, old[i].id, sizeof(now->id))))
			continue;
		memcpy(m_end.id, old[i].id, sizeof(m_end.id));
		snprintf(m_end.reason, sizeof(m_end.reason), "%s",
			find_grant(m->config, old[i].grant->name)
				? "its grant has changed"
				: "its grant was removed from the configuration");
		broker_send(m->broker, &wire_token_end, &m_end, NULL, 0);
		mux_note_token_end(m, &m_end);
	}
}

static void end_camera(const struct reload *r, const struct pair *retired)
{
	const struct pair_host *h = &r->mux->pair_host;
	const struct camera_record *cam = pair_camera(retired);
	struct msg_camera_end m = {.stays = find_pair(h, &cam->id) != NULL};
	const char *reason = "the camera was removed from the configuration";

	for (size_t i = 0; i < h->n_pairs; i++)
		if (!strcmp(pair_camera(h->pairs[i])->name, cam->name))
			reason = "the camera's source, pin or model has changed: its tokens are "
				 "no longer good";
	if (m.stays)
		reason = "the camera's configuration has changed";
	memcpy(m.id, cam->id.b, sizeof(m.id));
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	broker_send(r->mux->broker, &wire_camera_end, &m, NULL, 0);
}

void reload_tell_over(struct reload *r)
{
	struct mux *m = r->mux;
	const struct msg_broker_settings settings = {.stale_after_ms = m->config->stale_after_ms,
		.uid_quota_mb = m->config->uid_quota_mb};
	const struct msg_reload_clear clear = {.request = r->request};

	broker_send(m->broker, &wire_broker_settings, &settings, NULL, 0);
	for (size_t i = 0; i < m->pair_host.n_retired; i++)
		end_camera(r, m->pair_host.retired[i]);
	end_tokens(r);
	broker_send(m->broker, &wire_reload_clear, &clear, NULL, 0);
}

void reload_tell_new(struct reload *r)
{
	const struct msg_reload_begin begin = {.request = r->request};
	const struct pair_host *h = &r->mux->pair_host;
	const struct msg_reload_end end = {.cameras = (uint32_t)h->n_pairs};
	struct mux *m = r->mux;
	struct standing *standing;
	size_t n = grants_standing(m->grants, &standing);

	broker_send(m->broker, &wire_reload_begin, &begin, NULL, 0);
	mux_send_admins(m);
	for (size_t i = 0; i < h->n_pairs; i++)
		mux_send_camera(m, pair_camera(h->pairs[i]));
	for (size_t i = 0; i < h->n_pairs; i++)
		if (r->is_fresh[i])
			pair_present(h->pairs[i]);
	for (size_t i = 0; i < n; i++)
		if (!standing[i].token)
			mux_send_grant(m, &standing[i]);
	broker_send(m->broker, &wire_reload_end, &end, NULL, 0);
	for (size_t i = 0; i < h->n_pairs; i++)
		if (r->is_fresh[i])
			pair_serve(h->pairs[i]);
}

/* ---- the end -------------------------------------------------------------------------- */

void reload_bury(struct reload *r)
{
	struct pair_host *h = &r->mux->pair_host;

	for (size_t i = 0; i < h->n_retired; i++) {
		struct pair *heir = find_pair(h, &pair_camera(h->retired[i])->id);

		if (heir)
			pair_inherit(heir, h->retired[i]);
		pair_free(h->retired[i]);
	}
	free(h->retired);
	h->retired = NULL;
	h->n_retired = 0;
	mux_keep_prints(r->mux); /* what they had noticed and not yet kept */
}

void reload_free(struct reload *r)
{
	if (r->is_cutting)
		cut_forget(&r->cut);
	/* The table is ours until it is swapped; then those in it are the mux's. */
	for (size_t i = 0; r->pairs && i < r->n_pairs; i++)
		if (r->is_fresh[i])
			pair_free(r->pairs[i]);
	free(r->pairs);
	free(r->retired);
	free(r->is_fresh);
	reload_diff_free(&r->diff);
	grants_free(r->grants);
	config_free(r->config);
	free(r->records);
	free(r->revoked);
	free(r->epochs_text);
	free(r->grants_text);
	free(r);
}
