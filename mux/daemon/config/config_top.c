/* What stands outside of all sections of framemux.conf. Runs in framemuxd while starting. */
#include <stdio.h>
#include <string.h>

#include "mux/daemon/config/parse.h"
#include "mux/daemon/config/scope.h"

#define STALE_MIN_MS 20u
#define STALE_MAX_MS 600000u
#define LINGER_MAX_S 86400u
#define QUOTA_MAX_MB 1048576u

static int read_admins(const struct scope *s, struct config *c)
{
	unsigned n = scope_has(s, "admins") ? cfg_size(s->cfg, "admins") : 0;

	if (n > CONFIG_ADMINS_MAX)
		return SCOPE_FAIL(s, "admins", "at most %u admins", CONFIG_ADMINS_MAX);
	for (unsigned i = 0; i < n; i++) {
		const char *v = cfg_getnstr(s->cfg, "admins", i);

		if (parse_user(v, &c->admins[i]) < 0)
			return SCOPE_FAIL(s, "admins", "there is no user \"%s\"", v);
	}
	c->n_admins = n;
	return 0;
}

/* "none", "journal", or a file: whose path has a slash, so that a misspelt word is no file. */
static int read_anchor(struct scope *s, struct config *c)
{
	const char *v = scope_has(s, "state_anchor") ? cfg_getstr(s->cfg, "state_anchor") : "none";

	c->anchor_in_journal = !strcmp(v, "journal");
	if (c->anchor_in_journal || !strcmp(v, "none"))
		return 0;
	if (!strchr(v, '/'))
		return SCOPE_FAIL(s, "state_anchor",
			"state_anchor: use none, journal, or a file's path with a slash in it");
	return scope_path(s, "state_anchor", c->state_anchor, sizeof(c->state_anchor));
}

/* One secret is not to count as two. */
static int read_policy_key(const struct scope *s, struct config *c, unsigned i)
{
	const char *why;

	if (policy_key_parse(cfg_getnstr(s->cfg, "policy_keys", i), &c->policy_keys[i], &why) < 0)
		return SCOPE_FAIL(s, "policy_keys", "policy_keys, number %u: %s", i + 1, why);
	for (unsigned k = 0; k < i; k++)
		if (!memcmp(c->policy_keys[k].key, c->policy_keys[i].key, POLICY_KEY_BYTES))
			return SCOPE_FAIL(s, "policy_keys",
				"policy_keys: numbers %u and %u are one key", k + 1, i + 1);
	return 0;
}

static int read_policy(const struct scope *s, struct config *c)
{
	unsigned n = scope_has(s, "policy_keys") ? cfg_size(s->cfg, "policy_keys") : 0;
	const char *folder =
		scope_has(s, "policy_folder") ? cfg_getstr(s->cfg, "policy_folder") : "none";
	int rc = 0;

	if (n > POLICY_KEYS_MAX)
		return SCOPE_FAIL(s, "policy_keys", "at most %u policy_keys", POLICY_KEYS_MAX);
	for (unsigned i = 0; !rc && i < n; i++)
		rc = read_policy_key(s, c, i);
	if (rc < 0)
		return rc;
	c->n_policy_keys = n;
	c->policy_quorum = n ? n / 2 + 1 : 0; /* most of them */
	if (!n && scope_has(s, "policy_quorum"))
		return SCOPE_FAIL(s, "policy_quorum", "policy_quorum without policy_keys");
	rc = scope_number(s, "policy_quorum", 1, n, &c->policy_quorum);
	if (rc < 0 || !strcmp(folder, "none"))
		return rc;
	if (!strchr(folder, '/'))
		return SCOPE_FAIL(s, "policy_folder",
			"policy_folder: use none, or a folder's path with a slash in it");
	return scope_path(s, "policy_folder", c->policy_folder, sizeof(c->policy_folder));
}

int config_read_top(struct config_reader *r, cfg_t *cfg)
{
	struct scope s = scope_of(r, cfg, NULL, 0);
	struct config *c = r->config;
	int rc;

	snprintf(c->socket, sizeof(c->socket), "%s", RUNSTATEDIR "/framemux/client.sock");
	snprintf(c->control_socket, sizeof(c->control_socket), "%s",
		RUNSTATEDIR "/framemux/control.sock");
	snprintf(c->state_dir, sizeof(c->state_dir), "%s", LOCALSTATEDIR "/lib/framemux");
	snprintf(c->admin_group, sizeof(c->admin_group), "framemux");
	c->stale_after_ms = 1000;
	c->linger_s = 5;
	c->uid_quota_mb = 256;

	if ((rc = scope_path(&s, "socket", c->socket, sizeof(c->socket))) < 0 ||
		(rc = scope_path(
			 &s, "control_socket", c->control_socket, sizeof(c->control_socket))) < 0 ||
		(rc = scope_path(&s, "state_dir", c->state_dir, sizeof(c->state_dir))) < 0 ||
		(rc = scope_text(&s, "admin_group", c->admin_group, sizeof(c->admin_group))) < 0 ||
		(rc = scope_number(
			 &s, "stale_after", STALE_MIN_MS, STALE_MAX_MS, &c->stale_after_ms)) < 0 ||
		(rc = scope_number(&s, "linger", 0, LINGER_MAX_S, &c->linger_s)) < 0 ||
		(rc = scope_number(&s, "uid_quota_mb", 1, QUOTA_MAX_MB, &c->uid_quota_mb)) < 0 ||
		(rc = read_admins(&s, c)) < 0)
		return rc;
	if (!strcmp(c->socket, c->control_socket))
		return SCOPE_FAIL(&s, scope_has(&s, "control_socket") ? "control_socket" : "socket",
			"socket and control_socket are the same path");
	if ((rc = read_anchor(&s, c)) < 0)
		return rc;
	return read_policy(&s, c);
}
