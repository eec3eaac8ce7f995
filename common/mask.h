/* Masks: rectangles that are black for whoever is shown the picture. Pure. */
#ifndef FRAMEMUX_MASK_H
#define FRAMEMUX_MASK_H

#include <stdbool.h>
#include <stdint.h>

#define MASK_BYTES 16u /* of one in a blob */

/* A rectangle in the camera's own pixels. */
struct mask {
	uint32_t x, y, width, height;
};

/* Whether it has an area and keeps within LIMIT_SIDE. */
bool mask_is_good(const struct mask *m);

/* "X,Y,WxH"; -EINVAL if it is not one or beyond LIMIT_SIDE. */
int mask_parse(const char *text, struct mask *ret);

/*
 * A mask list in a message's blob: n times u32 x, y, width, height, little-endian. Unpacking: -EPROTO
 * for one that is not good or more than LIMIT_MASKS.
 */
void masks_pack(const struct mask *masks, uint32_t n, uint8_t *ret_blob, uint16_t *ret_len);
int masks_unpack(const uint8_t *blob, uint16_t len, struct mask *ret_masks, uint32_t *ret_n);

#endif
