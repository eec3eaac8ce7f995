/*
 * The pattern camera's picture: every whole 16x16 luma block says which camera and which frame.
 *
 * 4x4 cells of 4x4 pixels, row-major, most significant bit first, Y 16 for 0 and 235 for 1. The 16
 * bits are the first 6 bits of BLAKE2b-256(camera's name) and the frame number modulo 1024.
 * Left-over luma at the edges is 128, chroma is 128.
 */
#ifndef FRAMEMUX_PATTERN_H
#define FRAMEMUX_PATTERN_H

#include <stdint.h>

#define PATTERN_BLOCK      16u
#define PATTERN_FRAME_MASK 0x3ffu

/* A camera's name and frame number as the 16 bits of a block. */
uint16_t pattern_code(const char *camera, uint64_t frame);

static inline unsigned pattern_camera_bits(uint16_t code)
{
	return code >> 10;
}

static inline unsigned pattern_frame_bits(uint16_t code)
{
	return code & PATTERN_FRAME_MASK;
}

/* Paint a luma plane. */
void pattern_paint(uint16_t code, uint8_t *luma, uint32_t stride, uint32_t width, uint32_t height);

/*
 * Read one block of scale-times-smaller size (scale 1 or 2) at (bx, by) blocks, by thresholds.
 * Returns the code, or -1 when a cell is neither dark nor bright.
 */
int pattern_read(const uint8_t *luma, uint32_t stride, uint32_t scale, uint32_t bx, uint32_t by);

#endif
