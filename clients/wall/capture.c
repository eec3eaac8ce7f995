/*
 * What other programs may have of the screen, by wlr-screencopy. In framemux-wall's process.
 *
 * A capture is of an output that a client can name. With allow_capture that is the screen itself.
 * Without, the screen is hidden from clients (a filter of globals, which permits what is on its
 * list): none can ask for it. What is announced is a mirror of the same size that no display
 * shows; it has a scene of its own, in which tiles are black boxes that say so. No frame of a
 * camera was ever in that scene, so there is nothing to be left out of it by mistake. (Blanking
 * the tiles of the screen for the moment of a capture would let any client make the wall flicker,
 * and a capture that begins a moment too early see them.)
 *
 * Screencopy is all there is beside: no windows, no input, no other way to read the screen.
 */
#include "clients/wall/capture.h"

#include <stdlib.h>
#include <string.h>
#include <wlr/backend.h>
#include <wlr/backend/headless.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_screencopy_v1.h>
#include <wlr/types/wlr_xdg_output_v1.h>

#include "clients/screen/badge.h"
#include "clients/wall/layout.h"
#include "clients/wall/tile.h"
#include "clients/wall/wall.h"
#include "clients/wlroots/picture.h"
#include "clients/wlroots/repaint.h"
#include "common/breakage.h"

#define BADGE_MARGIN 16u

struct capture {
	struct wall *wall;
	struct wlr_output_layout *layout;   /* what clients know of */
	const struct wlr_output *announced; /* the only one; NULL: none */
	/* Of the mirror; NULL with allow_capture. */
	struct wlr_backend *backend;
	struct wlr_output *output;
	struct wlr_scene *scene;
	struct wlr_scene_output *scene_output;
	struct wlr_scene_rect *background;
	struct picture **boxes; /* owned, n_tiles; never shown a frame */
	struct wl_listener frame;
};

static void on_frame(struct wl_listener *listener, void *data)
{
	struct capture *c = wl_container_of(listener, c, frame);

	(void)data;
	repaint(c->scene_output, NULL, NULL);
}

/*
 * What clients may bind. wlroots announces outputs by itself, also the screen, as soon as they are
 * in any layout.
 */
static bool may_see(const struct wl_client *client, const struct wl_global *global, void *data)
{
	static const char *const permitted[] = {
		"wl_shm", "zwlr_screencopy_manager_v1", "zxdg_output_manager_v1"};
	const char *name = wl_global_get_interface(global)->name;
	const struct capture *c = data;

	(void)client;
	if (!strcmp(name, "wl_output"))
		return c->announced && global == c->announced->global;
	for (size_t i = 0; i < sizeof(permitted) / sizeof(permitted[0]); i++)
		if (!strcmp(name, permitted[i]))
			return true;
	return false;
}

static bool shows_cameras(const struct capture *c)
{
	return c->wall->config->allow_capture || breakage("wall-captures-cameras");
}

static bool make_scene(struct capture *c)
{
	c->scene = wlr_scene_create();
	c->background = c->scene
		? wlr_scene_rect_create(&c->scene->node, 0, 0, c->wall->config->background)
		: NULL;
	c->boxes = c->background ? calloc(c->wall->n_tiles, sizeof(struct picture *)) : NULL;
	for (size_t i = 0; c->boxes && i < c->wall->n_tiles; i++) {
		c->boxes[i] = picture_create(&c->scene->node);
		if (!c->boxes[i])
			return false;
	}
	return c->boxes;
}

struct capture *capture_create(struct wall *w)
{
	struct capture *c = calloc(1, sizeof(*c));
	const char *name;

