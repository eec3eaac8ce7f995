/* mux/decode/av_image: every kind of pixel format as I420, colour properties, what is refused. */
#include "mux/decode/av_image.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "unit.h"

static const struct image_hint none;

/* A flat picture: component i has value[i], of 8 bit, at the format's depth. */
static AVFrame *flat(enum AVPixelFormat format, int w, int h, const uint8_t value[3])
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
	AVFrame *f = av_frame_alloc();
	uint16_t line[4096];

	ck_assert_ptr_nonnull(f);
	f->format = format;
	f->width = w;
	f->height = h;
	ck_assert_int_eq(av_frame_get_buffer(f, 0), 0);
	for (int i = 0; i < AV_NUM_DATA_POINTERS && f->buf[i]; i++)
		memset(f->buf[i]->data, 0,
			f->buf[i]->size); /* av_write_image_line only sets bits */
	for (int i = 0; i < d->nb_components; i++) {
		int cw = i ? AV_CEIL_RSHIFT(w, d->log2_chroma_w) : w;
		int ch = i ? AV_CEIL_RSHIFT(h, d->log2_chroma_h) : h;

		for (int x = 0; x < cw; x++)
			line[x] = (uint16_t)(value[i] << (d->comp[i].depth - 8));
		for (int y = 0; y < ch; y++)
			av_write_image_line(line, f->data, f->linesize, d, 0, y, i, cw);
	}
	return f;
}

static const enum AVPixelFormat known[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_NV12,
	AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUVJ444P,
	AV_PIX_FMT_YUV440P, AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV410P,
	AV_PIX_FMT_GRAY8, AV_PIX_FMT_GRAY10LE, AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV422P10LE,
	AV_PIX_FMT_YUV444P10LE, AV_PIX_FMT_YUV420P12LE, AV_PIX_FMT_YUV422P12LE,
	AV_PIX_FMT_YUV420P9LE, AV_PIX_FMT_YUV420P14LE, AV_PIX_FMT_YUV420P16LE};

START_TEST(formats_become_i420)
{
	static const int sizes[][2] = {{64, 48}, {227, 149}, {1, 1}, {2, 3}, {33, 17}, {640, 5}};
	static const uint8_t value[3] = {173, 61, 202};
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(known[_i]);
	struct image_buffer buffer = {0};

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		AVFrame *f = flat(known[_i], sizes[s][0], sizes[s][1], value);
		struct image im;

		ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), 0);
		ck_assert_uint_eq(im.form.width, (uint32_t)f->width);
		ck_assert_uint_eq(im.form.height, (uint32_t)f->height);
		ck_assert_uint_eq(im.form.color_range,
			strncmp(d->name, "yuvj", 4) ? COLOR_LIMITED : COLOR_FULL);
		for (int i = 0; i < 3; i++) {
			uint32_t w = i ? image_half(im.form.width) : im.form.width;
			uint32_t h = i ? image_half(im.form.height) : im.form.height;
			int right = i && d->nb_components == 1 ? 128 : value[i];

			for (uint32_t y = 0; y < h; y++)
				for (uint32_t x = 0; x < w; x++) {
					int got = im.plane[i][(ptrdiff_t)y * im.stride[i] + x];

					ck_assert_msg(abs(got - right) <= 1,
						"%s %dx%d plane %d at %u,%u: %d, not %d", d->name,
						f->width, f->height, i, x, y, got, right);
				}
		}
		av_frame_free(&f);
	}
	image_buffer_free(&buffer);
}
END_TEST

/* The common one costs nothing: no copy. */
START_TEST(yuv420_stays_in_place)
{
	static const uint8_t value[3] = {1, 2, 3};
	AVFrame *f = flat(AV_PIX_FMT_YUV420P, 64, 48, value);
	struct image_buffer buffer = {0};
	struct image im;

	ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_eq(im.plane[i], f->data[i]);
	ck_assert_ptr_null(buffer.memory);
	av_frame_free(&f);
}
END_TEST

