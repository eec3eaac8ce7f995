/* mux/decode/convert: colour against a float reference, masks, sizes, and no byte beside the
 * picture. */
#include "mux/decode/convert.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/cleanup.h"
#include "unit.h"

static const uint32_t fourccs[] = {
	DRM_FORMAT_NV12, DRM_FORMAT_YUV420, DRM_FORMAT_XRGB8888, DRM_FORMAT_RGB565};

/* A picture of our own, its planes filled by the test. */
struct canvas {
	struct image_buffer buffer;
	struct image image;
	uint8_t *plane[3];
};

static void canvas_make(struct canvas *c, uint32_t w, uint32_t h, uint32_t encoding, uint32_t range)
{
	memset(c, 0, sizeof(*c));
	ck_assert_int_eq(image_buffer_reserve(&c->buffer, w, h, c->plane, c->image.stride), 0);
	c->image.form = (struct image_form){w, h, 1, 1, encoding, range};
	for (int i = 0; i < 3; i++)
		c->image.plane[i] = c->plane[i];
}

static void canvas_fill(struct canvas *c, uint8_t y, uint8_t u, uint8_t v)
{
	const uint8_t value[3] = {y, u, v};

	for (int i = 0; i < 3; i++) {
		uint32_t rows = i ? image_half(c->image.form.height) : c->image.form.height;

		memset(c->plane[i], value[i], (size_t)c->image.stride[i] * rows);
	}
}

static void canvas_noise(struct canvas *c)
{
	uint32_t x = 1;

	for (size_t i = 0; i < c->buffer.capacity; i++) {
		x = x * 1664525u + 1013904223u;
		c->buffer.memory[i] = (uint8_t)(x >> 24);
	}
}

static uint8_t clamp(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)lround(v);
}

/* ITU-R BT.601, BT.709, BT.2020: Kr, Kb; limited range 16..235 and 16..240. */
static void reference(
	uint32_t encoding, uint32_t range, uint8_t y, uint8_t u, uint8_t v, uint8_t ret_bgr[3])
{
	static const double k[3][2] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};
	double kr = k[encoding][0], kb = k[encoding][1], kg = 1 - kr - kb;
	double luma = range == COLOR_FULL ? y : (y - 16) * 255.0 / 219;
	double scale = range == COLOR_FULL ? 1 : 255.0 / 224;
	double cb = (u - 128) * scale, cr = (v - 128) * scale;

	ret_bgr[0] = clamp(luma + 2 * (1 - kb) * cb);
	ret_bgr[1] = clamp(luma - 2 * (1 - kb) * kb / kg * cb - 2 * (1 - kr) * kr / kg * cr);
	ret_bgr[2] = clamp(luma + 2 * (1 - kr) * cr);
}

static uint8_t *slot_of(uint32_t fourcc, uint32_t w, uint32_t h, struct picture *ret)
{
	uint8_t *slot;

	ck_assert_int_eq(picture_layout(fourcc, w, h, ret), 0);
	slot = calloc(1, ret->slot_bytes);
	ck_assert_ptr_nonnull(slot);
	return slot;
}

/* libyuv rounds its coefficients to 64ths. */
#define COLOUR_TOLERANCE 2

/* Without ck_assert for what is right: it is too slow for a million of them. */
static void check_colour(
	const struct image_form *f, const uint8_t *bgrx, uint8_t y, uint8_t u, uint8_t v)
{
	uint8_t right[3];

	reference(f->color_encoding, f->color_range, y, u, v, right);
	for (int b = 0; b < 3; b++)
		if (abs(bgrx[b] - right[b]) > COLOUR_TOLERANCE)
			ck_abort_msg("encoding %u range %u yuv %u,%u,%u byte %d: %u, not %u",
				f->color_encoding, f->color_range, y, u, v, b, bgrx[b], right[b]);
	if (bgrx[3] != 255)
		ck_abort_msg("the X byte is %u", bgrx[3]);
}

