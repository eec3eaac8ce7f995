/*
 * What the window shows: a grid of tiles, painted into pixels that are not its own. Several buffers take
 * turns on the screen; each knows by serials which looks of the tiles are in it, so that only what has
 * changed is painted.
 */
#ifndef FRAMEMUX_VIEW_SCENE_H
#define FRAMEMUX_VIEW_SCENE_H

#include "clients/view/tile.h"

/* What is painted in one buffer. */
struct look {
	uint64_t serial[OPTIONS_CAMERAS_MAX]; /* of each tile; 0: nothing of it */
};

struct scene {
	struct tile tiles[OPTIONS_CAMERAS_MAX];
	bool has_picture[OPTIONS_CAMERAS_MAX]; /* of a tile, in some buffer */
	uint32_t n;
};

/* tokens: of tokens_find, taken over. */
void scene_init(struct scene *s, const struct options *o, char *tokens[]);
void scene_free(struct scene *s);

/* The window's size in pixels; scale: pixels for each unit of the desktop's. */
void scene_place(struct scene *s, uint32_t width, uint32_t height, uint32_t scale, uint64_t now);

void scene_begin(struct scene *s, struct framemux *fm);
void scene_without_mux(struct scene *s, const char *why);
void scene_settle(struct scene *s, uint64_t now);

/* Tile i has to go black in every buffer. Said once. */
bool scene_has_darkened(struct scene *s, uint32_t i);

/*
 * Make each tile's newest look the one to paint; with the newest frames, if it takes any. True if it differs
 * from this one.
 */
bool scene_refresh(struct scene *s, const struct look *l, bool takes, uint64_t now);

/*
 * Paint what differs from the look of this buffer, which changes with it. What was erased while it was
 * copied is black when this returns.
 */
void scene_paint(struct scene *s, struct look *l, uint32_t *pixels, uint32_t stride);

/* A new buffer: the ground between the cells. */
void scene_paint_ground(uint32_t *pixels, size_t n);

uint64_t scene_next_ns(const struct scene *s, uint64_t now);

/* No picture will ever come of any. */
bool scene_is_over(const struct scene *s);
/* All that is over was cut off: by the kill switch or a policy. */
bool scene_is_cut_off(const struct scene *s);

#endif
