/*
 * mux/ingest/source_v4l2 and device on a device that the test plays: which format is chosen, what is
 * handed on, and what a device may answer that it should not.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"
#include "mux/ingest/source.h"
#include "tests/unit/fake_device.h"
#include "unit.h"

#define PATIENCE  5u
#define MONOTONIC V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC

static uint64_t now;            /* when the test began */
static int units_fd, stream_fd; /* the stream's ends: ours, and the source's */
static struct stream *stream;
static struct failure why;
static struct msg_ingest_start start;
static void *self;

/* ---- the scene ---------------------------------------------------------------------------- */

static void set_up(void)
{
	int fds[2];

	fake_device_begin();
	memset(&why, 0, sizeof(why));
	now = clock_monotonic_ns();
	start = (struct msg_ingest_start){
		.kind = INGEST_V4L2, .max_pixels = LIMIT_PIXELS, .patience_s = PATIENCE};
	ck_assert_int_eq(sock_pair(SOCK_STREAM, fds), 0);
	units_fd = fds[0];
	stream_fd = fds[1];
	stream = stream_new(stream_fd, STREAM_QUEUE_MAX);
	ck_assert_ptr_nonnull(stream);
	self = NULL;
}

static int open_device(void)
{
	const struct source_context cx = {
		.start = &start, .fd = dev.fd, .stream = stream, .failure = &why};

	return source_v4l2.open(&cx, now, &self);
}

static void tear_down(void)
{
	source_v4l2.free(self);
	stream_free(stream);
	close(units_fd);
	close(stream_fd);
	fake_device_end();
}

/* The next message of the stream; its body, and how long it is. */
static uint32_t next(enum stream_kind kind, const uint8_t **ret)
{
	static uint8_t buf[1u << 20];
	size_t have = 0, want = STREAM_HEADER_BYTES;

	while (have < want) {
		ssize_t n = read(units_fd, buf + have, want - have);

		ck_assert_msg(n > 0, "no message in the stream");
		have += (size_t)n;
		if (have == STREAM_HEADER_BYTES) {
			want += get_le32(buf + 4);
			ck_assert_uint_le(want, sizeof(buf));
		}
	}
	ck_assert_uint_eq(get_le32(buf), kind);
	*ret = buf + STREAM_HEADER_BYTES;
	return (uint32_t)(want - STREAM_HEADER_BYTES);
}

