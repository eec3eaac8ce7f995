/*
 * Uncoded pictures through mux/decode/codec: every pixel where it belongs at odd and even sizes, no
 * unit of another length, no size above the limit, colour as the device says.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/decode/codec.h"
#include "mux/link/stream.h"
#include "unit.h"

static const struct unit_times times = {1, 2, 3};

/* With 8 bytes in front and behind that are not the picture's. */
static uint8_t unit[8 + 64 * 64 * 4 + 8];

static uint8_t luma(uint32_t x, uint32_t y)
{
	return (uint8_t)(16 + (x * 7 + y * 31) % 220);
}

/* Of the pair of pixels, on a pair of rows: equal in both, so that averaging changes nothing. */
static uint8_t chroma(int plane, uint32_t x, uint32_t y)
{
	return (uint8_t)(plane * 100 + (x * 5 + y * 11) % 50);
}

static size_t make_yuyv(uint8_t *p, uint32_t width, uint32_t height)
{
	uint8_t *begin = p;

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x += 2) {
			*p++ = luma(x, y);
			*p++ = chroma(1, x / 2, y / 2);
			*p++ = x + 1 < width ? luma(x + 1, y) : 0xff;
			*p++ = chroma(2, x / 2, y / 2);
		}
	return (size_t)(p - begin);
}

static size_t make_nv12(uint8_t *p, uint32_t width, uint32_t height)
{
	uint8_t *begin = p;

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			*p++ = luma(x, y);
	for (uint32_t y = 0; y < image_half(height); y++)
		for (uint32_t x = 0; x < image_half(width); x++) {
			*p++ = chroma(1, x, y);
			*p++ = chroma(2, x, y);
		}
	return (size_t)(p - begin);
}

static size_t make(uint32_t codec, uint8_t *p, uint32_t width, uint32_t height)
{
	memset(unit, 0xaa, sizeof(unit));
	return codec == STREAM_YUYV ? make_yuyv(p, width, height) : make_nv12(p, width, height);
}

static struct codec *open_codec(const struct codec_setup *setup)
{
	char reason[LIMIT_REASON];
	struct codec *c;

	ck_assert_msg(codec_open(setup, &c, reason) == 0, "%s", reason);
	return c;
}

static const uint32_t kinds[] = {STREAM_YUYV, STREAM_NV12};
static const uint32_t sizes[][2] = {{64, 48}, {2, 2}, {1, 1}, {33, 17}, {34, 17}, {33, 16}, {1, 5}};

START_TEST(pixels_are_where_they_belong)
{
	const uint32_t *size = sizes[_i / 2], w = size[0], h = size[1];
	const struct codec_setup setup = {.codec = kinds[_i % 2], .width = w, .height = h};
	struct codec *c = open_codec(&setup);
	uint8_t *begin = unit + 8;
	size_t len = make(setup.codec, begin, w, h);
	struct decoded d;

	ck_assert_str_eq(codec_name(c), _i % 2 ? "nv12" : "yuyv");
	ck_assert_int_eq(codec_take(c, &d), -EAGAIN);
	ck_assert_int_eq(codec_feed(c, begin, len, &times, STREAM_UNIT_KEY), 0);
	ck_assert_int_eq(codec_take(c, &d), 0);
	ck_assert_uint_eq(d.image.form.width, w);
	ck_assert_uint_eq(d.image.form.height, h);
	ck_assert_uint_eq(d.times.capture_ns, 3);
	ck_assert(!d.is_concealed);
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			ck_assert_uint_eq(
				d.image.plane[0][y * (uint32_t)d.image.stride[0] + x], luma(x, y));
	for (int i = 1; i < 3; i++)
		for (uint32_t y = 0; y < image_half(h); y++)
			for (uint32_t x = 0; x < image_half(w); x++)
				ck_assert_uint_eq(
					d.image.plane[i][y * (uint32_t)d.image.stride[i] + x],
					chroma(i, x, y));
	ck_assert_int_eq(codec_take(c, &d), -EAGAIN);
	codec_close(c);
}
END_TEST