/* To the nearest, in vectors and behind them, and never beyond 255. */
START_TEST(more_bits_are_rounded)
{
	AVFrame *f = av_frame_alloc();
	int depth = _i ? 12 : 10;
	int values = 1 << depth, step = 1 << (depth - 8);
	struct image_buffer buffer = {0};
	struct image im;

	f->format = _i ? AV_PIX_FMT_YUV420P12LE : AV_PIX_FMT_YUV420P10LE;
	f->width = values + 5;
	f->height = 2;
	ck_assert_int_eq(av_frame_get_buffer(f, 0), 0);
	memset(f->data[1], 0, (size_t)f->linesize[1]);
	memset(f->data[2], 0, (size_t)f->linesize[2]);
	for (int x = 0; x < f->width; x++)
		((uint16_t *)(void *)f->data[0])[x] = (uint16_t)(x % values);
	ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), 0);
	for (int x = 0; x < f->width; x++) {
		int right = (x % values + step / 2) / step;

		ck_assert_int_eq(im.plane[0][x], right < 255 ? right : 255);
	}
	av_frame_free(&f);
	image_buffer_free(&buffer);
}
END_TEST

/* BT.601 over the full range, as JPEG: within 2 of what the formula says; odd sizes as well. */
START_TEST(rgb_becomes_yuv)
{
	static const enum AVPixelFormat formats[] = {AV_PIX_FMT_GBRP, AV_PIX_FMT_GBRP10LE};
	static const uint8_t colours[][3] = {
		{255, 255, 255}, {0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {90, 160, 30}};
	struct image_buffer buffer = {0};

	for (size_t k = 0; k < ARRAY_SIZE(colours); k++) {
		double r = colours[k][0], g = colours[k][1], b = colours[k][2];
		double y = .299 * r + .587 * g + .114 * b;
		const double right[3] = {y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402};
		AVFrame *f = flat(formats[_i], 33, 17, colours[k]);
		struct image im;

		ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), 0);
		ck_assert_uint_eq(im.form.color_encoding, COLOR_BT601);
		ck_assert_uint_eq(im.form.color_range, COLOR_FULL);
		for (int i = 0; i < 3; i++)
			for (int at = 0; at < (i ? 9 : 17); at++) {
				const uint8_t *row = im.plane[i] + (ptrdiff_t)at * im.stride[i];
				double last = row[i ? 16 : 32];

				ck_assert_double_le(last, right[i] + 2);
				ck_assert_double_ge(last, right[i] - 2);
				ck_assert_double_le(row[0], right[i] + 2);
				ck_assert_double_ge(row[0], right[i] - 2);
			}
		av_frame_free(&f);
	}
	image_buffer_free(&buffer);
}
END_TEST

/* What the container says counts where the pictures say nothing, and only there. */
START_TEST(the_containers_word_is_the_second)
{
	static const uint8_t value[3] = {1, 2, 3};
	const struct image_hint hint = {4, 3, AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_JPEG};
	const struct image_hint odd = {70000, 1, 4711, 4711};
	AVFrame *f = flat(AV_PIX_FMT_YUV420P, 16, 16, value);
	struct image_buffer buffer = {0};
	struct image im;

	ck_assert_int_eq(av_image_make(f, &hint, &buffer, &im), 0);
	ck_assert_uint_eq(im.form.color_encoding, COLOR_BT2020);
	ck_assert_uint_eq(im.form.color_range, COLOR_FULL);
	ck_assert_uint_eq(im.form.sar_num, 4);
	ck_assert_uint_eq(im.form.sar_den, 3);
	ck_assert_int_eq(av_image_make(f, &odd, &buffer, &im), 0);
	ck_assert_uint_eq(im.form.color_encoding, COLOR_BT601);
	ck_assert_uint_eq(im.form.color_range, COLOR_LIMITED);
	ck_assert_uint_eq(im.form.sar_num, 1);
	f->colorspace = AVCOL_SPC_BT709;
	f->color_range = AVCOL_RANGE_MPEG;
	f->sample_aspect_ratio = (AVRational){16, 11};
	ck_assert_int_eq(av_image_make(f, &hint, &buffer, &im), 0);
	ck_assert_uint_eq(im.form.color_encoding, COLOR_BT709);
	ck_assert_uint_eq(im.form.color_range, COLOR_LIMITED);
	ck_assert_uint_eq(im.form.sar_num, 16);
	av_frame_free(&f);
}
END_TEST