static void expect_nothing(void)
{
	uint8_t byte;

	ck_assert_int_eq((int)read(units_fd, &byte, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

static const uint8_t *expect_codec(uint32_t codec, uint32_t width, uint32_t height)
{
	const uint8_t *b;

	ck_assert_uint_eq(next(STREAM_CODEC, &b), STREAM_CODEC_BYTES);
	ck_assert_uint_eq(get_le32(b), codec);
	ck_assert_uint_eq(get_le32(b + 4), width);
	ck_assert_uint_eq(get_le32(b + 8), height);
	return b;
}

/* A unit's bytes. */
static const uint8_t *expect_unit(size_t len, uint32_t flags)
{
	const uint8_t *b;

	ck_assert_uint_eq(next(STREAM_UNIT, &b), STREAM_UNIT_BYTES + len);
	ck_assert_uint_eq(get_le32(b + 24), flags);
	return b + STREAM_UNIT_BYTES;
}

static struct v4l2_buffer *fill(uint32_t index, uint32_t bytes)
{
	struct v4l2_buffer *b = &dev.filled[dev.n_filled];

	ck_assert_uint_lt(dev.n_filled, FAKE_QUEUE);
	*b = (struct v4l2_buffer){.index = index,
		.bytesused = bytes,
		.flags = MONOTONIC,
		.sequence = dev.n_filled++,
		.timestamp = {99, 500000}};
	return b;
}

static int run_with(short revents, uint64_t now_ns)
{
	struct pollfd p[SOURCE_FDS_MAX];
	size_t n = source_v4l2.poll(self, p);

	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(p[0].fd, dev.fd);
	p[0].revents = revents;
	return source_v4l2.run(self, p, n, now_ns);
}

static int run(void)
{
	return run_with(POLLIN, now + NS_PER_S);
}

static void expect_all_queued(void)
{
	for (uint32_t i = 0; i < dev.count; i++)
		ck_assert_msg(dev.is_queued[i], "buffer %u is kept", i);
}

/* ---- what is right ------------------------------------------------------------------------ */

START_TEST(pictures_are_handed_on)
{
	const uint8_t *b;

	set_up();
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_YUYV, 32, 16);
	ck_assert(dev.is_streaming);
	ck_assert_uint_eq(dev.mapped, 4);
	expect_all_queued();
	ck_assert_int_eq(run(), 0); /* nothing yet */
	expect_nothing();
	for (uint32_t i = 0; i < 6; i++) {
		memset(dev.memory[i % 4], (int)i, 1024);
		fill(i % 4, 1024);
		ck_assert_int_eq(run(), 0);
		next(STREAM_UNIT, &b);
		ck_assert_uint_eq(get_le64(b), 99 * NS_PER_S + NS_PER_S / 2);
		ck_assert_uint_eq(get_le64(b + 8), now + NS_PER_S);
		ck_assert_uint_eq(get_le64(b + 16), 99 * NS_PER_S + NS_PER_S / 2);
		ck_assert_uint_eq(get_le32(b + 24), STREAM_UNIT_KEY);
		ck_assert_uint_eq(b[STREAM_UNIT_BYTES], i);
		ck_assert_uint_eq(b[STREAM_UNIT_BYTES + 1023], i);
		expect_all_queued();
	}
	ck_assert_uint_eq(source_v4l2.deadline(self), now + NS_PER_S + PATIENCE * NS_PER_S);
	tear_down();
}
END_TEST

/* Rows further apart than they are long are brought together. */
START_TEST(padding_is_left_out)
{
	static const struct {
		uint32_t fourcc, codec, row, rows;
	} kinds[] = {
		{V4L2_PIX_FMT_YUYV, STREAM_YUYV, 64, 16}, {V4L2_PIX_FMT_NV12, STREAM_NV12, 32, 24}};
	const uint32_t row = kinds[_i].row, rows = kinds[_i].rows, stride = 96;
	const uint8_t *unit;

	set_up();
	dev.pix.pixelformat = kinds[_i].fourcc;
	dev.pix.bytesperline = stride;
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(kinds[_i].codec, 32, 16);
	memset(dev.memory[1], 0xee, FAKE_BYTES);
	for (uint32_t y = 0; y < rows; y++)
		memset(dev.memory[1] + y * stride, (int)y, row);
	fill(1, stride * (rows - 1) + row - 1); /* a byte too few */
	fill(1, stride * (rows - 1) + row);
	ck_assert_int_eq(run(), 0);
	unit = expect_unit((size_t)row * rows, STREAM_UNIT_KEY | STREAM_UNIT_GAP);
	for (uint32_t i = 0; i < row * rows; i++)
		ck_assert_uint_eq(unit[i], i / row);
	expect_nothing();
	tear_down();
}
END_TEST

START_TEST(compressed_pictures_are_as_long_as_they_say)
{
	static const uint8_t idr[] = {0, 0, 0, 1, 0x65, 0x88, 0x80},
			     p[] = {0, 0, 0, 1, 0x41, 0x9a, 0x00};

	set_up();
	dev.pix.pixelformat = V4L2_PIX_FMT_H264;
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_H264, 32, 16);
	memcpy(dev.memory[0], idr, sizeof(idr));
	memcpy(dev.memory[1], p, sizeof(p));
	fill(0, sizeof(idr));
	fill(1, sizeof(p));
	fill(1, sizeof(p))->sequence += 2; /* two were lost */
	ck_assert_int_eq(run(), 0);
	ck_assert_mem_eq(expect_unit(sizeof(idr), STREAM_UNIT_KEY), idr, sizeof(idr));
	ck_assert_mem_eq(expect_unit(sizeof(p), 0), p, sizeof(p));
	expect_unit(sizeof(p), STREAM_UNIT_GAP);
	tear_down();
}
END_TEST

/* A format that somebody has set stays; else the best within the limits is taken. */
START_TEST(the_format_is_chosen)
{
	static const struct fake_row webcam[] = {{V4L2_PIX_FMT_YUYV, 640, 480, 1, 30},
		{V4L2_PIX_FMT_YUYV, 1920, 1080, 1, 5}, {V4L2_PIX_FMT_MJPEG, 640, 480, 1, 30},
		{V4L2_PIX_FMT_MJPEG, 1920, 1080, 1, 30}, {V4L2_PIX_FMT_MJPEG, 3840, 2160, 1, 30}};
	static const struct fake_row raw[] = {{V4L2_PIX_FMT_RGB24, 1920, 1080, 1, 30},
		{V4L2_PIX_FMT_YUYV, 1280, 720, 1, 10}, {V4L2_PIX_FMT_YUYV, 640, 480, 1, 30},
		{V4L2_PIX_FMT_NV12, 640, 480, 1, 30}};
	static const struct fake_row coded[] = {
		{V4L2_PIX_FMT_H264, 1920, 1080, 1, 30}, {V4L2_PIX_FMT_HEVC, 1280, 720, 1, 30}};
	static const struct fake_row large[] = {{V4L2_PIX_FMT_MJPEG, 3840, 2160, 1, 30},
		{V4L2_PIX_FMT_MJPEG, 2592, 1944, 1, 30}, {V4L2_PIX_FMT_MJPEG, 8193, 16, 1, 30},
		{V4L2_PIX_FMT_MJPEG, 0, 0, 1, 30}, {V4L2_PIX_FMT_YUYV, 8192, 4352, 1, 30}};
	static const struct {
		const struct fake_row *rows;
		uint32_t n, max_pixels;
		struct fake_row expected;
	} cases[] = {
		{webcam, 5, LIMIT_PIXELS, {V4L2_PIX_FMT_MJPEG, 1920, 1080, 1, 30}},
		{webcam, 5, 1280 * 720, {V4L2_PIX_FMT_MJPEG, 640, 480, 1, 30}},
		{raw, 4, LIMIT_PIXELS, {V4L2_PIX_FMT_NV12, 640, 480, 1, 30}},
		{raw, 2, LIMIT_PIXELS, {V4L2_PIX_FMT_YUYV, 1280, 720, 1, 10}},
		{coded, 2, LIMIT_PIXELS, {V4L2_PIX_FMT_H264, 1920, 1080, 1, 30}},
		{large, 5, LIMIT_PIXELS, {V4L2_PIX_FMT_MJPEG, 2592, 1944, 1, 30}},
	};
	const struct fake_row *x = &cases[_i].expected;

	set_up();
	dev.pix.pixelformat = V4L2_PIX_FMT_RGB24;
	dev.rows = cases[_i].rows;
	dev.n_rows = cases[_i].n;
	start.max_pixels = cases[_i].max_pixels;
	dev.length = 4u * 1024 * 1024;
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	ck_assert_uint_eq(dev.pix.pixelformat, x->fourcc);
	ck_assert_uint_eq(dev.pix.width, x->width);
	ck_assert_uint_eq(dev.pix.height, x->height);
	ck_assert_uint_eq(dev.interval.numerator, x->numerator);
	ck_assert_uint_eq(dev.interval.denominator, x->denominator);
	tear_down();
}
END_TEST

/* What is set, but cannot be used: then it is chosen anew. */
START_TEST(what_is_set_must_be_usable)
{
	static const struct fake_row offer[] = {{V4L2_PIX_FMT_YUYV, 640, 480, 1, 30}};
	static const struct v4l2_pix_format unusable[] = {
		{.pixelformat = V4L2_PIX_FMT_YUYV, .width = 0, .height = 16},
		{.pixelformat = V4L2_PIX_FMT_YUYV, .width = 16, .height = 0},
		{.pixelformat = V4L2_PIX_FMT_MJPEG, .width = 8193, .height = 16},
		{.pixelformat = V4L2_PIX_FMT_MJPEG, .width = 65536, .height = 65536},
		{.pixelformat = V4L2_PIX_FMT_YUYV, .width = 3840, .height = 2160}, /* 16 MB */
		{.pixelformat = V4L2_PIX_FMT_YUYV, .width = 32, .height = 16, .bytesperline = 63},
		{.pixelformat = V4L2_PIX_FMT_YUYV,
			.width = 32,
			.height = 16,
			.bytesperline = 0x80000000u},
		{.pixelformat = V4L2_PIX_FMT_NV12, .width = 33, .height = 16},
		{.pixelformat = V4L2_PIX_FMT_NV12, .width = 32, .height = 17},
		{.pixelformat = V4L2_PIX_FMT_YUYV,
			.width = 32,
			.height = 16,
			.field = V4L2_FIELD_ALTERNATE},
	};

	set_up();
	dev.pix = unusable[_i];
	dev.length = 1u << 20;
	ck_assert_int_lt(open_device(), 0); /* nothing is offered */
	ck_assert_ptr_nonnull(strstr(why.reason, "offers no MJPEG"));
	ck_assert_uint_eq(dev.mapped, 0);
	dev.rows = offer;
	dev.n_rows = 1;
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_YUYV, 640, 480);
	tear_down();
}
END_TEST

