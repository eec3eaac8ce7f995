/*
 * V4L2 (Documentation/userspace-api/media/v4l): which of a device's formats, and whether it is what
 * it says. Single-planar capture only; media controllers and their pipelines are not set up here.
 */
#include "mux/ingest/device.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/cleanup.h"
#include "common/log.h"

/*
 * All that ingest asks of a device, here and in source_v4l2.c:
 *	VIDIOC_QUERYCAP							what it is
 *	VIDIOC_G_FMT, VIDIOC_S_FMT, VIDIOC_ENUM_FMT			the form of its pictures
 *	VIDIOC_ENUM_FRAMESIZES, VIDIOC_ENUM_FRAMEINTERVALS		to choose one
 *	VIDIOC_G_PARM, VIDIOC_S_PARM					the frame rate
 *	VIDIOC_REQBUFS, VIDIOC_QUERYBUF, VIDIOC_QBUF, VIDIOC_DQBUF	its buffers
 *	VIDIOC_STREAMON, VIDIOC_STREAMOFF				begin and end
 */

#define FORMATS_MAX    128u /* that are looked at */
#define SIZES_MAX      128u
#define INTERVALS_MAX  64u
#define SENSIBLE       (1920u * 1088u) /* pixels: more only if a person or nothing else asks for it */
#define FAST_MILLI     15000u          /* frames in 1000 s: slower is for want of better */
#define WANTED_MILLI   30000u
#define STRIDE_MAX     (8u * LIMIT_SIDE)
#define MATRIX_UNKNOWN 2u

/* In order of preference. */
static const struct pixels {
	uint32_t fourcc;
	enum stream_codec codec;
	const char *name;
	bool is_inter; /* a lost frame damages the next */
} known[] = {
	{V4L2_PIX_FMT_MJPEG, STREAM_MJPEG, "MJPEG", false},
	{V4L2_PIX_FMT_JPEG, STREAM_MJPEG, "JPEG", false},
	{V4L2_PIX_FMT_NV12, STREAM_NV12, "NV12", false},
	{V4L2_PIX_FMT_YUYV, STREAM_YUYV, "YUYV", false},
	{V4L2_PIX_FMT_H264, STREAM_H264, "H.264", true},
	{V4L2_PIX_FMT_HEVC, STREAM_H265, "H.265", true},
};

/* What could be asked for. */
struct offer {
	const struct pixels *pixels; /* NULL: nothing yet */
	uint32_t width, height;
	struct v4l2_fract interval; /* 0/0: unknown */
	uint32_t fps_milli;
};

int device_ask(int fd, unsigned long request, void *arg)
{
	int r;

	do
		r = ioctl(fd, request, arg);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int device_fail(struct failure *f, const char *what, int error)
{
	switch (-error) {
	case ENODEV:
	case ENXIO:
		return fail(f, "the device is gone");
	case EBUSY:
		return fail(f, "the device is used by another program");
	case ENOTTY:
		return fail_final(f, "it is not a video device");
	default:
		return fail(f, "the device does not let us %s: %s", what, strerror(-error));
	}
}

static const struct pixels *pixels_of(uint32_t fourcc)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].fourcc == fourcc)
			return &known[i];
	return NULL;
}

static uint32_t fps_milli_of(const struct v4l2_fract *interval)
{
	uint64_t milli = 0;

	if (interval->numerator && interval->denominator)
		milli = interval->denominator * 1000ull / interval->numerator;
	return milli <= LIMIT_FPS * 1000ull ? (uint32_t)milli : 0;
}

/* ---- what it is --------------------------------------------------------------------------- */

static int check_kind(int fd, struct failure *ret_why)
{
	const uint32_t needed = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	struct v4l2_capability cap = {0};
	uint32_t caps;
	int r = device_ask(fd, VIDIOC_QUERYCAP, &cap);

	if (r < 0)
		return device_fail(ret_why, "ask what it is", r);
	caps = cap.capabilities & V4L2_CAP_DEVICE_CAPS ? cap.device_caps : cap.capabilities;
	if ((caps & needed) != needed)
		return fail_final(ret_why,
			"the device gives no pictures (another /dev/videoN "
			"of the same camera may)");
	log_info("device: %.*s", (int)sizeof(cap.card), (const char *)cap.card);
	return 0;
}

