/*
 * Reads framemux.conf: libconfuse is its grammar, config_text.c knows where things stand, and
 * config_top.c, config_camera.c and config_grant.c check the values. Runs in framemuxd, before
 * anything is started or in the thread that reads for a reload: one at a time.
 */
#include "mux/daemon/config/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/daemon/config/config_values.h"
#include "mux/daemon/config/parse.h"
#include "mux/locked.h"

/*
 * Everything is text or a list of text to libconfuse, whose own numbers know octal and wrap around.
 * Present or not is asked of config_text.
 */
static cfg_opt_t camera_opts[] = {
	CFG_STR("url", NULL, CFGF_NONE),
	CFG_STR("username", NULL, CFGF_NONE),
	CFG_STR("password_file", NULL, CFGF_NONE),
	CFG_STR("auth", NULL, CFGF_NONE),
	CFG_STR("transport", NULL, CFGF_NONE),
	CFG_STR("tls_pin", NULL, CFGF_NONE),
	CFG_STR("tls_ca", NULL, CFGF_NONE),
	CFG_STR("fingerprint", NULL, CFGF_NONE),
	CFG_STR("vendor", NULL, CFGF_NONE),
	CFG_STR("model", NULL, CFGF_NONE),
	CFG_STR("standby", NULL, CFGF_NONE),
	CFG_STR("memory_mb", NULL, CFGF_NONE),
	CFG_STR("max_picture", NULL, CFGF_NONE),
	CFG_STR("patience", NULL, CFGF_NONE),
	CFG_STR_LIST("mask", NULL, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t grant_opts[] = {
	CFG_STR("user", NULL, CFGF_NONE),
	CFG_STR("uid", NULL, CFGF_NONE),
	CFG_STR("unit", NULL, CFGF_NONE),
	CFG_STR_LIST("cameras", NULL, CFGF_NONE),
	CFG_STR("max_size", NULL, CFGF_NONE),
	CFG_STR("max_fps", NULL, CFGF_NONE),
	CFG_STR_LIST("mask", NULL, CFGF_NONE),
	CFG_STR("expires", NULL, CFGF_NONE),
	CFG_STR("dump", NULL, CFGF_NONE),
	CFG_STR("label", NULL, CFGF_NONE),
	CFG_STR("token_file", NULL, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t top_opts[] = {
	CFG_STR("socket", NULL, CFGF_NONE),
	CFG_STR("control_socket", NULL, CFGF_NONE),
	CFG_STR("state_dir", NULL, CFGF_NONE),
	CFG_STR("state_anchor", NULL, CFGF_NONE),
	CFG_STR("admin_group", NULL, CFGF_NONE),
	CFG_STR_LIST("admins", NULL, CFGF_NONE),
	CFG_STR("stale_after", NULL, CFGF_NONE),
	CFG_STR("linger", NULL, CFGF_NONE),
	CFG_STR("uid_quota_mb", NULL, CFGF_NONE),
	CFG_STR_LIST("policy_keys", NULL, CFGF_NONE),
	CFG_STR("policy_quorum", NULL, CFGF_NONE),
	CFG_STR("policy_folder", NULL, CFGF_NONE),
	CFG_SEC("camera", camera_opts, CFGF_MULTI | CFGF_TITLE),
	CFG_SEC("grant", grant_opts, CFGF_MULTI | CFGF_TITLE),
	CFG_END(),
};

/* libconfuse hands its error function no pointer of ours. Set only while it parses. */
static struct config_error *parse_error;
static const struct config_text *parse_text;

static void on_parse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char what[256];
	struct config_where where =
		config_text_line(parse_text, cfg->line > 0 ? (unsigned)cfg->line : 1);

	if (parse_error->text[0])
		return; /* the first one is the cause */
	vsnprintf(what, sizeof(what), fmt, ap);
	config_text_fail(parse_text, where, parse_error, "%s", what);
}

static int parse_grammar(const struct config_text *t, cfg_t **ret, struct config_error *err)
{
	cfg_t *cfg = cfg_init(top_opts, CFGF_NONE);
	int rc;

	if (!cfg) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return -ENOMEM;
	}
	err->text[0] = 0;
	parse_error = err;
	parse_text = t;
	cfg_set_error_function(cfg, on_parse_error);
	rc = cfg_parse_buf(cfg, config_text_buffer(t));
	parse_error = NULL;
	parse_text = NULL;
	if (rc == CFG_SUCCESS) {
		*ret = cfg;
		return 0;
	}
	if (!err->text[0])
		config_text_fail(t, (struct config_where){0, 1}, err, "it cannot be parsed");
	cfg_free(cfg);
	return -EINVAL;
}

static const cfg_opt_t *find_opt(const cfg_opt_t *opts, const char *name)
{
	for (; opts->name; opts++)
		if (!strcmp(opts->name, name))
			return opts;
	return NULL;
}

/* Unknown keys and sections, with the exact line of each. */
static int check_names(const struct config_text *t, struct config_error *err)
{
	const struct config_section *s;
	size_t n_sections = config_text_sections(t, &s);
	struct config_where where;
	const char *key;
	int section;

	for (size_t i = 0; i < n_sections; i++) {
		if (strcmp(s[i].type, "camera") != 0 && strcmp(s[i].type, "grant") != 0)
			return config_text_fail(t, s[i].where, err,
				"unknown section \"%s\"; there are camera and grant", s[i].type);
		if (!parse_is_name(s[i].name))
			return config_text_fail(t, s[i].where, err,
				"a %s's name is 1 to 63 of A-Z a-z 0-9 . _ -", s[i].type);
	}
	for (size_t i = 0; (key = config_text_nth_key(t, i, &section, &where)); i++) {
		const cfg_opt_t *opts = section == CONFIG_TOP ? top_opts
			: !strcmp(s[section].type, "camera")  ? camera_opts
							      : grant_opts;
		const cfg_opt_t *opt = find_opt(opts, key);

		if (opt && opt->type != CFGT_SEC)
			continue;
		if (section == CONFIG_TOP)
			return config_text_fail(t, where, err, "unknown key \"%s\"", key);
		return config_text_fail(t, where, err, "unknown key \"%s\" in %s \"%s\"", key,
			s[section].type, s[section].name);
	}
	return 0;
}

static int check_values(const struct config_text *t, cfg_t *cfg, bool looks_at_files,
	struct config *c, struct config_error *err)
{
	struct config_reader r = {
		.text = t, .config = c, .error = err, .looks_at_files = looks_at_files};
	size_t n_cameras = cfg_size(cfg, "camera"), n_grants = cfg_size(cfg, "grant");
	int rc = config_read_top(&r, cfg);

	if (rc < 0)
		return rc;
	if (n_cameras > CONFIG_CAMERAS_MAX || n_grants > CONFIG_GRANTS_MAX)
		return config_text_fail(t, (struct config_where){0, 1}, err,
			"too many cameras or grants (%u and %u at most)", CONFIG_CAMERAS_MAX,
			CONFIG_GRANTS_MAX);
	c->cameras = calloc(n_cameras + 1, sizeof(*c->cameras));
	c->grants = calloc(n_grants + 1, sizeof(*c->grants));
	if (!c->cameras || !c->grants) {
		snprintf(err->text, sizeof(err->text), "out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n_cameras; i++) {
		c->n_cameras = i + 1; /* so that config_free() finds a half-read one */
		rc = config_read_camera(&r, cfg_getnsec(cfg, "camera", i), i);
		if (rc < 0)
			return rc;
	}
	for (unsigned i = 0; i < n_grants; i++) {
		c->n_grants = i + 1;
		rc = config_read_grant(&r, cfg_getnsec(cfg, "grant", i), i);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load(
	const char *path, bool looks_at_files, struct config **ret, struct config_error *ret_error)
{
	struct config *c = calloc(1, sizeof(*c));
	struct config_text *t = NULL;
	cfg_t *cfg = NULL;
	int rc;

	if (!c) {
		snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
		return -ENOMEM;
	}
	rc = config_text_load(path, &t, ret_error);
	if (!rc)
		rc = check_names(t, ret_error);
	if (!rc)
		rc = parse_grammar(t, &cfg, ret_error);
	if (!rc)
		rc = check_values(t, cfg, looks_at_files, c, ret_error);
	if (cfg)
		cfg_free(cfg);
	config_text_free(t);
	if (rc < 0) {
		config_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

int config_load(const char *path, struct config **ret, struct config_error *ret_error)
{
	return load(path, false, ret, ret_error);
}

int config_load_whole(const char *path, struct config **ret, struct config_error *ret_error)
{
	return load(path, true, ret, ret_error);
}

void config_forget_passwords(struct config *c)
{
	for (size_t i = 0; i < c->n_cameras; i++) {
		locked_free(c->cameras[i].password);
		c->cameras[i].password = NULL;
	}
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_forget_passwords(c);
	for (size_t i = 0; i < c->n_grants; i++)
		free(c->grants[i].cameras);
	free(c->cameras);
	free(c->grants);
	free(c);
}
