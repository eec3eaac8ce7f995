/* The pattern camera's blocks. Pure; painted by decode, read by tests and checks. */
#include "common/pattern.h"

#include <sodium.h>
#include <string.h>

#define CELLS      4u
#define CELL       (PATTERN_BLOCK / CELLS)
#define LUMA_DARK  16u
#define LUMA_LIGHT 235u
#define LUMA_REST  128u

uint16_t pattern_code(const char *camera, uint64_t frame)
{
	uint8_t hash[32];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)camera, strlen(camera), NULL, 0);
	return (uint16_t)((unsigned)(hash[0] >> 2) << 10 | (frame & PATTERN_FRAME_MASK));
}

/* The first row of each row of cells is painted, then copied down. */
static void paint_block_row(uint16_t code, uint8_t *luma, uint32_t stride, uint32_t blocks)
{
	for (uint32_t cy = 0; cy < CELLS; cy++) {
		uint8_t *row = luma + (size_t)cy * CELL * stride;

		for (uint32_t cx = 0; cx < CELLS; cx++) {
			unsigned bit = code >> (15 - (cy * CELLS + cx)) & 1;

			memset(row + cx * CELL, bit ? LUMA_LIGHT : LUMA_DARK, CELL);
		}
		for (uint32_t b = 1; b < blocks; b++)
			memcpy(row + (size_t)b * PATTERN_BLOCK, row, PATTERN_BLOCK);
		for (uint32_t y = 1; y < CELL; y++)
			memcpy(row + (size_t)y * stride, row, (size_t)blocks * PATTERN_BLOCK);
	}
}

void pattern_paint(uint16_t code, uint8_t *luma, uint32_t stride, uint32_t width, uint32_t height)
{
	uint32_t across = width / PATTERN_BLOCK, down = height / PATTERN_BLOCK;
	uint32_t used = across * PATTERN_BLOCK;

	for (uint32_t by = 0; by < down && across; by++)
		paint_block_row(code, luma + (size_t)by * PATTERN_BLOCK * stride, stride, across);
	for (uint32_t y = 0; y < height; y++) {
		uint32_t from = y < down * PATTERN_BLOCK ? used : 0;

		memset(luma + (size_t)y * stride + from, LUMA_REST, width - from);
	}
}

int pattern_read(const uint8_t *luma, uint32_t stride, uint32_t scale, uint32_t bx, uint32_t by)
{
	uint32_t block = PATTERN_BLOCK / scale, cell = CELL / scale;
	unsigned code = 0;

	for (uint32_t i = 0; i < CELLS * CELLS; i++) {
		uint32_t x = bx * block + i % CELLS * cell, y = by * block + i / CELLS * cell;
		unsigned sum = 0;

		for (uint32_t dy = 0; dy < cell; dy++)
			for (uint32_t dx = 0; dx < cell; dx++)
				sum += luma[(size_t)(y + dy) * stride + x + dx];
		sum /= cell * cell;
		if (sum > 96 && sum < 160)
			return -1;
		code = code << 1 | (sum >= 160);
	}
	return (int)code;
}