	if (!c)
		return NULL;
	c->wall = w;
	c->layout = wlr_output_layout_create();
	if (!c->layout)
		return NULL; /* the process ends */
	if (!shows_cameras(c) && !make_scene(c))
		return NULL;
	wl_display_set_global_filter(w->display, may_see, c);
	name = wl_display_add_socket_auto(w->display);
	if (!name || !wlr_renderer_init_wl_shm(w->renderer, w->display) ||
		!wlr_screencopy_manager_v1_create(w->display) ||
		!wlr_xdg_output_manager_v1_create(w->display, c->layout)) {
		wall_debug(w, "no captures: there is no place for a socket (XDG_RUNTIME_DIR)");
		return c;
	}
	wall_debug(w, "captures, %s cameras: WAYLAND_DISPLAY=%s",
		w->config->allow_capture ? "with" : "without", name);
	return c;
}

/* The mirror is made for the first screen, has the size of whichever there is, and lives as long as the wall. */
static void make_mirror(struct capture *c, const struct wlr_output *screen)
{
	struct wall *w = c->wall;

	c->backend = wlr_headless_backend_create(w->display);
	c->output = c->backend && wlr_backend_start(c->backend)
		? wlr_headless_add_output(
			  c->backend, (unsigned)screen->width, (unsigned)screen->height)
		: NULL;
	if (!c->output || !wlr_output_init_render(c->output, w->allocator, w->renderer)) {
		if (c->backend) /* the next screen makes another */
			wlr_backend_destroy(c->backend);
		c->backend = NULL;
		c->output = NULL;
		return;
	}
	wlr_output_set_name(c->output, "CAPTURE-1");
	wlr_output_enable(c->output, true);
	wlr_output_commit(c->output);
	c->scene_output = wlr_scene_output_create(c->scene, c->output);
	c->frame.notify = on_frame;
	wl_signal_add(&c->output->events.frame, &c->frame);
}

void capture_set_output(struct capture *c, struct wlr_output *output)
{
	if (!shows_cameras(c)) {
		if (c->output || !output)
			return;
		make_mirror(c, output);
		output = c->output;
	}
	c->announced = output;
	if (output)
		wlr_output_layout_add(c->layout, output, 0, 0); /* which announces it */
}

static void draw_box(struct capture *c, size_t i, struct box area)
{
	struct badge badge = {0};

	picture_place(c->boxes[i], area);
	if (area.width <= BADGE_MARGIN ||
		badge_draw(tile_camera(c->wall->tiles[i])->title, "not in captures", NULL,
			area.width - BADGE_MARGIN, c->wall->config->text, &badge) < 0)
		return;
	picture_set_badge(c->boxes[i], &badge, true);
	badge_free(&badge);
}

/* Another screen has taken over, or the one has another size: what is shown of tiles has to fit. */
static void follow_size(struct capture *c)
{
	uint32_t width, height;

	layout_size(c->wall->layout, &width, &height);
	if (!width || !height)
		return; /* no screen now: clients keep what they knew */
	if (c->output->width == (int)width && c->output->height == (int)height)
		return;
	wlr_output_set_custom_mode(c->output, (int)width, (int)height, 0);
	if (!wlr_output_commit(c->output))
		wall_debug(c->wall, "captures keep their size");
}

void capture_update(struct capture *c)
{
	struct box area;
	bool is_seen;

	if (!c || !c->output)
		return;
	follow_size(c);
	wlr_scene_rect_set_size(c->background, c->output->width, c->output->height);
	for (size_t i = 0; i < c->wall->n_tiles; i++) {
		is_seen = layout_area(c->wall->layout, i, &area);
		picture_set_visible(c->boxes[i], is_seen);
		if (is_seen)
			draw_box(c, i, area);
	}
}

void capture_destroy(struct capture *c)
{
	if (!c)
		return;
	if (c->output)
		wl_list_remove(&c->frame.link);
	if (c->backend)
		wlr_backend_destroy(c->backend);
	for (size_t i = 0; c->boxes && i < c->wall->n_tiles; i++)
		picture_destroy(c->boxes[i]);
	free(c->boxes);
	if (c->scene)
		wlr_scene_node_destroy(&c->scene->node);
	wlr_output_layout_destroy(c->layout);
	free(c);
}
