/* HTTP: heads, content types, bodies in chunks, and the one request. */
#include "mux/ingest/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#define BLANK_MAX 4u /* empty lines in front of a head, which some servers send */

/* Whether a comma-separated list has this token. */
static bool has_token(const struct head *head, const char *name, const char *token)
{
	struct span list, one;
	unsigned at = 0;

	while (head_find(head, name, &at, &list))
		while (span_cut(&list, ",", &one))
			if (span_is(span_trim(one), token))
				return true;
	return false;
}

/* "HTTP/1.1 200 OK"; old cameras leave out the words. */
static int status_line(struct span line, struct http_response *ret)
{
	struct span version, code;
	uint32_t status;

	if (!span_begins(line, "HTTP/1."))
		return -EPROTO;
	span_cut(&line, " \t", &version);
	line = span_trim(line);
	if (!span_cut(&line, " \t", &code) || code.len != 3 ||
		span_number(code, 999, &status) < 0 || status < 100)
		return -EPROTO;
	ret->status = status;
	ret->reason = span_trim(line);
	ret->keeps = !span_is(version, "HTTP/1.0");
	return 0;
}

ssize_t http_next(const uint8_t *buf, size_t len, struct http_response *ret, const char **ret_why)
{
	static const char name[] = "HTTP/1.";
	struct span lines, line;
	size_t blank = 0, n;
	ssize_t head;
	int r;

	while (blank < len && blank < BLANK_MAX && (buf[blank] == '\r' || buf[blank] == '\n'))
		blank++;
	buf += blank;
	len -= blank;
	n = len < sizeof(name) - 1 ? len : sizeof(name) - 1;
	if (memcmp(buf, name, n) != 0)
		return head_refuse(ret_why, -EPROTO, "what it sends is not HTTP");
	head = head_begin(buf, len, &line, &lines, ret_why);
	if (head <= 0)
		return head;
	if (status_line(line, ret) < 0)
		return head_refuse(ret_why, -EPROTO, "what it sends is not HTTP");
	r = head_parse(lines, &ret->head, ret_why);
	if (r < 0)
		return r;
	if (has_token(&ret->head, "Connection", "close"))
		ret->keeps = false;
	else if (has_token(&ret->head, "Connection", "keep-alive"))
		ret->keeps = true;
	return (ssize_t)blank + head;
}

/* ---- content ------------------------------------------------------------------------------ */

/* The value of a parameter, which may be quoted; what does not fit or is malformed is "". */
static void parameter(struct span list, const char *name, char *ret, size_t size)
{
	struct span one, key;

	ret[0] = 0;
	while (span_cut(&list, ";", &one)) {
		struct span value = one;

		if (!span_cut(&value, "=", &key) || !span_is(span_trim(key), name))
			continue;
		value = span_trim(value);
		if (value.len && value.at[0] == '"') {
			value = (struct span){value.at + 1, value.len - 1};
			if (value.len && value.at[value.len - 1] == '"')
				value.len--;
		}
		while (value.len && value.at[0] == '-') {
			value.at++;
			value.len--;
		}
		if (span_copy(value, ret, size) < 0)
			ret[0] = 0;
		return;
	}
}

enum http_content http_content(const struct head *head, char ret_boundary[HTTP_BOUNDARY_BYTES])
{
	static const char *const jpegs[] = {"image/jpeg", "image/jpg", "image/pjpeg"};
	static const char *const unknown[] = {"", "application/octet-stream", "video/mjpeg",
		"video/x-mjpeg", "video/x-motion-jpeg", "video/x-jpeg"};
	struct span rest = head_first(head, "Content-Type"), type = rest;

	ret_boundary[0] = 0;
	span_cut(&rest, ";", &type);
	type = span_trim(type);
	if (span_begins(type, "multipart/")) {
		parameter(rest, "boundary", ret_boundary, HTTP_BOUNDARY_BYTES);
		return HTTP_MULTIPART;
	}
	for (size_t i = 0; i < sizeof(jpegs) / sizeof(jpegs[0]); i++)
		if (span_is(type, jpegs[i]))
			return HTTP_JPEG;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		if (span_is(type, unknown[i]))
			return HTTP_UNKNOWN;
	return HTTP_OTHER;
}

/* ---- body --------------------------------------------------------------------------------- */

int http_body_begin(const struct http_response *response, bool is_stream, uint32_t max,
	struct http_body *ret, const char **ret_why)
{
	const struct head *head = &response->head;
	struct span coding;
	unsigned at = 0;
	int r;

