/* Takes URLs apart. Pure code, in framemuxd: no lookups, no descriptors. */
#include "mux/daemon/config/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/number.h"
#include "common/picture.h"
#include "mux/daemon/config/parse.h"

#define PATTERN_WIDTH  640u
#define PATTERN_HEIGHT 480u
#define PATTERN_FPS    25u
#define DRM_NV12       0x3231564eu /* "NV12": only to have a size checked */

static int refuse(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int url_decode(const char *text, size_t len, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			int high = i + 1 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= cap)
			return -EINVAL;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return 0;
}

static bool is_name_char(int c)
{
	return isalnum(c) || c == '-' || c == '.' || c == '_';
}

/* Lower case, addresses in their one spelling, so that two ways to write a host compare equal. */
static int parse_host(const char *text, size_t len, char ret_host[URL_HOST_BYTES], bool *ret_v6)
{
	struct in6_addr v6;

	*ret_v6 = false;
	if (len && text[0] == '[') {
		char inner[INET6_ADDRSTRLEN];

		if (len < 3 || text[len - 1] != ']' || len - 2 >= sizeof(inner))
			return -EINVAL;
		memcpy(inner, text + 1, len - 2);
		inner[len - 2] = 0;
		if (inet_pton(AF_INET6, inner, &v6) != 1)
			return -EINVAL;
		inet_ntop(AF_INET6, &v6, ret_host, URL_HOST_BYTES);
		*ret_v6 = true;
		return 0;
	}
	if (len > 1 && text[len - 1] == '.') /* the root's dot: the same name */
		len--;
	if (!len || len >= URL_HOST_BYTES || !isalnum((unsigned char)text[0]))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!is_name_char((unsigned char)text[i]))
			return -EINVAL;
		ret_host[i] = (char)tolower((unsigned char)text[i]);
	}
	ret_host[len] = 0;
	return ret_host[len - 1] == '.' || strstr(ret_host, "..") ? -EINVAL : 0;
}

/* host, [v6], host:port. Without a port *port stays the scheme's. */
static int parse_authority(
	const char *text, size_t len, char ret_host[URL_HOST_BYTES], uint16_t *port, bool *ret_v6)
{
	const char *from = text, *colon;
	uint64_t number;

	if (len && text[0] == '[') {
		from = memchr(text, ']', len);
		if (!from)
			return -EINVAL;
	}
	colon = memchr(from, ':', len - (size_t)(from - text));
	if (colon) {
		char digits[8] = "";
		size_t n = len - (size_t)(colon + 1 - text);

		if (n >= sizeof(digits))
			return -EINVAL;
		memcpy(digits, colon + 1, n);
		if (number_parse(digits, 1, 65535, &number) < 0)
			return -EINVAL;
		*port = (uint16_t)number;
		len = (size_t)(colon - text);
	}
	return parse_host(text, len, ret_host, ret_v6);
}

static int parse_userinfo(const char *text, size_t len, struct url *u, const char **ret_why)
{
	const char *colon = memchr(text, ':', len);
	size_t user_len = colon ? (size_t)(colon - text) : len;

	if (url_decode(text, user_len, u->user, sizeof(u->user)) < 0 || !u->user[0])
		return refuse(ret_why, "the user in the URL is malformed or too long");
	u->has_user = true;
	if (!colon)
		return 0;
	if (url_decode(colon + 1, len - user_len - 1, u->password, sizeof(u->password)) < 0)
		return refuse(ret_why, "the password in the URL is malformed or too long");
	u->has_password = true;
	return 0;
}

/* Printable, no blanks: goes into a request line as it is. */
static bool is_request_text(const char *text)
{
	for (; *text; text++)
		if (*text <= 0x20 || *text == 0x7f || *text == '"' || *text == '<' ||
			*text == '>' || *text == '#' || *text == '\\')
			return false;
	return true;
}

/* The schemes of cameras on a network. */
static const struct scheme {
	const char *name;
	enum ingest_kind kind;
	bool tls;
	uint16_t port;
} schemes[] = {
	{"rtsp", INGEST_RTSP, false, 554},
	{"rtsps", INGEST_RTSP, true, 322},
	{"http", INGEST_HTTP, false, 80},
	{"https", INGEST_HTTP, true, 443},
};

static const struct scheme *find_scheme(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strlen(schemes[i].name) == len && !strncasecmp(text, schemes[i].name, len))
			return &schemes[i];
	return NULL;
}

