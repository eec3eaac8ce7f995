/* In framemux-view's process. */
#include "clients/view/show.h"

#include <stdio.h>
#include <string.h>

#include "common/breakage.h"

void show_init(struct show *s, struct scene *scene, struct canvas *canvas, struct window *window,
	bool is_verbose)
{
	*s = (struct show){.scene = scene, .canvas = canvas, .window = window};
	s->is_verbose = is_verbose;
}

static void follow_size(struct show *s, uint64_t now)
{
	uint32_t width, height, scale = display_scale(s->window->display);

	window_pixels(s->window, &width, &height);
	if (width == s->canvas->width && height == s->canvas->height && scale == s->scale)
		return;
	s->scale = scale;
	canvas_resize(s->canvas, width, height);
	scene_place(s->scene, width, height, scale, now);
	memset(&s->on_screen, 0, sizeof(s->on_screen));
	if (s->is_verbose)
		fprintf(stderr, "framemux-view: window %ux%u\n", width, height);
}

/* Every copy of what has gone dark is black before anything else happens. True if there was one. */
static bool wipe_dark(struct show *s)
{
	bool any = false;

	for (uint32_t i = 0; i < s->scene->n; i++) {
		if (!scene_has_darkened(s->scene, i))
			continue;
		if (!breakage("view-keeps-picture"))
			canvas_wipe(s->canvas, i, &s->scene->tiles[i].cell);
		s->on_screen.serial[i] = UINT64_MAX; /* unlike any: to be told as damage */
		s->said[i] = 0;
		any = true;
	}
	return any;
}

/* Of the tests, and of whoever looks for a fault. */
static void say_shown(struct show *s)
{
	for (uint32_t i = 0; s->is_verbose && i < s->scene->n; i++) {
		const struct tile *t = &s->scene->tiles[i];
		uint64_t size;

		if (tile_is_dark(t))
			continue;
		size = (uint64_t)t->shown->frame->width << 32 | t->shown->frame->height;
		if (size == s->said[i])
			continue;
		s->said[i] = size;
		fprintf(stderr, "framemux-view: %s: shown, %ux%u\n", t->name,
			t->shown->frame->width, t->shown->frame->height);
	}
}

static void put(struct show *s, struct buffer *b)
{
	struct box boxes[OPTIONS_CAMERAS_MAX];
	bool is_first = !s->canvas->last;
	unsigned n = 0;

	for (uint32_t i = 0; i < s->scene->n; i++)
		if (b->look.serial[i] != s->on_screen.serial[i])
			boxes[n++] = s->scene->tiles[i].cell;
	window_show(s->window, b, boxes, is_first ? 0 : n);
	canvas_give(s->canvas, b);
	s->on_screen = b->look;
	say_shown(s);
}

int show_update(struct show *s, uint64_t now)
{
	struct buffer *b;
	bool is_ready;
	int r;

	follow_size(s, now);
	s->owes_black |= wipe_dark(s);
	is_ready = window_is_ready(s->window);
	if (s->window->display->is_stuck || (!s->owes_black && !is_ready))
		return 0;
	/* Out of turn only black: in a window that is not seen a picture would grow old again. */
	if (!scene_refresh(s->scene, &s->on_screen, is_ready, now) && !s->owes_black)
		return 0;
	r = canvas_take(s->canvas, &b);
	if (r < 0)
		return r;
	if (!b && !s->owes_black)
		return 0; /* its release wakes the loop */
	if (!b)
		b = s->canvas->last; /* black already: so that it is looked at again, and words */
	scene_paint(s->scene, &b->look, b->pixels, b->width);
	(void)wipe_dark(s);
	put(s, b);
	s->owes_black = false;
	return 0;
}
