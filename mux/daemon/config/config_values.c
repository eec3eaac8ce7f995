/*
 * Checks the values of framemux.conf. Runs in
 * framemuxd while starting: it looks up users and reads secret files.
 */
#include "mux/daemon/config/config_values.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "mux/daemon/config/parse.h"
#include "mux/daemon/config/secret.h"
#include "mux/daemon/config/token_file.h"

#define STALE_MIN_MS 20u
#define STALE_MAX_MS 600000u
#define LINGER_MAX_S 86400u
#define QUOTA_MAX_MB 1048576u
/* A decoder's memory: 512 MiB hold a 4K stream of 10 bit with all its references. */
#define MEMORY_MIN_MB      64u
#define MEMORY_MAX_MB      65536u
#define MEMORY_DEFAULT_MB  512u
#define PATIENCE_MIN_S     2u
#define PATIENCE_MAX_S     120u
#define PATIENCE_DEFAULT_S 10u

/* A section while it is read: its values and where each stands. */
struct scope {
	struct config_reader *r;
	cfg_t *cfg;
	int section; /* of config_text, or CONFIG_TOP */
	struct config_where begin;
};

static struct config_where where(const struct scope *s, const char *key)
{
	struct config_where w = config_text_key(s->r->text, s->section, key);

	return w.line ? w : s->begin;
}

static bool has(const struct scope *s, const char *key)
{
	return config_text_key(s->r->text, s->section, key).line != 0;
}

#define FAIL(s, key, ...) config_text_fail((s)->r->text, where(s, key), (s)->r->error, __VA_ARGS__)

static struct scope scope_of(struct config_reader *r, cfg_t *cfg, const char *type, unsigned index)
{
	const struct config_section *sections;
	size_t n = config_text_sections(r->text, &sections);
	struct scope s = {r, cfg, CONFIG_TOP, {0, 1}};

	for (size_t i = 0; type && i < n; i++) {
		if (strcmp(sections[i].type, type) != 0 || sections[i].index != index)
			continue;
		s.section = (int)i;
		s.begin = sections[i].where;
	}
	return s;
}

/* ---- kinds of values ----------------------------------------------------------------- */

