/* clients/gst/wish, stamp, copy: downstream's wishes as requests, frames as caps and buffers, their times. */
#include <drm_fourcc.h>
#include <string.h>

#include "clients/gst/copy.h"
#include "clients/gst/stamp.h"
#include "clients/gst/wish.h"
#include "tests/unit/unit.h"

static struct framemux_frame a_frame(uint32_t width, uint32_t height)
{
	return (struct framemux_frame){.width = width,
		.height = height,
		.fourcc = DRM_FORMAT_NV12,
		.planes = 2,
		.color_encoding = 1,
		.sar_num = 4,
		.sar_den = 3};
}

static bool wish_of(const char *text, const struct framemux_frame *own, struct wish *ret)
{
	GstCaps *ours = gst_caps_from_string(WISH_CAPS), *theirs = gst_caps_from_string(text);
	GstCaps *allowed = gst_caps_intersect_full(theirs, ours, GST_CAPS_INTERSECT_FIRST);
	bool is_good = wish_from_caps(allowed, own, ret);

	gst_caps_unref(allowed);
	gst_caps_unref(theirs);
	gst_caps_unref(ours);
	return is_good;
}

START_TEST(test_sizes)
{
	static const struct {
		const char *caps;
		bool has_frame;
		uint32_t width, height;
	} rows[] = {
		{"video/x-raw", false, 0, 0},
		{"video/x-raw", true, 0, 0},
		{"video/x-raw,width=160,height=120", false, 160, 120},
		/* A wish that stands, whatever the camera is. */
		{"video/x-raw,width=640,height=480", true, 640, 480},
		{"video/x-raw,width=160", false, 0, 0},
		{"video/x-raw,width=160", true, 160, 120},
		{"video/x-raw,height=120", true, 160, 120},
		{"video/x-raw,width=[16,320]", true, 320, 240},
		{"video/x-raw,width=[16,1000],height=[16,1000]", true, 0, 0},
		{"video/x-raw,width=[16,1000],height=[960,1000]", true, 1000, 960},
		{"video/x-raw,width=[16,2000],height=[960,1000]", true, 1280, 960},
	};
	const struct framemux_frame own = a_frame(640, 480);
	struct wish w;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(wish_of(rows[i].caps, rows[i].has_frame ? &own : NULL, &w), "%s",
			rows[i].caps);
		ck_assert_msg(w.width == rows[i].width && w.height == rows[i].height, "%s: %ux%u",
			rows[i].caps, w.width, w.height);
	}
}
END_TEST

START_TEST(test_formats)
{
	static const struct {
		const char *format;
		uint32_t fourcc;
	} rows[] = {
		{"NV12", DRM_FORMAT_NV12}, {"I420", DRM_FORMAT_YUV420},
		{"BGRx", DRM_FORMAT_XRGB8888}, {"RGB16", DRM_FORMAT_RGB565},
		{"{ RGBA, I420, NV12 }", DRM_FORMAT_YUV420}, /* downstream's own order */
	};
	struct wish w;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		g_autofree char *caps = g_strdup_printf("video/x-raw,format=%s", rows[i].format);

		ck_assert(wish_of(caps, NULL, &w));
		ck_assert_uint_eq(wish_fourcc(&w), rows[i].fourcc);
	}
	ck_assert(!wish_of("video/x-raw,format=RGBA", NULL, &w));
	ck_assert(!wish_of("video/x-raw(memory:DMABuf)", NULL, &w));
}
END_TEST

START_TEST(test_rates)
{
	static const struct {
		const char *caps;
		uint32_t fps;
		bool is_variable;
	} rows[] = {
		{"video/x-raw", 0, true},
		{"video/x-raw,framerate=[0/1,30/1]", 0, true},
		{"video/x-raw,framerate=0/1,max-framerate=(fraction)15/1", 15, true},
		{"video/x-raw,framerate=5/1", 5, false},
		{"video/x-raw,framerate=30000/1001", 30, false},
		{"video/x-raw,framerate=[1/1,25/1]", 25, false},
	};
	struct wish w;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert(wish_of(rows[i].caps, NULL, &w));
		ck_assert_msg(wish_fps(&w) == rows[i].fps && w.is_variable == rows[i].is_variable,
			"%s: %u", rows[i].caps, wish_fps(&w));
	}
	ck_assert(!wish_of("video/x-raw,framerate=0/1,max-framerate=(fraction)2000/1", NULL, &w));
}
END_TEST

