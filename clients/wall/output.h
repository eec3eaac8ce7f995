/* The screen: one, the first that there is; the others wait for its place. */
#ifndef FRAMEMUX_WALL_OUTPUT_H
#define FRAMEMUX_WALL_OUTPUT_H

#include <stdbool.h>

struct box;
struct wall;

bool output_listen(struct wall *w); /* before the backend starts; false without memory */
void output_forget(struct wall *w); /* before the backend ends */

/* A repaint is wanted, though nothing of the scene has changed yet. */
void output_schedule(struct wall *w);

/* A picture was taken away from there: black in every buffer of the screen, without waiting for a repaint. */
void output_scrub(struct wall *w, const struct box *where);

#endif
