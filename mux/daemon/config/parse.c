/* Names, text, users. Pure but for parse_user. Runs in framemuxd. */
#include "mux/daemon/config/parse.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "common/limits.h"
#include "common/number.h"

#define UID_LARGEST 0xfffffffeu /* (uid_t)-1 means "none" */

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
		if (number_parse(text, 0, UID_LARGEST, &uid) < 0)
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
