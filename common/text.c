/* Plain text. Pure; every process. */
#include "common/text.h"

#include <stdint.h>

/* The bytes of the character at p (1 to 4), or 0 when it is none or not plain. */
static size_t plain_char(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = p[0];
	size_t n;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	n = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc0 && c < 0xe0 ? 2 : 0;
	if (n == 0 || n > left)
		return 0;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	if (c < 0xa0 || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
		return 0;
	return n;
}

bool text_is_plain(const void *text, size_t len)
{
	const uint8_t *p = text;
	size_t n;

	for (size_t at = 0; at < len; at += n) {
		n = plain_char(p + at, len - at);
		if (n == 0)
			return false;
	}
	return true;
}

void text_make_plain(char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = plain_char((const uint8_t *)text + at, len - at);

		if (n == 0)
			text[at++] = '?';
		else
			at += n;
	}
}