/* Any size between two, with steps as a driver may have them: 0 is one. */
START_TEST(sizes_in_a_range)
{
	static const struct fake_row offer[] = {{V4L2_PIX_FMT_YUYV, 0, 0, 1, 30}};
	static const struct {
		struct v4l2_frmsize_stepwise range;
		uint32_t width, height;
	} cases[] = {
		{{16, 4096, 0, 16, 4096, 0}, 1920, 1080},
		{{16, 4096, 16, 16, 4096, 16}, 1280, 720},
		{{100, 200, 1, 100, 150, 1}, 200, 150},
		{{1366, 100000, 7, 768, 100000, 7}, 1366, 768},
	};
	const struct v4l2_frmsizeenum e = {
		.type = V4L2_FRMSIZE_TYPE_STEPWISE, .stepwise = cases[_i].range};

	set_up();
	dev.pix.pixelformat = V4L2_PIX_FMT_RGB24;
	dev.rows = offer;
	dev.n_rows = 1;
	dev.range = &e;
	dev.length = 4u * 1024 * 1024 + 65536;
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_YUYV, cases[_i].width, cases[_i].height);
	tear_down();
}
END_TEST

START_TEST(colours_are_told)
{
	static const struct {
		uint32_t colorspace, enc, quantization, matrix, range;
	} cases[] = {
		{V4L2_COLORSPACE_SRGB, 0, 0, 6, 1},
		{V4L2_COLORSPACE_JPEG, 0, 0, 6, 2},
		{V4L2_COLORSPACE_REC709, 0, 0, 1, 1},
		{V4L2_COLORSPACE_REC709, V4L2_YCBCR_ENC_601, V4L2_QUANTIZATION_FULL_RANGE, 6, 2},
		{V4L2_COLORSPACE_BT2020, 0, 0, 9, 1},
		{V4L2_COLORSPACE_SMPTE240M, 0, 0, 7, 1},
		{V4L2_COLORSPACE_DEFAULT, 0, 0, 2, 0},
		{V4L2_COLORSPACE_SRGB, 99, 99, 2, 0},
	};
	const uint8_t *b;

	set_up();
	dev.pix.colorspace = cases[_i].colorspace;
	dev.pix.ycbcr_enc = cases[_i].enc;
	dev.pix.quantization = cases[_i].quantization;
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	b = expect_codec(STREAM_YUYV, 32, 16);
	ck_assert_uint_eq(get_le32(b + 28), cases[_i].matrix);
	ck_assert_uint_eq(get_le32(b + 32), cases[_i].range);
	tear_down();
}
END_TEST

