/* Compares configurations. Pure code, in framemuxd. No value of a secret gets into the words. */
#include "mux/daemon/reload/reload_diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

void reload_diff_free(struct reload_diff *d)
{
	free(d->changes);
	*d = (struct reload_diff){0};
}

static int add(struct reload_diff *d, const char *kind, const char *name, const char *what,
	const char *detail)
{
	struct reload_change *c;

	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 32;

		c = reallocarray(d->changes, room, sizeof(*c));
		if (!c)
			return -ENOMEM;
		d->changes = c;
		d->room = room;
	}
	c = &d->changes[d->n++];
	memset(c, 0, sizeof(*c)); /* it travels: zero behind each text */
	snprintf(c->kind, sizeof(c->kind), "%s", kind);
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->what, sizeof(c->what), "%s", what);
	snprintf(c->detail, sizeof(c->detail), "%s", detail);
	return 0;
}

/* ---- keys that differ ---------------------------------------------------------------- */

/* "url, mask": true if this one is in it. */
static bool note(char detail[LIMIT_CHANGE], bool differs, const char *key)
{
	size_t at = strlen(detail);

	if (differs)
		snprintf(detail + at, LIMIT_CHANGE - at, "%s%s", at ? ", " : "", key);
	return differs;
}

static bool texts_differ(const char *a, const char *b)
{
	if (!a || !b)
		return a != b;
	return strcmp(a, b) != 0;
}

static bool masks_differ(const struct mask *a, uint32_t n_a, const struct mask *b, uint32_t n_b)
{
	if (n_a != n_b)
		return true;
	for (uint32_t i = 0; i < n_a; i++)
		if (a[i].x != b[i].x || a[i].y != b[i].y || a[i].width != b[i].width ||
			a[i].height != b[i].height)
			return true;
	return false;
}

/* ---- cameras ------------------------------------------------------------------------- */

static bool source_differs(const struct camera_record *a, const struct camera_record *b)
{
	return texts_differ(a->canonical, b->canonical) || texts_differ(a->url, b->url) ||
		a->kind != b->kind || a->tls != b->tls || texts_differ(a->host, b->host) ||
		a->port != b->port || texts_differ(a->path, b->path) || a->width != b->width ||
		a->height != b->height || a->fps != b->fps;
}

enum camera_difference reload_compare(
	const struct camera_record *a, const struct camera_record *b, char ret_detail[LIMIT_CHANGE])
{
	char *d = ret_detail;
	bool changed, adjusted;

	*d = 0;
	changed = note(d, source_differs(a, b), "url");
	changed |= note(d, texts_differ(a->username, b->username), "username");
	changed |= note(d, texts_differ(a->password, b->password), "password");
	changed |= note(d, a->basic != b->basic, "auth");
	changed |= note(
		d, a->transport != b->transport || a->may_switch != b->may_switch, "transport");
	changed |= note(d,
		a->has_pin != b->has_pin || memcmp(a->tls_pin, b->tls_pin, sizeof(a->tls_pin)) != 0,
		"tls_pin");
	changed |= note(d, texts_differ(a->tls_ca, b->tls_ca), "tls_ca");
	changed |= note(d, a->fingerprint != b->fingerprint, "fingerprint");
	changed |= note(d, texts_differ(a->model, b->model), "model");
	changed |= note(d, masks_differ(a->masks, a->n_masks, b->masks, b->n_masks), "mask");
	changed |= note(d, a->memory_mb != b->memory_mb, "memory_mb");
	changed |= note(d, a->max_pixels != b->max_pixels, "max_picture");
	changed |= note(d, a->patience_s != b->patience_s, "patience");
	adjusted = note(d, texts_differ(a->vendor, b->vendor), "vendor");
	adjusted |= note(d, a->warm != b->warm, "standby");
	if (memcmp(&a->id, &b->id, sizeof(a->id)) !=
		0) /* gone and back: nothing else need differ */
		changed = true;
	return changed ? CAMERA_CHANGED : adjusted ? CAMERA_ADJUSTED : CAMERA_SAME;
}

