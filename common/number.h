/*
 * Numbers, sizes and durations as people write them, in configurations and on command lines: read
 * strictly, decimal only, all of the text, within limits. Own code because strtoul takes signs, blanks
 * and what stands behind. Pure; every process.
 */
#ifndef FRAMEMUX_NUMBER_H
#define FRAMEMUX_NUMBER_H

#include <stdint.h>

#define NUMBER_NEVER UINT64_MAX

/* Decimal digits only, from min to max. 0 or -EINVAL, as all of them. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* The same for what is kept in 32 bits. */
int number_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/* "1280x720", each from 1 to LIMIT_SIDE. */
int number_size(const char *text, uint32_t *ret_width, uint32_t *ret_height);

/* "90s", "15m", "24h", "30d": at most max_s seconds; or "never", which is NUMBER_NEVER. */
int number_duration(const char *text, uint64_t max_s, uint64_t *ret_s);

#endif
