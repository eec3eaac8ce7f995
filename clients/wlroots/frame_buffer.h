/*
 * A frame of framemux as a wlr_buffer, without a copy: renderers read the ring itself. Read-only,
 * as the ring is: who asks to write is refused.
 */
#ifndef FRAMEMUX_WLROOTS_FRAME_BUFFER_H
#define FRAMEMUX_WLROOTS_FRAME_BUFFER_H

#include <framemux.h>
#include <stdbool.h>
#include <wlr/types/wlr_buffer.h>

/*
 * frame: one plane (XRGB8888 or RGB565), acquired from view; the buffer owns it from here on and
 * releases it when its last user has let go, or in frame_buffer_end. The view must live until one
 * of them. The caller drops the buffer (wlr_buffer_drop). NULL without memory: the frame is still
 * the caller's.
 */
struct wlr_buffer *frame_buffer_create(
	struct framemux_view *view, const struct framemux_frame *frame);

/* What was read of it up to now was one whole frame, and may be shown. */
bool frame_buffer_is_whole(struct wlr_buffer *buffer);

/* Give the frame back now, whoever still holds the buffer: nobody can read it any more. */
void frame_buffer_end(struct wlr_buffer *buffer);

#endif