static int diff_camera(struct reload_diff *d, const struct camera_record *const *old, size_t n_old,
	const struct camera_record *now)
{
	char detail[LIMIT_CHANGE];

	for (size_t i = 0; i < n_old; i++) {
		size_t at;

		if (strcmp(old[i]->name, now->name) != 0)
			continue;
		if (reload_compare(old[i], now, detail) == CAMERA_SAME)
			return 0;
		at = strlen(detail);
		if (old[i]->epoch != now->epoch)
			snprintf(detail + at, sizeof(detail) - at,
				"%sepoch %" PRIu32 ": older tokens are refused", at ? "; " : "",
				now->epoch);
		return add(d, "camera", now->name, "changed", detail);
	}
	return add(d, "camera", now->name, "added", "");
}

int reload_diff_cameras(struct reload_diff *d, const struct camera_record *const *old, size_t n_old,
	const struct camera_record *now, size_t n_now)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n_now; i++) {
		size_t before = d->n;

		rc = diff_camera(d, old, n_old, &now[i]);
		if (d->n > before)
			d->changes[before].epoch = now[i].epoch;
	}
	for (size_t i = 0; !rc && i < n_old; i++) {
		size_t k = 0;

		while (k < n_now && strcmp(old[i]->name, now[k].name) != 0)
			k++;
		if (k < n_now)
			continue;
		rc = add(d, "camera", old[i]->name, "removed", "");
		if (!rc)
			d->changes[d->n - 1].epoch = old[i]->epoch;
	}
	return rc;
}

/* ---- grants -------------------------------------------------------------------------- */

static const struct config_grant *find_grant(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_grants; i++)
		if (!strcmp(c->grants[i].name, name))
			return &c->grants[i];
	return NULL;
}

static bool has_camera(const struct config *c, const struct config_grant *g, const char *name)
{
	for (size_t i = 0; i < g->n_cameras; i++)
		if (!strcmp(c->cameras[g->cameras[i]].name, name))
			return true;
	return false;
}

/* As sets: the order means nothing. */
static bool cameras_differ(const struct config *ca, const struct config_grant *a,
	const struct config *cb, const struct config_grant *b)
{
	if (a->n_cameras != b->n_cameras)
		return true;
	for (size_t i = 0; i < a->n_cameras; i++)
		if (!has_camera(cb, b, ca->cameras[a->cameras[i]].name))
			return true;
	return false;
}

static void compare_grants(const struct config *ca, const struct config_grant *a,
	const struct config *cb, const struct config_grant *b, char d[LIMIT_CHANGE])
{
	*d = 0;
	note(d, a->uid != b->uid, "user");
	note(d, texts_differ(a->unit, b->unit), "unit");
	note(d, cameras_differ(ca, a, cb, b), "cameras");
	note(d, a->max_width != b->max_width || a->max_height != b->max_height, "max_size");
	note(d, a->max_fps != b->max_fps, "max_fps");
	note(d, a->expires_s != b->expires_s, "expires");
	note(d, a->dump != b->dump, "dump");
	note(d, texts_differ(a->label, b->label), "label");
	note(d, masks_differ(a->masks, a->n_masks, b->masks, b->n_masks), "mask");
	note(d, texts_differ(a->token_file, b->token_file), "token_file");
}

/* Its token for a camera that it had was killed, or that camera is another one now. */
static bool is_renewed(const struct config *c, const struct config_grant *g,
	const struct grants *old_grants, const struct grants *now_grants)
{
	for (size_t i = 0; i < g->n_cameras; i++) {
		const char *camera = c->cameras[g->cameras[i]].name;
		const struct standing *old = grants_find(old_grants, g->name, camera);
		const struct standing *now = grants_find(now_grants, g->name, camera);

		if (old && now && old->has_id &&
			(!now->has_id || memcmp(old->id, now->id, sizeof(old->id)) != 0))
			return true;
	}
	return false;
}

int reload_diff_grants(struct reload_diff *d, const struct config *old, const struct config *now,
	const struct grants *old_grants, const struct grants *now_grants)
{
	char detail[LIMIT_CHANGE];
	int rc = 0;

	for (size_t i = 0; !rc && i < now->n_grants; i++) {
		const struct config_grant *g = &now->grants[i], *was = find_grant(old, g->name);

		if (!was) {
			rc = add(d, "grant", g->name, "added", "");
			continue;
		}
		compare_grants(old, was, now, g, detail);
		if (*detail)
			rc = add(d, "grant", g->name, "changed", detail);
		else if (is_renewed(now, g, old_grants, now_grants))
			rc = add(d, "grant", g->name, "new token", "");
	}
	for (size_t i = 0; !rc && i < old->n_grants; i++)
		if (!find_grant(now, old->grants[i].name))
			rc = add(d, "grant", old->grants[i].name, "removed", "");
	return rc;
}