/* ---- a format that can be used ------------------------------------------------------------ */

static uint32_t half(uint32_t v)
{
	return (v + 1) / 2;
}

/* Where the rows are; whether they can be. 0 or -EINVAL. */
static int lay_out(const struct v4l2_pix_format *pix, struct device_format *f)
{
	switch (f->codec) {
	case STREAM_YUYV:
		f->row = half(f->width) * 4;
		f->rows = f->height;
		break;
	case STREAM_NV12: /* drivers do not agree on where chroma is at odd sizes */
		if (f->width % 2 || f->height % 2)
			return -EINVAL;
		f->row = f->width;
		f->rows = f->height + f->height / 2;
		break;
	default:
		return 0;
	}
	f->stride = pix->bytesperline ? pix->bytesperline : f->row;
	if (f->stride < f->row || f->stride > STRIDE_MAX)
		return -EINVAL;
	f->span = (size_t)f->stride * (f->rows - 1) + f->row;
	return (size_t)f->row * f->rows <= LIMIT_ACCESS_UNIT ? 0 : -EINVAL;
}

/* V4L2's names for a matrix, as H.273 counts. */
static uint32_t matrix_of(const struct v4l2_pix_format *pix)
{
	uint32_t enc = pix->priv == V4L2_PIX_FMT_PRIV_MAGIC ? pix->ycbcr_enc : 0;

	if (enc == V4L2_YCBCR_ENC_DEFAULT && pix->colorspace == V4L2_COLORSPACE_DEFAULT)
		return MATRIX_UNKNOWN;
	if (enc == V4L2_YCBCR_ENC_DEFAULT)
		enc = V4L2_MAP_YCBCR_ENC_DEFAULT(pix->colorspace);
	switch (enc) {
	case V4L2_YCBCR_ENC_601:
	case V4L2_YCBCR_ENC_XV601:
		return 6;
	case V4L2_YCBCR_ENC_709:
	case V4L2_YCBCR_ENC_XV709:
		return 1;
	case V4L2_YCBCR_ENC_SMPTE240M:
		return 7;
	case V4L2_YCBCR_ENC_BT2020:
		return 9;
	case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
		return 10;
	default:
		return MATRIX_UNKNOWN;
	}
}

static uint32_t range_of(const struct v4l2_pix_format *pix)
{
	uint32_t range = pix->priv == V4L2_PIX_FMT_PRIV_MAGIC ? pix->quantization : 0;

	if (range == V4L2_QUANTIZATION_DEFAULT)
		range = V4L2_MAP_QUANTIZATION_DEFAULT(false, pix->colorspace, 0);
	return range == V4L2_QUANTIZATION_FULL_RANGE ? 2 : 1;
}

static bool is_whole(uint32_t field)
{
	return field == V4L2_FIELD_NONE || field == V4L2_FIELD_ANY ||
		field == V4L2_FIELD_INTERLACED || field == V4L2_FIELD_INTERLACED_TB ||
		field == V4L2_FIELD_INTERLACED_BT;
}

static bool is_size(uint32_t width, uint32_t height, uint32_t max_pixels)
{
	return width && height && width <= LIMIT_SIDE && height <= LIMIT_SIDE &&
		width * height <= max_pixels;
}

