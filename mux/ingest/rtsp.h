/*
 * RTSP 1.0 (RFC 2326) as bytes: finds the next response, request or interleaved frame in what the
 * camera sent, and writes requests. Pure: no sockets, no clock, no memory of what came before.
 * Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_RTSP_H
#define FRAMEMUX_INGEST_RTSP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mux/ingest/head.h"
#include "mux/link/daemon_ingest.h"

#define RTSP_BODY_MAX     65536u
#define RTSP_FRAME_HEADER 4u /* '$', channel, length */
#define RTSP_MESSAGE_MAX  (HEAD_BYTES_MAX + RTSP_BODY_MAX)
#define RTSP_REQUEST_MAX  8192u /* a request of ours */

/* BLANK: empty lines between messages, which some servers send. */
enum rtsp_kind { RTSP_KIND_RESPONSE, RTSP_KIND_REQUEST, RTSP_KIND_FRAME, RTSP_KIND_BLANK };

/* All pointers lead into the buffer that was parsed. */
struct rtsp_message {
	enum rtsp_kind kind;
	unsigned status;     /* response */
	struct span reason;  /* response: the words behind the status */
	struct span method;  /* request */
	unsigned channel;    /* frame */
	const uint8_t *body; /* of all three */
	size_t body_len;
	struct head head; /* response, request */
};

/*
 * The next message at the start of buf. Returns how many bytes it took, 0 when more are needed, or
 * -EPROTO or -EMSGSIZE with a sentence in *ret_why. Never asks for more than RTSP_MESSAGE_MAX
 * bytes.
 */
ssize_t rtsp_next(const uint8_t *buf, size_t len, struct rtsp_message *ret, const char **ret_why);

/* The CSeq header. -ENOENT if missing, -EINVAL if it is no number. */
int rtsp_cseq(const struct rtsp_message *m, uint32_t *ret);

/* The Session header: its id into ret_id[size], its timeout in seconds or 0. -ENOENT, -EINVAL. */
int rtsp_session(const struct rtsp_message *m, char *ret_id, size_t size, uint32_t *ret_timeout_s);

/* "DESCRIBE" for RTSP_DESCRIBE. */
const char *rtsp_method_name(enum rtsp_method method);

/* What a request of ours says; NULL where there is nothing to say. */
struct rtsp_request {
	enum rtsp_method method;
	uint32_t cseq;
	const char *uri, *session, *authorization, *extra; /* extra: whole header lines */
};

/* Write it into ret[RTSP_REQUEST_MAX]. The length, or -EMSGSIZE. */
ssize_t rtsp_write(const struct rtsp_request *rq, char ret[RTSP_REQUEST_MAX]);

#endif