START_TEST(other_formats_are_refused)
{
	static const enum AVPixelFormat others[] = {AV_PIX_FMT_RGB24, AV_PIX_FMT_GBRAP,
		AV_PIX_FMT_PAL8, AV_PIX_FMT_YUYV422, AV_PIX_FMT_NV16, AV_PIX_FMT_YUVA420P,
		AV_PIX_FMT_YUV420P10BE, AV_PIX_FMT_P010LE, AV_PIX_FMT_MONOBLACK, AV_PIX_FMT_BGRA};
	AVFrame *f = av_frame_alloc();
	struct image_buffer buffer = {0};
	struct image im;

	f->format = others[_i];
	f->width = 64;
	f->height = 48;
	ck_assert_int_eq(av_frame_get_buffer(f, 0), 0);
	ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), -ENOTSUP);
	av_frame_free(&f);
	image_buffer_free(&buffer);
}
END_TEST

START_TEST(impossible_frames_are_refused)
{
	static const int sizes[][2] = {{LIMIT_SIDE + 1, 1}, {1, LIMIT_SIDE + 1},
		{LIMIT_SIDE, LIMIT_SIDE}, {0, 5}, {5, 0}, {-1, 5}};
	AVFrame *f = av_frame_alloc();
	struct image_buffer buffer = {0};
	struct image im;

	f->format = AV_PIX_FMT_YUV420P;
	f->width = sizes[_i][0];
	f->height = sizes[_i][1];
	ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), -EMSGSIZE);
	f->width = f->height = 16; /* no memory behind it */
	ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), -ENOTSUP);
	f->format = 12345;
	ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), -ENOTSUP);
	av_frame_free(&f);
}
END_TEST

START_TEST(colour_and_shape_are_the_streams)
{
	static const struct {
		enum AVColorSpace space;
		int height;
		uint32_t encoding;
	} spaces[] = {{AVCOL_SPC_BT709, 48, COLOR_BT709}, {AVCOL_SPC_BT470BG, 720, COLOR_BT601},
		{AVCOL_SPC_SMPTE170M, 720, COLOR_BT601}, {AVCOL_SPC_BT2020_NCL, 48, COLOR_BT2020},
		{AVCOL_SPC_UNSPECIFIED, 719, COLOR_BT601},
		{AVCOL_SPC_UNSPECIFIED, 720, COLOR_BT709}};
	static const uint8_t value[3] = {1, 2, 3};
	struct image_buffer buffer = {0};
	struct image im;

	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
		AVFrame *f = flat(AV_PIX_FMT_YUV420P, 16, spaces[i].height, value);

		f->colorspace = spaces[i].space;
		f->color_range = i % 2 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
		f->sample_aspect_ratio = i % 2 ? (AVRational){16, 11} : (AVRational){0, 1};
		ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), 0);
		ck_assert_uint_eq(im.form.color_encoding, spaces[i].encoding);
		ck_assert_uint_eq(im.form.color_range, i % 2 ? COLOR_FULL : COLOR_LIMITED);
		ck_assert_uint_eq(im.form.sar_num, i % 2 ? 16 : 1);
		ck_assert_uint_eq(im.form.sar_den, i % 2 ? 11 : 1);
		f->sample_aspect_ratio = (AVRational){INT32_MAX, -3};
		ck_assert_int_eq(av_image_make(f, &none, &buffer, &im), 0);
		ck_assert_uint_eq(im.form.sar_num, 1);
		av_frame_free(&f);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("av_image");
	TCase *t = tcase_create("av_image");

	tcase_add_loop_test(t, formats_become_i420, 0, (int)ARRAY_SIZE(known));
	tcase_add_test(t, yuv420_stays_in_place);
	tcase_add_loop_test(t, more_bits_are_rounded, 0, 2);
	tcase_add_loop_test(t, rgb_becomes_yuv, 0, 2);
	tcase_add_test(t, the_containers_word_is_the_second);
	tcase_add_loop_test(t, other_formats_are_refused, 0, 10);
	tcase_add_loop_test(t, impossible_frames_are_refused, 0, 6);
	tcase_add_test(t, colour_and_shape_are_the_streams);
	suite_add_tcase(s, t);
	return unit_run(s);
}