/* ---- what is wrong ------------------------------------------------------------------------ */

START_TEST(refusals_are_told)
{
	static const struct {
		unsigned long request;
		int error;
		const char *reason;
		enum ingest_failure what;
	} cases[] = {
		{VIDIOC_QUERYCAP, ENOTTY, "not a video device", INGEST_FINAL},
		{VIDIOC_QUERYCAP, ENODEV, "the device is gone", INGEST_AGAIN},
		{VIDIOC_G_FMT, EINVAL, "no pictures now", INGEST_AGAIN},
		{VIDIOC_G_FMT, EIO, "ask for its format: Input/output error", INGEST_AGAIN},
		{VIDIOC_REQBUFS, EBUSY, "used by another program", INGEST_AGAIN},
		{VIDIOC_REQBUFS, ENOMEM, "have buffers: Cannot allocate", INGEST_AGAIN},
		{VIDIOC_QUERYBUF, EINVAL, "have its buffers", INGEST_AGAIN},
		{VIDIOC_QBUF, EIO, "give a buffer back", INGEST_AGAIN},
		{VIDIOC_STREAMON, EBUSY, "used by another program", INGEST_AGAIN},
		{VIDIOC_STREAMON, ENODEV, "the device is gone", INGEST_AGAIN},
		{VIDIOC_STREAMON, EPIPE, "start it", INGEST_AGAIN},
	};

	set_up();
	dev.failing = cases[_i].request;
	dev.error = cases[_i].error;
	ck_assert_int_eq(open_device(), -EPROTO);
	ck_assert_msg(strstr(why.reason, cases[_i].reason) != NULL, "%s", why.reason);
	ck_assert_int_eq(why.what, cases[_i].what);
	expect_nothing();
	tear_down();
}
END_TEST

