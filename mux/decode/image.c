/* Private I420 buffers. Owns their memory; runs in framemux-decode. */
#include "mux/decode/image.h"

#include <errno.h>
#include <stdlib.h>

#include "common/limits.h"

#define ALIGN     64u
#define HD_HEIGHT 720u /* from here on an unnamed matrix is BT.709 */

/* MatrixCoefficients of ITU-T H.273, table 4. */
enum {
	MATRIX_BT709 = 1,
	MATRIX_FCC = 4,
	MATRIX_BT470BG,
	MATRIX_SMPTE170M,
	MATRIX_SMPTE240M,
	MATRIX_BT2020_NCL = 9,
	MATRIX_BT2020_CL,
};

uint32_t image_encoding(uint32_t matrix, uint32_t height)
{
	switch (matrix) {
	case MATRIX_BT709:
	case MATRIX_SMPTE240M: /* the nearest that DRM can name */
		return COLOR_BT709;
	case MATRIX_FCC:
	case MATRIX_BT470BG:
	case MATRIX_SMPTE170M:
		return COLOR_BT601;
	case MATRIX_BT2020_NCL:
	case MATRIX_BT2020_CL:
		return COLOR_BT2020;
	default:
		return height >= HD_HEIGHT ? COLOR_BT709 : COLOR_BT601;
	}
}

static size_t align_up(size_t v)
{
	return (v + ALIGN - 1) / ALIGN * ALIGN;
}

int image_buffer_reserve(struct image_buffer *b, uint32_t width, uint32_t height,
	uint8_t *ret_plane[3], int ret_stride[3])
{
	size_t luma_stride, chroma_stride, luma, chroma, need;

	if (width == 0 || height == 0 || width > LIMIT_SIDE || height > LIMIT_SIDE ||
		width * height > LIMIT_PIXELS)
		return -EINVAL;
	luma_stride = align_up(width);
	chroma_stride = align_up(image_half(width));
	luma = luma_stride * height;
	chroma = chroma_stride * image_half(height);
	need = luma + 2 * chroma;
	if (need > b->capacity) {
		void *memory;

		image_buffer_free(b);
		if (posix_memalign(&memory, ALIGN, need) != 0)
			return -ENOMEM;
		b->memory = memory;
		b->capacity = need;
	}
	ret_plane[0] = b->memory;
	ret_plane[1] = b->memory + luma;
	ret_plane[2] = b->memory + luma + chroma;
	ret_stride[0] = (int)luma_stride;
	ret_stride[1] = ret_stride[2] = (int)chroma_stride;
	return 0;
}

void image_buffer_free(struct image_buffer *b)
{
	free(b->memory);
	b->memory = NULL;
	b->capacity = 0;
}
