/* The layout of pictures and slots. Pure. */
#include "common/picture.h"

#include <ctype.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/limits.h"

#define STRIDE_ALIGN 64u

struct plane_form {
	uint8_t bytes; /* per sample */
	uint8_t divide_x, divide_y;
};

static const struct format {
	uint32_t fourcc;
	const char *name;
	uint32_t planes;
	struct plane_form plane[3];
} formats[] = {
	{DRM_FORMAT_NV12, "NV12", 2, {{1, 1, 1}, {2, 2, 2}}},
	{DRM_FORMAT_YUV420, "YUV420", 3, {{1, 1, 1}, {1, 2, 2}, {1, 2, 2}}},
	{DRM_FORMAT_XRGB8888, "XRGB8888", 1, {{4, 1, 1}}},
	{DRM_FORMAT_RGB565, "RGB565", 1, {{2, 1, 1}}},
};

static uint64_t align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

int picture_layout(uint32_t fourcc, uint32_t width, uint32_t height, struct picture *ret)
{
	struct picture p = {.width = width, .height = height, .fourcc = fourcc};
	const struct format *f = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].fourcc == fourcc)
			f = &formats[i];
	if (!f || width == 0 || height == 0 || width > LIMIT_SIDE || height > LIMIT_SIDE ||
		width * height > LIMIT_PIXELS)
		return -EINVAL;
	p.planes = f->planes;
	for (uint32_t i = 0; i < p.planes; i++) {
		const struct plane_form *form = &f->plane[i];

		p.row_bytes[i] = (width + form->divide_x - 1) / form->divide_x * form->bytes;
		p.rows[i] = (height + form->divide_y - 1) / form->divide_y;
		p.stride[i] = (uint32_t)align_up(p.row_bytes[i], STRIDE_ALIGN);
		p.offset[i] = p.bytes;
		p.bytes += (uint64_t)p.stride[i] * p.rows[i];
	}
	p.slot_bytes = align_up(p.bytes + SLOT_TRAILER_BYTES, SLOT_ALIGN);
	*ret = p;
	return 0;
}

static uint32_t even_floor(uint64_t v)
{
	return v < 2 ? 2 : (uint32_t)(v & ~1ull);
}

void picture_fit(uint32_t width, uint32_t height, uint32_t max_width, uint32_t max_height,
	uint32_t *ret_width, uint32_t *ret_height)
{
	uint64_t w = width, h = height;

	if (max_width == 0)
		max_width = LIMIT_SIDE;
	if (max_height == 0)
		max_height = LIMIT_SIDE;
	if (width > max_width || height > max_height) {
		/* The side that is over by more decides: w/max_w against h/max_h. */
		if (w * max_height >= h * max_width) {
			h = h * max_width / w;
			w = max_width;
		} else {
			w = w * max_height / h;
			h = max_height;
		}
		w = even_floor(w);
		h = even_floor(h);
	}
	*ret_width = (uint32_t)w;
	*ret_height = (uint32_t)h;
}

uint32_t picture_fourcc_parse(const char *name)
{
	if (!strncasecmp(name, "DRM_FORMAT_", 11))
		name += 11;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		char code[5];

		picture_fourcc_name(formats[i].fourcc, code);
		if (!strcasecmp(name, formats[i].name) || !strcasecmp(name, code))
			return formats[i].fourcc;
	}
	return 0;
}

void picture_fourcc_name(uint32_t fourcc, char ret_name[5])
{
	for (unsigned i = 0; i < 4; i++) {
		char c = (char)(fourcc >> (8 * i));

		ret_name[i] = isprint((unsigned char)c) ? c : '?';
	}
	ret_name[4] = 0;
}
