/*
 * Decoded pictures as convert reads them: 8 bit I420 in memory that somebody else owns, and private
 * buffers that hold one. Runs in framemux-decode; knows no codec and no ring.
 */
#ifndef FRAMEMUX_IMAGE_H
#define FRAMEMUX_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of the DRM plane properties COLOR_ENCODING and COLOR_RANGE. */
enum color_encoding { COLOR_BT601, COLOR_BT709, COLOR_BT2020 };
enum color_range { COLOR_LIMITED, COLOR_FULL };

/* What broker and clients have to know about a picture. */
struct image_form {
	uint32_t width, height;
	uint32_t sar_num, sar_den;
	uint32_t color_encoding, color_range;
};

/* What a container says of its pictures, as STREAM_CODEC has it: for what they leave open. */
struct image_hint {
	uint32_t sar_num, sar_den;
	uint32_t matrix; /* ITU-T H.273 */
	uint32_t range;  /* 1 limited, 2 full */
};

static inline bool image_form_is(const struct image_form *a, const struct image_form *b)
{
	return a->width == b->width && a->height == b->height && a->sar_num == b->sar_num &&
		a->sar_den == b->sar_den && a->color_encoding == b->color_encoding &&
		a->color_range == b->color_range;
}

/* planes: borrowed; Y, U, V. Chroma of odd sizes rounds up. */
struct image {
	struct image_form form;
	const uint8_t *plane[3];
	int stride[3];
};

/* Memory for one I420 picture of any size within the limits. Zero-initialised: empty. */
struct image_buffer {
	uint8_t *memory; /* owned */
	size_t capacity;
};

static inline uint32_t image_half(uint32_t v)
{
	return (v + 1) / 2;
}

/* The encoding that H.273's matrix stands for, or that pictures so high mostly have. */
uint32_t image_encoding(uint32_t matrix, uint32_t height);

/*
 * Make room for a width x height picture and say where its planes are; what was in the buffer is
 * lost. 0, -EINVAL above LIMIT_SIDE or LIMIT_PIXELS, -ENOMEM.
 */
int image_buffer_reserve(struct image_buffer *b, uint32_t width, uint32_t height,
	uint8_t *ret_plane[3], int ret_stride[3]);

void image_buffer_free(struct image_buffer *b);

#endif
