/*
 * The header lines that RTSP, HTTP and the parts of a multipart body have in common (RFC 9112 5):
 * where a head ends, its lines by name, Content-Length. Pure; pieces lead into the buffer that was
 * parsed. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_HEAD_H
#define FRAMEMUX_INGEST_HEAD_H

#include <sys/types.h>

#include "mux/ingest/span.h"

#define HEAD_BYTES_MAX 8192u /* start line and header lines */
#define HEAD_LINES_MAX 64u

struct head_line {
	struct span name, value; /* value: trimmed; a folded one keeps its line ends inside */
};

struct head {
	unsigned n;
	struct head_line lines[HEAD_LINES_MAX];
};

/*
 * Bytes of start line and header lines with the empty line that ends them, at most HEAD_BYTES_MAX;
 * 0 if that has not come; -EMSGSIZE if it cannot come any more.
 */
ssize_t head_length(const uint8_t *buf, size_t len);

/*
 * A head's start line, and its lines for head_parse. Its bytes, as head_length; -EMSGSIZE with a
 * sentence in *ret_why.
 */
ssize_t head_begin(const uint8_t *buf, size_t len, struct span *ret_start, struct span *ret_lines,
	const char **ret_why);

/* The lines up to the empty one. 0, or -EPROTO or -EMSGSIZE with a sentence in *ret_why. */
int head_parse(struct span lines, struct head *ret, const char **ret_why);

/* The first line of that name from index *at on, which moves behind it; false: no more. */
bool head_find(const struct head *h, const char *name, unsigned *at, struct span *ret);

/* The first line's value of that name, empty if there is none. */
struct span head_first(const struct head *h, const char *name);

/*
 * Content-Length: its number, 0 without one. -ENOENT: there is none. -EPROTO, or -EMSGSIZE above
 * max, with a sentence in *ret_why.
 */
int head_content_length(const struct head *h, uint32_t max, uint32_t *ret, const char **ret_why);

/* Says why, and gives the error back. */
int head_refuse(const char **ret_why, int error, const char *why);

#endif
