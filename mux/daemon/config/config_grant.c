/* A standing grant's section of framemux.conf. Runs in framemuxd while starting: it looks up users. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/number.h"
#include "mux/daemon/config/parse.h"
#include "mux/daemon/config/scope.h"
#include "mux/daemon/config/token_file.h"

#define EXPIRES_MAX_S (999999999ull * 86400) /* added to a date it does not wrap */

static int read_holder(const struct scope *s, struct config_grant *g)
{
	const char *key = scope_has(s, "user") ? "user" : "uid";
	const char *v = scope_has(s, key) ? cfg_getstr(s->cfg, key) : NULL;
	uint64_t uid;

	if (scope_has(s, "user") && scope_has(s, "uid"))
		return SCOPE_FAIL(s, "uid", "user and uid: only one");
	if (!v)
		return SCOPE_FAIL(
			s, "user", "grant \"%s\" has no holder: user or uid is missing", g->name);
	if (!strcmp(key, "uid") && number_parse(v, 0, 0xfffffffe, &uid) < 0)
		return SCOPE_FAIL(s, "uid", "\"uid\" takes a user's number");
	if (parse_user(v, &g->uid) < 0)
		return SCOPE_FAIL(s, key, "there is no user \"%s\"", v);
	return 0;
}

static int read_unit(const struct scope *s, struct config_grant *g)
{
	int rc = scope_text(s, "unit", g->unit, sizeof(g->unit));

	if (rc < 0 || !g->unit[0] || token_unit_is_path(g->unit))
		return rc;
	return SCOPE_FAIL(s, "unit",
		"\"unit\" takes the whole path of a cgroup, \"/system.slice/%s\", as systemctl "
		"show "
		"-P ControlGroup and /proc/PID/cgroup print it",
		strchr(g->unit, '/') ? "hub.service" : g->unit);
}

static int find_camera(const struct config *c, const char *name, unsigned *ret)
{
	for (unsigned i = 0; i < c->n_cameras; i++) {
		if (strcmp(c->cameras[i].name, name) != 0)
			continue;
		*ret = i;
		return 0;
	}
	return -ENOENT;
}

static int read_cameras(const struct scope *s, struct config_grant *g)
{
	const struct config *c = s->r->config;
	unsigned n = scope_has(s, "cameras") ? cfg_size(s->cfg, "cameras") : 0;

	if (!n)
		return SCOPE_FAIL(s, "cameras", "grant \"%s\" names no cameras", g->name);
	if (n > c->n_cameras)
		n = (unsigned)c->n_cameras + 1; /* enough to find the undefined or repeated one */
	g->cameras = calloc(n, sizeof(*g->cameras));
	if (!g->cameras)
		return SCOPE_FAIL(s, "cameras", "out of memory");
	for (unsigned i = 0; i < n; i++) {
		const char *v = cfg_getnstr(s->cfg, "cameras", i);

		if (find_camera(c, v, &g->cameras[i]) < 0)
			return SCOPE_FAIL(s, "cameras", "camera \"%s\" is not defined", v);
		for (unsigned k = 0; k < i; k++)
			if (g->cameras[k] == g->cameras[i])
				return SCOPE_FAIL(s, "cameras", "camera \"%s\" is repeated", v);
	}
	g->n_cameras = n;
	return 0;
}

/* 0 is never. */
static int read_duration(const char *text, uint64_t *ret_s)
{
	uint64_t v;

	if (number_duration(text, EXPIRES_MAX_S, &v) < 0 || v == 0)
		return -EINVAL;
	*ret_s = v == NUMBER_NEVER ? 0 : v;
	return 0;
}

static int read_limits(const struct scope *s, struct config_grant *g)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false},
		{"off", false}};
	const char *v;

	if (scope_has(s, "max_size") &&
		number_size(cfg_getstr(s->cfg, "max_size"), &g->max_width, &g->max_height) < 0)
		return SCOPE_FAIL(
			s, "max_size", "\"max_size\" takes WxH, each from 1 to %u", LIMIT_SIDE);
	if (scope_has(s, "expires") &&
		read_duration(cfg_getstr(s->cfg, "expires"), &g->expires_s) < 0)
		return SCOPE_FAIL(
			s, "expires", "\"expires\" takes a duration (90s, 15m, 24h, 30d) or never");
	if (!scope_has(s, "dump"))
		return 0;
	v = cfg_getstr(s->cfg, "dump");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(v, words[i].word) != 0)
			continue;
		g->dump = words[i].value;
		return 0;
	}
	return SCOPE_FAIL(s, "dump", "\"dump\" takes true or false");
}

static int read_token_file(const struct scope *s, struct config_grant *g, unsigned index)
{
	int rc = scope_path(s, "token_file", g->token_file, sizeof(g->token_file));
	char why[256];

	if (rc < 0 || !g->token_file[0])
		return rc;
	if (g->token_file[strlen(g->token_file) - 1] == '/')
		return SCOPE_FAIL(s, "token_file", "\"token_file\" names a folder");
	for (unsigned i = 0; i < index; i++)
		if (parse_is_same_path(s->r->config->grants[i].token_file, g->token_file))
			return SCOPE_FAIL(s, "token_file", "grant \"%s\" has the same token_file",
				s->r->config->grants[i].name);
	if (s->r->looks_at_files && token_file_check(g->token_file, why, sizeof(why)) < 0)
		return SCOPE_FAIL(s, "token_file", "token_file \"%s\": %s", g->token_file, why);
	return 0;
}

int config_read_grant(struct config_reader *r, cfg_t *sec, unsigned index)
{
	struct scope s = scope_of(r, sec, "grant", index);
	struct config_grant *g = &r->config->grants[index];
	int rc;

	snprintf(g->name, sizeof(g->name), "%s", cfg_title(sec));
	if ((rc = read_holder(&s, g)) < 0 || (rc = read_unit(&s, g)) < 0 ||
		(rc = read_cameras(&s, g)) < 0 || (rc = read_limits(&s, g)) < 0 ||
		(rc = scope_number(&s, "max_fps", 1, LIMIT_FPS, &g->max_fps)) < 0 ||
		(rc = scope_masks(&s, g->masks, &g->n_masks)) < 0 ||
		(rc = scope_text(&s, "label", g->label, sizeof(g->label))) < 0 ||
		(rc = read_token_file(&s, g, index)) < 0)
		return rc;
	return 0;
}
