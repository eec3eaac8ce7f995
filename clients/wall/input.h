/* Keyboard, pointer and touch. */
#ifndef FRAMEMUX_WALL_INPUT_H
#define FRAMEMUX_WALL_INPUT_H

struct wall;
struct input;
struct wlr_output;

struct input *input_create(struct wall *w); /* NULL without memory */
void input_destroy(struct input *in);       /* NULL is fine */

/* The screen that the pointer moves on; NULL: none. */
void input_set_output(struct input *in, struct wlr_output *output);

#endif
