/*
 * Pictures that a device sends uncoded, as STREAM_CODEC and STREAM_UNIT have them, into I420. Pure;
 * runs in framemux-decode.
 */
#ifndef FRAMEMUX_RAW_H
#define FRAMEMUX_RAW_H

#include "mux/decode/image.h"

/* What clients are told of the pictures; hint: what the device says of their colour. */
void raw_form(
	uint32_t width, uint32_t height, const struct image_hint *hint, struct image_form *ret);

/*
 * unit as I420 into plane, which has room for form's size. codec: STREAM_YUYV or STREAM_NV12. 0, or
 * -EMSGSIZE when len is not exactly what that size takes: then nothing is written.
 */
int raw_paint(uint32_t codec, const uint8_t *unit, size_t len, const struct image_form *form,
	uint8_t *const plane[3], const int stride[3]);

#endif
