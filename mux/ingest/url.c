/* RTSP URLs: whose they are, and joining a camera's control attributes to them. */
#include "mux/ingest/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/breakage.h"

/* The parts of an absolute URL, within its text. */
struct parts {
	struct span authority; /* host and port, no userinfo */
	struct span host;      /* without the brackets of an IPv6 address */
	struct span path;      /* path and query, may be empty */
};

static struct span from(struct span s, size_t n)
{
	return (struct span){s.at + n, s.len - n};
}

static bool chars_are_good(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>')
			return false;
	}
	return true;
}

static size_t scheme_length(struct span s)
{
	if (span_begins(s, "rtsp://"))
		return 7;
	return span_begins(s, "rtsps://") ? 8 : 0;
}

static bool split_authority(struct span rest, struct parts *ret)
{
	size_t n = 0, at = 0;

	while (n < rest.len && !strchr("/?#", rest.at[n]))
		n++;
	for (size_t i = 0; i < n; i++)
		if (rest.at[i] == '@')
			at = i + 1;
	ret->authority = (struct span){rest.at + at, n - at};
	ret->path = from(rest, n);
	ret->host = ret->authority;
	if (ret->host.len && ret->host.at[0] == '[') {
		const char *end = memchr(ret->host.at, ']', ret->host.len);

		if (!end)
			return false;
		ret->host = (struct span){ret->host.at + 1, (size_t)(end - ret->host.at) - 1};
	} else {
		const char *colon = memchr(ret->host.at, ':', ret->host.len);

		if (colon)
			ret->host.len = (size_t)(colon - ret->host.at);
	}
	return ret->host.len > 0;
}

static bool split(struct span url, struct parts *ret)
{
	size_t n = scheme_length(url);

	return n && chars_are_good(url) && split_authority(from(url, n), ret);
}

/* Our own scheme and authority, then this path. */
static int ours(const struct home *home, struct span path, char ret[LIMIT_PATH])
{
	struct span own = span_of(home->url);
	struct parts p;
	const char *slash = path.len && path.at[0] == '/' ? "" : "/";
	int n;

	if (!split(own, &p))
		return -EINVAL;
	n = snprintf(ret, LIMIT_PATH, "%.*s%.*s%s%.*s", (int)scheme_length(own), own.at,
		(int)p.authority.len, p.authority.at, slash, (int)path.len, path.at);
	return n < 0 || n >= (int)LIMIT_PATH ? -EMSGSIZE : 0;
}

/* 0.0.0.0 is how some cameras say "myself". */
static bool host_is_home(const struct home *home, struct span host)
{
	struct parts own;
	char text[256];

	if (!split(span_of(home->url), &own) || span_copy(own.host, text, sizeof(text)) < 0)
		return false;
	return span_is(host, text) || (home->peer[0] && span_is(host, home->peer)) ||
		span_is(host, "0.0.0.0");
}

bool url_is_valid(const char *url)
{
	struct parts p;

	return strlen(url) < LIMIT_PATH && split(span_of(url), &p);
}

int url_base(const struct home *home, struct span text, char ret[LIMIT_PATH])
{
	struct parts p;

	if (!text.len || text.len >= LIMIT_PATH || !chars_are_good(text))
		return -EINVAL;
	if (text.at[0] == '/')
		return ours(home, text, ret);
	if (!scheme_length(text)) { /* "192.168.1.20:554/live/": real servers do that */
		if (!split_authority(text, &p) || !host_is_home(home, p.host))
			return -EINVAL;
		return ours(home, p.path, ret);
	}
	if (!split(text, &p))
		return -EINVAL;
	if (breakage("ingest-foreign-host"))
		return span_copy(text, ret, LIMIT_PATH);
	/* Of whatever host: cameras behind a router, or moved, name an address from before. */
	return ours(home, p.path, ret);
}

int url_resolve(
	const struct home *home, const char *base, struct span control, char ret[LIMIT_PATH])
{
	size_t len = strlen(base);
	int n;

	control = span_trim(control);
	if (control.len >= LIMIT_PATH || !chars_are_good(control))
		return -EINVAL;
	if (!control.len || span_is(control, "*"))
		return span_copy(span_of(base), ret, LIMIT_PATH);
	if (scheme_length(control) || control.at[0] == '/')
		return url_base(home, control, ret);
	for (size_t i = 0; i + 2 < control.len; i++)
		if (memcmp(control.at + i, "://", 3) == 0 && i < 8)
			return -EINVAL; /* another scheme */
	/*
	 * Not RFC 3986's rule, which would replace the last part of the path: every client appends,
	 * and cameras rely on it.
	 */
	n = snprintf(ret, LIMIT_PATH, "%s%s%.*s", base,
		len && (base[len - 1] == '/' || control.at[0] == '?') ? "" : "/", (int)control.len,
		control.at);
	return n < 0 || n >= (int)LIMIT_PATH ? -EMSGSIZE : 0;
}
