/*
 * The buffers that take turns on a screen. A picture that has gone is black on the screen with the
 * next repaint, but what was drawn of it is still in the others, and one that is seldom needed
 * keeps it for hours. Nobody shows it, yet it is a copy of what may not be kept: so it is cleared
 * there.
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
 * Make this area black in all buffers but the one that was shown last: after a repaint that has
 * drawn it anew, as that one's badge is to stay. The others are drawn over there when their turn
 * comes.
 */
void scrub_area(struct scrub *s, const struct wlr_box *area);

#endif
