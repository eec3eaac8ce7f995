/* RTSP messages: finding them in a byte stream, reading their headers, writing requests. */
#include "mux/ingest/rtsp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "config.h"

static ssize_t next_frame(const uint8_t *buf, size_t len, struct rtsp_message *ret)
{
	size_t body;

	if (len < RTSP_FRAME_HEADER)
		return 0;
	body = (size_t)buf[2] << 8 | buf[3]; /* at most 65535, so that it needs no limit */
	if (len - RTSP_FRAME_HEADER < body)
		return 0;
	ret->kind = RTSP_KIND_FRAME;
	ret->channel = buf[1];
	ret->body = buf + RTSP_FRAME_HEADER;
	ret->body_len = body;
	ret->head.n = 0;
	return (ssize_t)(RTSP_FRAME_HEADER + body);
}

/* "RTSP/1.0 200 OK" or "OPTIONS rtsp://... RTSP/1.0". */
static int start_line(struct span line, struct rtsp_message *ret)
{
	struct span version, code;
	uint32_t status;

	if (span_begins(line, "RTSP/")) {
		if (!span_begins(line, "RTSP/1."))
			return -EPROTO;
		span_cut(&line, " \t", &version);
		line = span_trim(line);
		if (!span_cut(&line, " \t", &code) || code.len != 3 ||
			span_number(code, 999, &status) < 0 || status < 100)
			return -EPROTO;
		ret->kind = RTSP_KIND_RESPONSE;
		ret->status = status;
		ret->reason = span_trim(line);
		return 0;
	}
	if (!span_cut(&line, " ", &ret->method) || !ret->method.len || line.len < 9 ||
		!span_begins((struct span){line.at + line.len - 8, 8}, "RTSP/1."))
		return -EPROTO;
	for (size_t i = 0; i < ret->method.len; i++)
		if ((ret->method.at[i] < 'A' || ret->method.at[i] > 'Z') &&
			ret->method.at[i] != '_')
			return -EPROTO;
	ret->kind = RTSP_KIND_REQUEST;
	return 0;
}

ssize_t rtsp_next(const uint8_t *buf, size_t len, struct rtsp_message *ret, const char **ret_why)
{
	size_t blank = 0;
	ssize_t head;
	struct span lines, line;
	uint32_t body;
	int r;

	while (blank < len && (buf[blank] == '\r' || buf[blank] == '\n'))
		blank++;
	if (blank) {
		ret->kind = RTSP_KIND_BLANK;
		return (ssize_t)blank;
	}
	if (!len)
		return 0;
	if (buf[0] == '$')
		return next_frame(buf, len, ret);
	if (buf[0] < 'A' || buf[0] > 'Z')
		return head_refuse(ret_why, -EPROTO, "what it sends is not RTSP");
	head = head_begin(buf, len, &line, &lines, ret_why);
	if (head <= 0)
		return head;
	if (start_line(line, ret) < 0)
		return head_refuse(ret_why, -EPROTO, "what it sends is not RTSP");
	r = head_parse(lines, &ret->head, ret_why);
	if (r < 0)
		return r;
	r = head_content_length(&ret->head, RTSP_BODY_MAX, &body, ret_why);
	if (r < 0 && r != -ENOENT)
		return r;
	if (len - (size_t)head < body)
		return 0;
	ret->body = buf + head;
	ret->body_len = body;
	return head + (ssize_t)body;
}

int rtsp_cseq(const struct rtsp_message *m, uint32_t *ret)
{
	struct span value = head_first(&m->head, "CSeq");

	if (!value.len)
		return -ENOENT;
	return span_number(value, UINT32_MAX, ret) < 0 ? -EINVAL : 0;
}

int rtsp_session(const struct rtsp_message *m, char *ret_id, size_t size, uint32_t *ret_timeout_s)
{
	struct span value = head_first(&m->head, "Session"), piece;
	uint32_t timeout = 0;

	if (!span_cut(&value, ";", &piece))
		return -ENOENT;
	piece = span_trim(piece);
	if (!piece.len || span_copy(piece, ret_id, size) < 0)
		return -EINVAL;
	while (span_cut(&value, ";", &piece)) {
		piece = span_trim(piece);
		if (span_begins(piece, "timeout=") &&
			span_number((struct span){piece.at + 8, piece.len - 8}, UINT32_MAX,
				&timeout) < 0)
			timeout = 0;
	}
	*ret_timeout_s = timeout;
	return 0;
}

static const char *const methods[] = {
	[RTSP_OPTIONS] = "OPTIONS",
	[RTSP_DESCRIBE] = "DESCRIBE",
	[RTSP_SETUP] = "SETUP",
	[RTSP_PLAY] = "PLAY",
	[RTSP_TEARDOWN] = "TEARDOWN",
	[RTSP_GET_PARAMETER] = "GET_PARAMETER",
};

const char *rtsp_method_name(enum rtsp_method method)
{
	return (size_t)method < ARRAY_SIZE(methods) && methods[method] ? methods[method] : "";
}

ssize_t rtsp_write(const struct rtsp_request *rq, char ret[RTSP_REQUEST_MAX])
{
	int n = snprintf(ret, RTSP_REQUEST_MAX,
		"%s %s RTSP/1.0\r\nCSeq: %u\r\n%s%s%s%s%s%s%s%s\r\n", rtsp_method_name(rq->method),
		rq->uri, rq->cseq, rq->authorization ? "Authorization: " : "",
		rq->authorization ? rq->authorization : "", rq->authorization ? "\r\n" : "",
		rq->session ? "Session: " : "", rq->session ? rq->session : "",
		rq->session ? "\r\n" : "", rq->extra ? rq->extra : "",
		"User-Agent: framemux/" PACKAGE_VERSION "\r\n");

	return n < 0 || n >= (int)RTSP_REQUEST_MAX ? -EMSGSIZE : n;
}