static int read_text(const struct scope *s, const char *key, char *out, size_t cap)
{
	const char *v;

	if (!has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	if (!v || !*v)
		return FAIL(s, key, "\"%s\" is empty", key);
	if (!parse_is_text(v, cap))
		return FAIL(s, key, "\"%s\" takes at most %zu printable characters", key, cap - 1);
	snprintf(out, cap, "%s", v);
	return 0;
}

static int read_number(
	const struct scope *s, const char *key, uint32_t min, uint32_t max, uint32_t *ret)
{
	const char *v;
	uint64_t n;

	if (!has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	if (!v || parse_number(v, min, max, &n) < 0)
		return FAIL(s, key, "\"%s\" takes a whole number from %u to %u", key, min, max);
	*ret = (uint32_t)n;
	return 0;
}

/* Made absolute: they begin in the folder of the file that names them. */
static int read_path(const struct scope *s, const char *key, char *out, size_t cap)
{
	const char *v, *folder;
	int n;

	if (!has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	if (!v || !*v || !parse_is_text(v, LIMIT_PATH))
		return FAIL(s, key, "\"%s\" takes a path", key);
	folder = config_text_folder(s->r->text, where(s, key).file);
	n = snprintf(out, cap, "%s%s%s", v[0] == '/' ? "" : folder, v[0] == '/' ? "" : "/", v);
	if (n < 0 || (size_t)n >= cap)
		return FAIL(s, key, "the path of \"%s\" is longer than %zu bytes", key, cap - 1);
	return 0;
}

/* One of several words: its place among them. */
static int read_choice(
	const struct scope *s, const char *key, const char *const *words, unsigned *ret)
{
	char list[128] = "";
	const char *v;

	if (!has(s, key))
		return 0;
	v = cfg_getstr(s->cfg, key);
	for (unsigned i = 0; words[i]; i++) {
		size_t at = strlen(list);

		if (v && !strcmp(v, words[i])) {
			*ret = i;
			return 0;
		}
		snprintf(list + at, sizeof(list) - at, "%s%s", i ? " or " : "", words[i]);
	}
	return FAIL(s, key, "\"%s\" takes %s", key, list);
}

static int read_masks(const struct scope *s, struct mask *masks, uint32_t *ret_n)
{
	unsigned n = has(s, "mask") ? cfg_size(s->cfg, "mask") : 0;

	if (n > LIMIT_MASKS)
		return FAIL(s, "mask", "at most %u masks", LIMIT_MASKS);
	for (unsigned i = 0; i < n; i++)
		if (mask_parse(cfg_getnstr(s->cfg, "mask", i), &masks[i]) < 0)
			return FAIL(s, "mask", "a mask is \"X,Y,WxH\" in the camera's pixels");
	*ret_n = n;
	return 0;
}

/* ---- the top ------------------------------------------------------------------------- */

static int read_admins(const struct scope *s, struct config *c)
{
	unsigned n = has(s, "admins") ? cfg_size(s->cfg, "admins") : 0;

	if (n > CONFIG_ADMINS_MAX)
		return FAIL(s, "admins", "at most %u admins", CONFIG_ADMINS_MAX);
	for (unsigned i = 0; i < n; i++) {
		const char *v = cfg_getnstr(s->cfg, "admins", i);

		if (parse_user(v, &c->admins[i]) < 0)
			return FAIL(s, "admins", "there is no user \"%s\"", v);
	}
	c->n_admins = n;
	return 0;
}

/* "none", "journal", or a file: whose path has a slash, so that a misspelt word is no file. */
static int read_anchor(struct scope *s, struct config *c)
{
	const char *v = has(s, "state_anchor") ? cfg_getstr(s->cfg, "state_anchor") : "none";

	c->anchor_in_journal = !strcmp(v, "journal");
	if (c->anchor_in_journal || !strcmp(v, "none"))
		return 0;
	if (!strchr(v, '/'))
		return FAIL(s, "state_anchor",
			"state_anchor: use none, journal, or a file's path with a slash in it");
	return read_path(s, "state_anchor", c->state_anchor, sizeof(c->state_anchor));
}

/* One secret is not to count as two. */
static int read_policy_key(const struct scope *s, struct config *c, unsigned i)
{
	const char *why;

	if (policy_key_parse(cfg_getnstr(s->cfg, "policy_keys", i), &c->policy_keys[i], &why) < 0)
		return FAIL(s, "policy_keys", "policy_keys, number %u: %s", i + 1, why);
	for (unsigned k = 0; k < i; k++)
		if (!memcmp(c->policy_keys[k].key, c->policy_keys[i].key, POLICY_KEY_BYTES))
			return FAIL(s, "policy_keys", "policy_keys: numbers %u and %u are one key",
				k + 1, i + 1);
	return 0;
}

static int read_policy(const struct scope *s, struct config *c)
{
	unsigned n = has(s, "policy_keys") ? cfg_size(s->cfg, "policy_keys") : 0;
	const char *folder = has(s, "policy_folder") ? cfg_getstr(s->cfg, "policy_folder") : "none";
	int rc = 0;

	if (n > POLICY_KEYS_MAX)
		return FAIL(s, "policy_keys", "at most %u policy_keys", POLICY_KEYS_MAX);
	for (unsigned i = 0; !rc && i < n; i++)
		rc = read_policy_key(s, c, i);
	if (rc < 0)
		return rc;
	c->n_policy_keys = n;
	c->policy_quorum = n ? n / 2 + 1 : 0; /* most of them */
	if (!n && has(s, "policy_quorum"))
		return FAIL(s, "policy_quorum", "policy_quorum without policy_keys");
	rc = read_number(s, "policy_quorum", 1, n, &c->policy_quorum);
	if (rc < 0 || !strcmp(folder, "none"))
		return rc;
	if (!strchr(folder, '/'))
		return FAIL(s, "policy_folder",
			"policy_folder: use none, or a folder's path with a slash in it");
	return read_path(s, "policy_folder", c->policy_folder, sizeof(c->policy_folder));
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

	if ((rc = read_path(&s, "socket", c->socket, sizeof(c->socket))) < 0 ||
		(rc = read_path(
			 &s, "control_socket", c->control_socket, sizeof(c->control_socket))) < 0 ||
		(rc = read_path(&s, "state_dir", c->state_dir, sizeof(c->state_dir))) < 0 ||
		(rc = read_text(&s, "admin_group", c->admin_group, sizeof(c->admin_group))) < 0 ||
		(rc = read_number(
			 &s, "stale_after", STALE_MIN_MS, STALE_MAX_MS, &c->stale_after_ms)) < 0 ||
		(rc = read_number(&s, "linger", 0, LINGER_MAX_S, &c->linger_s)) < 0 ||
		(rc = read_number(&s, "uid_quota_mb", 1, QUOTA_MAX_MB, &c->uid_quota_mb)) < 0 ||
		(rc = read_admins(&s, c)) < 0)
		return rc;
	if (!strcmp(c->socket, c->control_socket))
		return FAIL(&s, has(&s, "control_socket") ? "control_socket" : "socket",
			"socket and control_socket are the same path");
	if ((rc = read_anchor(&s, c)) < 0)
		return rc;
	return read_policy(&s, c);
}

/* ---- cameras ------------------------------------------------------------------------- */

static int read_url(const struct scope *s, struct config_camera *cam)
{
	const char *v = has(s, "url") ? cfg_getstr(s->cfg, "url") : NULL;
	const char *why;
	int rc;

	if (!v)
		return FAIL(s, "url", "camera \"%s\" has no url", cam->name);
	rc = url_parse(v, &cam->source, &why);
	if (rc < 0)
		return FAIL(s, "url", "%s", why);
	return 0;
}

/* Two names of one device, as by-id and videoN are. A device that is not there now has one name. */
static bool is_same_device(const struct url *a, const struct url *b)
{
	struct stat st_a, st_b;

	return a->kind == INGEST_V4L2 && b->kind == INGEST_V4L2 && stat(a->path, &st_a) == 0 &&
		stat(b->path, &st_b) == 0 && S_ISCHR(st_a.st_mode) && S_ISCHR(st_b.st_mode) &&
		st_a.st_rdev == st_b.st_rdev && !breakage("daemon-same-device");
}

/* Two cameras with one source could not be told from each other: whose picture is it? */
static int refuse_same_source(const struct scope *s, const struct config *c, unsigned index)
{
	const struct config_camera *cam = &c->cameras[index];

	for (unsigned i = 0; i < index; i++)
		if (!strcmp(c->cameras[i].source.canonical, cam->source.canonical) ||
			is_same_device(&c->cameras[i].source, &cam->source))
			return FAIL(s, "url", "camera \"%s\" has the same source as camera \"%s\"",
				cam->name, c->cameras[i].name);
	return 0;
}

static bool is_on_network(const struct config_camera *cam)
{
	return cam->source.kind == INGEST_RTSP || cam->source.kind == INGEST_HTTP;
}

/* libsodium 1.0.18 reads some bytes above 0x7f as letters: it must also be what it would write. */
static bool read_base64(const char *text, uint8_t ret[TLS_PIN_BYTES])
{
	enum { VARIANT = sodium_base64_VARIANT_ORIGINAL };
	char again[sodium_base64_ENCODED_LEN(TLS_PIN_BYTES, VARIANT)];
	size_t len = 0;

	return sodium_base642bin(
		       ret, TLS_PIN_BYTES, text, strlen(text), NULL, &len, NULL, VARIANT) == 0 &&
		len == TLS_PIN_BYTES &&
		!strcmp(sodium_bin2base64(again, sizeof(again), ret, len, VARIANT), text);
}

/* "sha256//BASE64", as curl and RFC 7469 write the hash of a public key. */
static int read_pin(const struct scope *s, struct config_camera *cam)
{
	static const char prefix[] = "sha256//";
	const char *v = cfg_getstr(s->cfg, "tls_pin");

	if (!v || strncmp(v, prefix, sizeof(prefix) - 1) != 0 ||
		!read_base64(v + sizeof(prefix) - 1, cam->tls_pin))
		return FAIL(s, "tls_pin",
			"\"tls_pin\" takes sha256// and the 44 characters of a public key's hash");
	cam->has_pin = true;
	return 0;
}

static int read_tls(const struct scope *s, struct config_camera *cam)
{
	const char *key = has(s, "tls_pin") ? "tls_pin" : "tls_ca";
	int rc;

	if (!has(s, key))
		return 0;
	if (!cam->source.tls)
		return FAIL(s, key, "%s is for rtsps and https", key);
	if (has(s, "tls_pin") && has(s, "tls_ca"))
		return FAIL(s, "tls_ca", "tls_pin and tls_ca: only one");
	if (has(s, "tls_pin"))
		return read_pin(s, cam);
	rc = read_path(s, "tls_ca", cam->tls_ca, sizeof(cam->tls_ca));
	if (rc == 0 && access(cam->tls_ca, R_OK) < 0)
		return FAIL(s, "tls_ca", "tls_ca \"%s\": %s", cam->tls_ca, strerror(errno));
	return rc;
}

static int read_auth(const struct scope *s, struct config_camera *cam)
{
	static const char *const auth[] = {"digest", "basic", NULL};
	unsigned which;
	int rc = read_choice(s, "auth", auth, &which);

	if (rc < 0 || !has(s, "auth"))
		return rc;
	cam->basic = which == 1;
	if (cam->basic && !cam->source.tls)
		return FAIL(s, "auth",
			"auth = \"basic\" would send the password in the clear: use rtsps or "
			"https");
	return 0;
}

/* TLS protects the connection, not datagrams beside it: rtsps stays on its connection. */
static int read_transport(const struct scope *s, struct config_camera *cam)
{
	static const char *const transport[] = {"auto", "tcp", "udp", NULL};
	unsigned which = 0;
	int rc;

	if (has(s, "transport") && cam->source.kind != INGEST_RTSP)
		return FAIL(s, "transport", "transport is for rtsp and rtsps");
	rc = read_choice(s, "transport", transport, &which);
	if (rc < 0)
		return rc;
	if (which == 2 && cam->source.tls)
		return FAIL(s, "transport", "rtsps keeps its video on the connection: use tcp");
	cam->transport = which == 2 ? TRANSPORT_UDP : TRANSPORT_TCP;
	cam->may_switch = which == 0 && cam->source.kind == INGEST_RTSP && !cam->source.tls;
	return 0;
}

static int read_bounds(const struct scope *s, struct config_camera *cam)
{
	uint32_t width, height;
	int rc;

	cam->memory_mb = MEMORY_DEFAULT_MB;
	cam->max_pixels = LIMIT_PIXELS;
	cam->patience_s = PATIENCE_DEFAULT_S;
	if ((rc = read_number(s, "memory_mb", MEMORY_MIN_MB, MEMORY_MAX_MB, &cam->memory_mb)) < 0 ||
		(rc = read_number(
			 s, "patience", PATIENCE_MIN_S, PATIENCE_MAX_S, &cam->patience_s)) < 0)
		return rc;
	if (!has(s, "max_picture"))
		return 0;
	if (parse_size(cfg_getstr(s->cfg, "max_picture"), &width, &height) < 0 ||
		width * height > LIMIT_PIXELS)
		return FAIL(s, "max_picture", "\"max_picture\" takes WxH, at most %u pixels in all",
			LIMIT_PIXELS);
	cam->max_pixels = width * height;
	return 0;
}

static int read_secret(const struct scope *s, struct config_camera *cam)
{
	const char *file = cfg_getstr(s->cfg, "password_file"), *why;
	int rc;

	if (cam->source.has_password)
		return FAIL(
			s, "password_file", "a password in the URL and a password_file: only one");
	if (!file || !*file)
		return FAIL(s, "password_file", "\"password_file\" is empty");
	rc = secret_read(config_text_folder(s->r->text, where(s, "password_file").file), file,
		&cam->password, &why);
	if (rc < 0)
		return FAIL(s, "password_file", "password_file \"%s\": %s", file, why);
	return 0;
}

static int read_credentials(const struct scope *s, struct config_camera *cam)
{
	struct url *u = &cam->source;
	int rc;

	if (!is_on_network(cam) && (has(s, "username") || has(s, "password_file")))
		return FAIL(s, has(s, "username") ? "username" : "password_file",
			"only a camera on a network takes a username and password");
	if (u->has_user && has(s, "username"))
		return FAIL(s, "username", "a user in the URL and a username: only one");
	if (u->has_user)
		snprintf(cam->username, sizeof(cam->username), "%s", u->user);
	else if ((rc = read_text(s, "username", cam->username, sizeof(cam->username))) < 0)
		return rc;
	if (has(s, "password_file") && (rc = read_secret(s, cam)) < 0)
		return rc;
	if (u->has_password && !(cam->password = secret_text(u->password)))
		return FAIL(s, "url", "out of memory");
	explicit_bzero(u->password, sizeof(u->password));
	explicit_bzero(u->user, sizeof(u->user));
	if (cam->username[0] && !cam->password)
		return FAIL(s, has(s, "username") ? "username" : "url",
			"a username without a password: password_file is missing");
	if (cam->password && !cam->username[0])
		return FAIL(s, "password_file", "a password without a username");
	return 0;
}

int config_read_camera(struct config_reader *r, cfg_t *sec, unsigned index)
{
	static const char *const fingerprint[] = {"first", "off", NULL};
	static const char *const standby[] = {"cold", "warm", NULL};
	unsigned fingerprint_is = 0, standby_is = 0;
	struct scope s = scope_of(r, sec, "camera", index);
	struct config_camera *cam = &r->config->cameras[index];
	int rc;

	snprintf(cam->name, sizeof(cam->name), "%s", cfg_title(sec));
	if ((rc = read_url(&s, cam)) < 0 || (rc = refuse_same_source(&s, r->config, index)) < 0 ||
		(rc = read_tls(&s, cam)) < 0 || (rc = read_auth(&s, cam)) < 0 ||
		(rc = read_transport(&s, cam)) < 0 ||
		(rc = read_choice(&s, "fingerprint", fingerprint, &fingerprint_is)) < 0 ||
		(rc = read_choice(&s, "standby", standby, &standby_is)) < 0 ||
		(rc = read_bounds(&s, cam)) < 0 || (rc = read_credentials(&s, cam)) < 0 ||
		(rc = read_text(&s, "vendor", cam->vendor, sizeof(cam->vendor))) < 0 ||
		(rc = read_text(&s, "model", cam->model, sizeof(cam->model))) < 0 ||
		(rc = read_masks(&s, cam->masks, &cam->n_masks)) < 0)
		return rc;
	cam->fingerprint = fingerprint_is == 0;
	cam->warm = standby_is == 1;
	return 0;
}

/* ---- grants -------------------------------------------------------------------------- */

static int read_holder(const struct scope *s, struct config_grant *g)
{
	const char *key = has(s, "user") ? "user" : "uid";
	const char *v = has(s, key) ? cfg_getstr(s->cfg, key) : NULL;
	uint64_t uid;

	if (has(s, "user") && has(s, "uid"))
		return FAIL(s, "uid", "user and uid: only one");
	if (!v)
		return FAIL(
			s, "user", "grant \"%s\" has no holder: user or uid is missing", g->name);
	if (!strcmp(key, "uid") && parse_number(v, 0, 0xfffffffe, &uid) < 0)
		return FAIL(s, "uid", "\"uid\" takes a user's number");
	if (parse_user(v, &g->uid) < 0)
		return FAIL(s, key, "there is no user \"%s\"", v);
	return 0;
}

static int read_unit(const struct scope *s, struct config_grant *g)
{
	int rc = read_text(s, "unit", g->unit, sizeof(g->unit));

	if (rc < 0 || !g->unit[0] || token_unit_is_path(g->unit))
		return rc;
	return FAIL(s, "unit",
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
	unsigned n = has(s, "cameras") ? cfg_size(s->cfg, "cameras") : 0;

	if (!n)
		return FAIL(s, "cameras", "grant \"%s\" names no cameras", g->name);
	if (n > c->n_cameras)
		n = (unsigned)c->n_cameras + 1; /* enough to find the undefined or repeated one */
	g->cameras = calloc(n, sizeof(*g->cameras));
	if (!g->cameras)
		return FAIL(s, "cameras", "out of memory");
	for (unsigned i = 0; i < n; i++) {
		const char *v = cfg_getnstr(s->cfg, "cameras", i);

		if (find_camera(c, v, &g->cameras[i]) < 0)
			return FAIL(s, "cameras", "camera \"%s\" is not defined", v);
		for (unsigned k = 0; k < i; k++)
			if (g->cameras[k] == g->cameras[i])
				return FAIL(s, "cameras", "camera \"%s\" is repeated", v);
	}
	g->n_cameras = n;
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

	if (has(s, "max_size") &&
		parse_size(cfg_getstr(s->cfg, "max_size"), &g->max_width, &g->max_height) < 0)
		return FAIL(s, "max_size", "\"max_size\" takes WxH, each from 1 to %u", LIMIT_SIDE);
	if (has(s, "expires") && parse_duration(cfg_getstr(s->cfg, "expires"), &g->expires_s) < 0)
		return FAIL(
			s, "expires", "\"expires\" takes a duration (90s, 15m, 24h, 30d) or never");
	if (!has(s, "dump"))
		return 0;
	v = cfg_getstr(s->cfg, "dump");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(v, words[i].word) != 0)
			continue;
		g->dump = words[i].value;
		return 0;
	}
	return FAIL(s, "dump", "\"dump\" takes true or false");
}

static int read_token_file(const struct scope *s, struct config_grant *g, unsigned index)
{
	int rc = read_path(s, "token_file", g->token_file, sizeof(g->token_file));
	char why[256];

	if (rc < 0 || !g->token_file[0])
		return rc;
	if (g->token_file[strlen(g->token_file) - 1] == '/')
		return FAIL(s, "token_file", "\"token_file\" names a folder");
	for (unsigned i = 0; i < index; i++)
		if (parse_is_same_path(s->r->config->grants[i].token_file, g->token_file))
			return FAIL(s, "token_file", "grant \"%s\" has the same token_file",
				s->r->config->grants[i].name);
	if (s->r->looks_at_files && token_file_check(g->token_file, why, sizeof(why)) < 0)
		return FAIL(s, "token_file", "token_file \"%s\": %s", g->token_file, why);
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
		(rc = read_number(&s, "max_fps", 1, LIMIT_FPS, &g->max_fps)) < 0 ||
		(rc = read_masks(&s, g->masks, &g->n_masks)) < 0 ||
		(rc = read_text(&s, "label", g->label, sizeof(g->label))) < 0 ||
		(rc = read_token_file(&s, g, index)) < 0)
		return rc;
	return 0;
}
