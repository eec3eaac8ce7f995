/*
 * What a role writes on its standard error, as lines for the log. Pure; a clock is passed in. The
 * role may have been taken over: a line is cut at a limit, there are so many in a second, and its
 * "<N>" says no more than how loud it is.
 */
#ifndef FRAMEMUX_ROLE_LINES_H
#define FRAMEMUX_ROLE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROLE_LINE_BYTES 1024u /* as many as common/log.c writes at once */
#define ROLE_LINES_MAX  100u  /* a second */

/* priority as syslog(3)'s, LOG_ERR to LOG_DEBUG; text without the line's end, as the role wrote it. */
typedef void role_line_fn(void *data, int priority, const char *text);

struct role_lines {
	role_line_fn *emit;
	void *data;
	char line[ROLE_LINE_BYTES];
	size_t len;
	unsigned in_second, left_out;
	uint64_t second_ns; /* begin of the second that is counted */
};

/* n may be 0: only the time has passed. */
void role_lines_feed(struct role_lines *l, const char *bytes, size_t n, uint64_t now_ns);

/* Whether more would only be left out, and until when. */
bool role_lines_is_full(const struct role_lines *l, uint64_t *ret_until_ns);

/* The role is dead: what it wrote last is no less than what came before. */
void role_lines_last_words(struct role_lines *l, uint64_t now_ns);

/* No more will come. */
void role_lines_end(struct role_lines *l);

#endif
