/* What the parts of framemux-wall share. One thread: the event loop's. */
#ifndef FRAMEMUX_WALL_WALL_H
#define FRAMEMUX_WALL_WALL_H

#include <framemux.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

#include "clients/wall/config.h"

#define WALL_NONE SIZE_MAX /* no tile */
#define WALL_ENDS 3u       /* signals that end it */

struct wall {
	const struct config *config; /* borrowed */
	bool debug;
	struct wl_display *display; /* owned, as all below */
	struct wl_event_source *ends[WALL_ENDS];
	struct wlr_backend *backend;
	struct wlr_renderer *renderer;
	struct wlr_allocator *allocator;
	struct wlr_scene *scene;
	struct mux *mux;
	struct layout *layout;
	struct output *output;
	struct input *input;
	struct capture *capture;
	struct tile **tiles;
	size_t n_tiles;
};

/*
 * Everything from the display to the mux, for a wall of which config and debug are set: NULL, or what cannot
 * be had. Then run the display's loop. End it in either case.
 */
const char *wall_begin(struct wall *w);
void wall_end(struct wall *w);

/* 0 when told to end, else an exit code. */
int wall_run(const struct config *config, bool debug);

/* A line on standard error; debug ones only with --debug, and with the time. */
void wall_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void wall_debug(const struct wall *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* CLOCK_MONOTONIC */
uint64_t wall_now_ms(void);

#endif
