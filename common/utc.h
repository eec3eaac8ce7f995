/*
 * Moments as text, in UTC, as RFC 3339 writes them: "2026-11-28T13:38:28Z", and with milliseconds
 * "2026-11-28T13:38:28.123Z". Pure; every process.
 */
#ifndef FRAMEMUX_UTC_H
#define FRAMEMUX_UTC_H

#include <stddef.h>
#include <stdint.h>

#define UTC_S_LEN    20u
#define UTC_MS_LEN   24u
#define UTC_TEXT_MAX 32u

/* "" behind the year 9999. */
void utc_text(uint64_t unix_s, char ret[UTC_TEXT_MAX]);

/* The last moment of the year 9999 for one behind it. */
void utc_text_ms(uint64_t unix_ms, char ret[UTC_TEXT_MAX]);

/*
 * Exactly such a text, len bytes of it: UTC_S_LEN or UTC_MS_LEN. 0 or -EINVAL, also for a day that no
 * month has.
 */
int utc_parse(const char *text, size_t len, uint64_t *ret_ms);

#endif
