/* In framemux-view's process. */
#include "clients/view/scene.h"

#include <string.h>

#define GROUND    0xff1c1c1cu /* so that a black cell has edges */
#define GAP       4u          /* in the desktop's units, as letters are */
#define TEXT_MIN  14u
#define TEXT_MAX  28u
#define TEXT_ROWS 24u  /* lines of text in a cell's height, between those */
#define TEXT_MOST 128u /* what a badge takes */

void scene_init(struct scene *s, const struct options *o, char *tokens[])
{
	s->n = o->n_cameras;
	for (uint32_t i = 0; i < s->n; i++) {
		tile_init(&s->tiles[i], o, o->cameras[i], tokens[i]);
		if (o->key_file && !tokens[i])
			tile_refuse(&s->tiles[i], "the token file has none for this camera");
	}
}

void scene_free(struct scene *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		tile_free(&s->tiles[i]);
}

/* Large cells are looked at from farther away. */
static uint32_t text_px(uint32_t height, uint32_t scale)
{
	uint32_t px = height / TEXT_ROWS;

	px = px < TEXT_MIN * scale ? TEXT_MIN * scale : px;
	px = px > TEXT_MAX * scale ? TEXT_MAX * scale : px;
	return px < TEXT_MOST ? px : TEXT_MOST;
}

void scene_place(struct scene *s, uint32_t width, uint32_t height, uint32_t scale, uint64_t now)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct box cell = grid_cell(width, height, 0, GAP * scale, s->n, i);

		cell.x = cell.x < width ? cell.x : width - 1; /* a window smaller than its gaps */
		cell.y = cell.y < height ? cell.y : height - 1;
		cell.width = cell.width < width - cell.x ? cell.width : width - cell.x;
		cell.height = cell.height < height - cell.y ? cell.height : height - cell.y;
		tile_place(&s->tiles[i], cell, text_px(cell.height, scale), now);
	}
}

void scene_begin(struct scene *s, struct framemux *fm)
{
	for (uint32_t i = 0; i < s->n; i++)
		tile_begin(&s->tiles[i], fm);
}

void scene_without_mux(struct scene *s, const char *why)
{
	for (uint32_t i = 0; i < s->n; i++)
		tile_without_mux(&s->tiles[i], why);
}

void scene_settle(struct scene *s, uint64_t now)
{
	for (uint32_t i = 0; i < s->n; i++)
		tile_settle(&s->tiles[i], now);
}

bool scene_has_darkened(struct scene *s, uint32_t i)
{
	if (!s->has_picture[i] || !tile_is_dark(&s->tiles[i]))
		return false;
	s->has_picture[i] = false;
	return true;
}

bool scene_refresh(struct scene *s, const struct look *l, bool takes, uint64_t now)
{
	bool differs = false;

	for (uint32_t i = 0; i < s->n; i++) {
		tile_refresh(&s->tiles[i], takes, now);
		differs |= s->tiles[i].serial != l->serial[i];
	}
	return differs;
}

static void paint(struct scene *s, uint32_t i, struct look *l, uint32_t *pixels, uint32_t stride)
{
	tile_paint(&s->tiles[i], pixels, stride);
	l->serial[i] = s->tiles[i].serial;
	s->has_picture[i] |= !tile_is_dark(&s->tiles[i]);
}

void scene_paint(struct scene *s, struct look *l, uint32_t *pixels, uint32_t stride)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (l->serial[i] != s->tiles[i].serial)
			paint(s, i, l, pixels, stride);
	for (uint32_t i = 0; i < s->n; i++) {
		tile_check(&s->tiles[i]);
		if (l->serial[i] != s->tiles[i].serial)
			paint(s, i, l, pixels, stride);
	}
}

void scene_paint_ground(uint32_t *pixels, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pixels[i] = GROUND;
}

uint64_t scene_next_ns(const struct scene *s, uint64_t now)
{
	uint64_t next = UINT64_MAX, one;

	for (uint32_t i = 0; i < s->n; i++) {
		one = tile_next_ns(&s->tiles[i], now);
		if (one < next)
			next = one;
	}
	return next;
}

bool scene_is_over(const struct scene *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!tile_is_over(&s->tiles[i]))
			return false;
	return true;
}

bool scene_is_cut_off(const struct scene *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (tile_is_over(&s->tiles[i]) && !s->tiles[i].is_cut_off)
			return false;
	return true;
}