START_TEST(unfit_devices_are_refused)
{
	static const struct fake_row offer[] = {{V4L2_PIX_FMT_YUYV, 640, 480, 1, 30}};
	static const char *const reasons[] = {"gives no pictures", "gives no pictures",
		"gives 0 buffers", "gives 33 buffers", "buffers of 0 bytes",
		"buffers of 1023 bytes", "buffers of 4294967295 bytes", "map its buffers",
		"does not keep to the format", "does not keep to the format"};

	set_up();
	switch (_i) {
	case 0:
		dev.cap.device_caps = V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING;
		break;
	case 1:
		dev.cap.device_caps = V4L2_CAP_VIDEO_CAPTURE;
		break;
	case 2:
	case 3:
		dev.gives_count = true;
		dev.count = _i == 2 ? 0 : 33;
		break;
	case 4:
		dev.length = 0;
		break;
	case 5:
		dev.length = 1023;
		break;
	case 6:
		dev.length = UINT32_MAX;
		break;
	case 7:
		dev.map_fails = true;
		break;
	default:
		dev.pix.pixelformat = V4L2_PIX_FMT_RGB24;
		dev.rows = offer;
		dev.n_rows = 1;
		dev.answer = (struct v4l2_pix_format){.width = 640,
			.height = 480,
			.pixelformat = _i == 8 ? V4L2_PIX_FMT_RGB24 : V4L2_PIX_FMT_YUYV,
			.bytesperline = _i == 8 ? 0 : 1};
		break;
	}
	ck_assert_int_eq(open_device(), -EPROTO);
	ck_assert_msg(strstr(why.reason, reasons[_i]) != NULL, "%s", why.reason);
	expect_nothing();
	tear_down();
}
END_TEST

/* Damaged ones are dropped, their buffer goes back, and the next good one says that one is missing. */
START_TEST(damaged_pictures_are_dropped)
{
	struct v4l2_buffer *b;

	set_up();
	if (_i >= 4) {
		dev.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
		dev.length = LIMIT_ACCESS_UNIT + 4096;
	}
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(_i >= 4 ? STREAM_MJPEG : STREAM_YUYV, 32, 16);
	b = fill(0, 1024);
	switch (_i) {
	case 0:
		b->flags |= V4L2_BUF_FLAG_ERROR;
		break;
	case 1:
	case 4:
		b->bytesused = 0;
		break;
	case 2:
		b->bytesused = 1023;
		break;
	case 3:
	case 5:
		b->bytesused = UINT32_MAX;
		break;
	default:
		b->bytesused = LIMIT_ACCESS_UNIT + 1;
		break;
	}
	ck_assert_int_eq(run(), 0);
	expect_nothing();
	expect_all_queued();
	fill(1, 1024);
	fill(2, 1024);
	ck_assert_int_eq(run(), 0);
	expect_unit(1024, STREAM_UNIT_KEY | STREAM_UNIT_GAP);
	expect_unit(1024, STREAM_UNIT_KEY);
	tear_down();
}
END_TEST

START_TEST(times_that_are_none_are_not_told)
{
	const uint8_t *b;
	struct v4l2_buffer *f;

	set_up();
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_YUYV, 32, 16);
	f = fill(0, 1024);
	switch (_i) {
	case 0:
		f->flags = V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN;
		break;
	case 1:
		f->flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
		break;
	case 2:
		f->timestamp.tv_usec = 1000000;
		break;
	case 3:
		f->timestamp.tv_usec = -1;
		break;
	case 4:
		f->timestamp.tv_sec = -1;
		break;
	default:
		f->timestamp.tv_sec = INT64_MAX;
		break;
	}
	ck_assert_int_eq(run(), 0);
	next(STREAM_UNIT, &b);
	ck_assert_uint_eq(get_le64(b), now + NS_PER_S);
	ck_assert_uint_eq(get_le64(b + 16), 0);
	tear_down();
}
END_TEST

