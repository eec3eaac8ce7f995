/* Pieces of text that the camera sent: trimming, comparing, cutting, copying with a limit. */
#include "mux/ingest/span.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
	while (s.len && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool span_begins(struct span s, const char *text)
{
	size_t len = strlen(text);

	return s.len >= len && strncasecmp(s.at, text, len) == 0;
}

bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && span_begins(s, text);
}

bool span_line(struct span *rest, struct span *ret_line)
{
	if (!span_cut(rest, "\n", ret_line))
		return false;
	if (ret_line->len && ret_line->at[ret_line->len - 1] == '\r')
		ret_line->len--;
	return true;
}

bool span_cut(struct span *rest, const char *delimiters, struct span *ret_piece)
{
	size_t n = 0;

	if (!rest->len)
		return false;
	while (n < rest->len && !(rest->at[n] && strchr(delimiters, rest->at[n])))
		n++;
	*ret_piece = (struct span){rest->at, n};
	if (n < rest->len)
		n++;
	rest->at += n;
	rest->len -= n;
	return true;
}

int span_number(struct span s, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;

	if (!s.len)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -EINVAL;
		v = v * 10 + (uint64_t)(s.at[i] - '0');
		if (v > max)
			return -ERANGE;
	}
	*ret = (uint32_t)v;
	return 0;
}

int span_copy(struct span s, char *ret, size_t size)
{
	if (s.len >= size)
		return -EMSGSIZE;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < 0x20 || s.at[i] == 0x7f)
			return -EINVAL;
	memcpy(ret, s.at, s.len);
	ret[s.len] = 0;
	return 0;
}
