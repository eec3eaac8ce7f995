/* What other programs may have of the screen. */
#ifndef FRAMEMUX_WALL_CAPTURE_H
#define FRAMEMUX_WALL_CAPTURE_H

struct wall;
struct capture;
struct wlr_output;

/* Opens the Wayland socket, where that is possible. NULL without memory. */
struct capture *capture_create(struct wall *w);
void capture_destroy(struct capture *c); /* NULL is fine */

void capture_set_output(struct capture *c, struct wlr_output *output);

/* The tiles' places have changed. */
void capture_update(struct capture *c);

#endif
