/* Values of the configuration, read strictly: decimal only, all of the text, within limits. Pure.
 */
#ifndef FRAMEMUX_PARSE_H
#define FRAMEMUX_PARSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Decimal digits only, between min and max. 0 or -EINVAL. */
int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* "WxH", each from 1 to LIMIT_SIDE. */
int parse_size(const char *text, uint32_t *ret_width, uint32_t *ret_height);

/* "90s", "15m", "24h", "30d", "never" (then 0) as seconds; at least 1 s. */
int parse_duration(const char *text, uint64_t *ret_s);

/* [A-Za-z0-9._-]{1,63}, and neither "." nor "..". */
bool parse_is_name(const char *text);

/* Printable (UTF-8 permitted), at most cap - 1 bytes. */
bool parse_is_text(const char *text, size_t cap);

/* A uid in decimal, or a user's name. -EINVAL or -ENOENT. May ask NSS: only while starting. */
int parse_user(const char *text, uid_t *ret);

/* Whether two absolute paths name one file as they stand: "//" and "/./" say nothing. */
bool parse_is_same_path(const char *a, const char *b);

#endif