/* ---- settings ------------------------------------------------------------------------ */

static int diff_text(
	struct reload_diff *d, const char *key, const char *what, const char *old, const char *now)
{
	char detail[LIMIT_CHANGE];

	if (!strcmp(old, now))
		return 0;
	snprintf(detail, sizeof(detail), "%.200s to %.200s", old, now);
	return add(d, "setting", key, what, detail);
}

static int diff_number(struct reload_diff *d, const char *key, uint32_t old, uint32_t now)
{
	char a[16], b[16];

	snprintf(a, sizeof(a), "%" PRIu32, old);
	snprintf(b, sizeof(b), "%" PRIu32, now);
	return diff_text(d, key, "changed", a, b);
}

static bool is_admin(const struct config *c, uid_t uid)
{
	for (size_t i = 0; i < c->n_admins; i++)
		if (c->admins[i] == uid)
			return true;
	return false;
}

static bool admins_differ(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < a->n_admins; i++)
		if (!is_admin(b, a->admins[i]))
			return true;
	for (size_t i = 0; i < b->n_admins; i++)
		if (!is_admin(a, b->admins[i]))
			return true;
	return false;
}

#define NEEDS_RESTART "needs a restart"

static const char *anchor_of(const struct config *c)
{
	return c->anchor_in_journal ? "journal" : c->state_anchor[0] ? c->state_anchor : "none";
}

/* In any order: who may sign, not how they are listed. */
static bool policy_keys_differ(const struct config *a, const struct config *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_policy_keys; i++)
		for (size_t k = 0; k < b->n_policy_keys; k++)
			n += !memcmp(
				a->policy_keys[i].key, b->policy_keys[k].key, POLICY_KEY_BYTES);
	return n != a->n_policy_keys || n != b->n_policy_keys;
}

static int diff_policy(struct reload_diff *d, const struct config *old, const struct config *now)
{
	const char *was = old->policy_folder, *is = now->policy_folder;
	int rc = 0;

	if (policy_keys_differ(old, now))
		rc = add(d, "setting", "policy_keys", "changed",
			now->n_policy_keys ? ""
					   : "none are left: what policy is in force stays so");
	if (!rc)
		rc = diff_number(d, "policy_quorum", old->policy_quorum, now->policy_quorum);
	return rc < 0 ? rc
		      : diff_text(d, "policy_folder", NEEDS_RESTART, *was ? was : "none",
				*is ? is : "none");
}

int reload_diff_settings(struct reload_diff *d, const struct config *old, const struct config *now)
{
	int rc;

	if ((rc = diff_text(d, "socket", NEEDS_RESTART, old->socket, now->socket)) < 0 ||
		(rc = diff_text(d, "control_socket", NEEDS_RESTART, old->control_socket,
			 now->control_socket)) < 0 ||
		(rc = diff_text(d, "state_dir", NEEDS_RESTART, old->state_dir, now->state_dir)) <
			0 ||
		(rc = diff_text(d, "state_anchor", NEEDS_RESTART, anchor_of(old), anchor_of(now))) <
			0 ||
		(rc = diff_text(d, "admin_group", "changed", old->admin_group, now->admin_group)) <
			0 ||
		(rc = diff_number(d, "stale_after", old->stale_after_ms, now->stale_after_ms)) <
			0 ||
		(rc = diff_number(d, "linger", old->linger_s, now->linger_s)) < 0 ||
		(rc = diff_number(d, "uid_quota_mb", old->uid_quota_mb, now->uid_quota_mb)) < 0)
		return rc;
	if (admins_differ(old, now) && (rc = add(d, "setting", "admins", "changed", "")) < 0)
		return rc;
	return diff_policy(d, old, now);
}

void reload_keep_fixed(const struct config *old, struct config *now)
{
	memcpy(now->socket, old->socket, sizeof(now->socket));
	memcpy(now->control_socket, old->control_socket, sizeof(now->control_socket));
	memcpy(now->state_dir, old->state_dir, sizeof(now->state_dir));
	memcpy(now->state_anchor, old->state_anchor, sizeof(now->state_anchor));
	now->anchor_in_journal = old->anchor_in_journal;
	memcpy(now->policy_folder, old->policy_folder, sizeof(now->policy_folder));
}
