/*
 * wlr_scene_output_commit with a question in between: rendered, but not shown yet, may it be
 * shown? Without direct scan-out: what the display reads by itself nobody could ask about.
 */
#ifndef FRAMEMUX_WLROOTS_REPAINT_H
#define FRAMEMUX_WLROOTS_REPAINT_H

#include <stdbool.h>
#include <wlr/types/wlr_scene.h>

/*
 * From the output's frame event. may_show(data): true, or false when it has changed the scene (a
 * picture went black) and all is to be rendered again; it is asked until it is true. NULL: nothing
 * to ask. 1: shown; 0: there was nothing to draw; -EIO: the output cannot be drawn on or does not
 * take it.
 */
int repaint(struct wlr_scene_output *scene_output, bool (*may_show)(void *data), void *data);

#endif
