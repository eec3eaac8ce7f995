/* A camera's section of framemux.conf. Runs in framemuxd while starting: it reads secret files. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/number.h"
#include "mux/daemon/config/scope.h"
#include "mux/daemon/config/secret.h"

/* A decoder's memory: 512 MiB hold a 4K stream of 10 bit with all its references. */
#define MEMORY_MIN_MB      64u
#define MEMORY_MAX_MB      65536u
#define MEMORY_DEFAULT_MB  512u
#define PATIENCE_MIN_S     2u
#define PATIENCE_MAX_S     120u
#define PATIENCE_DEFAULT_S 10u

static int read_url(const struct scope *s, struct config_camera *cam)
{
	const char *v = scope_has(s, "url") ? cfg_getstr(s->cfg, "url") : NULL;
	const char *why;
	int rc;

	if (!v)
		return SCOPE_FAIL(s, "url", "camera \"%s\" has no url", cam->name);
	rc = url_parse(v, &cam->source, &why);
	if (rc < 0)
		return SCOPE_FAIL(s, "url", "%s", why);
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
			return SCOPE_FAIL(s, "url",
				"camera \"%s\" has the same source as camera \"%s\"", cam->name,
				c->cameras[i].name);
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
		return SCOPE_FAIL(s, "tls_pin",
			"\"tls_pin\" takes sha256// and the 44 characters of a public key's hash");
	cam->has_pin = true;
	return 0;
}

static int read_tls(const struct scope *s, struct config_camera *cam)
{
	const char *key = scope_has(s, "tls_pin") ? "tls_pin" : "tls_ca";
	int rc;

	if (!scope_has(s, key))
		return 0;
	if (!cam->source.tls)
		return SCOPE_FAIL(s, key, "%s is for rtsps and https", key);
	if (scope_has(s, "tls_pin") && scope_has(s, "tls_ca"))
		return SCOPE_FAIL(s, "tls_ca", "tls_pin and tls_ca: only one");
	if (scope_has(s, "tls_pin"))
		return read_pin(s, cam);
	rc = scope_path(s, "tls_ca", cam->tls_ca, sizeof(cam->tls_ca));
	if (rc == 0 && access(cam->tls_ca, R_OK) < 0)
		return SCOPE_FAIL(s, "tls_ca", "tls_ca \"%s\": %s", cam->tls_ca, strerror(errno));
	return rc;
}

static int read_auth(const struct scope *s, struct config_camera *cam)
{
	static const char *const auth[] = {"digest", "basic", NULL};
	unsigned which;
	int rc = scope_choice(s, "auth", auth, &which);

	if (rc < 0 || !scope_has(s, "auth"))
		return rc;
	cam->basic = which == 1;
	if (cam->basic && !cam->source.tls)
		return SCOPE_FAIL(s, "auth",
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

	if (scope_has(s, "transport") && cam->source.kind != INGEST_RTSP)
		return SCOPE_FAIL(s, "transport", "transport is for rtsp and rtsps");
	rc = scope_choice(s, "transport", transport, &which);
	if (rc < 0)
		return rc;
	if (which == 2 && cam->source.tls)
		return SCOPE_FAIL(
			s, "transport", "rtsps keeps its video on the connection: use tcp");
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
	if ((rc = scope_number(s, "memory_mb", MEMORY_MIN_MB, MEMORY_MAX_MB, &cam->memory_mb)) <
			0 ||
		(rc = scope_number(
			 s, "patience", PATIENCE_MIN_S, PATIENCE_MAX_S, &cam->patience_s)) < 0)
		return rc;
	if (!scope_has(s, "max_picture"))
		return 0;
	if (number_size(cfg_getstr(s->cfg, "max_picture"), &width, &height) < 0 ||
		width * height > LIMIT_PIXELS)
		return SCOPE_FAIL(s, "max_picture",
			"\"max_picture\" takes WxH, at most %u pixels in all", LIMIT_PIXELS);
	cam->max_pixels = width * height;
	return 0;
}

static int read_secret(const struct scope *s, struct config_camera *cam)
{
	const char *file = cfg_getstr(s->cfg, "password_file"), *why;
	int rc;

	if (cam->source.has_password)
		return SCOPE_FAIL(
			s, "password_file", "a password in the URL and a password_file: only one");
	if (!file || !*file)
		return SCOPE_FAIL(s, "password_file", "\"password_file\" is empty");
	rc = secret_read(config_text_folder(s->r->text, scope_where(s, "password_file").file), file,
		&cam->password, &why);
	if (rc < 0)
		return SCOPE_FAIL(s, "password_file", "password_file \"%s\": %s", file, why);
	return 0;
}

static int read_credentials(const struct scope *s, struct config_camera *cam)
{
	struct url *u = &cam->source;
	int rc;

	if (!is_on_network(cam) && (scope_has(s, "username") || scope_has(s, "password_file")))
		return SCOPE_FAIL(s, scope_has(s, "username") ? "username" : "password_file",
			"only a camera on a network takes a username and password");
	if (u->has_user && scope_has(s, "username"))
		return SCOPE_FAIL(s, "username", "a user in the URL and a username: only one");
	if (u->has_user)
		snprintf(cam->username, sizeof(cam->username), "%s", u->user);
	else if ((rc = scope_text(s, "username", cam->username, sizeof(cam->username))) < 0)
		return rc;
	if (scope_has(s, "password_file") && (rc = read_secret(s, cam)) < 0)
		return rc;
	if (u->has_password && !(cam->password = secret_text(u->password)))
		return SCOPE_FAIL(s, "url", "out of memory");
	explicit_bzero(u->password, sizeof(u->password));
	explicit_bzero(u->user, sizeof(u->user));
	if (cam->username[0] && !cam->password)
		return SCOPE_FAIL(s, scope_has(s, "username") ? "username" : "url",
			"a username without a password: password_file is missing");
	if (cam->password && !cam->username[0])
		return SCOPE_FAIL(s, "password_file", "a password without a username");
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
		(rc = scope_choice(&s, "fingerprint", fingerprint, &fingerprint_is)) < 0 ||
		(rc = scope_choice(&s, "standby", standby, &standby_is)) < 0 ||
		(rc = read_bounds(&s, cam)) < 0 || (rc = read_credentials(&s, cam)) < 0 ||
		(rc = scope_text(&s, "vendor", cam->vendor, sizeof(cam->vendor))) < 0 ||
		(rc = scope_text(&s, "model", cam->model, sizeof(cam->model))) < 0 ||
		(rc = scope_masks(&s, cam->masks, &cam->n_masks)) < 0)
		return rc;
	cam->fingerprint = fingerprint_is == 0;
	cam->warm = standby_is == 1;
	return 0;
}