/* All luma, also outside of the range, against chroma in steps (258: also the rest of a vector). */
START_TEST(colours_follow_matrix_and_range)
{
	uint32_t encoding = (uint32_t)_i / 2, range = (uint32_t)_i % 2;
	struct image_buffer scratch = {0};
	struct canvas c;
	struct picture p;
	cleanup_free uint8_t *slot = slot_of(DRM_FORMAT_XRGB8888, 258, 2, &p);

	canvas_make(&c, 258, 2, encoding, range);
	for (unsigned u = 0; u < 256; u += 5)
		for (unsigned v = 0; v < 256; v += 5) {
			canvas_fill(&c, 0, (uint8_t)u, (uint8_t)v);
			for (unsigned x = 0; x < 258; x++)
				c.plane[0][x] = (uint8_t)x;
			ck_assert_int_eq(convert_write(&c.image, &p, &scratch, slot), 0);
			for (unsigned x = 0; x < 258; x++)
				check_colour(&c.image.form, slot + 4 * (size_t)x, (uint8_t)x,
					(uint8_t)u, (uint8_t)v);
		}
	image_buffer_free(&c.buffer);
	image_buffer_free(&scratch);
}
END_TEST

START_TEST(rgb565_follows_matrix_and_range)
{
	uint32_t encoding = (uint32_t)_i / 2, range = (uint32_t)_i % 2;
	struct image_buffer scratch = {0};
	struct canvas c;
	struct picture p;
	cleanup_free uint8_t *slot = slot_of(DRM_FORMAT_RGB565, 32, 16, &p);
	uint8_t right[3];
	unsigned pixel;

	canvas_make(&c, 32, 16, encoding, range);
	canvas_fill(&c, 120, 100, 170);
	ck_assert_int_eq(convert_write(&c.image, &p, &scratch, slot), 0);
	reference(encoding, range, 120, 100, 170, right);
	pixel = slot[0] | (unsigned)slot[1] << 8;
	ck_assert_int_le(abs((int)(pixel >> 11 << 3) - right[2]), 8);
	ck_assert_int_le(abs((int)((pixel >> 5 & 63) << 2) - right[1]), 5);
	ck_assert_int_le(abs((int)((pixel & 31) << 3) - right[0]), 8);
	image_buffer_free(&c.buffer);
	image_buffer_free(&scratch);
}
END_TEST

/* Every byte that is no pixel stays zero, whatever the size and the scale. */
static void check_padding(const struct picture *p, const uint8_t *slot)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < p->planes; i++)
		for (uint32_t row = 0; row < p->rows[i]; row++) {
			uint64_t begin = p->offset[i] + (uint64_t)row * p->stride[i];

			for (; at < begin; at++)
				ck_assert_uint_eq(slot[at], 0);
			at = begin + p->row_bytes[i];
		}
	for (; at < p->slot_bytes; at++)
		ck_assert_uint_eq(slot[at], 0);
}

START_TEST(nothing_beside_the_picture_is_written)
{
	static const uint32_t sizes[][4] = {{64, 48, 64, 48}, {227, 149, 227, 149}, {1, 1, 1, 1},
		{33, 17, 65, 35}, {227, 149, 113, 75}, {320, 240, 161, 91}, {320, 240, 2, 2},
		{17, 300, 16, 1}, {31, 31, 640, 7}, {2, 2, 127, 129}, {640, 480, 320, 240},
		{8192, 16, 63, 3}, {16, 8192, 3, 5}};
	struct image_buffer scratch = {0};

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (size_t f = 0; f < ARRAY_SIZE(fourccs); f++) {
			struct canvas c;
			struct picture p;
			cleanup_free uint8_t *slot =
				slot_of(fourccs[f], sizes[s][2], sizes[s][3], &p);

			canvas_make(&c, sizes[s][0], sizes[s][1], COLOR_BT709, COLOR_LIMITED);
			canvas_noise(&c);
			ck_assert_int_eq(convert_write(&c.image, &p, &scratch, slot), 0);
			check_padding(&p, slot);
			image_buffer_free(&c.buffer);
		}
	image_buffer_free(&scratch);
}
END_TEST

