/*
 * A camera's place in a wlr_scene: black, a picture over it, a badge over that. The rules of
 * docs/compositor.md in wlroots' terms:
 *
 *	before a repaint	picture_show: the newest frame becomes a node of the scene
 *	rendered, not shown	picture_is_whole: false has made it black, so render again (repaint.h)
 *	told a dark state	picture_black: the node, its buffer and its texture are destroyed
 *
 * Why there is no copy. A renderer may read the ring when it makes a texture (GLES2, once) or
 * whenever the scene is drawn (pixman). Either way it is between the repaint's begin and its
 * commit, so that the frame is asked for there: is it still whole? Until then nothing of it can be
 * seen. The frame is held for as long as its node lives and is asked for in every repaint, also in
 * those that draw it again: a revocation of which the compositor has not heard yet is seen by the
 * check, and makes the repaint black. Open the view with one slot more than otherwise
 * (PICTURE_SLOTS).
 */
#ifndef FRAMEMUX_WLROOTS_PICTURE_H
#define FRAMEMUX_WLROOTS_PICTURE_H

#include <framemux.h>
#include <stdbool.h>
#include <wlr/types/wlr_scene.h>

#include "clients/screen/badge.h"
#include "clients/screen/grid.h"

#define PICTURE_SLOTS  5u
#define PICTURE_FOURCC 0x34325258u /* DRM_FORMAT_XRGB8888: what every renderer takes */

struct picture;

/* Black, without a place yet. NULL without memory. */
struct picture *picture_create(struct wlr_scene_node *parent);
void picture_destroy(struct picture *p); /* NULL is fine */

/* Where it is, in the scene's coordinates: a picture is fitted into it, its shape kept. */
void picture_place(struct picture *p, struct box area);

/* Hidden ones are not drawn; black it first. */
void picture_set_visible(struct picture *p, bool visible);

/*
 * The view's newest frame becomes what is shown; *ret_frame (may be NULL) is valid until the next
 * call. The view must live until picture_black, or until another's frame is shown. shape: the
 * picture's as it is to look, if the frame was scaled to something else; NULL: the frame's own. 0,
 * or what framemux_acquire said: -EAGAIN leaves what is there, anything else is black. -ENOMEM.
 */
int picture_show(struct picture *p, struct framemux_view *view, const struct box *shape,
	const struct framemux_frame **ret_frame);

/* True when there is nothing to show, too. */
bool picture_is_whole(struct picture *p);

/* Nothing of the frame is kept: not in the scene, not in a texture; the frame is given back. */
void picture_black(struct picture *p);
bool picture_is_black(const struct picture *p);

/* Takes the badge; without pixels: none. centred: in the tile's middle, else in the picture's lower left
 * corner. */
void picture_set_badge(struct picture *p, struct badge *badge, bool centred);

#endif