START_TEST(other_lengths_are_refused)
{
	const uint32_t w = 33, h = 17;
	const struct codec_setup setup = {.codec = kinds[_i], .width = w, .height = h};
	struct codec *c = open_codec(&setup);
	size_t len = make(setup.codec, unit, w, h);
	const size_t wrong[] = {1, len - 1, len + 1, len / 2, 2 * len};
	struct decoded d;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_int_eq(codec_feed(c, unit, wrong[i], &times, STREAM_UNIT_KEY), -ENODATA);
		ck_assert_ptr_nonnull(strstr(codec_reason(c), "unit of "));
		ck_assert_int_eq(codec_take(c, &d), -EAGAIN);
	}
	ck_assert_int_eq(codec_feed(c, unit, len, &times, STREAM_UNIT_KEY), 0);
	ck_assert_int_eq(codec_take(c, &d), 0);
	codec_close(c);
}
END_TEST

START_TEST(sizes_above_the_limit_are_refused)
{
	static const struct codec_setup bad[] = {{.width = 0, .height = 16},
		{.width = 16, .height = 0}, {.width = LIMIT_SIDE + 1, .height = 16},
		{.width = 16, .height = LIMIT_SIDE + 1}, {.width = 8192, .height = 8192},
		{.width = UINT32_MAX, .height = UINT32_MAX}, {.width = 65536, .height = 65536},
		{.width = 641, .height = 480, .max_pixels = 640 * 480}};
	struct codec_setup setup = bad[_i / 2];
	char reason[LIMIT_REASON] = "";
	struct codec *c = NULL;

	setup.codec = kinds[_i % 2];
	ck_assert_int_lt(codec_open(&setup, &c, reason), 0);
	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(reason, _i % 2 ? "nv12" : "yuyv") || strstr(reason, "above the limit"),
		"%s", reason);
}
END_TEST

START_TEST(colours_are_as_the_device_says)
{
	static const struct {
		struct image_hint hint;
		uint32_t height, encoding, range, sar_num, sar_den;
	} cases[] = {
		{{0, 0, 2, 0}, 480, COLOR_BT601, COLOR_LIMITED, 1, 1},
		{{0, 0, 2, 0}, 720, COLOR_BT709, COLOR_LIMITED, 1, 1},
		{{0, 0, 6, 2}, 720, COLOR_BT601, COLOR_FULL, 1, 1},
		{{16, 11, 1, 1}, 480, COLOR_BT709, COLOR_LIMITED, 16, 11},
		{{16, 0, 9, 9}, 480, COLOR_BT2020, COLOR_LIMITED, 1, 1},
		{{70000, 1, 7, 2}, 480, COLOR_BT709, COLOR_FULL, 1, 1},
		{{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}, 480, COLOR_BT601, COLOR_LIMITED,
			1, 1},
	};
	const struct codec_setup setup = {.codec = STREAM_YUYV,
		.width = 2,
		.height = cases[_i].height,
		.hint = cases[_i].hint};
	struct codec *c = open_codec(&setup);
	struct decoded d;

	ck_assert_int_eq(codec_feed(c, unit, setup.height * 4, &times, STREAM_UNIT_KEY), 0);
	ck_assert_int_eq(codec_take(c, &d), 0);
	ck_assert_uint_eq(d.image.form.color_encoding, cases[_i].encoding);
	ck_assert_uint_eq(d.image.form.color_range, cases[_i].range);
	ck_assert_uint_eq(d.image.form.sar_num, cases[_i].sar_num);
	ck_assert_uint_eq(d.image.form.sar_den, cases[_i].sar_den);
	codec_close(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("raw");
	TCase *t = tcase_create("raw");

	tcase_add_loop_test(t, pixels_are_where_they_belong, 0, 2 * (int)ARRAY_SIZE(sizes));
	tcase_add_loop_test(t, other_lengths_are_refused, 0, 2);
	tcase_add_loop_test(t, sizes_above_the_limit_are_refused, 0, 16);
	tcase_add_loop_test(t, colours_are_as_the_device_says, 0, 7);
	suite_add_tcase(s, t);
	return unit_run(s);
}
