/* Copies frames out of the ring. In framemux-dump and framemuxctl. */
#include "clients/picture/shot.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a row and rows, for each plane; returns the number of planes, 0 for an unknown format.
 */
static unsigned measure(
	const struct framemux_frame *f, uint32_t row_bytes[SHOT_PLANES], uint32_t rows[SHOT_PLANES])
{
	uint32_t half_width = (f->width + 1) / 2, half_height = (f->height + 1) / 2;

	row_bytes[0] = f->width;
	rows[0] = f->height;
	rows[1] = rows[2] = half_height;
	switch (f->fourcc) {
	case DRM_FORMAT_YUV420:
		row_bytes[1] = row_bytes[2] = half_width;
		return 3;
	case DRM_FORMAT_NV12:
		row_bytes[1] = half_width * 2;
		return 2;
	case DRM_FORMAT_XRGB8888:
		row_bytes[0] = f->width * 4;
		return 1;
	case DRM_FORMAT_RGB565:
		row_bytes[0] = f->width * 2;
		return 1;
	default:
		return 0;
	}
}

static int reserve(struct shot *s, size_t bytes)
{
	uint8_t *data;

	if (bytes <= s->capacity)
		return 0;
	data = malloc(bytes);
	if (!data)
		return -ENOMEM;
	shot_clear(s);
	s->data = data;
	s->capacity = bytes;
	return 0;
}

int shot_copy(struct shot *s, const struct framemux_frame *frame)
{
	uint32_t row_bytes[SHOT_PLANES] = {0}, rows[SHOT_PLANES] = {0};
	unsigned planes = measure(frame, row_bytes, rows);
	size_t bytes = 0;
	uint8_t *out;
	int r;

	if (planes == 0 || planes != frame->planes)
		return -EINVAL;
	for (unsigned i = 0; i < planes; i++)
		bytes += (size_t)row_bytes[i] * rows[i];
	r = reserve(s, bytes);
	if (r < 0)
		return r;
	out = s->data;
	for (unsigned i = 0; i < planes; i++) {
		const uint8_t *in = frame->plane[i];

		s->plane[i] = out;
		s->row_bytes[i] = row_bytes[i];
		s->rows[i] = rows[i];
		for (uint32_t y = 0; y < rows[i]; y++, out += row_bytes[i])
			memcpy(out, in + (size_t)y * frame->stride[i], row_bytes[i]);
	}
	s->bytes = bytes;
	s->frame = *frame;
	return 0;
}

void shot_rgb_row(const uint8_t *xrgb, uint32_t width, uint8_t *ret)
{
	for (uint32_t x = 0; x < width; x++) { /* little-endian: B, G, R, X */
		ret[3 * x] = xrgb[4 * x + 2];
		ret[3 * x + 1] = xrgb[4 * x + 1];
		ret[3 * x + 2] = xrgb[4 * x];
	}
}

void shot_clear(struct shot *s)
{
	if (s->data)
		explicit_bzero(s->data, s->capacity);
	free(s->data);
	s->data = NULL;
	s->capacity = s->bytes = 0;
}
