/*
 * HTTP/1.1 and 1.0 (RFC 9112) as bytes, as much as a camera needs: the request for a stream, the head
 * of the answer, and what of the bytes behind it is body. Follows nothing and decides nothing. Pure:
 * no sockets, no clock. Runs in ingest.
 *
 * No library: those that Debian has open their sockets themselves, follow redirects, or believe a
 * multipart stream's lengths; and the header lines are RTSP's (head.h).
 */
#ifndef FRAMEMUX_INGEST_HTTP_H
#define FRAMEMUX_INGEST_HTTP_H

#include "common/limits.h"
#include "mux/ingest/head.h"

#define HTTP_REQUEST_MAX    8192u /* a request of ours */
#define HTTP_BOUNDARY_BYTES 128u  /* RFC 2046 permits 70 characters */
#define HTTP_CHUNK_LINE_MAX 256u
#define HTTP_TRAILER_MAX    8192u

/* All pointers lead into the buffer that was parsed. */
struct http_response {
	unsigned status;
	struct span reason; /* the words behind the status */
	bool keeps;         /* the server means to leave the connection open */
	struct head head;
};

/*
 * The head at the start of buf. Returns how many bytes it took, 0 when more are needed, or -EPROTO
 * or -EMSGSIZE with a sentence in *ret_why.
 */
ssize_t http_next(const uint8_t *buf, size_t len, struct http_response *ret, const char **ret_why);

/* What the answer says it is. */
enum http_content {
	HTTP_MULTIPART,
	HTTP_JPEG,    /* one picture, or one behind another */
	HTTP_UNKNOWN, /* does not say, or says something like "bytes" */
	HTTP_OTHER,   /* a page, a sound, ... */
};

/* boundary: of a multipart, without the dashes in front; "" where there is none. */
enum http_content http_content(const struct head *head, char ret_boundary[HTTP_BOUNDARY_BYTES]);

/* ---- the body ------------------------------------------------------------------------------- */

struct http_body {
	enum {
		HTTP_BODY_OPEN, /* up to the end of the connection */
		HTTP_BODY_SIZED,
		HTTP_BODY_CHUNK_SIZE,
		HTTP_BODY_CHUNK_REST, /* of the line with the size */
		HTTP_BODY_CHUNK,
		HTTP_BODY_CHUNK_END,
		HTTP_BODY_TRAILER,
		HTTP_BODY_DONE,
	} state;
	uint32_t left;     /* of the chunk or the sized body */
	unsigned line_len; /* of the line with the size, of the trailers */
	bool has_digit, line_is_empty;
};

/*
 * How the body of this answer ends. is_stream: it goes on until something else ends it, whatever
 * Content-Length says. max: of a sized body otherwise. 0, or -errno with a sentence in *ret_why.
 */
int http_body_begin(const struct http_response *response, bool is_stream, uint32_t max,
	struct http_body *ret, const char **ret_why);

/*
 * Take from buf: returns how many bytes, which is 0 only when len is 0 or the body is done, and in
 * *ret the piece of them that is body, often empty. -EPROTO with a sentence in *ret_why.
 */
ssize_t http_body_take(struct http_body *b, const uint8_t *buf, size_t len, struct span *ret,
	const char **ret_why);

/* ---- the request ---------------------------------------------------------------------------- */

/*
 * What a URL is asked for with: its path and query. -EINVAL, -EMSGSIZE. *ret_authority: host and
 * port, in url; may be NULL.
 */
int http_target(const char *url, char ret_target[LIMIT_PATH], struct span *ret_authority);

/* Write a GET into ret[HTTP_REQUEST_MAX]; authorization: NULL or a header's value. The length, or
 * -EINVAL, -EMSGSIZE. */
ssize_t http_write(const char *url, const char *authorization, char ret[HTTP_REQUEST_MAX]);

#endif
