/*
 * The screen: the first that there is. Others wait, dark, and the one that has waited longest takes over
 * when it goes. In framemux-wall's process.
 */
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

#define RETRY_MS 2000

struct spare {
	struct wl_list link;
	struct wlr_output *wlr; /* borrowed: ends with it */
	struct wl_listener gone;
	bool is_told; /* that it cannot be used */
};

struct output {
	struct wall *wall;
	struct wl_list spares;          /* owned; the one that came first in front */
	struct wlr_output *wlr;         /* NULL: no screen yet */
	struct wlr_scene_output *scene; /* ends with wlr */
	struct wl_listener new_output, frame, mode, gone;
	struct wl_event_source *soon;  /* when the loop is idle; NULL: nothing is waited for */
	struct wl_event_source *again; /* a timer, set while no screen can be used */
	struct scrub *scrub;           /* owned; ends with wlr */
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

static void scrub_all(struct output *o)
{
	struct wlr_box all = {0};

	wlr_output_transformed_resolution(o->wlr, &all.width, &all.height);
	scrub_area(o->scrub, &all);
}

static void take_over_soon(struct output *o);

/*
 * Its buffers may outlast it, as whoever displayed them has them still. The leases end with their places
 * when no other screen takes over; on the next one nothing is older than its first repaint.
 */
static void on_gone(struct wl_listener *listener, void *data)
{
	struct output *o = wl_container_of(listener, o, gone);

	(void)data;
	wall_say("the screen %s is gone", o->wlr->name);
	scrub_all(o);
	wlr_scene_output_destroy(o->scene); /* its damage has gone already */
	input_set_output(o->wall->input, NULL);
	capture_set_output(o->wall->capture, NULL);
	leave(o);
	layout_set_screen(o->wall->layout, 0, 0);
	take_over_soon(o);
}

static bool turn_on(struct wall *w, struct wlr_output *wlr)
{
	struct wlr_output_mode *mode;

	if (!wlr->allocator && !wlr_output_init_render(wlr, w->allocator, w->renderer))
		return false;
	mode = wlr_output_preferred_mode(wlr);
	if (mode)
		wlr_output_set_mode(wlr, mode);
	wlr_output_enable(wlr, true);
	return wlr_output_commit(wlr);
}

/* Whoever had it before may have left something on it. A window cannot be told so, and shows nothing. */
static void turn_off(struct wlr_output *wlr)
{
	if (!wlr->enabled)
		return;
	wlr_output_enable(wlr, false);
	(void)wlr_output_commit(wlr);
}

/* False: nothing has changed. */
static bool use(struct output *o, struct wlr_output *wlr)
{
	if (!turn_on(o->wall, wlr))
		return false;
	o->scene = wlr_scene_output_create(o->wall->scene, wlr);
	if (!o->scene)
		return false;
	o->scrub = scrub_create(wlr);
	if (!o->scrub) {
		wlr_scene_output_destroy(o->scene);
		o->scene = NULL;
		return false;
	}
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
	return true;
}

static void forget(struct spare *s)
{
	wl_list_remove(&s->link);
	wl_list_remove(&s->gone.link);
	free(s);
}

static void on_spare_gone(struct wl_listener *listener, void *data)
{
	struct spare *s = wl_container_of(listener, s, gone);

	(void)data;
	forget(s);
}

/* One that cannot be used now may be when it is asked again: connectors share what drives them. */
static void take_over(struct output *o)
{
	struct spare *s, *next;

	if (o->wlr)
		return;
	wl_list_for_each_safe (s, next, &o->spares, link) {
		if (use(o, s->wlr)) {
			wall_say("the wall is on the screen %s", s->wlr->name);
			forget(s);
			return;
		}
		if (!s->is_told)
			wall_say("the screen %s cannot be used", s->wlr->name);
		s->is_told = true;
	}
	if (!wl_list_empty(&o->spares))
		wl_event_source_timer_update(o->again, RETRY_MS);
}

static void on_idle(void *data)
{
	struct output *o = data;

	o->soon = NULL; /* the loop frees it */
	take_over(o);
}

static int on_timer(void *data)
{
	take_over(data);
	return 0;
}

/* Not while the one before is being destroyed: until then the device drives it, and may drive no more. */
static void take_over_soon(struct output *o)
{
	if (!o->soon)
		o->soon = wl_event_loop_add_idle(
			wl_display_get_event_loop(o->wall->display), on_idle, o);
	if (!o->soon) /* no memory for it */
		wl_event_source_timer_update(o->again, 1);
}

static void on_new_output(struct wl_listener *listener, void *data)
{
	struct output *o = wl_container_of(listener, o, new_output);
	struct wlr_output *wlr = data;
	struct spare *s = wlr->non_desktop ? NULL : calloc(1, sizeof(*s));

	if (!s) {
		wall_say("the screen %s is left alone", wlr->name);
		return;
	}
	s->wlr = wlr;
	s->gone.notify = on_spare_gone;
	wl_signal_add(&wlr->events.destroy, &s->gone);
	wl_list_insert(o->spares.prev, &s->link);
	if (!o->wlr) {
		take_over(o);
		return;
	}
	turn_off(wlr);
	wall_say("the screen %s stays dark: the wall is on %s", wlr->name, o->wlr->name);
}

bool output_listen(struct wall *w)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return false;
	o->again = wl_event_loop_add_timer(wl_display_get_event_loop(w->display), on_timer, o);
	if (!o->again) {
		free(o);
		return false;
	}
	o->wall = w;
	wl_list_init(&o->spares);
	o->new_output.notify = on_new_output;
	wl_signal_add(&w->backend->events.new_output, &o->new_output);
	w->output = o;
	return true;
}

void output_forget(struct wall *w)
{
	struct output *o = w->output;
	struct spare *s, *next;

	if (!o)
		return;
	wl_list_remove(&o->new_output.link);
	wl_list_for_each_safe (s, next, &o->spares, link)
		forget(s);
	if (o->wlr)
		leave(o);
	if (o->soon)
		wl_event_source_remove(o->soon);
	wl_event_source_remove(o->again);
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
