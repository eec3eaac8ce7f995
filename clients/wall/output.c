/* The screen. In framemux-wall's process. */
#include "clients/wall/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/backend.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_output_damage.h>
#include <wlr/types/wlr_scene.h>

#include "clients/wall/capture.h"
#include "clients/wall/input.h"
#include "clients/wall/layout.h"
#include "clients/wall/mux.h"
#include "clients/wall/tile.h"
#include "clients/wall/wall.h"
#include "clients/wlroots/repaint.h"
#include "clients/wlroots/scrub.h"

struct output {
	struct wall *wall;
	struct wlr_output *wlr;         /* NULL: no screen yet */
	struct wlr_scene_output *scene; /* ends with wlr */
	struct wl_listener new_output, frame, mode, gone;
	struct scrub *scrub; /* owned; ends with wlr */
	uint64_t repaints;
};

static bool is_all_whole(void *data)
{
	struct wall *w = data;
	bool whole = true;

	for (size_t i = 0; i < w->n_tiles; i++)
		whole = tile_is_whole(w->tiles[i]) && whole;
	return whole;
}

static void debug_repaint(struct output *o)
{
	struct wall *w = o->wall;
	char line[900] = "";
	size_t n = 0;

	for (size_t i = 0; w->debug && i < w->n_tiles && n < sizeof(line); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %s=%llu",
			tile_camera(w->tiles[i])->name,
			(unsigned long long)tile_shows(w->tiles[i]));
	wall_debug(w, "repaint %llu:%s", (unsigned long long)o->repaints, line);
}

static void on_frame(struct wl_listener *listener, void *data)
{
	struct output *o = wl_container_of(listener, o, frame);

	(void)data;
	mux_look(o->wall->mux);
	for (size_t i = 0; i < o->wall->n_tiles; i++)
		tile_before_repaint(o->wall->tiles[i]);
	if (repaint(o->scene, is_all_whole, o->wall) != 1)
		return;
	o->repaints++;
	debug_repaint(o);
}

static void on_mode(struct wl_listener *listener, void *data)
{
	struct output *o = wl_container_of(listener, o, mode);
	int width, height;

	(void)data;
	wlr_output_effective_resolution(o->wlr, &width, &height);
	layout_set_screen(o->wall->layout, (uint32_t)width, (uint32_t)height);
}

static void leave(struct output *o)
{
	scrub_destroy(o->scrub);
	o->scrub = NULL;
	wl_list_remove(&o->frame.link);
	wl_list_remove(&o->mode.link);
	wl_list_remove(&o->gone.link);
	o->wlr = NULL;
	o->scene = NULL;
}

/* Nobody sees the cameras any more: their leases end with their places. */
static void on_gone(struct wl_listener *listener, void *data)
{
	struct output *o = wl_container_of(listener, o, gone);

	(void)data;
	wall_say("the screen %s is gone", o->wlr->name);
	wlr_scene_output_destroy(o->scene); /* its damage has gone already */
	input_set_output(o->wall->input, NULL);
	capture_set_output(o->wall->capture, NULL);
	leave(o);
	layout_set_screen(o->wall->layout, 0, 0);
}

static bool turn_on(struct wall *w, struct wlr_output *wlr)
{
	struct wlr_output_mode *mode;

	if (!wlr_output_init_render(wlr, w->allocator, w->renderer))
		return false;
	mode = wlr_output_preferred_mode(wlr);
	if (mode)
		wlr_output_set_mode(wlr, mode);
	wlr_output_enable(wlr, true);
	return wlr_output_commit(wlr);
}

static void on_new_output(struct wl_listener *listener, void *data)
{
	struct output *o = wl_container_of(listener, o, new_output);
	struct wlr_output *wlr = data;

	if (wlr->non_desktop || o->wlr) {
		wall_say("the screen %s is left alone: there is one already", wlr->name);
		return;
	}
	if (!turn_on(o->wall, wlr)) {
		wall_say("the screen %s cannot be used", wlr->name);
		return;
	}
	o->scene = wlr_scene_output_create(o->wall->scene, wlr);
	o->scrub = o->scene ? scrub_create(wlr) : NULL;
	if (!o->scrub)
		return;
	o->wlr = wlr;
	o->frame.notify = on_frame;
	o->mode.notify = on_mode;
	o->gone.notify = on_gone;
	wl_signal_add(&wlr->events.frame, &o->frame);
	wl_signal_add(&wlr->events.mode, &o->mode);
	wl_signal_add(&wlr->events.destroy, &o->gone);
	input_set_output(o->wall->input, wlr);
	capture_set_output(o->wall->capture, wlr);
	on_mode(&o->mode, NULL);
}

bool output_listen(struct wall *w)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return false;
	o->wall = w;
	o->new_output.notify = on_new_output;
	wl_signal_add(&w->backend->events.new_output, &o->new_output);
	w->output = o;
	return true;
}

void output_forget(struct wall *w)
{
	struct output *o = w->output;

	if (!o)
		return;
	wl_list_remove(&o->new_output.link);
	if (o->wlr)
		leave(o);
	free(o);
	w->output = NULL;
}

void output_schedule(struct wall *w)
{
	if (w->output && w->output->wlr)
		wlr_output_schedule_frame(w->output->wlr);
}

void output_scrub(struct wall *w, const struct box *a)
{
	struct wlr_box box = {(int)a->x, (int)a->y, (int)a->width, (int)a->height};

	if (!w->output || !w->output->wlr)
		return;
	scrub_area(w->output->scrub, &box);
	wlr_output_damage_add_box(w->output->scene->damage, &box);
}
