/* In framemux-view's process. */
#include "clients/view/window.h"

#include <errno.h>
#include <string.h>

#include "xdg-decoration-unstable-v1-client-protocol.h"
#include "xdg-shell-client-protocol.h"

#define APP_ID   "framemux-view"
#define SIDE_MAX 8192u /* pixels: what a buffer's bytes may come to is an int32 */

static uint32_t bounded(int32_t told)
{
	return told <= 0 ? 0 : told > (int32_t)SIDE_MAX ? SIDE_MAX : (uint32_t)told;
}

/* --- its state ------------------------------------------------------------------------------- */

static void on_toplevel(void *data, struct xdg_toplevel *toplevel, int32_t width, int32_t height,
	struct wl_array *states)
{
	struct window *w = data;
	const uint32_t *state;

	(void)toplevel;
	w->told_width = bounded(width);
	w->told_height = bounded(height);
	w->is_fullscreen = false;
	wl_array_for_each(state, states) w->is_fullscreen |=
		*state == XDG_TOPLEVEL_STATE_FULLSCREEN;
	w->asks_fullscreen = w->is_fullscreen;
}

static void on_close(void *data, struct xdg_toplevel *toplevel)
{
	struct window *w = data;

	(void)toplevel;
	w->is_closed = true;
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = on_toplevel, .close = on_close};

static void on_configure(void *data, struct xdg_surface *shell, uint32_t serial)
{
	struct window *w = data;

	xdg_surface_ack_configure(shell, serial);
	w->is_acked = true;
	w->width = w->told_width ? w->told_width : w->usual_width;
	w->height = w->told_height ? w->told_height : w->usual_height;
	if (!w->is_fullscreen) { /* to go back to */
		w->usual_width = w->width;
		w->usual_height = w->height;
	}
}

static const struct xdg_surface_listener shell_listener = {.configure = on_configure};

static void on_enter(void *data, struct wl_surface *surface, struct wl_output *output)
{
	struct window *w = data;

	(void)surface;
	display_moved(w->display, output, true);
}

static void on_leave(void *data, struct wl_surface *surface, struct wl_output *output)
{
	struct window *w = data;

	(void)surface;
	display_moved(w->display, output, false);
}

static const struct wl_surface_listener surface_listener = {.enter = on_enter, .leave = on_leave};

static void commit(struct window *w)
{
	wl_surface_commit(w->surface);
	w->is_acked = false;
}

/* --- from the beginning to the end ----------------------------------------------------------- */

/* A frame around the window is the compositor's, where it is asked for; else there is none. */
static void decorate(struct window *w)
{
	if (!w->display->decorations)
		return;
	w->decoration = zxdg_decoration_manager_v1_get_toplevel_decoration(
		w->display->decorations, w->toplevel);
	if (w->decoration)
		zxdg_toplevel_decoration_v1_set_mode(
			w->decoration, ZXDG_TOPLEVEL_DECORATION_V1_MODE_SERVER_SIDE);
}

int window_open(struct window *w, struct display *d, const char *title, uint32_t width,
	uint32_t height, bool is_fullscreen)
{
	*w = (struct window){.display = d, .usual_width = width, .usual_height = height};
	w->surface = wl_compositor_create_surface(d->compositor);
	if (w->surface)
		w->shell = xdg_wm_base_get_xdg_surface(d->shell, w->surface);
	if (w->shell)
		w->toplevel = xdg_surface_get_toplevel(w->shell);
	if (!w->toplevel)
		return -ENOMEM;
	wl_surface_add_listener(w->surface, &surface_listener, w);
	xdg_surface_add_listener(w->shell, &shell_listener, w);
	xdg_toplevel_add_listener(w->toplevel, &toplevel_listener, w);
	xdg_toplevel_set_title(w->toplevel, title);
	xdg_toplevel_set_app_id(w->toplevel, APP_ID);
	decorate(w);
	w->asks_fullscreen = is_fullscreen;
	if (is_fullscreen)
		xdg_toplevel_set_fullscreen(w->toplevel, NULL);
	commit(w); /* and the compositor says what size it is to have */
	return 0;
}

void window_close(struct window *w)
{
	if (w->drawn)
		wl_callback_destroy(w->drawn);
	if (w->decoration)
		zxdg_toplevel_decoration_v1_destroy(w->decoration);
	if (w->toplevel)
		xdg_toplevel_destroy(w->toplevel);
	if (w->shell)
		xdg_surface_destroy(w->shell);
	if (w->surface)
		wl_surface_destroy(w->surface);
	memset(w, 0, sizeof(*w));
}

void window_pixels(const struct window *w, uint32_t *ret_width, uint32_t *ret_height)
{
	uint32_t scale = display_scale(w->display);

	*ret_width = w->width * scale < SIDE_MAX ? w->width * scale : SIDE_MAX / scale * scale;
	*ret_height = w->height * scale < SIDE_MAX ? w->height * scale : SIDE_MAX / scale * scale;
}

/*
 * A state that was acknowledged holds from the next commit on. Weston 10 compares what is asked for
 * before that with the state before, finds nothing to change, and never answers.
 */
bool window_toggle_fullscreen(struct window *w)
{
	uint32_t width, height;

	window_pixels(w, &width, &height);
	if (w->is_acked && (width != w->shown_width || height != w->shown_height))
		return false;
	if (w->is_acked) /* there is nothing to paint for it */
		commit(w);
	w->asks_fullscreen = !w->asks_fullscreen;
	if (w->asks_fullscreen)
		xdg_toplevel_set_fullscreen(w->toplevel, NULL);
	else
		xdg_toplevel_unset_fullscreen(w->toplevel);
	return true;
}

/* --- pixels ---------------------------------------------------------------------------------- */

bool window_is_ready(const struct window *w)
{
	return w->width && !w->drawn;
}

static void on_drawn(void *data, struct wl_callback *callback, uint32_t time)
{
	struct window *w = data;

	(void)time;
	wl_callback_destroy(callback);
	w->drawn = NULL;
}

static const struct wl_callback_listener drawn_listener = {.done = on_drawn};

void window_show(struct window *w, const struct buffer *b, const struct box *boxes, unsigned n)
{
	uint32_t scale = display_scale(w->display);

	if (scale != w->scale)
		wl_surface_set_buffer_scale(w->surface, (int32_t)scale);
	w->scale = scale;
	w->shown_width = b->width;
	w->shown_height = b->height;
	wl_surface_attach(w->surface, b->wl, 0, 0);
	if (n == 0)
		wl_surface_damage_buffer(w->surface, 0, 0, (int32_t)b->width, (int32_t)b->height);
	for (unsigned i = 0; i < n; i++)
		wl_surface_damage_buffer(w->surface, (int32_t)boxes[i].x, (int32_t)boxes[i].y,
			(int32_t)boxes[i].width, (int32_t)boxes[i].height);
	if (!w->drawn) {
		w->drawn = wl_surface_frame(w->surface);
		if (w->drawn)
			wl_callback_add_listener(w->drawn, &drawn_listener, w);
	}
	commit(w);
}