static int parse_network(
	const struct scheme *scheme, const char *rest, struct url *u, const char **ret_why)
{
	size_t len = strcspn(rest, "/?#");
	const char *path = rest + len;
	const char *at = memrchr(rest, '@', len);
	char port[8] = "";
	bool v6;
	int n;

	u->kind = scheme->kind;
	u->tls = scheme->tls;
	u->port = scheme->port;
	if (at) {
		int rc = parse_userinfo(rest, (size_t)(at - rest), u, ret_why);

		if (rc < 0)
			return rc;
		len -= (size_t)(at + 1 - rest);
		rest = at + 1;
	}
	if (parse_authority(rest, len, u->host, &u->port, &v6) < 0)
		return refuse(ret_why, "the host or port in the URL is malformed");
	if (!is_request_text(path))
		return refuse(ret_why, "blanks, quotes or \"#\" in the URL's path");
	if (u->port != scheme->port)
		snprintf(port, sizeof(port), ":%u", u->port);
	snprintf(u->path, sizeof(u->path), "%s", path);
	n = snprintf(u->url, sizeof(u->url), "%s://%s%s%s%s%s", scheme->name, v6 ? "[" : "",
		u->host, v6 ? "]" : "", port, path);
	if (n < 0 || (size_t)n >= sizeof(u->url))
		return refuse(ret_why, "the URL is too long");
	n = snprintf(u->canonical, sizeof(u->canonical), "%s://%s%s%s:%u%s%s", scheme->name,
		v6 ? "[" : "", u->host, v6 ? "]" : "", u->port, path[0] == '/' ? "" : "/", path);
	if (n < 0 || (size_t)n >= sizeof(u->canonical))
		return refuse(ret_why, "the URL is too long");
	return 0;
}

/* One spelling for one file: no doubled slashes; "." and ".." are refused. */
static int clean_path(char *path)
{
	char *out = path, *p = path;

	while (*p) {
		size_t len;

		while (*p == '/')
			p++;
		len = strcspn(p, "/");
		if (!len)
			break;
		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		*out++ = '/';
		memmove(out, p, len);
		out += len;
		p += len;
	}
	*out = 0;
	return out == path ? -EINVAL : 0;
}

/* An absolute path behind "//", decoded and in one spelling; the URL is made from it. */
static int parse_path(const char *scheme, const char *rest, struct url *u)
{
	int n;

	if (strncmp(rest, "//", 2) != 0 || rest[2] != '/' ||
		url_decode(rest + 2, strlen(rest + 2), u->path, sizeof(u->path)) < 0 ||
		clean_path(u->path) < 0)
		return -EINVAL;
	n = snprintf(u->url, sizeof(u->url), "%s://%s", scheme, u->path);
	if (n < 0 || (size_t)n >= sizeof(u->url))
		return -EINVAL;
	memcpy(u->canonical, u->url, sizeof(u->canonical));
	return 0;
}

static int parse_file(const char *rest, struct url *u, const char **ret_why)
{
	u->kind = INGEST_FILE;
	if (parse_path("file", rest, u) < 0)
		return refuse(ret_why,
			"a file's URL is file:///PATH, without \".\" and \"..\", and not too long");
	return 0;
}

static int parse_device(const char *rest, struct url *u, const char **ret_why)
{
	u->kind = INGEST_V4L2;
	if (parse_path("v4l2", rest, u) < 0 || strncmp(u->path, "/dev/", 5) != 0)
		return refuse(ret_why, "a device's URL is v4l2:///dev/videoN");
	return 0;
}

static int parse_pattern_option(const char *key, const char *value, struct url *u)
{
	uint64_t fps;

	if (!strcmp(key, "size"))
		return number_size(value, &u->width, &u->height);
	if (strcmp(key, "fps") != 0 || number_parse(value, 1, LIMIT_FPS, &fps) < 0)
		return -EINVAL;
	u->fps = (uint32_t)fps;
	return 0;
}

