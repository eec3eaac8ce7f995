/* libavcodec's pixel formats, matrices and ranges as ours. Pure; runs in framemux-decode. */
#include "mux/decode/av_image.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <libyuv/convert_from_argb.h>
#include <libyuv/planar_functions.h>
#include <libyuv/scale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"

#define GREY_CHROMA 128u
#define SAR_MAX     65535u
#define DEPTH_MAX   16
#define LANES       8

/* libavutil counts matrices as H.273 does. */
static uint32_t encoding_of(const AVFrame *f, const struct image_hint *hint)
{
	uint32_t matrix =
		f->colorspace == AVCOL_SPC_UNSPECIFIED ? hint->matrix : (uint32_t)f->colorspace;

	return image_encoding(matrix, (uint32_t)f->height);
}

/* The yuvj formats are full range whatever else is said. */
static uint32_t range_of(
	const AVFrame *f, const AVPixFmtDescriptor *d, const struct image_hint *hint)
{
	uint32_t range =
		f->color_range == AVCOL_RANGE_UNSPECIFIED ? hint->range : (uint32_t)f->color_range;

	return range == AVCOL_RANGE_JPEG || !strncmp(d->name, "yuvj", 4) ? COLOR_FULL
									 : COLOR_LIMITED;
}

static bool sar_is_sane(uint32_t num, uint32_t den)
{
	return num > 0 && den > 0 && num <= SAR_MAX && den <= SAR_MAX;
}

static void form_of(const AVFrame *f, const AVPixFmtDescriptor *d, const struct image_hint *hint,
	struct image_form *ret)
{
	AVRational sar = f->sample_aspect_ratio;

	*ret = (struct image_form){
		.width = (uint32_t)f->width,
		.height = (uint32_t)f->height,
		.sar_num = 1,
		.sar_den = 1,
		.color_encoding = encoding_of(f, hint),
		.color_range = range_of(f, d, hint),
	};
	if (sar.num > 0 && sar.den > 0 && sar_is_sane((uint32_t)sar.num, (uint32_t)sar.den)) {
		ret->sar_num = (uint32_t)sar.num;
		ret->sar_den = (uint32_t)sar.den;
	} else if (sar.num == 0 && sar_is_sane(hint->sar_num, hint->sar_den)) {
		ret->sar_num = hint->sar_num;
		ret->sar_den = hint->sar_den;
	}
}

/* Planes of one component each, or grey; native byte order. YUV, but for the flag RGB. */
static bool is_planar(const AVPixFmtDescriptor *d)
{
	const uint64_t odd = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
		AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT |
		AV_PIX_FMT_FLAG_BAYER;
	int bytes = d->comp[0].depth > 8 ? 2 : 1;

	if ((d->flags & odd) || d->comp[0].depth < 8 || d->comp[0].depth > DEPTH_MAX)
		return false;
	if (d->nb_components != 1 && d->nb_components != 3)
		return false;
	for (int i = 0; i < d->nb_components; i++) {
		const AVComponentDescriptor *c = &d->comp[i];
		/* GBR: the components are R, G, B, the planes G, B, R. */
		int plane = d->flags & AV_PIX_FMT_FLAG_RGB ? (i + 2) % 3 : i;

		if (c->plane != plane || c->step != bytes || c->offset || c->shift ||
			c->depth != d->comp[0].depth)
			return false;
	}
	return true;
}

/*
 * A row of more than 8 bits, rounded. Not libyuv's Convert16To8Plane, which cuts off: on average 3/8
 * too dark at 10 bits, and chroma off to one side. In vectors, a seventh of the time of plain C.
 */
static void round_row(const uint16_t *src, uint8_t *dst, int n, int depth)
{
	typedef uint16_t wide __attribute__((vector_size(2 * LANES)));
	typedef uint8_t narrow __attribute__((vector_size(LANES)));
	const uint16_t shift = (uint16_t)(depth - 8), last = (uint16_t)(shift - 1);
	int x = 0;

	for (; x + LANES <= n; x += LANES) {
		wide v;
		narrow out;

		memcpy(&v, src + x, sizeof(v));
		v = (v >> shift) + ((v >> last) & 1);
		v -= v >> 8; /* 256 is 255 */
		out = __builtin_convertvector(v, narrow);
		memcpy(dst + x, &out, sizeof(out));
	}
	for (; x < n; x++) {
		unsigned v = (src[x] >> shift) + ((unsigned)src[x] >> last & 1);

		dst[x] = (uint8_t)(v - (v >> 8));
	}
}

/* h rows of a plane of any depth, from row y on, as 8 bit in dst. */
static void plane_to_8(
	const AVFrame *f, int i, int depth, int y, uint8_t *dst, int stride, int w, int h)
{
	const uint8_t *src = f->data[i] + (ptrdiff_t)y * f->linesize[i];

	if (depth == 8) {
		CopyPlane(src, f->linesize[i], dst, stride, w, h);
		return;
	}
	for (; h > 0; h--, src += f->linesize[i], dst += stride)
		round_row((const uint16_t *)(const void *)src, dst, w, depth);
}

/*
 * Chroma in another subsampling is brought to half size both ways. Depth goes first, into the luma
 * area of buffer (which is large enough for 4:4:4) when luma itself does not need it.
 */
