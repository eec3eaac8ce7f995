/* Nothing here waits for the compositor. In framemux-view's process. */
#include "clients/view/display.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "xdg-decoration-unstable-v1-client-protocol.h"
#include "xdg-shell-client-protocol.h"

#define COMPOSITOR_VERSION 4u /* damage in the buffer's pixels */
#define SHELL_VERSION      1u
#define OUTPUT_VERSION     3u
#define SEAT_VERSION       5u
#define SCALE_MAX          8

/* --- screens --------------------------------------------------------------------------------- */

static void on_geometry(void *data, struct wl_output *wl, int32_t x, int32_t y, int32_t width_mm,
	int32_t height_mm, int32_t subpixel, const char *make, const char *model, int32_t transform)
{
	(void)data, (void)wl, (void)x, (void)y, (void)width_mm, (void)height_mm;
	(void)subpixel, (void)make, (void)model, (void)transform;
}

static void on_mode(void *data, struct wl_output *wl, uint32_t flags, int32_t width, int32_t height,
	int32_t refresh)
{
	(void)data, (void)wl, (void)flags, (void)width, (void)height, (void)refresh;
}

static void on_done(void *data, struct wl_output *wl)
{
	(void)data, (void)wl;
}

static void on_scale(void *data, struct wl_output *wl, int32_t factor)
{
	struct output *o = data;

	(void)wl;
	o->scale = factor < 1 ? 1 : factor > SCALE_MAX ? SCALE_MAX : factor;
}

static const struct wl_output_listener output_listener = {
	.geometry = on_geometry, .mode = on_mode, .done = on_done, .scale = on_scale};

static void add_output(struct display *d, uint32_t name, uint32_t version)
{
	for (unsigned i = 0; i < DISPLAY_OUTPUTS_MAX; i++) {
		struct output *o = &d->outputs[i];

		if (o->wl)
			continue;
		o->wl = wl_registry_bind(d->registry, name, &wl_output_interface, version);
		o->name = name;
		o->scale = 1;
		o->is_ours = false;
		wl_output_add_listener(o->wl, &output_listener, o);
		return;
	}
}

static void remove_output(struct output *o)
{
	if (wl_output_get_version(o->wl) >= WL_OUTPUT_RELEASE_SINCE_VERSION)
		wl_output_release(o->wl);
	else
		wl_output_destroy(o->wl);
	memset(o, 0, sizeof(*o));
}

void display_moved(struct display *d, struct wl_output *output, bool is_ours)
{
	for (unsigned i = 0; i < DISPLAY_OUTPUTS_MAX; i++)
		if (d->outputs[i].wl && d->outputs[i].wl == output)
			d->outputs[i].is_ours = is_ours;
}

uint32_t display_scale(const struct display *d)
{
	int32_t scale = 1;

	for (unsigned i = 0; i < DISPLAY_OUTPUTS_MAX; i++)
		if (d->outputs[i].is_ours && d->outputs[i].scale > scale)
			scale = d->outputs[i].scale;
	return (uint32_t)scale;
}

/* --- what is offered ------------------------------------------------------------------------- */

static void on_ping(void *data, struct xdg_wm_base *shell, uint32_t serial)
{
	(void)data;
	xdg_wm_base_pong(shell, serial);
}

static const struct xdg_wm_base_listener shell_listener = {.ping = on_ping};

static uint32_t at_most(uint32_t version, uint32_t ours)
{
	return version < ours ? version : ours;
}

static void on_global(
	void *data, struct wl_registry *r, uint32_t name, const char *interface, uint32_t version)
{
	struct display *d = data;

	if (!strcmp(interface, wl_compositor_interface.name) && version >= COMPOSITOR_VERSION &&
		!d->compositor) {
		d->compositor =
			wl_registry_bind(r, name, &wl_compositor_interface, COMPOSITOR_VERSION);
	} else if (!strcmp(interface, wl_shm_interface.name) && !d->shm) {
		d->shm = wl_registry_bind(r, name, &wl_shm_interface, 1);
	} else if (!strcmp(interface, xdg_wm_base_interface.name) && !d->shell) {
		d->shell = wl_registry_bind(r, name, &xdg_wm_base_interface, SHELL_VERSION);
		xdg_wm_base_add_listener(d->shell, &shell_listener, d);
	} else if (!strcmp(interface, zxdg_decoration_manager_v1_interface.name) &&
		!d->decorations) {
		d->decorations =
			wl_registry_bind(r, name, &zxdg_decoration_manager_v1_interface, 1);
	} else if (!strcmp(interface, wl_seat_interface.name) && !d->seat) {
		d->seat = wl_registry_bind(
			r, name, &wl_seat_interface, at_most(version, SEAT_VERSION));
		d->seat_name = name;
		keyboard_open(&d->keyboard, d->seat);
	} else if (!strcmp(interface, wl_output_interface.name)) {
		add_output(d, name, at_most(version, OUTPUT_VERSION));
	}
}

