/* Where tiles lie. In framemux-wall's process. */
#include "clients/wall/layout.h"

#include <stdlib.h>
#include <wlr/types/wlr_scene.h>

#include "clients/wall/capture.h"
#include "clients/wall/tile.h"
#include "clients/wall/wall.h"

#define FRAME_PX 4u /* around the chosen tile */

struct layout {
	struct wall *wall;
	struct wlr_scene_rect *background;
	struct wlr_scene_rect *frame; /* behind the chosen tile */
	uint32_t width, height;
	size_t chosen, enlarged; /* WALL_NONE: none */
};

static uint32_t columns(const struct layout *l)
{
	uint32_t n = l->wall->config->columns;

	return n ? n : grid_columns(l->width, l->height, (uint32_t)l->wall->n_tiles);
}

/* The grid, with the same gap around it as between its tiles where there is room for it. */
static struct box cell(const struct layout *l, size_t i)
{
	uint32_t gap = l->wall->config->gap, edge = gap;
	struct box b;

	if (l->width <= 4 * gap || l->height <= 4 * gap)
		edge = 0;
	b = grid_cell(l->width - 2 * edge, l->height - 2 * edge, columns(l), gap,
		(uint32_t)l->wall->n_tiles, (uint32_t)i);
	b.x += edge;
	b.y += edge;
	return b;
}

bool layout_area(const struct layout *l, size_t i, struct box *ret)
{
	if (!l->width || (l->enlarged != WALL_NONE && l->enlarged != i))
		return false;
	*ret = l->enlarged == i ? (struct box){0, 0, l->width, l->height} : cell(l, i);
	return true;
}

static void place_frame(struct layout *l)
{
	struct box area;
	bool is_seen = l->chosen != WALL_NONE && l->enlarged == WALL_NONE &&
		layout_area(l, l->chosen, &area);

	wlr_scene_node_set_enabled(&l->frame->node, is_seen);
	if (!is_seen)
		return;
	wlr_scene_node_set_position(
		&l->frame->node, (int)area.x - (int)FRAME_PX, (int)area.y - (int)FRAME_PX);
	wlr_scene_rect_set_size(
		l->frame, (int)(area.width + 2 * FRAME_PX), (int)(area.height + 2 * FRAME_PX));
}

static void update(struct layout *l)
{
	struct box area;

	wlr_scene_rect_set_size(l->background, (int)l->width, (int)l->height);
	place_frame(l);
	for (size_t i = 0; i < l->wall->n_tiles; i++)
		tile_place(l->wall->tiles[i], layout_area(l, i, &area) ? &area : NULL);
	capture_update(l->wall->capture);
}

struct layout *layout_create(struct wall *w)
{
	static const float light[4] = {0.93f, 0.95f, 0.97f, 1};
	struct layout *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->wall = w;
	l->chosen = l->enlarged = WALL_NONE;
	l->background = wlr_scene_rect_create(&w->scene->node, 0, 0, w->config->background);
	l->frame = wlr_scene_rect_create(&w->scene->node, 0, 0, light);
	if (!l->background || !l->frame) {
		free(l);
		return NULL;
	}
	return l;
}

void layout_destroy(struct layout *l)
{
	free(l);
}

void layout_set_screen(struct layout *l, uint32_t width, uint32_t height)
{
	l->width = width;
	l->height = height;
	update(l);
}

void layout_size(const struct layout *l, uint32_t *ret_width, uint32_t *ret_height)
{
	*ret_width = l->width;
	*ret_height = l->height;
}

size_t layout_at(const struct layout *l, double x, double y)
{
	struct box a;

	for (size_t i = 0; i < l->wall->n_tiles; i++)
		if (layout_area(l, i, &a) && x >= a.x && y >= a.y && x < a.x + a.width &&
			y < a.y + a.height)
			return i;
	return WALL_NONE;
}

static void choose(struct layout *l, size_t i)
{
	l->chosen = i;
	if (l->enlarged != WALL_NONE)
		l->enlarged = i;
	update(l);
}

void layout_move(struct layout *l, int right, int down)
{
	int n = (int)l->wall->n_tiles, wide = (int)columns(l), to;

	if (!l->width)
		return;
	to = l->chosen == WALL_NONE ? 0 : (int)l->chosen + right + down * wide;
	if (to >= 0 && to < n)
		choose(l, (size_t)to);
}

void layout_next(struct layout *l, int step)
{
	int n = (int)l->wall->n_tiles;

	choose(l, l->chosen == WALL_NONE ? 0 : (size_t)(((int)l->chosen + step + n) % n));
}

void layout_enlarge(struct layout *l, size_t i)
{
	if (i == WALL_NONE)
		i = l->chosen == WALL_NONE ? 0 : l->chosen;
	if (i >= l->wall->n_tiles || i == l->enlarged)
		return;
	l->chosen = l->enlarged = i;
	update(l);
}

void layout_back(struct layout *l)
{
	if (l->enlarged == WALL_NONE)
		return;
	l->enlarged = WALL_NONE;
	update(l);
}

bool layout_is_enlarged(const struct layout *l)
{
	return l->enlarged != WALL_NONE;
}