START_TEST(test_caps_of_a_frame)
{
	struct framemux_frame f = a_frame(321, 241);
	GstVideoInfo info;
	struct wish w;
	GstCaps *caps, *expected;

	ck_assert(wish_of("video/x-raw,framerate=0/1,max-framerate=(fraction)15/1", NULL, &w));
	ck_assert(wish_info(&w, &f, &info));
	caps = gst_video_info_to_caps(&info);
	expected = gst_caps_from_string("video/x-raw,format=NV12,width=321,height=241,"
					"pixel-aspect-ratio=4/3,colorimetry=bt709,"
					"framerate=0/1,max-framerate=15/1");
	ck_assert_msg(gst_caps_is_subset(caps, expected), "%s", gst_caps_to_string(caps));
	gst_caps_unref(expected);
	gst_caps_unref(caps);
	f.color_range = 1;
	ck_assert(wish_info(&w, &f, &info));
	ck_assert_int_eq(info.colorimetry.range, GST_VIDEO_COLOR_RANGE_0_255);
	f.fourcc = DRM_FORMAT_YUV420; /* not what was asked for */
	ck_assert(!wish_info(&w, &f, &info));
}
END_TEST

/* Rows of the ring are longer than those of the buffer, and odd sides round up. */
static void copy_one(const char *format, uint32_t fourcc, unsigned planes)
{
	struct framemux_frame f = a_frame(5, 3);
	uint8_t pixels[3][3 * 64];
	GstVideoInfo info;
	GstVideoFrame got;
	GstBuffer *buffer;
	struct wish w;
	g_autofree char *caps = g_strdup_printf("video/x-raw,format=%s", format);

	f.fourcc = fourcc;
	f.planes = planes;
	for (unsigned i = 0; i < planes; i++) {
		for (unsigned j = 0; j < sizeof(pixels[i]); j++)
			pixels[i][j] = (uint8_t)(1 + i * 80 + j);
		f.plane[i] = pixels[i];
		f.stride[i] = 64;
	}
	ck_assert(wish_of(caps, NULL, &w) && wish_info(&w, &f, &info));
	buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&info), NULL);
	gst_buffer_memset(buffer, 0, 0, GST_VIDEO_INFO_SIZE(&info));
	ck_assert(copy_frame(&f, &info, buffer));
	ck_assert(gst_video_frame_map(&got, &info, buffer, GST_MAP_READ));
	for (unsigned c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&got); c++) {
		unsigned plane = (unsigned)GST_VIDEO_FRAME_COMP_PLANE(&got, c);
		unsigned width = (unsigned)GST_VIDEO_FRAME_COMP_WIDTH(&got, c);
		unsigned rows = (unsigned)GST_VIDEO_FRAME_COMP_HEIGHT(&got, c);
		unsigned last = (width - 1) * (unsigned)GST_VIDEO_FRAME_COMP_PSTRIDE(&got, c);
		const uint8_t *row = (const uint8_t *)GST_VIDEO_FRAME_PLANE_DATA(&got, plane) +
			(rows - 1) * (unsigned)GST_VIDEO_FRAME_PLANE_STRIDE(&got, plane);

		ck_assert_uint_eq(row[last], pixels[plane][(rows - 1) * 64 + last]);
	}
	gst_video_frame_unmap(&got);
	copy_undo(buffer);
	ck_assert_int_eq(gst_buffer_memcmp(buffer, 0, "\0\0\0\0\0\0\0\0", 8), 0);
	f.width = 6;
	ck_assert(!copy_frame(&f, &info, buffer));
	gst_buffer_unref(buffer);
}

