/* Numbers, sizes and durations as text. Pure; every process. */
#include "common/number.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/limits.h"

static int parse_digits(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (len == 0)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)text[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	if (v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	return parse_digits(text, strlen(text), min, max, ret);
}

int number_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (number_parse(text, min, max, &v) < 0)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

int number_size(const char *text, uint32_t *ret_width, uint32_t *ret_height)
{
	const char *x = strchr(text, 'x');
	uint64_t width, height;

	if (!x || parse_digits(text, (size_t)(x - text), 1, LIMIT_SIDE, &width) < 0 ||
		number_parse(x + 1, 1, LIMIT_SIDE, &height) < 0)
		return -EINVAL;
	*ret_width = (uint32_t)width;
	*ret_height = (uint32_t)height;
	return 0;
}

static uint64_t seconds_of(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	default:
		return 0;
	}
}

int number_duration(const char *text, uint64_t max_s, uint64_t *ret_s)
{
	size_t len = strlen(text);
	uint64_t unit, n;

	if (!strcmp(text, "never")) {
		*ret_s = NUMBER_NEVER;
		return 0;
	}
	unit = len ? seconds_of(text[len - 1]) : 0;
	if (!unit || parse_digits(text, len - 1, 0, max_s / unit, &n) < 0)
		return -EINVAL;
	*ret_s = n * unit;
	return 0;
}
