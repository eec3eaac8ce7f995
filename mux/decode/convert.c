/* Masks, scaling and colour with libyuv, straight into slots. Keeps nothing of its own. */
#include "mux/decode/convert.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <libyuv/convert.h>
#include <libyuv/convert_argb.h>
#include <libyuv/convert_from.h>
#include <libyuv/planar_functions.h>
#include <libyuv/row.h>
#include <libyuv/scale.h>
#include <stdbool.h>

#include "common/breakage.h"
#include "common/cleanup.h"

#define BLACK_LIMITED 16u
#define BLACK_FULL    0u
#define GREY_CHROMA   128u

/* libyuv sums the rows of a box in 16 bits: 257 rows of 255 and no more. */
#define BOX_ROWS_MAX 256u

static const struct YuvConstants *library_matrix(const struct image_form *f)
{
	bool full = f->color_range == COLOR_FULL;

	switch (f->color_encoding) {
	case COLOR_BT709:
		return full ? &kYuvF709Constants : &kYuvH709Constants;
	case COLOR_BT2020:
		return full ? &kYuvV2020Constants : &kYuv2020Constants;
	default:
		return full ? &kYuvJPEGConstants : &kYuvI601Constants;
	}
}

/*
 * Blue from U in 64ths, where it is 2 or more: libyuv's own tables stop at 128 (from a time when
 * the coefficient was signed), which makes saturated blue wrong by up to 18. Its code takes all 8
 * bits.
 */
static unsigned blue_of(const struct image_form *f)
{
	static const unsigned limited[] = {
		[COLOR_BT601] = 129, [COLOR_BT709] = 135, [COLOR_BT2020] = 137};

	return f->color_range == COLOR_LIMITED && f->color_encoding < ARRAY_SIZE(limited)
		? limited[f->color_encoding]
		: 0;
}

static void matrix_of(const struct image_form *f, struct YuvConstants *ret)
{
	unsigned blue = blue_of(f);

	*ret = *library_matrix(f);
	if (!blue)
		return;
#if defined(__aarch64__) || defined(__arm__)
	/* B, R and G's two in turn; the first bias holds 128 times the first coefficient. */
	ret->kRGBCoeffBias[1] += (int16_t)(((int)blue - ret->kUVCoeff[0]) * 128);
	for (size_t i = 0; i < sizeof(ret->kUVCoeff); i += 4)
		ret->kUVCoeff[i] = (uint8_t)blue;
#else
	for (size_t i = 0; i < sizeof(ret->kUVToB); i += 2)
		ret->kUVToB[i] = (uint8_t)blue;
#endif
}

/* Averages all pixels when everything shrinks; between neighbours otherwise. */
static enum FilterMode filter_for(uint32_t from_w, uint32_t from_h, uint32_t to_w, uint32_t to_h)
{
	if (to_w <= from_w && to_h <= from_h && from_h / to_h < BOX_ROWS_MAX)
		return kFilterBox;
	return kFilterBilinear;
}

static bool is_size_of(const struct image *in, const struct picture *p)
{
	return in->form.width == p->width && in->form.height == p->height;
}

static void fill(uint8_t *plane, int stride, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1,
	uint8_t value)
{
	if (x1 > x0 && y1 > y0)
		SetPlane(plane + (size_t)y0 * (size_t)stride + x0, stride, (int)(x1 - x0),
			(int)(y1 - y0), value);
}

static uint32_t clip(uint32_t at, uint32_t length, uint32_t limit)
{
	uint64_t end = (uint64_t)at + length;

	return end < limit ? (uint32_t)end : limit;
}

static bool mask_touches(const struct mask *m, const struct image_form *f)
{
	return m->width > 0 && m->height > 0 && m->x < f->width && m->y < f->height;
}

/* Every chroma sample that a masked pixel takes part in is cleared. */
static void fill_mask(uint8_t *const plane[3], const int stride[3], const struct image_form *f,
	const struct mask *m)
{
	uint32_t x1 = clip(m->x, m->width, f->width), y1 = clip(m->y, m->height, f->height);

	fill(plane[0], stride[0], m->x, m->y, x1, y1,
		f->color_range == COLOR_FULL ? BLACK_FULL : BLACK_LIMITED);
	for (int i = 1; i < 3; i++)
		fill(plane[i], stride[i], m->x / 2, m->y / 2, image_half(x1), image_half(y1),
			GREY_CHROMA);
}

int convert_mask(const struct image *in, const struct mask_list *masks, struct image_buffer *buffer,
	struct image *ret)
{
	struct image out = *in;
	uint8_t *plane[3];
	uint32_t touching = 0;
	int r;

