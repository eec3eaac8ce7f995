/* How people write durations, sizes, numbers and times. Pure. */
#ifndef FRAMEMUX_CTL_UNITS_H
#define FRAMEMUX_CTL_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_NEVER UINT64_MAX

/* Digits only, at most max. 0 or -EINVAL. */
int units_number(const char *text, uint64_t max, uint64_t *ret);

/* An integer and s, m, h or d, in seconds; "never" is UNITS_NEVER. 0 or -EINVAL. */
int units_duration(const char *text, uint64_t *ret_s);

/* "1280x720", both at least 1. 0 or -EINVAL. */
int units_size(const char *text, uint32_t *ret_width, uint32_t *ret_height);

/* A time: RFC 3339, or a duration, which is so long ago. In ms since the Unix epoch. 0 or -EINVAL. */
int units_when(const char *text, uint64_t *ret_ms);

#define UNITS_TIME_TEXT 32u /* bytes that hold a time or an age as text */

/* RFC 3339 in UTC; "" for a time that no calendar has. */
void units_time(uint64_t unix_s, char ret[UNITS_TIME_TEXT]);

/* "3 d 4 h", "12 min", "40 s": two units at most, for people. */
void units_span(uint64_t s, char ret[UNITS_TIME_TEXT]);

/* "1.5 MiB" */
void units_bytes(uint64_t bytes, char ret[UNITS_TIME_TEXT]);

#endif