START_TEST(own_size_yuv_is_a_plain_copy)
{
	struct image_buffer scratch = {0};
	struct canvas c;
	struct picture p, nv;
	cleanup_free uint8_t *slot = slot_of(DRM_FORMAT_YUV420, 227, 149, &p);
	cleanup_free uint8_t *nv12 = slot_of(DRM_FORMAT_NV12, 227, 149, &nv);

	canvas_make(&c, 227, 149, COLOR_BT601, COLOR_FULL);
	canvas_noise(&c);
	ck_assert_int_eq(convert_write(&c.image, &p, &scratch, slot), 0);
	ck_assert_int_eq(convert_write(&c.image, &nv, &scratch, nv12), 0);
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t row = 0; row < p.rows[i]; row++)
			ck_assert_mem_eq(slot + p.offset[i] + (size_t)row * p.stride[i],
				c.plane[i] + (size_t)row * (size_t)c.image.stride[i],
				p.row_bytes[i]);
	for (uint32_t row = 0; row < nv.rows[1]; row++)
		for (uint32_t x = 0; x < nv.row_bytes[1]; x++)
			ck_assert_uint_eq(nv12[nv.offset[1] + (size_t)row * nv.stride[1] + x],
				c.plane[1 + x % 2]
				       [(size_t)row * (size_t)c.image.stride[1] + x / 2]);
	ck_assert_ptr_null(scratch.memory);
	image_buffer_free(&c.buffer);
}
END_TEST

START_TEST(scaling_keeps_a_flat_colour)
{
	struct image_buffer scratch = {0};
	struct canvas c;
	struct picture p;
	cleanup_free uint8_t *slot = slot_of(DRM_FORMAT_YUV420, 7, 3, &p);

	/* 4096 rows into 3: more rows a box than 16 bit sums hold. */
	canvas_make(&c, 64, 4096, COLOR_BT601, COLOR_LIMITED);
	canvas_fill(&c, 201, 90, 170);
	ck_assert_int_eq(convert_write(&c.image, &p, &scratch, slot), 0);
	for (uint32_t x = 0; x < 7; x++)
		ck_assert_int_le(abs(slot[x] - 201), 1);
	ck_assert_int_le(abs(slot[p.offset[1]] - 90), 1);
	ck_assert_int_le(abs(slot[p.offset[2]] - 170), 1);
	image_buffer_free(&c.buffer);
	image_buffer_free(&scratch);
}
END_TEST

START_TEST(masks_are_black_in_a_copy)
{
	/* odd corners; over the edge; overlapping; outside; huge */
	const struct mask_list masks = {{{3, 5, 10, 7}, {40, 40, 100, 100}, {8, 8, 4, 4},
						{64, 0, 5, 5}, {0, 47, UINT32_MAX, UINT32_MAX}},
		5};
	struct image_buffer buffer = {0};
	struct canvas c;
	struct image out;
	uint32_t range = (uint32_t)_i;

	canvas_make(&c, 64, 48, COLOR_BT601, range);
	canvas_fill(&c, 200, 60, 70);
	ck_assert_int_eq(convert_mask(&c.image, &masks, &buffer, &out), 0);
	ck_assert_ptr_ne(out.plane[0], c.image.plane[0]);
	for (uint32_t y = 0; y < 48; y++)
		for (uint32_t x = 0; x < 64; x++) {
			int masked = (x >= 3 && x < 13 && y >= 5 && y < 12) ||
				(x >= 40 && y >= 40) || y >= 47;
			uint8_t got = out.plane[0][y * (uint32_t)out.stride[0] + x];
			uint8_t u = out.plane[1][y / 2 * (uint32_t)out.stride[1] + x / 2];

			ck_assert_uint_eq(got, !masked ? 200 : range == COLOR_FULL ? 0 : 16);
			if (masked)
				ck_assert_uint_eq(u, 128);
			ck_assert_uint_eq(c.plane[0][y * (uint32_t)c.image.stride[0] + x], 200);
		}
	ck_assert_uint_eq(out.plane[1][0], 60);
	image_buffer_free(&c.buffer);
	image_buffer_free(&buffer);
}
END_TEST

