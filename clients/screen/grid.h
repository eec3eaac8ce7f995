/* Where tiles lie on a screen. Pure. */
#ifndef FRAMEMUX_SCREEN_GRID_H
#define FRAMEMUX_SCREEN_GRID_H

#include <stdint.h>

struct box {
	uint32_t x, y, width, height; /* pixels */
};

/* The columns of a grid of n tiles in which tiles are nearest to 16:9. At least 1. */
uint32_t grid_columns(uint32_t width, uint32_t height, uint32_t n);

/* Cell i of n, row by row, in columns (0: grid_columns), gap pixels between cells. Never empty. */
struct box grid_cell(
	uint32_t width, uint32_t height, uint32_t columns, uint32_t gap, uint32_t n, uint32_t i);

/*
 * The largest box of the picture's shape inside area, in its middle. sar_num:sar_den is the shape of a
 * pixel, 0 taken as 1:1. An even width and height, and at least 2 x 2, where the area has that.
 */
struct box grid_fit(
	struct box area, uint32_t width, uint32_t height, uint32_t sar_num, uint32_t sar_den);

#endif
