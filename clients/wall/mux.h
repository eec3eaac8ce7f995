/* The connection to the mux. */
#ifndef FRAMEMUX_WALL_MUX_H
#define FRAMEMUX_WALL_MUX_H

#include <framemux.h>

struct wall;
struct mux;

/* Connects when it can: now, or a second after the mux is there. NULL without memory. */
struct mux *mux_create(struct wall *w);
void mux_destroy(struct mux *m); /* NULL is fine */

/* NULL while there is none. */
struct framemux *mux_connection(const struct mux *m);

/* What is known at this moment, times included: before a repaint. */
void mux_look(struct mux *m);

#endif