START_TEST(without_masks_there_is_no_copy)
{
	const struct mask_list none = {.n = 0};
	const struct mask_list outside = {{{64, 0, 8, 8}, {0, 48, 8, 8}, {3, 3, 0, 9}}, 3};
	struct image_buffer buffer = {0};
	struct canvas c;
	struct image out;

	canvas_make(&c, 64, 48, COLOR_BT601, COLOR_LIMITED);
	ck_assert_int_eq(convert_mask(&c.image, &none, &buffer, &out), 0);
	ck_assert_ptr_eq(out.plane[0], c.image.plane[0]);
	ck_assert_int_eq(convert_mask(&c.image, &outside, &buffer, &out), 0);
	ck_assert_ptr_eq(out.plane[0], c.image.plane[0]);
	ck_assert_ptr_null(buffer.memory);
	image_buffer_free(&c.buffer);
}
END_TEST

/* What lies under a mask has no influence on any delivered byte, in any format and scale. */
START_TEST(masked_pixels_do_not_reach_the_slot)
{
	const struct mask_list masks = {{{21, 11, 33, 17}}, 1};
	static const uint32_t sizes[][2] = {{96, 64}, {48, 32}, {31, 21}, {200, 150}};
	struct image_buffer scratch = {0}, buffer = {0};

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (size_t f = 0; f < ARRAY_SIZE(fourccs); f++) {
			struct canvas c;
			struct image masked;
			struct picture p;
			cleanup_free uint8_t *one =
				slot_of(fourccs[f], sizes[s][0], sizes[s][1], &p);
			cleanup_free uint8_t *two =
				slot_of(fourccs[f], sizes[s][0], sizes[s][1], &p);

			canvas_make(&c, 96, 64, COLOR_BT709, COLOR_LIMITED);
			canvas_noise(&c);
			ck_assert_int_eq(convert_mask(&c.image, &masks, &buffer, &masked), 0);
			ck_assert_int_eq(convert_write(&masked, &p, &scratch, one), 0);
			for (uint32_t y = 11; y < 28; y++)
				for (uint32_t x = 21; x < 54; x++) {
					c.plane[0][y * (uint32_t)c.image.stride[0] + x] ^= 0xff;
					c.plane[1][y / 2 * (uint32_t)c.image.stride[1] + x / 2] ^=
						0xff;
				}
			ck_assert_int_eq(convert_mask(&c.image, &masks, &buffer, &masked), 0);
			ck_assert_int_eq(convert_write(&masked, &p, &scratch, two), 0);
			ck_assert_mem_eq(one, two, p.slot_bytes);
			image_buffer_free(&c.buffer);
		}
	image_buffer_free(&scratch);
	image_buffer_free(&buffer);
}
END_TEST

START_TEST(buffers_refuse_impossible_sizes)
{
	struct image_buffer b = {0};
	uint8_t *plane[3];
	int stride[3];

	ck_assert_int_eq(image_buffer_reserve(&b, 0, 1, plane, stride), -EINVAL);
	ck_assert_int_eq(image_buffer_reserve(&b, 1, 0, plane, stride), -EINVAL);
	ck_assert_int_eq(image_buffer_reserve(&b, LIMIT_SIDE + 1, 1, plane, stride), -EINVAL);
	ck_assert_int_eq(image_buffer_reserve(&b, LIMIT_SIDE, LIMIT_SIDE, plane, stride), -EINVAL);
	ck_assert_int_eq(image_buffer_reserve(&b, 65536, 65536, plane, stride), -EINVAL);
	ck_assert_ptr_null(b.memory);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("convert");
	TCase *t = tcase_create("convert");

	tcase_add_loop_test(t, colours_follow_matrix_and_range, 0, 6);
	tcase_add_loop_test(t, rgb565_follows_matrix_and_range, 0, 6);
	tcase_add_test(t, nothing_beside_the_picture_is_written);
	tcase_add_test(t, own_size_yuv_is_a_plain_copy);
	tcase_add_test(t, scaling_keeps_a_flat_colour);
	tcase_add_loop_test(t, masks_are_black_in_a_copy, COLOR_LIMITED, COLOR_FULL + 1);
	tcase_add_test(t, without_masks_there_is_no_copy);
	tcase_add_test(t, masked_pixels_do_not_reach_the_slot);
	tcase_add_test(t, buffers_refuse_impossible_sizes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
