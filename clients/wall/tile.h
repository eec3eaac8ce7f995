/* One camera of the wall: its leases, what is on the screen of it, its badge. */
#ifndef FRAMEMUX_WALL_TILE_H
#define FRAMEMUX_WALL_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "clients/screen/grid.h"
#include "clients/wall/config.h"

struct wall;
struct tile;

/* Not on the screen yet. NULL without memory. */
struct tile *tile_create(struct wall *w, const struct config_camera *camera);
void tile_destroy(struct tile *t);

/* Where it is now. NULL: not on the screen, so there is no lease either. */
void tile_place(struct tile *t, const struct box *area);

/* There is a connection: ask for what is shown. Does nothing where it has been asked for. */
void tile_ask(struct tile *t);

/* The connection is about to go. */
void tile_lose_mux(struct tile *t, const char *reason);

/* Once a second: how long it has been dark; what was refused is tried again. */
void tile_beat(struct tile *t);

/* Takes the newest frame. */
void tile_before_repaint(struct tile *t);

/* Rendered, not shown: false when it has gone black. */
bool tile_is_whole(struct tile *t);

/* The number of the frame that is shown; 0: black. */
uint64_t tile_shows(const struct tile *t);
const struct config_camera *tile_camera(const struct tile *t);

#endif
