/*
 * A V4L2 capture device as a source: its buffers, mapped for reading, and each filled one handed on.
 * What is in them is the device's, and may change while it is read: lengths and indices are taken
 * once and checked, pixels and codes are the decoder's to distrust. Opens nothing. Runs in ingest.
 */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/ingest/au.h"
#include "mux/ingest/device.h"
#include "mux/ingest/source.h"

#define BUFFERS          4u
#define BUFFERS_MIN      2u
#define BUFFERS_MAX      32u /* VIDEO_MAX_FRAME: a driver may give more than asked */
#define BUFFER_BYTES_MAX (64u * 1024u * 1024u) /* mapped, whatever the device makes of it */

struct buffer {
	void *data; /* owned: a mapping */
	size_t len;
};

struct v4l2 {
	struct source_context cx;
	struct device_format format;
	struct buffer buffers[BUFFERS_MAX];
	uint32_t n_buffers;
	uint8_t *packed;   /* owned; NULL when the device's rows are close together */
	uint64_t frame_ns; /* when the last good picture came */
	uint32_t sequence; /* of the last picture, whatever it was */
	bool has_sequence, lost;
};

static int ask(struct v4l2 *v, unsigned long request, void *arg)
{
	return device_ask(v->cx.fd, request, arg);
}

static void v4l2_free(void *self)
{
	struct v4l2 *v = self;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (!v)
		return;
	if (v->n_buffers)
		(void)ask(v, VIDIOC_STREAMOFF, &type);
	for (uint32_t i = 0; i < v->n_buffers; i++)
		munmap(v->buffers[i].data, v->buffers[i].len);
	free(v->packed);
	free(v);
}

/* ---- buffers ------------------------------------------------------------------------------ */

static struct v4l2_buffer buffer_of(uint32_t index)
{
	return (struct v4l2_buffer){
		.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
}

static int map_buffer(struct v4l2 *v, uint32_t index)
{
	struct v4l2_buffer b = buffer_of(index);
	int r = ask(v, VIDIOC_QUERYBUF, &b);
	void *data;

	if (r < 0)
		return device_fail(v->cx.failure, "have its buffers", r);
	if (!b.length || b.length > BUFFER_BYTES_MAX || b.length < v->format.span)
		return fail_final(v->cx.failure,
			"the device gives buffers of %u bytes for pictures of %ux%u", b.length,
			v->format.width, v->format.height);
	data = mmap(NULL, b.length, PROT_READ, MAP_SHARED, v->cx.fd, b.m.offset);
	if (data == MAP_FAILED)
		return device_fail(v->cx.failure, "map its buffers", -errno);
	v->buffers[index] = (struct buffer){data, b.length};
	v->n_buffers++;
	return 0;
}

static int give_back(struct v4l2 *v, uint32_t index)
{
	struct v4l2_buffer b = buffer_of(index);
	int r = ask(v, VIDIOC_QBUF, &b);

	return r < 0 ? device_fail(v->cx.failure, "give a buffer back", r) : 0;
}

static int map_buffers(struct v4l2 *v)
{
	struct v4l2_requestbuffers rq = {
		.count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_MMAP};
	int r = ask(v, VIDIOC_REQBUFS, &rq);

	if (r < 0)
		return device_fail(v->cx.failure, "have buffers", r);
	if (rq.count < BUFFERS_MIN || rq.count > BUFFERS_MAX)
		return fail(v->cx.failure, "the device gives %u buffers", rq.count);
	for (uint32_t i = 0; i < rq.count && r == 0; i++)
		r = map_buffer(v, i);
	return r;
}

static int start(struct v4l2 *v)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, r = map_buffers(v);

	for (uint32_t i = 0; i < v->n_buffers && r == 0; i++)
		r = give_back(v, i);
	if (r < 0)
		return r;
	r = ask(v, VIDIOC_STREAMON, &type);
	return r < 0 ? device_fail(v->cx.failure, "start it", r) : 0;
}

static int v4l2_open(const struct source_context *cx, uint64_t now_ns, void **ret_self)
{
	struct v4l2 *v = calloc(1, sizeof(*v));
	const struct device_format *f;
	int r;

	if (!v)
		return fail(cx->failure, "out of memory");
	(void)now_ns;
	v->cx = *cx;
	f = &v->format;
	r = device_setup(cx->fd,
		cx->start->max_pixels < LIMIT_PIXELS ? cx->start->max_pixels : LIMIT_PIXELS,
		&v->format, cx->failure);
	if (r == 0 && f->stride > f->row) {
		v->packed = malloc((size_t)f->row * f->rows);
		if (!v->packed)
			r = fail(cx->failure, "out of memory");
	}
	if (r == 0)
		r = start(v);
	if (r == 0) {
		const struct stream_format format = {.codec = f->codec,
			.width = f->width,
			.height = f->height,
			.matrix = f->matrix,
			.range = f->range};

		log_info("%ux%u, %u.%03u fps, %u buffers", f->width, f->height, f->fps_milli / 1000,
			f->fps_milli % 1000, v->n_buffers);
		r = stream_codec(cx->stream, &format);
	}
	if (r < 0) {
		v4l2_free(v);
		return r;
	}
	v->frame_ns = clock_monotonic_ns(); /* a USB camera takes its time to start */
	*ret_self = v;
	return 0;
}

