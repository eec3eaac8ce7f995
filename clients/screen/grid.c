/* Arithmetic of tiles. In the process of whoever shows them. */
#include "clients/screen/grid.h"

#include <math.h>
#include <stdbool.h>

#define WIDE 16.0
#define HIGH 9.0

static uint32_t at_least_one(uint32_t v)
{
	return v ? v : 1;
}

static uint32_t rows_of(uint32_t n, uint32_t columns)
{
	return (n + columns - 1) / columns;
}

/* The picture of 16:9 that a cell can hold, as an area. */
static double area_of(uint32_t width, uint32_t height, uint32_t n, uint32_t columns)
{
	double w = (double)width / columns, h = (double)height / rows_of(n, columns);
	double wide = fmin(w, h * WIDE / HIGH);

	return wide * wide;
}

uint32_t grid_columns(uint32_t width, uint32_t height, uint32_t n)
{
	uint32_t best = 1;

	for (uint32_t columns = 2; columns <= n && columns <= at_least_one(width); columns++)
		if (area_of(width, height, n, columns) > area_of(width, height, n, best))
			best = columns;
	return best;
}

/* Part i of n of a length, with gaps between them; what cannot be divided goes to the first ones. */
static void part(uint32_t length, uint32_t gap, uint32_t n, uint32_t i, uint32_t *ret_at,
	uint32_t *ret_length)
{
	uint64_t gaps = (uint64_t)gap * (n - 1);
	uint64_t free_px = length > gaps ? length - gaps : 0;
	uint64_t each = free_px / n, more = free_px % n;

	*ret_at = (uint32_t)(i * (each + gap) + (i < more ? i : more));
	*ret_length = at_least_one((uint32_t)(each + (i < more)));
}

struct box grid_cell(
	uint32_t width, uint32_t height, uint32_t columns, uint32_t gap, uint32_t n, uint32_t i)
{
	uint32_t rows;
	struct box b;

	n = at_least_one(n);
	if (!columns)
		columns = grid_columns(width, height, n);
	rows = rows_of(n, columns);
	part(width, gap, columns, i % columns, &b.x, &b.width);
	part(height, gap, rows, i / columns, &b.y, &b.height);
	return b;
}

/* To an even number, for formats whose colours are halved, unless there is but one. */
static uint32_t even(double v, uint32_t most)
{
	uint32_t n = (uint32_t)lround(v);

	n = n > most ? most : n;
	n -= n % 2;
	return n ? n : most < 2 ? at_least_one(most) : 2;
}

struct box grid_fit(
	struct box area, uint32_t width, uint32_t height, uint32_t sar_num, uint32_t sar_den)
{
	double sar = sar_num && sar_den ? (double)sar_num / sar_den : 1;
	double shape = sar * at_least_one(width) / at_least_one(height);
	bool is_wide = area.height * shape > area.width;
	struct box b;

	b.width = even(is_wide ? area.width : area.height * shape, area.width);
	b.height = even(is_wide ? area.width / shape : area.height, area.height);
	b.x = area.x + (area.width - b.width) / 2;
	b.y = area.y + (area.height - b.height) / 2;
	return b;
}