/* Whether pictures as the device describes them can be used. 0 or -EINVAL. */
static int accept_format(
	const struct v4l2_pix_format *pix, uint32_t max_pixels, struct device_format *ret)
{
	const struct pixels *pixels = pixels_of(pix->pixelformat);
	struct device_format f = {.width = pix->width, .height = pix->height};

	if (!pixels || !is_size(pix->width, pix->height, max_pixels) || !is_whole(pix->field))
		return -EINVAL;
	f.codec = pixels->codec;
	/* Of compressed pictures it is what is inside that counts. */
	f.matrix =
		f.codec == STREAM_YUYV || f.codec == STREAM_NV12 ? matrix_of(pix) : MATRIX_UNKNOWN;
	f.range = f.matrix == MATRIX_UNKNOWN ? 0 : range_of(pix);
	if (lay_out(pix, &f) < 0)
		return -EINVAL;
	*ret = f;
	return 0;
}

/* ---- choosing ----------------------------------------------------------------------------- */

static bool is_sensible(const struct offer *o)
{
	return o->width * o->height <= SENSIBLE;
}

static bool is_fast(const struct offer *o)
{
	return !o->fps_milli || o->fps_milli >= FAST_MILLI;
}

static bool is_better(const struct offer *a, const struct offer *b)
{
	uint32_t area_a = a->width * a->height, area_b = b->width * b->height;

	if (!b->pixels)
		return true;
	if (a->pixels->is_inter != b->pixels->is_inter)
		return b->pixels->is_inter;
	if (is_sensible(a) != is_sensible(b))
		return is_sensible(a);
	if (is_fast(a) != is_fast(b))
		return is_fast(a);
	return is_sensible(a) ? area_a > area_b : area_a < area_b;
}

/* The fastest interval up to 30 fps, else the slowest above. */
static void offer_interval(struct offer *o, const struct v4l2_fract *interval)
{
	uint32_t milli = fps_milli_of(interval), had = o->fps_milli;

	if (!milli)
		return;
	if (had &&
		(milli > WANTED_MILLI ? had <= WANTED_MILLI || milli >= had
				      : had <= WANTED_MILLI && milli <= had))
		return;
	o->interval = *interval;
	o->fps_milli = milli;
}

static void find_interval(int fd, struct offer *o)
{
	for (uint32_t i = 0; i < INTERVALS_MAX; i++) {
		struct v4l2_frmivalenum e = {.index = i,
			.pixel_format = o->pixels->fourcc,
			.width = o->width,
			.height = o->height};
		const struct v4l2_fract wanted = {1, WANTED_MILLI / 1000};

		if (device_ask(fd, VIDIOC_ENUM_FRAMEINTERVALS, &e) < 0)
			return;
		if (e.type == V4L2_FRMIVAL_TYPE_DISCRETE) {
			offer_interval(o, &e.discrete);
			continue;
		}
		offer_interval(o, &e.stepwise.min);
		if (o->fps_milli > WANTED_MILLI && fps_milli_of(&e.stepwise.max) <= WANTED_MILLI)
			offer_interval(o, &wanted);
		return;
	}
}

static bool fits(const struct pixels *pixels, uint32_t width, uint32_t height, uint32_t max_pixels)
{
	const struct v4l2_pix_format pix = {
		.width = width, .height = height, .pixelformat = pixels->fourcc};
	struct device_format f;

	return accept_format(&pix, max_pixels, &f) == 0;
}

struct search {
	int fd;
	uint32_t max_pixels;
	struct offer best;
};

static void consider(struct search *s, const struct pixels *pixels, uint32_t width, uint32_t height)
{
	struct offer o = {.pixels = pixels, .width = width, .height = height};

	if (!fits(pixels, width, height, s->max_pixels))
		return;
	find_interval(s->fd, &o);
	if (is_better(&o, &s->best))
		s->best = o;
}

static bool is_step(uint32_t v, uint32_t min, uint32_t max, uint32_t step)
{
	return v >= min && v <= max && (step <= 1 || (v - min) % step == 0);
}

/* Any size between two: the usual ones, and the two. */
static void consider_range(
	struct search *s, const struct pixels *pixels, const struct v4l2_frmsize_stepwise *r)
{
	static const uint16_t usual[][2] = {{1920, 1080}, {1280, 720}, {640, 480}, {640, 360}};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (is_step(usual[i][0], r->min_width, r->max_width, r->step_width) &&
			is_step(usual[i][1], r->min_height, r->max_height, r->step_height))
			consider(s, pixels, usual[i][0], usual[i][1]);
	consider(s, pixels, r->max_width, r->max_height);
	consider(s, pixels, r->min_width, r->min_height);
}

