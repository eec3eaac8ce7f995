/*
 * The buffers that take turns on a screen. A picture that has gone is black on the screen with the next
 * repaint, but what was drawn of it is still in all of them: a screen that is not drawn now (another
 * console, another workspace) would show it again, and one that is seldom needed keeps it for hours. It
 * is a copy of what may not be kept: so it is cleared there, at once.
 */
#ifndef FRAMEMUX_WLROOTS_SCRUB_H
#define FRAMEMUX_WLROOTS_SCRUB_H

#include <wlr/types/wlr_output.h>
#include <wlr/util/box.h>

struct scrub;

/* Watches the output from here on; before its first repaint. NULL without memory. */
struct scrub *scrub_create(struct wlr_output *output);
void scrub_destroy(struct scrub *s); /* NULL is fine; before the output goes */

/*
 * Make this area black in all of them, the one that is shown now too. What else was drawn there is to be
 * drawn again: damage it.
 */
void scrub_area(struct scrub *s, const struct wlr_box *area);

#endif
