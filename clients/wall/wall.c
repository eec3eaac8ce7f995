/* Puts the compositor together and runs it. In framemux-wall's process. */
#include "clients/wall/wall.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wlr/backend.h>
#include <wlr/render/allocator.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>

#include "clients/program/exit_code.h"
#include "clients/wall/capture.h"
#include "clients/wall/input.h"
#include "clients/wall/layout.h"
#include "clients/wall/mux.h"
#include "clients/wall/output.h"
#include "clients/wall/tile.h"
#include "common/clock.h"

uint64_t wall_now_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

void wall_say(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "framemux-wall: %s\n", line);
}

void wall_debug(const struct wall *w, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!w->debug)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "framemux-wall: %llu ms: %s\n", (unsigned long long)wall_now_ms(), line);
}

static int on_signal(int number, void *data)
{
	struct wall *w = data;

	(void)number;
	wl_display_terminate(w->display);
	return 0;
}

static bool make_tiles(struct wall *w)
{
	w->tiles = calloc(w->config->n_cameras, sizeof(*w->tiles));
	for (size_t i = 0; w->tiles && i < w->config->n_cameras; i++) {
		w->tiles[i] = tile_create(w, &w->config->cameras[i]);
		if (!w->tiles[i])
			return false;
		w->n_tiles++;
	}
	return w->tiles;
}

const char *wall_begin(struct wall *w)
{
	static const int ends[WALL_ENDS] = {SIGINT, SIGTERM, SIGHUP};

	w->display = wl_display_create();
	if (!w->display)
		return "memory";
	for (size_t i = 0; i < WALL_ENDS; i++) {
		w->ends[i] = wl_event_loop_add_signal(
			wl_display_get_event_loop(w->display), ends[i], on_signal, w);
		if (!w->ends[i])
			return "a signal descriptor";
	}
	w->backend = wlr_backend_autocreate(w->display);
	if (!w->backend)
		return "a screen: neither a DRM device nor another compositor "
		       "(WAYLAND_DISPLAY) can be used";
	w->renderer = wlr_renderer_autocreate(w->backend);
	w->allocator = w->renderer ? wlr_allocator_autocreate(w->backend, w->renderer) : NULL;
	if (!w->allocator)
		return "a renderer: WLR_RENDERER=pixman draws without a GPU";
	w->scene = wlr_scene_create();
	w->layout = w->scene ? layout_create(w) : NULL;
	if (!w->layout || !make_tiles(w))
		return "memory";
	w->capture = capture_create(w);
	w->input = input_create(w);
	w->mux = mux_create(w);
	if (!w->capture || !w->input || !w->mux)
		return "memory";
	if (!output_listen(w) || !wlr_backend_start(w->backend))
		return "a started backend";
	return NULL;
}

/* Leases first: nothing of a camera is left when the screen goes. */
void wall_end(struct wall *w)
{
	for (size_t i = 0; i < w->n_tiles; i++)
		tile_destroy(w->tiles[i]);
	free(w->tiles);
	w->tiles = NULL;
	w->n_tiles = 0;
	mux_destroy(w->mux);
	if (!w->display)
		return;
	for (size_t i = 0; i < WALL_ENDS; i++)
		if (w->ends[i])
			wl_event_source_remove(w->ends[i]);
	wl_display_destroy_clients(w->display); /* first: the filter of globals is capture's */
	capture_destroy(w->capture);
	input_destroy(w->input);
	output_forget(w);
	if (w->backend)
		wlr_backend_destroy(w->backend);
	layout_destroy(w->layout);
	if (w->scene)
		wlr_scene_node_destroy(&w->scene->node);
	if (w->allocator)
		wlr_allocator_destroy(w->allocator);
	if (w->renderer)
		wlr_renderer_destroy(w->renderer);
	wl_display_destroy(w->display);
}

int wall_run(const struct config *config, bool debug)
{
	struct wall w = {.config = config, .debug = debug};
	const char *missing;

	wlr_log_init(debug ? WLR_INFO : WLR_ERROR, NULL);
	missing = wall_begin(&w);
	if (missing)
		wall_say("cannot start without %s", missing);
	else
		wl_display_run(w.display);
	wall_end(&w);
	return missing ? EXIT_INTERNAL : EXIT_SUCCESS;
}