static void black_one(
	const char *format, uint32_t fourcc, uint32_t planes, uint32_t range, int luma, int chroma)
{
	struct framemux_frame f = a_frame(5, 3);
	GstVideoInfo info;
	GstVideoFrame got;
	GstBuffer *buffer;
	struct wish w;
	g_autofree char *caps = g_strdup_printf("video/x-raw,format=%s", format);

	f.fourcc = fourcc;
	f.planes = planes;
	f.color_range = range;
	ck_assert(wish_of(caps, NULL, &w) && wish_info(&w, &f, &info));
	buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&info), NULL);
	gst_buffer_memset(buffer, 0, 77, GST_VIDEO_INFO_SIZE(&info));
	ck_assert(copy_black(&info, buffer));
	ck_assert(gst_video_frame_map(&got, &info, buffer, GST_MAP_READ));
	for (unsigned c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&got); c++) {
		unsigned step = (unsigned)GST_VIDEO_FRAME_COMP_PSTRIDE(&got, c);

		for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&got, c); y++)
			for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&got, c); x++) {
				const uint8_t *at =
					(const uint8_t *)GST_VIDEO_FRAME_COMP_DATA(&got, c) +
					y * GST_VIDEO_FRAME_COMP_STRIDE(&got, c) +
					(unsigned)x * step;

				ck_assert_int_eq(*at, c ? chroma : luma);
			}
	}
	gst_video_frame_unmap(&got);
	gst_buffer_unref(buffer);
}

START_TEST(test_black)
{
	black_one("NV12", DRM_FORMAT_NV12, 2, 0, 16, 128);
	black_one("NV12", DRM_FORMAT_NV12, 2, 1, 0, 128);
	black_one("I420", DRM_FORMAT_YUV420, 3, 0, 16, 128);
	black_one("BGRx", DRM_FORMAT_XRGB8888, 1, 0, 0, 0);
	black_one("RGB16", DRM_FORMAT_RGB565, 1, 0, 0, 0);
}
END_TEST

START_TEST(test_copies)
{
	copy_one("NV12", DRM_FORMAT_NV12, 2);
	copy_one("I420", DRM_FORMAT_YUV420, 3);
	copy_one("BGRx", DRM_FORMAT_XRGB8888, 1);
	copy_one("RGB16", DRM_FORMAT_RGB565, 1);
}
END_TEST

#define NOW (100 * GST_SECOND)

START_TEST(test_times)
{
	struct framemux_frame f = {.arrival_ns = NOW - 10 * GST_MSECOND};
	struct stamp s;
	bool grew;

	stamp_begin(&s);
	ck_assert_uint_eq(stamp_of(&s, &f, 5 * GST_SECOND, NOW, &grew), 4990 * GST_MSECOND);
	ck_assert(!grew);
	f.capture_ns = NOW - 90 * GST_MSECOND; /* known from now on: does not run backwards */
	ck_assert_uint_eq(stamp_of(&s, &f, 5 * GST_SECOND, NOW, &grew), 4990 * GST_MSECOND);
	ck_assert(grew);
	ck_assert_uint_eq(s.latency, 100 * GST_MSECOND);
	ck_assert_uint_eq(stamp_of(&s, &f, 6 * GST_SECOND, NOW, &grew), 5910 * GST_MSECOND);
	ck_assert(!grew);
	f.capture_ns = 1; /* a camera whose clock is wrong by far */
	ck_assert_uint_eq(stamp_of(&s, &f, 7 * GST_SECOND, NOW, &grew), 6990 * GST_MSECOND);
	f.arrival_ns = NOW - 30 * GST_SECOND;
	(void)stamp_of(&s, &f, 8 * GST_SECOND, NOW, &grew);
	ck_assert_uint_eq(s.latency, STAMP_LATENCY_MAX);
	stamp_begin(&s); /* it came before the pipeline began */
	ck_assert_uint_eq(stamp_of(&s, &f, GST_SECOND, NOW, &grew), 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("gst");
	TCase *tc = tcase_create("gst");

	gst_init(&argc, &argv);
	tcase_add_test(tc, test_sizes);
	tcase_add_test(tc, test_formats);
	tcase_add_test(tc, test_rates);
	tcase_add_test(tc, test_caps_of_a_frame);
	tcase_add_test(tc, test_copies);
	tcase_add_test(tc, test_black);
	tcase_add_test(tc, test_times);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
