/*
 * From a decoded picture into a slot: masks, scale, colour. Runs in framemux-decode; the only code
 * that writes pixels into a ring. Never changes the picture that it is given: the decoder still
 * refers to it.
 */
#ifndef FRAMEMUX_CONVERT_H
#define FRAMEMUX_CONVERT_H

#include "common/picture.h"
#include "common/token.h"
#include "mux/decode/image.h"

/* Rectangles in the camera's own pixels. */
struct mask_list {
	struct mask mask[LIMIT_MASKS];
	uint32_t n;
};

/*
 * A copy of in, in buffer, with the masks filled black. Without masks that touch the picture: in
 * itself and no copy. 0 or -ENOMEM.
 */
int convert_mask(const struct image *in, const struct mask_list *masks, struct image_buffer *buffer,
	struct image *ret);

/*
 * Write in into the slot in p's size and format, straight: every other byte of the slot stays as it
 * was. The matrix and range of in->form hold for RGB and are kept for YUV. scratch: for scaling.
 * 0, -ENOMEM, or -EINVAL for a format that picture_layout does not make.
 */
int convert_write(const struct image *in, const struct picture *p, struct image_buffer *scratch,
	uint8_t *slot);

#endif
