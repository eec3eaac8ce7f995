/* Where tiles lie, which is chosen, which is enlarged. */
#ifndef FRAMEMUX_WALL_LAYOUT_H
#define FRAMEMUX_WALL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/screen/grid.h"

struct wall;
struct layout;

struct layout *layout_create(struct wall *w); /* NULL without memory */
void layout_destroy(struct layout *l);        /* NULL is fine */

/* The screen's size has changed; 0 x 0: there is none. */
void layout_set_screen(struct layout *l, uint32_t width, uint32_t height);
void layout_size(const struct layout *l, uint32_t *ret_width, uint32_t *ret_height);

/* Tile i's area. False: it is not on the screen. */
bool layout_area(const struct layout *l, size_t i, struct box *ret);

/* The tile at this place of the screen, or WALL_NONE. */
size_t layout_at(const struct layout *l, double x, double y);

/* Choose another tile, so many columns and rows further; what is enlarged follows. */
void layout_move(struct layout *l, int columns, int rows);
void layout_next(struct layout *l, int step);

/* Enlarge one, or the one that is chosen (WALL_NONE); back to the grid. */
void layout_enlarge(struct layout *l, size_t i);
void layout_back(struct layout *l);
bool layout_is_enlarged(const struct layout *l);

#endif
