/* libavcodec's pixel formats, matrices and ranges as ours. Pure; runs in framemux-decode. */
#include "mux/decode/av_image.h"

#include <errno.h>
#include <libavutil/pixdesc.h>
#include <libyuv/planar_functions.h>
#include <libyuv/scale.h>
#include <stdbool.h>
#include <string.h>

#include "common/limits.h"

#define HD_HEIGHT     720u /* from here on an unnamed matrix is BT.709 */
#define GREY_CHROMA   128u
#define SAR_MAX       65535
#define DEPTH_MAX     16
#define SCALE_OF_BITS 24 /* Convert16To8Plane multiplies by scale / 65536 */

static uint32_t encoding_of(const AVFrame *f)
{
	switch (f->colorspace) {
	case AVCOL_SPC_BT709:
	case AVCOL_SPC_SMPTE240M: /* the nearest that DRM can name */
		return COLOR_BT709;
	case AVCOL_SPC_BT470BG:
	case AVCOL_SPC_SMPTE170M:
	case AVCOL_SPC_FCC:
		return COLOR_BT601;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return COLOR_BT2020;
	default:
		return f->height >= (int)HD_HEIGHT ? COLOR_BT709 : COLOR_BT601;
	}
}

/* The yuvj formats are full range whatever else is said. */
static uint32_t range_of(const AVFrame *f, const AVPixFmtDescriptor *d)
{
	if (f->color_range == AVCOL_RANGE_JPEG || !strncmp(d->name, "yuvj", 4))
		return COLOR_FULL;
	return COLOR_LIMITED;
}

static void form_of(const AVFrame *f, const AVPixFmtDescriptor *d, struct image_form *ret)
{
	AVRational sar = f->sample_aspect_ratio;

	*ret = (struct image_form){
		.width = (uint32_t)f->width,
		.height = (uint32_t)f->height,
		.sar_num = 1,
		.sar_den = 1,
		.color_encoding = encoding_of(f),
		.color_range = range_of(f, d),
	};
	if (sar.num > 0 && sar.den > 0 && sar.num <= SAR_MAX && sar.den <= SAR_MAX) {
		ret->sar_num = (uint32_t)sar.num;
		ret->sar_den = (uint32_t)sar.den;
	}
}

/* Planes of one component each, or grey; native byte order. */
static bool is_planar_yuv(const AVPixFmtDescriptor *d)
{
	const uint64_t odd = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
		AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT |
		AV_PIX_FMT_FLAG_BAYER;
	int bytes = d->comp[0].depth > 8 ? 2 : 1;

	if ((d->flags & odd) || d->comp[0].depth < 8 || d->comp[0].depth > DEPTH_MAX)
		return false;
	if (d->nb_components != 1 && d->nb_components != 3)
		return false;
	for (int i = 0; i < d->nb_components; i++) {
		const AVComponentDescriptor *c = &d->comp[i];

		if (c->plane != i || c->step != bytes || c->offset || c->shift ||
			c->depth != d->comp[0].depth)
			return false;
	}
	return true;
}

/* A plane of any depth as 8 bit in dst, same size. */
static void plane_to_8(const AVFrame *f, int i, int depth, uint8_t *dst, int stride, int w, int h)
{
	if (depth == 8)
		CopyPlane(f->data[i], f->linesize[i], dst, stride, w, h);
	else
		Convert16To8Plane((const uint16_t *)(const void *)f->data[i], f->linesize[i] / 2,
			dst, stride, 1 << (SCALE_OF_BITS - depth), w, h);
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
			plane_to_8(f, i, depth, plane[i], stride[i], cw, ch);
		} else {
			const uint8_t *from = f->data[i];
			int from_stride = f->linesize[i];

			if (depth > 8) {
				plane_to_8(f, i, depth, plane[0], stride[0], from_w, from_h);
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
	plane_to_8(f, 0, depth, plane[0], stride[0], w, h);
	ret->plane[0] = plane[0];
	ret->stride[0] = stride[0];
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

int av_image_make(const AVFrame *frame, struct image_buffer *buffer, struct image *ret)
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
	form_of(frame, d, &out.form);
	if (frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P) {
		for (int i = 0; i < 3; i++) {
			out.plane[i] = frame->data[i];
			out.stride[i] = frame->linesize[i];
		}
	} else if (frame->format == AV_PIX_FMT_NV12) {
		r = make_nv12(frame, buffer, &out);
	} else if (is_planar_yuv(d)) {
		r = make_planar(frame, d, buffer, &out);
	} else {
		r = -ENOTSUP;
	}
	if (r < 0)
		return r;
	*ret = out;
	return 0;
}
