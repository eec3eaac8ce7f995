/* Header lines: finding their end, taking them apart. */
#include "mux/ingest/head.h"

#include <errno.h>
#include <string.h>

int head_refuse(const char **ret_why, int error, const char *why)
{
	*ret_why = why;
	return error;
}

ssize_t head_length(const uint8_t *buf, size_t len)
{
	size_t at = 0, most = len < HEAD_BYTES_MAX ? len : HEAD_BYTES_MAX;

	while (at < most) {
		const uint8_t *lf = memchr(buf + at, '\n', most - at);

		if (!lf)
			break;
		at = (size_t)(lf - buf) + 1;
		if (at < most && buf[at] == '\n')
			return (ssize_t)at + 1;
		if (most - at >= 2 && buf[at] == '\r' && buf[at + 1] == '\n')
			return (ssize_t)at + 2;
	}
	return len < HEAD_BYTES_MAX ? 0 : -EMSGSIZE;
}

ssize_t head_begin(const uint8_t *buf, size_t len, struct span *ret_start, struct span *ret_lines,
	const char **ret_why)
{
	ssize_t n = head_length(buf, len);

	if (n < 0)
		return head_refuse(ret_why, -EMSGSIZE, "headers are larger than allowed");
	*ret_lines = (struct span){(const char *)buf, (size_t)n};
	*ret_start = (struct span){0};
	span_line(ret_lines, ret_start);
	return n;
}

int head_parse(struct span rest, struct head *ret, const char **ret_why)
{
	struct span line;

	ret->n = 0;
	while (span_line(&rest, &line) && line.len) {
		const char *colon;
		struct head_line *h;

		if (line.at[0] == ' ' ||
			line.at[0] == '\t') { /* folded: part of the value before */
			if (!ret->n)
				return head_refuse(ret_why, -EPROTO, "a header line is malformed");
			h = &ret->lines[ret->n - 1];
			h->value.len = (size_t)(line.at + line.len - h->value.at);
			h->value = span_trim(h->value);
			continue;
		}
		colon = memchr(line.at, ':', line.len);
		if (!colon)
			return head_refuse(ret_why, -EPROTO, "a header line is malformed");
		if (ret->n == HEAD_LINES_MAX)
			return head_refuse(ret_why, -EMSGSIZE, "too many headers");
		h = &ret->lines[ret->n++];
		h->name = span_trim((struct span){line.at, (size_t)(colon - line.at)});
		h->value = span_trim(
			(struct span){colon + 1, (size_t)(line.at + line.len - colon) - 1});
	}
	return 0;
}

bool head_find(const struct head *h, const char *name, unsigned *at, struct span *ret)
{
	while (*at < h->n) {
		const struct head_line *line = &h->lines[(*at)++];

		if (span_is(line->name, name)) {
			*ret = line->value;
			return true;
		}
	}
	return false;
}

struct span head_first(const struct head *h, const char *name)
{
	struct span value = {"", 0};
	unsigned at = 0;

	head_find(h, name, &at, &value);
	return value;
}

int head_content_length(const struct head *h, uint32_t max, uint32_t *ret, const char **ret_why)
{
	struct span value;
	unsigned at = 0;
	bool seen = false;
	uint32_t n = 0;

	*ret = 0;
	while (head_find(h, "Content-Length", &at, &value)) {
		uint32_t one = 0;
		int r = span_number(value, max, &one);

		if (r == -ERANGE)
			return head_refuse(ret_why, -EMSGSIZE, "a body is larger than allowed");
		if (r < 0 || (seen && one != n))
			return head_refuse(ret_why, -EPROTO, "Content-Length is malformed");
		n = one;
		seen = true;
	}
	*ret = n;
	return seen ? 0 : -ENOENT;
}
