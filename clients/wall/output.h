/* The screen: one, the first that there is. */
#ifndef FRAMEMUX_WALL_OUTPUT_H
#define FRAMEMUX_WALL_OUTPUT_H

#include <stdbool.h>

struct wall;

bool output_listen(struct wall *w); /* before the backend starts; false without memory */
void output_forget(struct wall *w); /* before the backend ends */

/* A repaint is wanted, though nothing of the scene has changed yet. */
void output_schedule(struct wall *w);

/*
 * A picture was taken away: what was drawn of it is in the buffers that take turns on the screen, also in
 * those that are not shown. The next repaints draw all of them over.
 */
void output_scrub(struct wall *w);

#endif
