/* Uncoded pictures with libyuv. Keeps nothing. */
#include "mux/decode/raw.h"

#include <errno.h>
#include <libyuv/convert.h>
#include <stdbool.h>

#include "mux/link/stream.h"

#define YUYV_PAIR_BYTES 4u /* Y U Y V: two pixels */
#define NV12_PAIR_BYTES 2u /* U V: of two by two pixels */

#define SAR_MAX 65535u

void raw_form(
	uint32_t width, uint32_t height, const struct image_hint *hint, struct image_form *ret)
{
	bool has_sar = hint->sar_num > 0 && hint->sar_num <= SAR_MAX && hint->sar_den > 0 &&
		hint->sar_den <= SAR_MAX;

	*ret = (struct image_form){
		.width = width,
		.height = height,
		.sar_num = has_sar ? hint->sar_num : 1,
		.sar_den = has_sar ? hint->sar_den : 1,
		.color_encoding = image_encoding(hint->matrix, height),
		.color_range = hint->range == 2 ? COLOR_FULL : COLOR_LIMITED,
	};
}

static int paint_yuyv(const uint8_t *unit, size_t len, const struct image_form *form,
	uint8_t *const plane[3], const int stride[3])
{
	size_t row = (size_t)image_half(form->width) * YUYV_PAIR_BYTES;

	if (len != row * form->height)
		return -EMSGSIZE;
	YUY2ToI420(unit, (int)row, plane[0], stride[0], plane[1], stride[1], plane[2], stride[2],
		(int)form->width, (int)form->height);
	return 0;
}

static int paint_nv12(const uint8_t *unit, size_t len, const struct image_form *form,
	uint8_t *const plane[3], const int stride[3])
{
	size_t luma = (size_t)form->width * form->height;
	size_t row = (size_t)image_half(form->width) * NV12_PAIR_BYTES;

	if (len != luma + row * image_half(form->height))
		return -EMSGSIZE;
	NV12ToI420(unit, (int)form->width, unit + luma, (int)row, plane[0], stride[0], plane[1],
		stride[1], plane[2], stride[2], (int)form->width, (int)form->height);
	return 0;
}

int raw_paint(uint32_t codec, const uint8_t *unit, size_t len, const struct image_form *form,
	uint8_t *const plane[3], const int stride[3])
{
	return codec == STREAM_YUYV ? paint_yuyv(unit, len, form, plane, stride)
				    : paint_nv12(unit, len, form, plane, stride);
}