static void remove_seat(struct display *d)
{
	keyboard_close(&d->keyboard);
	if (d->seat)
		wl_seat_destroy(d->seat);
	d->seat = NULL;
}

static void on_global_remove(void *data, struct wl_registry *r, uint32_t name)
{
	struct display *d = data;

	(void)r;
	for (unsigned i = 0; i < DISPLAY_OUTPUTS_MAX; i++)
		if (d->outputs[i].wl && d->outputs[i].name == name)
			remove_output(&d->outputs[i]);
	if (d->seat && d->seat_name == name)
		remove_seat(d);
}

static const struct wl_registry_listener registry_listener = {
	.global = on_global, .global_remove = on_global_remove};

static void on_first(void *data, struct wl_callback *callback, uint32_t time)
{
	struct display *d = data;

	(void)time;
	wl_callback_destroy(callback);
	d->first = NULL;
	d->is_listed = true;
}

static const struct wl_callback_listener first_listener = {.done = on_first};

const char *display_lacks(const struct display *d)
{
	if (!d->compositor)
		return "wl_compositor of version 4";
	if (!d->shm)
		return "wl_shm";
	return d->shell ? NULL : "xdg_wm_base";
}

/* --- the connection -------------------------------------------------------------------------- */

int display_open(struct display *d)
{
	errno = 0;
	d->wl = wl_display_connect(NULL);
	if (!d->wl)
		return errno ? -errno : -ENOENT;
	d->registry = wl_display_get_registry(d->wl);
	if (d->registry)
		d->first = wl_display_sync(d->wl);
	if (!d->first)
		return -ENOMEM;
	wl_registry_add_listener(d->registry, &registry_listener, d);
	wl_callback_add_listener(d->first, &first_listener, d);
	return 0;
}

void display_close(struct display *d)
{
	if (!d->wl)
		return;
	for (unsigned i = 0; i < DISPLAY_OUTPUTS_MAX; i++)
		if (d->outputs[i].wl)
			remove_output(&d->outputs[i]);
	remove_seat(d);
	if (d->decorations)
		zxdg_decoration_manager_v1_destroy(d->decorations);
	if (d->shell)
		xdg_wm_base_destroy(d->shell);
	if (d->shm)
		wl_shm_destroy(d->shm);
	if (d->compositor)
		wl_compositor_destroy(d->compositor);
	if (d->first)
		wl_callback_destroy(d->first);
	if (d->registry)
		wl_registry_destroy(d->registry);
	(void)wl_display_flush(d->wl);
	wl_display_disconnect(d->wl);
	memset(d, 0, sizeof(*d));
}

const char *display_error(const struct display *d)
{
	int e = wl_display_get_error(d->wl);

	if (e == EPROTO)
		return "the compositor ended the connection for a protocol error";
	return e == ENOMEM ? "no memory" : "the compositor is gone";
}

bool display_poll_begin(struct display *d)
{
	while (wl_display_prepare_read(d->wl) != 0)
		if (wl_display_dispatch_pending(d->wl) < 0)
			return false;
	return true;
}

bool display_flush(struct display *d, short *ret_events)
{
	*ret_events = POLLIN;
	d->is_stuck = false;
	if (wl_display_flush(d->wl) >= 0)
		return true;
	d->is_stuck = errno == EAGAIN;
	if (d->is_stuck)
		*ret_events |= POLLOUT;
	/* EPIPE: why it went may still be there to read. */
	return d->is_stuck || errno == EPIPE;
}

bool display_poll_end(struct display *d, bool is_readable)
{
	if (!is_readable)
		wl_display_cancel_read(d->wl);
	else if (wl_display_read_events(d->wl) < 0)
		return false;
	return wl_display_dispatch_pending(d->wl) >= 0;
}
