/* Names, text and users of the configuration, read strictly. Pure but for parse_user. */
#ifndef FRAMEMUX_PARSE_H
#define FRAMEMUX_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* [A-Za-z0-9._-]{1,63}, and neither "." nor "..". */
bool parse_is_name(const char *text);

/* Printable (UTF-8 permitted), at most cap - 1 bytes. */
bool parse_is_text(const char *text, size_t cap);

/* A uid in decimal, or a user's name. -EINVAL or -ENOENT. May ask NSS: only while starting. */
int parse_user(const char *text, uid_t *ret);

/* Whether two absolute paths name one file as they stand: "//" and "/./" say nothing. */
bool parse_is_same_path(const char *a, const char *b);

#endif
