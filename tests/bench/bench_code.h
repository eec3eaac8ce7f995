/*
 * Reads the frame number that bench.py painted into each frame of its clip: common/pattern.h's code,
 * four times as large, in the top left corner, so that it survives H.264.
 */
#ifndef FRAMEMUX_BENCH_CODE_H
#define FRAMEMUX_BENCH_CODE_H

#include <stdint.h>

#define BENCH_CELL 16u

/* The frame number modulo 1024. */
static inline unsigned bench_code_read(const uint8_t *luma, uint32_t stride)
{
	unsigned code = 0;

	for (unsigned i = 0; i < 16; i++) {
		const uint8_t *row = luma + (i / 4 * BENCH_CELL + BENCH_CELL / 2) * stride;

		code = code << 1 | (row[i % 4 * BENCH_CELL + BENCH_CELL / 2] > 125);
	}
	return code & 0x3ff;
}

#endif
