/*
 * Expands output patterns by hand: what a person typed is never a format string. In framemux-dump's
 * process.
 */
#include "clients/dump/out_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 19 /* digits; more never helped anybody */

struct conversion {
	bool has_zeros;
	int width;
	size_t len; /* from '%' to 'd' */
};

/* The %d at p ('%' included), or len 0. */
static struct conversion conversion_parse(const char *p)
{
	struct conversion c = {0};
	const char *q = p + 1;

	if (*q == '0') {
		c.has_zeros = true;
		q++;
	}
	while (isdigit((unsigned char)*q) && c.width <= WIDTH_MAX)
		c.width = c.width * 10 + (*q++ - '0');
	if (*q == 'd' && c.width <= WIDTH_MAX)
		c.len = (size_t)(q - p) + 1;
	return c;
}

enum out_kind out_name_kind(const char *out)
{
	int conversions = 0;

	if (!strcmp(out, "-"))
		return OUT_STDOUT;
	if (!*out)
		return OUT_BAD;
	for (const char *p = out; *p; p++) {
		struct conversion c;

		if (*p != '%')
			continue;
		if (p[1] == '%') {
			p++;
			continue;
		}
		c = conversion_parse(p);
		if (!c.len)
			return OUT_BAD;
		p += c.len - 1;
		conversions++;
	}
	if (conversions > 1)
		return OUT_BAD;
	return conversions ? OUT_PATTERN : OUT_FILE;
}

int out_name_make(const char *out, uint64_t n, char *ret, size_t size)
{
	size_t at = 0;

	for (const char *p = out; *p;) {
		struct conversion c = {0};
		int len = 1;

		if (*p == '%' && p[1] != '%')
			c = conversion_parse(p);
		if (c.len && c.has_zeros)
			len = snprintf(
				ret + at, size - at, "%0*llu", c.width, (unsigned long long)n);
		else if (c.len)
			len = snprintf(
				ret + at, size - at, "%*llu", c.width, (unsigned long long)n);
		else if (size - at > 1)
			ret[at] = *p;
		if (len < 0 || (size_t)len >= size - at)
			return -1;
		at += (size_t)len;
		p += c.len ? c.len : (*p == '%' && p[1] == '%') ? 2 : 1;
	}
	ret[at] = 0;
	return 0;
}