static int make_planar(const AVFrame *f, const AVPixFmtDescriptor *d, struct image_buffer *buffer,
	struct image *ret)
{
	int depth = d->comp[0].depth, w = f->width, h = f->height;
	int cw = (int)image_half((uint32_t)w), ch = (int)image_half((uint32_t)h);
	int from_w = AV_CEIL_RSHIFT(w, d->log2_chroma_w);
	int from_h = AV_CEIL_RSHIFT(h, d->log2_chroma_h);
	uint8_t *plane[3];
	int stride[3];
	int r = image_buffer_reserve(buffer, (uint32_t)w, (uint32_t)h, plane, stride);

	if (r < 0)
		return r;
	for (int i = 1; i < 3; i++) {
		if (d->nb_components == 1) {
			SetPlane(plane[i], stride[i], cw, ch, GREY_CHROMA);
		} else if (from_w == cw && from_h == ch) {
			plane_to_8(f, i, depth, 0, plane[i], stride[i], cw, ch);
		} else {
			const uint8_t *from = f->data[i];
			int from_stride = f->linesize[i];

			if (depth > 8) {
				plane_to_8(f, i, depth, 0, plane[0], stride[0], from_w, from_h);
				from = plane[0];
				from_stride = stride[0];
			}
			ScalePlane(from, from_stride, from_w, from_h, plane[i], stride[i], cw, ch,
				from_w >= cw && from_h >= ch ? kFilterBox : kFilterBilinear);
		}
		ret->plane[i] = plane[i];
		ret->stride[i] = stride[i];
	}
	if (depth == 8) {
		ret->plane[0] = f->data[0];
		ret->stride[0] = f->linesize[0];
		return 0;
	}
	plane_to_8(f, 0, depth, 0, plane[0], stride[0], w, h);
	ret->plane[0] = plane[0];
	ret->stride[0] = stride[0];
	return 0;
}

/* GBR, as High 4:4:4 and JPEGs may be coded: two rows at a time, packed for libyuv. */
static int make_gbr(const AVFrame *f, const AVPixFmtDescriptor *d, struct image_buffer *buffer,
	struct image *ret)
{
	enum { G, B, R, ROWS = 2 };
	int w = f->width, h = f->height, stride[3];
	size_t row = (size_t)w;
	cleanup_free uint8_t *rows = malloc(ROWS * row * 7);
	uint8_t *plane[3], *packed = rows, *from = rows + ROWS * row * 4;
	int r = image_buffer_reserve(buffer, (uint32_t)w, (uint32_t)h, plane, stride);

	if (r < 0)
		return r;
	if (!rows)
		return -ENOMEM;
	for (int y = 0; y < h; y += ROWS) {
		int n = h - y < ROWS ? h - y : ROWS;

		for (int i = 0; i < 3; i++)
			plane_to_8(
				f, i, d->comp[0].depth, y, from + (size_t)i * ROWS * row, w, w, n);
		MergeARGBPlane(from + R * ROWS * row, w, from + G * ROWS * row, w,
			from + B * ROWS * row, w, NULL, 0, packed, 4 * w, w, n);
		ARGBToJ420(packed, 4 * w, plane[0] + (ptrdiff_t)y * stride[0], stride[0],
			plane[1] + (ptrdiff_t)(y / 2) * stride[1], stride[1],
			plane[2] + (ptrdiff_t)(y / 2) * stride[2], stride[2], w, n);
	}
	for (int i = 0; i < 3; i++) {
		ret->plane[i] = plane[i];
		ret->stride[i] = stride[i];
	}
	ret->form.color_encoding = COLOR_BT601;
	ret->form.color_range = COLOR_FULL;
	return 0;
}

static int make_nv12(const AVFrame *f, struct image_buffer *buffer, struct image *ret)
{
	uint8_t *plane[3];
	int stride[3];
	int r = image_buffer_reserve(
		buffer, (uint32_t)f->width, (uint32_t)f->height, plane, stride);

	if (r < 0)
		return r;
	SplitUVPlane(f->data[1], f->linesize[1], plane[1], stride[1], plane[2], stride[2],
		(int)image_half((uint32_t)f->width), (int)image_half((uint32_t)f->height));
	ret->plane[0] = f->data[0];
	ret->stride[0] = f->linesize[0];
	for (int i = 1; i < 3; i++) {
		ret->plane[i] = plane[i];
		ret->stride[i] = stride[i];
	}
	return 0;
}

int av_image_make(const AVFrame *frame, const struct image_hint *hint, struct image_buffer *buffer,
	struct image *ret)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
	struct image out = {0};
	int r = 0;

	if (frame->width <= 0 || frame->height <= 0 || frame->width > (int)LIMIT_SIDE ||
		frame->height > (int)LIMIT_SIDE ||
		(uint32_t)frame->width * (uint32_t)frame->height > LIMIT_PIXELS)
		return -EMSGSIZE;
	if (!d || !frame->data[0])
		return -ENOTSUP;
	form_of(frame, d, hint, &out.form);
	if (frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P) {
		for (int i = 0; i < 3; i++) {
			out.plane[i] = frame->data[i];
			out.stride[i] = frame->linesize[i];
		}
	} else if (frame->format == AV_PIX_FMT_NV12) {
		r = make_nv12(frame, buffer, &out);
	} else if (is_planar(d)) {
		r = d->flags & AV_PIX_FMT_FLAG_RGB ? make_gbr(frame, d, buffer, &out)
						   : make_planar(frame, d, buffer, &out);
	} else {
		r = -ENOTSUP;
	}
	if (r < 0)
		return r;
	*ret = out;
	return 0;
}
