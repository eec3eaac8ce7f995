/* The window: its size, its state, and what is put on it. */
#ifndef FRAMEMUX_VIEW_WINDOW_H
#define FRAMEMUX_VIEW_WINDOW_H

#include "clients/view/canvas.h"
#include "clients/view/display.h"

struct xdg_surface;
struct xdg_toplevel;
struct zxdg_toplevel_decoration_v1;

struct window {
	struct display *display;    /* borrowed */
	struct wl_surface *surface; /* all of these: owned */
	struct xdg_surface *shell;
	struct xdg_toplevel *toplevel;
	struct zxdg_toplevel_decoration_v1 *decoration;
	struct wl_callback *drawn; /* NULL: a repaint may come at any time */

	uint32_t usual_width, usual_height; /* when the compositor leaves it to us */
	uint32_t told_width, told_height;   /* of the configure under way; 0: as usual */
	uint32_t width, height, scale;      /* as it is now; units of the desktop's, 0: not yet */
	uint32_t shown_width, shown_height; /* of the buffer that was shown last, in pixels */
	bool is_fullscreen, is_closed;
	bool asks_fullscreen; /* the last that was asked for or told */
	bool is_acked;        /* the configure; it holds from the next commit on */
};

/* title: for people. width, height: at first. 0 or -ENOMEM. */
int window_open(struct window *w, struct display *d, const char *title, uint32_t width,
	uint32_t height, bool is_fullscreen);
void window_close(struct window *w);

/* After what was to be painted has been. False: not yet, ask again after the next event. */
bool window_toggle_fullscreen(struct window *w);

/* In pixels. 0 x 0 before the compositor has said what it is to be. */
void window_pixels(const struct window *w, uint32_t *ret_width, uint32_t *ret_height);

/* The window may be repainted: what was put on it last has been shown. */
bool window_is_ready(const struct window *w);

/* Show this buffer; what differs from the one before lies in these boxes. n 0: all of it. */
void window_show(struct window *w, const struct buffer *b, const struct box *boxes, unsigned n);

#endif
