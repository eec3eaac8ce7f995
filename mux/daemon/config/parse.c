/* Numbers, sizes, durations, names, users. Pure but for parse_user. Runs in framemuxd. */
#include "mux/daemon/config/parse.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

#define UID_LARGEST 0xfffffffeu /* (uid_t)-1 means "none" */

int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned digit = (unsigned)(unsigned char)*text - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	if (v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int parse_size(const char *text, uint32_t *ret_width, uint32_t *ret_height)
{
	const char *x = strchr(text, 'x');
	uint64_t width, height;
	char first[8] = "";

	if (!x || (size_t)(x - text) >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, (size_t)(x - text));
	if (parse_number(first, 1, LIMIT_SIDE, &width) < 0 ||
		parse_number(x + 1, 1, LIMIT_SIDE, &height) < 0)
		return -EINVAL;
	*ret_width = (uint32_t)width;
	*ret_height = (uint32_t)height;
	return 0;
}

int parse_duration(const char *text, uint64_t *ret_s)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t len = strlen(text);
	char digits[12] = "";
	uint64_t n;

	if (!strcmp(text, "never")) {
		*ret_s = 0;
		return 0;
	}
	if (len < 2 || len - 1 >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len - 1);
	if (parse_number(digits, 1, 999999999, &n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[len - 1] != units[i].unit)
			continue;
		*ret_s = n * units[i].s;
		return 0;
	}
	return -EINVAL;
}

bool parse_is_name(const char *text)
{
	size_t len = strlen(text);

	if (!len || len >= LIMIT_NAME || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
			return false;
	return true;
}

bool parse_is_text(const char *text, size_t cap)
{
	if (strlen(text) >= cap)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

int parse_user(const char *text, uid_t *ret)
{
	struct passwd *pw;
	uint64_t uid;

	if (isdigit((unsigned char)text[0])) {
		if (parse_number(text, 0, UID_LARGEST, &uid) < 0)
			return -EINVAL;
		*ret = (uid_t)uid;
		return 0;
	}
	pw = *text ? getpwnam(text) : NULL;
	if (!pw)
		return -ENOENT;
	*ret = pw->pw_uid;
	return 0;
}

/* The next part of a path that says something, and its length; 0 at the end. */
static size_t next_part(const char **at)
{
	size_t len;

	do {
		*at += strspn(*at, "/");
		len = strcspn(*at, "/");
	} while (len == 1 && **at == '.' && (*at)++);
	return len;
}

bool parse_is_same_path(const char *a, const char *b)
{
	size_t len;

	while ((len = next_part(&a)) == next_part(&b) && len && !memcmp(a, b, len)) {
		a += len;
		b += len;
	}
	return !len && !*b;
}
