/* Times as people write them, and what people are shown of durations and bytes. Pure. */
#ifndef FRAMEMUX_CTL_UNITS_H
#define FRAMEMUX_CTL_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_DURATION_MAX_S (100ull * 366 * 24 * 3600)

/* A time: RFC 3339, or a duration, which is so long ago. In ms since the Unix epoch. 0 or -EINVAL. */
int units_when(const char *text, uint64_t *ret_ms);

#define UNITS_TEXT 32u /* bytes that hold what is made here */

/* "3 d 4 h", "12 min", "40 s": two units at most, for people. */
void units_span(uint64_t s, char ret[UNITS_TEXT]);

/* "1.5 MiB" */
void units_bytes(uint64_t bytes, char ret[UNITS_TEXT]);

#endif
