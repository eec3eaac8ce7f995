/*
 * How a picture lies in memory: planes, strides, offsets, and the slots of a ring. Computed alike
 * by the broker (which decides), the decoder and the library (which check). Fourccs are
 * drm_fourcc.h's.
 *
 * Strides are multiples of 64 bytes and planes begin at multiples of 64, so that vector code needs
 * no edge cases. Chroma of odd sizes rounds up.
 *
 * A slot is the picture, then zero bytes, then a trailer in its last SLOT_TRAILER_BYTES:
 *	u64 seq | 16 bytes tag of the frame, little-endian
 * and is a multiple of SLOT_ALIGN. Slot i of a ring begins at i * slot_bytes.
 */
#ifndef FRAMEMUX_PICTURE_H
#define FRAMEMUX_PICTURE_H

#include <stdint.h>

#define PICTURE_PLANES_MAX 4u
#define SLOT_ALIGN         4096u
#define SLOT_TRAILER_BYTES 24u

struct picture {
	uint32_t width, height, fourcc, planes;
	uint32_t stride[PICTURE_PLANES_MAX];    /* bytes between rows */
	uint32_t row_bytes[PICTURE_PLANES_MAX]; /* bytes of pixels in a row */
	uint32_t rows[PICTURE_PLANES_MAX];
	uint64_t offset[PICTURE_PLANES_MAX]; /* of the plane in the slot */
	uint64_t bytes;                      /* from the slot's start to the last plane's end */
	uint64_t slot_bytes;                 /* with trailer, rounded up to SLOT_ALIGN */
};

/*
 * Lay out a width x height picture: NV12, YUV420, XRGB8888 or RGB565. -EINVAL for another fourcc, a
 * zero size, or one above LIMIT_SIDE or LIMIT_PIXELS.
 */
int picture_layout(uint32_t fourcc, uint32_t width, uint32_t height, struct picture *ret);

/*
 * Fit width x height inside max_width x max_height (0: no limit): unchanged if it fits, else scaled
 * down, aspect kept, rounded down to even, at least 2.
 */
void picture_fit(uint32_t width, uint32_t height, uint32_t max_width, uint32_t max_height,
	uint32_t *ret_width, uint32_t *ret_height);

/*
 * "NV12", "YU12", "YUV420", "XRGB8888", ...: a drm_fourcc name or its four characters, as a fourcc;
 * 0 if it is neither or not one that picture_layout knows.
 */
uint32_t picture_fourcc_parse(const char *name);

/* The four characters, for JSON and messages. */
void picture_fourcc_name(uint32_t fourcc, char ret_name[5]);

#endif
