/*
 * Reads wall.conf, in framemux.conf's grammar, which is libconfuse's. In framemux-wall's process.
 *
 * What libconfuse would do silently and is an error here: a key that is repeated, and "${". For why
 * the words are looked at first, see common/lexer.h.
 */
#include "clients/wall/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/lexer.h"
#include "common/number.h"

#define CONFIG_BYTES_MAX (256u * 1024u)
#define NAME_MAX_BYTES   63u
#define TITLE_MAX_BYTES  127u
#define COLUMNS_MAX      16u
#define GAP_MAX          200u
#define FPS_MAX          240u
#define TEXT_MIN         8u
#define TEXT_MAX         64u

static cfg_opt_t camera_opts[] = {
	CFG_STR("title", NULL, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t top_opts[] = {
	CFG_STR("socket", NULL, CFGF_NONE),
	CFG_STR("token_file", NULL, CFGF_NONE),
	CFG_STR("columns", NULL, CFGF_NONE),
	CFG_STR("gap", NULL, CFGF_NONE),
	CFG_STR("fps", NULL, CFGF_NONE),
	CFG_STR("text", NULL, CFGF_NONE),
	CFG_STR("background", NULL, CFGF_NONE),
	CFG_STR("allow_capture", NULL, CFGF_NONE),
	CFG_SEC("camera", camera_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

/* One file at a time: libconfuse hands its callbacks no pointer of ours. */
static struct {
	const char *path;
	char *error; /* CONFIG_ERROR_BYTES; "" until the first one */
	struct config *config;
	unsigned seen_top, seen_in; /* a bit for each key, in the order of the tables */
} reading;

/* --- errors ---------------------------------------------------------------------------------- */

static void fail_at(int line, const char *fmt, va_list ap)
{
	int n;

	if (*reading.error)
		return; /* the first one is the cause */
	n = snprintf(
		reading.error, CONFIG_ERROR_BYTES, "%s:%d: ", reading.path, line > 0 ? line : 1);
	if (n > 0 && (size_t)n < CONFIG_ERROR_BYTES)
		vsnprintf(reading.error + n, CONFIG_ERROR_BYTES - (size_t)n, fmt, ap);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	fail_at(cfg ? cfg->line : 1, fmt, ap);
}

static int fail(int line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_at(line, fmt, ap);
	va_end(ap);
	return -1;
}

/* --- the file -------------------------------------------------------------------------------- */

static int read_file(const char *path, char **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	char *text = calloc(1, CONFIG_BYTES_MAX + 1);
	size_t n = 0;
	ssize_t got = 1;

	if (fd < 0 || !text)
		r = fd < 0 ? -errno : -ENOMEM;
	while (r == 0 && got > 0 && n < CONFIG_BYTES_MAX) {
		got = read(fd, text + n, CONFIG_BYTES_MAX - n);
		if (got > 0)
			n += (size_t)got;
		else if (got < 0)
			r = -errno;
	}
	if (fd >= 0)
		close(fd);
	if (r == 0 && (n == CONFIG_BYTES_MAX || strlen(text) != n))
		r = -EFBIG;
	if (r < 0) {
		free(text);
		return r;
	}
	*ret = text;
	return 0;
}

/* What libconfuse would not refuse, or not in the right line; comments become blanks. */
static int check_words(char *text)
{
	struct lexer lexer = {.text = text, .line = 1};
	unsigned unended = lexer_blank(text);
	struct word w;

	if (unended)
		return fail((int)unended, "the comment that begins here does not end");
	do {
		w = lexer_next(&lexer);
		if (w.kind == T_UNENDED)
			return fail((int)w.line, "a string that does not end on its line");
		if (word_has_variable(&w))
			return fail((int)w.line, "\"${\" is refused: there are no variables here");
	} while (w.kind != T_END);
	return 0;
}

/* --- values ---------------------------------------------------------------------------------- */

static int number(
	cfg_t *cfg, const char *key, const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	if (number_parse_u32(text, min, max, ret) < 0)
		return fail(cfg->line, "%s takes a whole number from %u to %u", key, min, max);
	return 0;
}

static int colour(cfg_t *cfg, const char *text, float ret[4])
{
	char *end;
	unsigned long v = *text == '#' ? strtoul(text + 1, &end, 16) : 0;

	if (*text != '#' || strlen(text) != 7 || *end ||
		strspn(text + 1, "0123456789abcdefABCDEF") != 6)
		return fail(cfg->line, "background takes a colour such as \"#101418\"");
	for (int i = 0; i < 3; i++)
		ret[i] = (float)(v >> (16 - 8 * i) & 0xff) / 255;
	ret[3] = 1;
	return 0;
}

static int yes_or_no(cfg_t *cfg, const char *key, const char *text, bool *ret)
{
	*ret = !strcmp(text, "true");
	if (!*ret && strcmp(text, "false") != 0)
		return fail(cfg->line, "%s takes true or false", key);
	return 0;
}

static int path(cfg_t *cfg, const char *key, const char *text, char **ret)
{
	const char *slash = strrchr(reading.path, '/');
	int folder = *text == '/' || !slash ? 0 : (int)(slash - reading.path) + 1;

	if (!*text)
		return fail(cfg->line, "%s is empty", key);
	if (asprintf(ret, "%.*s%s", folder, reading.path, text) < 0) {
		*ret = NULL;
		return fail(cfg->line, "out of memory");
	}
	return 0;
}

static int take_top(cfg_t *cfg, const char *key, const char *text)
{
	struct config *c = reading.config;

	if (!strcmp(key, "socket"))
		return path(cfg, key, text, &c->socket);
	if (!strcmp(key, "token_file"))
		return path(cfg, key, text, &c->token_file);
	if (!strcmp(key, "columns"))
		return number(cfg, key, text, 0, COLUMNS_MAX, &c->columns);
	if (!strcmp(key, "gap"))
		return number(cfg, key, text, 0, GAP_MAX, &c->gap);
	if (!strcmp(key, "fps"))
		return number(cfg, key, text, 0, FPS_MAX, &c->fps);
	if (!strcmp(key, "text"))
		return number(cfg, key, text, TEXT_MIN, TEXT_MAX, &c->text);
	if (!strcmp(key, "background"))
		return colour(cfg, text, c->background);
	return yes_or_no(cfg, key, text, &c->allow_capture);
}

/* Each key of the tables, when it has been read: libconfuse knows the line only then. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	bool in_camera = !strcmp(cfg_name(cfg), "camera");
	unsigned *seen = in_camera ? &reading.seen_in : &reading.seen_top;
	unsigned bit = 0;
	const char *text = cfg_opt_getnstr(opt, 0);

	for (const cfg_opt_t *o = in_camera ? camera_opts : top_opts;
		strcmp(o->name, opt->name) != 0; o++)
		bit++;
	if (*seen & 1u << bit)
		return fail(cfg->line, "%s is repeated", opt->name);
	*seen |= 1u << bit;
	if (!text)
		return fail(cfg->line, "%s has no value", opt->name);
	if (!in_camera)
		return take_top(cfg, opt->name, text);
	if (!*text || strlen(text) > TITLE_MAX_BYTES)
		return fail(cfg->line, "a title is 1 to %u bytes", TITLE_MAX_BYTES);
	return 0;
}

static bool is_name(const char *s)
{
	size_t n = s
		? strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
		: 0;

	return n && !s[n] && n <= NAME_MAX_BYTES;
}

/* A camera's section, when it has ended. */
static int on_camera(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *name = cfg_title(section), *title = cfg_getstr(section, "title");
	struct config *c = reading.config;
	struct config_camera *camera;

	reading.seen_in = 0;
	if (!is_name(name))
		return fail(cfg->line, "a camera's name is 1 to %u of A-Z a-z 0-9 . _ -",
			NAME_MAX_BYTES);
	if (c->n_cameras == CONFIG_CAMERAS_MAX)
		return fail(cfg->line, "more than %u cameras", CONFIG_CAMERAS_MAX);
	camera = &c->cameras[c->n_cameras++];
	camera->name = strdup(name);
	camera->title = strdup(title ? title : name);
	return camera->name && camera->title ? 0 : fail(cfg->line, "out of memory");
}

/* --- all of it ------------------------------------------------------------------------------- */

static int parse(char *text)
{
	cfg_t *cfg = cfg_init(top_opts, CFGF_NONE);
	int rc;

	if (!cfg)
		return fail(1, "out of memory");
	cfg_set_error_function(cfg, on_error);
	for (const cfg_opt_t *o = top_opts; o->name; o++)
		cfg_set_validate_func(cfg, o->name, o->type == CFGT_SEC ? on_camera : on_value);
	cfg_set_validate_func(cfg, "camera|title", on_value);
	rc = cfg_parse_buf(cfg, text);
	if (rc != CFG_SUCCESS)
		fail(cfg->line, "it cannot be parsed");
	else if (!reading.config->n_cameras)
		rc = fail(cfg->line, "there is no camera: camera \"NAME\" { }");
	cfg_free(cfg);
	return rc == CFG_SUCCESS ? 0 : -1;
}

int config_load(const char *file, struct config **ret, char ret_error[CONFIG_ERROR_BYTES])
{
	struct config *c = calloc(1, sizeof(*c));
	char *text = NULL;
	int r;

	*ret_error = 0;
	if (c)
		c->cameras = calloc(CONFIG_CAMERAS_MAX, sizeof(*c->cameras));
	if (!c || !c->cameras) {
		config_free(c);
		snprintf(ret_error, CONFIG_ERROR_BYTES, "out of memory");
		return -ENOMEM;
	}
	c->gap = 8;
	c->fps = 15;
	c->text = 18;
	memcpy(c->background, (float[4]){0x10 / 255.f, 0x14 / 255.f, 0x18 / 255.f, 1},
		sizeof(c->background));
	reading = (typeof(reading)){.path = file, .error = ret_error, .config = c};
	r = read_file(file, &text);
	if (r < 0)
		snprintf(ret_error, CONFIG_ERROR_BYTES, "%s: %s", file,
			r == -EFBIG ? "this is no configuration: too long, or not text"
				    : strerror(-r));
	else if (check_words(text) < 0 || parse(text) < 0)
		r = -EINVAL;
	free(text);
	if (r < 0) {
		config_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_cameras; i++) {
		free(c->cameras[i].name);
		free(c->cameras[i].title);
	}
	free(c->cameras);
	free(c->socket);
	free(c->token_file);
	free(c);
}