static int parse_pattern(const char *rest, struct url *u, const char **ret_why)
{
	char text[LIMIT_PATH], *query, *save = NULL;
	bool seen_size = false, seen_fps = false;
	struct picture picture;

	u->kind = INGEST_PATTERN;
	u->width = PATTERN_WIDTH;
	u->height = PATTERN_HEIGHT;
	u->fps = PATTERN_FPS;
	snprintf(text, sizeof(text), "%s", rest);
	query = strchr(text, '?');
	if (query)
		*query++ = 0;
	if (!parse_is_name(text))
		return refuse(ret_why,
			"a pattern's URL is test:LABEL?size=WxH&fps=N, LABEL of A-Za-z0-9._-");
	if (query && !*query)
		return refuse(ret_why, "nothing follows the \"?\" of the pattern's URL");
	for (char *p = query ? strtok_r(query, "&", &save) : NULL; p;
		p = strtok_r(NULL, "&", &save)) {
		char *value = strchr(p, '=');
		bool *seen = !strncmp(p, "size=", 5) ? &seen_size : &seen_fps;

		if (!value || *seen)
			return refuse(ret_why, "a pattern takes size=WxH and fps=N, once each");
		*value++ = 0;
		*seen = true;
		if (parse_pattern_option(p, value, u) < 0)
			return refuse(ret_why,
				"a pattern takes size=WxH and fps=N (1 to 1000) and no other");
	}
	if (picture_layout(DRM_NV12, u->width, u->height, &picture) < 0)
		return refuse(ret_why, "the pattern's size is 0 or too large");
	snprintf(u->canonical, sizeof(u->canonical), "test:%.63s?size=%ux%u&fps=%u", text, u->width,
		u->height, u->fps);
	memcpy(u->url, u->canonical, sizeof(u->url));
	return 0;
}

int url_parse(const char *text, struct url *ret, const char **ret_why)
{
	const char *rest = strchr(text, ':');
	size_t scheme_len = rest ? (size_t)(rest - text) : 0;
	const struct scheme *scheme;

	memset(ret, 0, sizeof(*ret));
	if (!rest)
		return refuse(ret_why, "no URL: it begins with a scheme, as rtsp://HOST/PATH does");
	if (strlen(text) >= LIMIT_PATH - 16)
		return refuse(ret_why, "the URL is too long");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return refuse(ret_why, "a control character in the URL");
	rest++;
	scheme = find_scheme(text, scheme_len);
	if (scheme) {
		if (strncmp(rest, "//", 2) != 0)
			return refuse(ret_why, "a camera's URL is SCHEME://HOST[:PORT]/PATH");
		return parse_network(scheme, rest + 2, ret, ret_why);
	}
	if (scheme_len == 4 && !strncasecmp(text, "file", 4))
		return parse_file(rest, ret, ret_why);
	if (scheme_len == 4 && !strncasecmp(text, "v4l2", 4))
		return parse_device(rest, ret, ret_why);
	if (scheme_len == 4 && !strncasecmp(text, "test", 4))
		return parse_pattern(rest, ret, ret_why);
	return refuse(ret_why, "unknown scheme; use rtsp, rtsps, http, https, v4l2, file or test");
}

/* ---- what a camera may have signed --------------------------------------------------- */

struct request_uri {
	const struct scheme *scheme;
	char host[URL_HOST_BYTES];
	uint16_t port;
	const char *path; /* borrowed; without query */
	size_t path_len;
};

static int split_request(const char *uri, struct request_uri *ret)
{
	size_t len;
	bool v6;

	len = strcspn(uri, ":");
	ret->scheme = find_scheme(uri, len);
	if (!ret->scheme || strncmp(uri + len, "://", 3) != 0 || !is_request_text(uri))
		return -EINVAL;
	ret->port = ret->scheme->port;
	uri += len + 3;
	len = strcspn(uri, "/?");
	if (memchr(uri, '@', len) || parse_authority(uri, len, ret->host, &ret->port, &v6) < 0)
		return -EINVAL;
	ret->path = uri + len;
	ret->path_len = strcspn(ret->path, "?");
	return 0;
}

/* A path could climb out of its folder, by dots written plainly or escaped. */
static bool may_climb(const char *path)
{
	return strstr(path, "..") || strcasestr(path, "%2e") || strcasestr(path, "%2f") ||
		strcasestr(path, "%5c");
}

bool url_covers(const char *configured, const char *uri)
{
	struct request_uri have, want;
	size_t folder;

	if (split_request(configured, &have) < 0)
		return false;
	if (have.scheme->kind == INGEST_HTTP) /* in a request it is the path and the query */
		return uri[0] == '/' && !strcmp(have.path, uri + (have.path[0] != '/'));
	if (!strcmp(configured, uri))
		return true;
	if (split_request(uri, &want) < 0 || want.scheme != have.scheme)
		return false;
	if (strcmp(have.host, want.host) != 0 || have.port != want.port || may_climb(want.path))
		return false;
	if (have.path_len == want.path_len && !memcmp(have.path, want.path, have.path_len))
		return true;
	folder = have.path_len;
	while (folder && have.path[folder - 1] != '/')
		folder--;
	return want.path_len >= folder && !memcmp(have.path, want.path, folder) &&
		(folder || want.path_len == 0 || want.path[0] == '/');
}
