/*
 * The pattern camera as a source: a frame number at each frame's time. The decoder paints it. Runs
 * in ingest; reads nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/pattern.h"
#include "mux/ingest/source.h"

#define PATTERN_LATE_NS NS_PER_S /* further behind than this, time begins anew */

struct pattern {
	struct source_context cx;
	uint64_t frame;
	uint64_t base_ns, base_frame; /* when that frame was due */
};

static uint64_t span_ns(const struct pattern *p, uint64_t frames)
{
	/* 2^64 / (10^9 * 1000) frames are 5 hours at 1000 fps: seconds and rest apart. */
	uint64_t fps_milli = p->cx.start->fps_milli, whole = frames * 1000 / fps_milli;

	return whole * NS_PER_S + (frames * 1000 % fps_milli) * NS_PER_S / fps_milli;
}

static uint64_t due_ns(const struct pattern *p)
{
	return p->base_ns + span_ns(p, p->frame - p->base_frame);
}

static int pattern_open(const struct source_context *cx, uint64_t now_ns, void **ret_self)
{
	const struct msg_ingest_start *start = cx->start;
	struct stream_format format = {
		.codec = STREAM_PATTERN, .width = start->width, .height = start->height};
	struct pattern *p;
	int r;

	if (!start->width || !start->height || start->width > LIMIT_SIDE ||
		start->height > LIMIT_SIDE || start->width * start->height > LIMIT_PIXELS ||
		!start->fps_milli || start->fps_milli > LIMIT_FPS * 1000)
		return fail_final(cx->failure, "the pattern's size or frame rate is out of range");
	r = stream_codec(cx->stream, &format);
	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return fail_no_memory(cx->failure);
	p->cx = *cx;
	p->base_ns = now_ns;
	*ret_self = p;
	return 0;
}

static uint64_t pattern_deadline(const void *self)
{
	const struct pattern *p = self;

	return stream_is_pending(p->cx.stream) ? UINT64_MAX : due_ns(p);
}

static int send_frame(struct pattern *p, uint64_t now_ns)
{
	uint8_t body[2];
	struct stream_unit unit = {
		.pts_ns = span_ns(p, p->frame),
		.arrival_ns = now_ns,
		.capture_ns = now_ns,
		.flags = STREAM_UNIT_KEY,
		.data = body,
		.len = sizeof(body),
	};

	put_le16(body, pattern_code(p->cx.start->name, p->frame));
	p->frame++;
	return stream_unit(p->cx.stream, &unit);
}

static int pattern_run(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns)
{
	struct pattern *p = self;

	(void)fds;
	(void)n;
	if (stream_is_pending(p->cx.stream) || now_ns < due_ns(p))
		return 0;
	if (now_ns - due_ns(p) > PATTERN_LATE_NS) {
		p->base_ns = now_ns;
		p->base_frame = p->frame;
	}
	return send_frame(p, now_ns);
}

const struct source_ops source_pattern = {
	.open = pattern_open,
	.free = free,
	.deadline = pattern_deadline,
	.run = pattern_run,
};