	*ret = (struct http_body){.state = HTTP_BODY_OPEN};
	while (head_find(head, "Transfer-Encoding", &at, &coding)) {
		if (span_is(coding, "chunked") && ret->state == HTTP_BODY_OPEN)
			ret->state = HTTP_BODY_CHUNK_SIZE;
		else if (!span_is(coding, "identity"))
			return head_refuse(
				ret_why, -EPROTO, "its answer is encoded in an unknown way");
	}
	if (is_stream || ret->state != HTTP_BODY_OPEN)
		return 0;
	r = head_content_length(head, max, &ret->left, ret_why);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		ret->state = ret->left ? HTTP_BODY_SIZED : HTTP_BODY_DONE;
	return r;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte of a line with a chunk's size, which may have an extension behind it. */
static int size_byte(struct http_body *b, uint8_t c)
{
	int digit = b->state == HTTP_BODY_CHUNK_SIZE ? hex_digit(c) : -1;

	if (++b->line_len > HTTP_CHUNK_LINE_MAX)
		return -EPROTO;
	if (digit >= 0) {
		if (b->left >> 28)
			return -EPROTO;
		b->left = b->left << 4 | (uint32_t)digit;
		b->has_digit = true;
		return 0;
	}
	if (!b->has_digit)
		return -EPROTO;
	if (c != '\n') {
		b->state = HTTP_BODY_CHUNK_REST;
		return 0;
	}
	b->state = b->left ? HTTP_BODY_CHUNK : HTTP_BODY_TRAILER;
	b->line_len = 0;
	b->has_digit = false;
	b->line_is_empty = true;
	return 0;
}

/* Trailers say nothing that is wanted; an empty line ends them. */
static int trailer_byte(struct http_body *b, uint8_t c)
{
	if (++b->line_len > HTTP_TRAILER_MAX)
		return -EPROTO;
	if (c == '\n' && b->line_is_empty)
		b->state = HTTP_BODY_DONE;
	else if (c != '\r')
		b->line_is_empty = c == '\n';
	return 0;
}

/* A byte that is no payload. */
static int framing_byte(struct http_body *b, uint8_t c)
{
	switch (b->state) {
	case HTTP_BODY_CHUNK_SIZE:
	case HTTP_BODY_CHUNK_REST:
		return size_byte(b, c);
	case HTTP_BODY_CHUNK_END:
		if (c == '\n')
			b->state = HTTP_BODY_CHUNK_SIZE;
		return c == '\n' || c == '\r' ? 0 : -EPROTO;
	default:
		return trailer_byte(b, c);
	}
}

ssize_t http_body_take(
	struct http_body *b, const uint8_t *buf, size_t len, struct span *ret, const char **ret_why)
{
	*ret = (struct span){"", 0};
	if (!len || b->state == HTTP_BODY_DONE)
		return 0;
	if (b->state == HTTP_BODY_OPEN) {
		*ret = (struct span){(const char *)buf, len};
		return (ssize_t)len;
	}
	if (b->state == HTTP_BODY_SIZED || b->state == HTTP_BODY_CHUNK) {
		if (len > b->left)
			len = b->left;
		*ret = (struct span){(const char *)buf, len};
		b->left -= (uint32_t)len;
		if (!b->left)
			b->state =
				b->state == HTTP_BODY_SIZED ? HTTP_BODY_DONE : HTTP_BODY_CHUNK_END;
		return (ssize_t)len;
	}
	if (framing_byte(b, buf[0]) < 0)
		return head_refuse(ret_why, -EPROTO, "a chunk is malformed");
	return 1;
}

/* ---- request ------------------------------------------------------------------------------ */

int http_target(const char *url, char ret_target[LIMIT_PATH], struct span *ret_authority)
{
	const char *host = strstr(url, "://");
	size_t len;
	int n;

	if (!host)
		return -EINVAL;
	host += 3;
	len = strcspn(host, "/?#");
	if (!len || memchr(host, '@', len))
		return -EINVAL;
	for (const char *p = host; *p; p++)
		if (*p <= 0x20 || *p == 0x7f || *p == '#')
			return -EINVAL;
	if (ret_authority)
		*ret_authority = (struct span){host, len};
	n = snprintf(ret_target, LIMIT_PATH, "%s%s", host[len] == '/' ? "" : "/", host + len);
	return n < 0 || n >= (int)LIMIT_PATH ? -EMSGSIZE : 0;
}

/*
 * 1.1, which is what cameras are tried with by their makers; the connection is to stay for the
 * second request after a 401.
 */
ssize_t http_write(const char *url, const char *authorization, char ret[HTTP_REQUEST_MAX])
{
	char target[LIMIT_PATH];
	struct span host;
	int n = http_target(url, target, &host);

	if (n < 0)
		return n;
	n = snprintf(ret, HTTP_REQUEST_MAX,
		"GET %s HTTP/1.1\r\nHost: %.*s\r\n%s%s%s"
		"User-Agent: framemux/" PACKAGE_VERSION "\r\n"
		"Accept: multipart/x-mixed-replace, image/jpeg, */*;q=0.1\r\n"
		"Connection: keep-alive\r\n\r\n",
		target, (int)host.len, host.at, authorization ? "Authorization: " : "",
		authorization ? authorization : "", authorization ? "\r\n" : "");
	return n < 0 || n >= (int)HTTP_REQUEST_MAX ? -EMSGSIZE : n;
}