/* ---- pictures ----------------------------------------------------------------------------- */

/* The buffer's time if it is of our clock, else 0. */
static uint64_t time_of(const struct v4l2_buffer *b)
{
	uint64_t s = (uint64_t)b->timestamp.tv_sec, us = (uint64_t)b->timestamp.tv_usec;

	if ((b->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC ||
		s > UINT32_MAX || us >= NS_PER_S / NS_PER_US)
		return 0;
	return s * NS_PER_S + us * NS_PER_US;
}

/* Numbers go up by one; many a device leaves them 0. */
static void note_sequence(struct v4l2 *v, uint32_t sequence)
{
	if (v->has_sequence && sequence > v->sequence && sequence - v->sequence > 1)
		v->lost = true;
	v->has_sequence = true;
	v->sequence = sequence;
}

/* Whether a picture is there, and which bytes: it may be cut short, empty or not what it should be. */
static bool find_picture(
	struct v4l2 *v, const struct v4l2_buffer *b, const uint8_t **ret, size_t *ret_len)
{
	const struct device_format *f = &v->format;
	const struct buffer *buffer = &v->buffers[b->index];
	const uint8_t *data = buffer->data;

	if (b->flags & V4L2_BUF_FLAG_ERROR || !b->bytesused || b->bytesused > buffer->len)
		return false;
	if (!f->span) {
		*ret = data;
		*ret_len = b->bytesused;
		return b->bytesused <= LIMIT_ACCESS_UNIT;
	}
	if (b->bytesused < f->span)
		return false;
	if (v->packed)
		device_pack(f, data, v->packed);
	*ret = v->packed ? v->packed : data;
	*ret_len = (size_t)f->row * f->rows;
	return true;
}

static int hand_on(struct v4l2 *v, const struct v4l2_buffer *b, uint64_t now_ns)
{
	struct stream_unit unit = {.arrival_ns = now_ns, .capture_ns = time_of(b)};
	struct au_facts facts = {.is_key = true};
	int r;

	note_sequence(v, b->sequence);
	if (!find_picture(v, b, &unit.data, &unit.len)) {
		v->lost = true;
		return 0;
	}
	if (!v->format.span)
		au_inspect(v->format.codec, unit.data, unit.len, &facts);
	unit.pts_ns = unit.capture_ns ? unit.capture_ns : now_ns;
	unit.flags = (facts.is_key ? STREAM_UNIT_KEY : 0) | (v->lost ? STREAM_UNIT_GAP : 0);
	r = stream_unit(v->cx.stream, &unit);
	if (r < 0)
		return r;
	v->lost = false;
	v->frame_ns = now_ns;
	return 0;
}

/* One filled buffer. 0, -EAGAIN when there is none, or another error. */
static int take_buffer(struct v4l2 *v, uint64_t now_ns)
{
	struct v4l2_buffer b = buffer_of(0);
	int r = ask(v, VIDIOC_DQBUF, &b);

	if (r == -EAGAIN)
		return r;
	if (r < 0)
		return device_fail(v->cx.failure, "have a picture", r);
	if (b.index >= v->n_buffers)
		return fail(v->cx.failure, "the device names a buffer that there is not");
	r = hand_on(v, &b, now_ns);
	return r < 0 ? r : give_back(v, b.index);
}

static size_t v4l2_poll(const void *self, struct pollfd fds[SOURCE_FDS_MAX])
{
	const struct v4l2 *v = self;

	fds[0] = (struct pollfd){v->cx.fd, POLLIN, 0};
	return 1;
}

static uint64_t v4l2_deadline(const void *self)
{
	const struct v4l2 *v = self;

	return v->frame_ns + v->cx.start->patience_s * NS_PER_S;
}

static int v4l2_run(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns)
{
	struct v4l2 *v = self;
	short revents = n ? fds[0].revents : 0;
	int r = 0;

	if (revents & (POLLERR | POLLHUP | POLLNVAL))
		return fail(v->cx.failure, "the device is gone");
	if (revents & POLLIN)
		for (uint32_t i = 0; i < v->n_buffers && r == 0; i++)
			r = take_buffer(v, now_ns);
	if (r < 0 && r != -EAGAIN)
		return r;
	if (now_ns >= v4l2_deadline(v))
		return fail(v->cx.failure, "no picture from the device for %u s",
			v->cx.start->patience_s);
	return 0;
}

const struct source_ops source_v4l2 = {
	.open = v4l2_open,
	.free = v4l2_free,
	.poll = v4l2_poll,
	.deadline = v4l2_deadline,
	.run = v4l2_run,
};
