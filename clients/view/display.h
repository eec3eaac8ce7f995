/* The connection to the compositor: what it offers, and its screens. */
#ifndef FRAMEMUX_VIEW_DISPLAY_H
#define FRAMEMUX_VIEW_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-client.h>

#include "clients/view/keyboard.h"

#define DISPLAY_OUTPUTS_MAX 16u

struct output {
	struct wl_output *wl; /* owned; NULL: this place is free */
	uint32_t name;
	int32_t scale;
	bool is_ours; /* the window is on it */
};

struct xdg_wm_base;
struct zxdg_decoration_manager_v1;

struct display {
	struct wl_display *wl; /* all of these: owned */
	struct wl_registry *registry;
	struct wl_callback *first;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct xdg_wm_base *shell;
	struct zxdg_decoration_manager_v1 *decorations; /* NULL: not offered */
	struct wl_seat *seat;                           /* NULL: none */
	uint32_t seat_name;
	struct keyboard keyboard; /* of that seat */
	struct output outputs[DISPLAY_OUTPUTS_MAX];
	bool is_listed; /* all globals of the beginning were told */
	bool is_stuck;  /* the compositor does not read: more would only be kept for it */
};

/* 0 or -errno. Waits for nothing: is_listed comes true while events are handled. */
int display_open(struct display *d);
void display_close(struct display *d);

/* What the compositor lacks, by name; NULL: nothing. */
const char *display_lacks(const struct display *d);

/* Why nothing comes any more, in words. */
const char *display_error(const struct display *d);

/* The window has entered or left a screen. */
void display_moved(struct display *d, struct wl_output *output, bool is_ours);
/* Pixels for each unit of the desktop's, where the window is. */
uint32_t display_scale(const struct display *d);

/*
 * Handle what is here, and get ready to poll: afterwards display_poll_end is to be called. False: the
 * compositor is gone.
 */
bool display_poll_begin(struct display *d);
/* Send what is waiting. *ret_events: what to poll its descriptor for. False: gone. */
bool display_flush(struct display *d, short *ret_events);
bool display_poll_end(struct display *d, bool is_readable);

#endif
