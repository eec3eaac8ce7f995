/*
 * A piece of somebody else's text: a place and a length in a buffer that is not ours. What the
 * parsers of RTSP, SDP and challenges read; nothing here copies without a limit. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_SPAN_H
#define FRAMEMUX_INGEST_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *at;
	size_t len;
};

struct span span_of(const char *text);

/* Without blanks (space, tab, CR, LF) at both ends. */
struct span span_trim(struct span s);

/* Whether s is this text, or begins with it; letters compare without case. */
bool span_is(struct span s, const char *text);
bool span_begins(struct span s, const char *text);

/* Cut the next line off *rest (ended by LF or CR LF, or by the end). False at the end. */
bool span_line(struct span *rest, struct span *ret_line);

/* Cut the next piece up to any character of delimiters off *rest; the delimiter is gone. */
bool span_cut(struct span *rest, const char *delimiters, struct span *ret_piece);

/* The whole of s as a decimal number. -EINVAL when it is none, -ERANGE above max. */
int span_number(struct span s, uint32_t max, uint32_t *ret);

/*
 * Copy into ret[size] with a NUL. -EMSGSIZE when it does not fit, -EINVAL when it holds control
 * characters.
 */
int span_copy(struct span s, char *ret, size_t size);

#endif