static void consider_sizes(
	struct search *s, const struct pixels *pixels, const struct v4l2_pix_format *current)
{
	for (uint32_t i = 0; i < SIZES_MAX; i++) {
		struct v4l2_frmsizeenum e = {.index = i, .pixel_format = pixels->fourcc};

		if (device_ask(s->fd, VIDIOC_ENUM_FRAMESIZES, &e) < 0) {
			if (i == 0) /* it does not say: at the size that it has */
				consider(s, pixels, current->width, current->height);
			return;
		}
		if (e.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
			consider_range(s, pixels, &e.stepwise);
			return;
		}
		consider(s, pixels, e.discrete.width, e.discrete.height);
	}
}

/* In the order of known, so that among equals the preferred one stays. */
static void search_offers(struct search *s, const struct v4l2_pix_format *current)
{
	bool offered[ARRAY_SIZE(known)] = {false};

	for (uint32_t i = 0; i < FORMATS_MAX; i++) {
		struct v4l2_fmtdesc e = {.index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
		const struct pixels *pixels;

		if (device_ask(s->fd, VIDIOC_ENUM_FMT, &e) < 0)
			break;
		pixels = pixels_of(e.pixelformat);
		if (pixels)
			offered[pixels - known] = true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (offered[i])
			consider_sizes(s, &known[i], current);
}

static int choose(int fd, const struct v4l2_format *current, uint32_t max_pixels,
	struct device_format *ret, struct failure *ret_why)
{
	struct search s = {.fd = fd, .max_pixels = max_pixels};
	struct v4l2_format set = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_streamparm parm = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	int r;

	search_offers(&s, &current->fmt.pix);
	if (!s.best.pixels)
		return fail_final(ret_why,
			"the device offers no MJPEG, NV12, YUYV, H.264 or H.265 of a permitted "
			"size");
	set.fmt.pix.pixelformat = s.best.pixels->fourcc;
	set.fmt.pix.width = s.best.width;
	set.fmt.pix.height = s.best.height;
	r = device_ask(fd, VIDIOC_S_FMT, &set);
	if (r < 0)
		return device_fail(ret_why, "choose a format", r);
	if (accept_format(&set.fmt.pix, max_pixels, ret) < 0)
		return fail_final(ret_why, "the device does not keep to the format that it offers");
	if (s.best.fps_milli) { /* a wish: not every device has rates to set */
		parm.parm.capture.timeperframe = s.best.interval;
		(void)device_ask(fd, VIDIOC_S_PARM, &parm);
	}
	return 0;
}

int device_setup(int fd, uint32_t max_pixels, struct device_format *ret, struct failure *ret_why)
{
	struct v4l2_format current = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_streamparm parm = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct device_format f;
	int r = check_kind(fd, ret_why);

	if (r < 0)
		return r;
	r = device_ask(fd, VIDIOC_G_FMT, &current);
	if (r == -EINVAL) /* a loopback device that nobody writes to */
		return fail(ret_why, "the device has no pictures now");
	if (r < 0)
		return device_fail(ret_why, "ask for its format", r);
	if (accept_format(&current.fmt.pix, max_pixels, &f) < 0) {
		r = choose(fd, &current, max_pixels, &f, ret_why);
		if (r < 0)
			return r;
	}
	if (device_ask(fd, VIDIOC_G_PARM, &parm) == 0)
		f.fps_milli = fps_milli_of(&parm.parm.capture.timeperframe);
	*ret = f;
	return 0;
}

void device_pack(const struct device_format *f, const uint8_t *from, uint8_t *to)
{
	for (uint32_t i = 0; i < f->rows; i++)
		memcpy(to + (size_t)i * f->row, from + (size_t)i * f->stride, f->row);
}