START_TEST(an_end_is_told)
{
	static const struct {
		short revents;
		int error;
		uint64_t later_s;
		const char *reason;
	} cases[] = {
		{POLLERR, 0, 0, "the device is gone"},
		{POLLIN | POLLHUP, 0, 0, "the device is gone"},
		{POLLIN, ENODEV, 0, "the device is gone"},
		{POLLIN, EIO, 0, "have a picture: Input/output error"},
		{POLLIN, EPIPE, 0, "have a picture"}, /* not the decoder's */
		{POLLIN, EAGAIN, PATIENCE + 1, "no picture from the device for 5 s"},
		{0, 0, PATIENCE + 1, "no picture from the device for 5 s"},
	};

	set_up();
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_YUYV, 32, 16);
	dev.failing = cases[_i].error ? VIDIOC_DQBUF : 0;
	dev.error = cases[_i].error;
	ck_assert_int_eq(run_with(cases[_i].revents, now + cases[_i].later_s * NS_PER_S), -EPROTO);
	ck_assert_msg(strstr(why.reason, cases[_i].reason) != NULL, "%s", why.reason);
	ck_assert_int_eq(why.what, INGEST_AGAIN);
	expect_nothing();
	tear_down();
}
END_TEST

START_TEST(a_buffer_that_there_is_not)
{
	set_up();
	ck_assert_msg(open_device() == 0, "%s", why.reason);
	expect_codec(STREAM_YUYV, 32, 16);
	fill(_i ? UINT32_MAX : 4, 1024);
	ck_assert_int_eq(run(), -EPROTO);
	ck_assert_ptr_nonnull(strstr(why.reason, "a buffer that there is not"));
	expect_nothing();
	tear_down();
}
END_TEST

/* A device whose lists have no end. */
START_TEST(lists_are_bounded)
{
	static const struct v4l2_frmsizeenum endless = {
		.type = V4L2_FRMSIZE_TYPE_CONTINUOUS, .stepwise = {1, 1, 1, 1, 1, 1}};
	static struct fake_row rows[4096];

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = (struct fake_row){
			_i ? V4L2_PIX_FMT_MJPEG : 0x1000 + (uint32_t)i, 16, 16, 0, 0};
	dev.pix.pixelformat = V4L2_PIX_FMT_RGB24;
	dev.rows = rows;
	dev.n_rows = ARRAY_SIZE(rows);
	if (_i == 2)
		dev.range = &endless;
	(void)open_device();
	ck_assert_uint_lt(dev.asked, 1000);
	tear_down();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest_v4l2");
	TCase *t = tcase_create("right"), *w = tcase_create("wrong");

	tcase_add_test(t, pictures_are_handed_on);
	tcase_add_loop_test(t, padding_is_left_out, 0, 2);
	tcase_add_test(t, compressed_pictures_are_as_long_as_they_say);
	tcase_add_loop_test(t, the_format_is_chosen, 0, 6);
	tcase_add_loop_test(t, what_is_set_must_be_usable, 0, 10);
	tcase_add_loop_test(t, sizes_in_a_range, 0, 4);
	tcase_add_loop_test(t, colours_are_told, 0, 8);
	suite_add_tcase(s, t);
	tcase_add_loop_test(w, refusals_are_told, 0, 11);
	tcase_add_loop_test(w, unfit_devices_are_refused, 0, 10);
	tcase_add_loop_test(w, damaged_pictures_are_dropped, 0, 7);
	tcase_add_loop_test(w, times_that_are_none_are_not_told, 0, 6);
	tcase_add_loop_test(w, an_end_is_told, 0, 7);
	tcase_add_loop_test(w, a_buffer_that_there_is_not, 0, 2);
	tcase_add_loop_test(w, lists_are_bounded, 0, 3);
	suite_add_tcase(s, w);
	return unit_run(s);
}