	for (uint32_t i = 0; i < masks->n && !breakage("decode-skip-mask"); i++)
		touching += mask_touches(&masks->mask[i], &in->form);
	if (touching == 0) {
		*ret = *in;
		return 0;
	}
	r = image_buffer_reserve(buffer, in->form.width, in->form.height, plane, out.stride);
	if (r < 0)
		return r;
	I420Copy(in->plane[0], in->stride[0], in->plane[1], in->stride[1], in->plane[2],
		in->stride[2], plane[0], out.stride[0], plane[1], out.stride[1], plane[2],
		out.stride[2], (int)in->form.width, (int)in->form.height);
	for (uint32_t i = 0; i < masks->n; i++)
		if (mask_touches(&masks->mask[i], &in->form))
			fill_mask(plane, out.stride, &in->form, &masks->mask[i]);
	for (int i = 0; i < 3; i++)
		out.plane[i] = plane[i];
	*ret = out;
	return 0;
}

/* in as an I420 picture of p's size: itself, or scaled into scratch. */
static int scaled(const struct image *in, const struct picture *p, struct image_buffer *scratch,
	struct image *ret)
{
	struct image out = *in;
	uint8_t *plane[3];
	int r;

	if (is_size_of(in, p)) {
		*ret = *in;
		return 0;
	}
	r = image_buffer_reserve(scratch, p->width, p->height, plane, out.stride);
	if (r < 0)
		return r;
	if (I420Scale(in->plane[0], in->stride[0], in->plane[1], in->stride[1], in->plane[2],
		    in->stride[2], (int)in->form.width, (int)in->form.height, plane[0],
		    out.stride[0], plane[1], out.stride[1], plane[2], out.stride[2], (int)p->width,
		    (int)p->height,
		    filter_for(in->form.width, in->form.height, p->width, p->height)) != 0)
		return -EINVAL;
	for (int i = 0; i < 3; i++)
		out.plane[i] = plane[i];
	out.form.width = p->width;
	out.form.height = p->height;
	*ret = out;
	return 0;
}

static int write_yuv420(const struct image *in, const struct picture *p, uint8_t *slot)
{
	uint8_t *y = slot + p->offset[0], *u = slot + p->offset[1], *v = slot + p->offset[2];
	int sy = (int)p->stride[0], su = (int)p->stride[1], sv = (int)p->stride[2];

	if (is_size_of(in, p))
		return I420Copy(in->plane[0], in->stride[0], in->plane[1], in->stride[1],
			in->plane[2], in->stride[2], y, sy, u, su, v, sv, (int)p->width,
			(int)p->height);
	return I420Scale(in->plane[0], in->stride[0], in->plane[1], in->stride[1], in->plane[2],
		in->stride[2], (int)in->form.width, (int)in->form.height, y, sy, u, su, v, sv,
		(int)p->width, (int)p->height,
		filter_for(in->form.width, in->form.height, p->width, p->height));
}

int convert_write(const struct image *in, const struct picture *p, struct image_buffer *scratch,
	uint8_t *slot)
{
	uint8_t *first = slot + p->offset[0];
	int stride = (int)p->stride[0], w = (int)p->width, h = (int)p->height;
	_Alignas(32) struct YuvConstants matrix; /* read by vector instructions */
	struct image i;
	int r;

	if (p->fourcc == DRM_FORMAT_YUV420)
		return write_yuv420(in, p, slot) == 0 ? 0 : -EINVAL;
	r = scaled(in, p, scratch, &i);
	if (r < 0)
		return r;
	matrix_of(&i.form, &matrix);
	switch (p->fourcc) {
	case DRM_FORMAT_NV12:
		r = I420ToNV12(i.plane[0], i.stride[0], i.plane[1], i.stride[1], i.plane[2],
			i.stride[2], first, stride, slot + p->offset[1], (int)p->stride[1], w, h);
		break;
	case DRM_FORMAT_XRGB8888: /* libyuv's ARGB: B, G, R, 255 in memory */
		r = I420ToARGBMatrix(i.plane[0], i.stride[0], i.plane[1], i.stride[1], i.plane[2],
			i.stride[2], first, stride, &matrix, w, h);
		break;
	case DRM_FORMAT_RGB565:
		r = I420ToRGB565Matrix(i.plane[0], i.stride[0], i.plane[1], i.stride[1], i.plane[2],
			i.stride[2], first, stride, &matrix, w, h);
		break;
	default:
		return -EINVAL;
	}
	return r == 0 ? 0 : -EINVAL;
}
