/*
 * One camera of the wall. In framemux-wall's process.
 *
 * It has a lease only while it is on the screen, and of the size that it is shown in: the mux
 * scales. The picture's shape has to be known for that, so the first lease is for the camera's own
 * size and reads nothing of its first frame but width and height (a probe; its pixels are never
 * shown). Whenever another size is wanted, the next lease is opened beside the one that is shown,
 * which is drawn scaled until the next one's first frame is there: then the older one is closed.
 * What the one on the screen is told counts: when it goes dark the tile does.
 */
#include "clients/wall/tile.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_scene.h>

#include "clients/key/key.h"
#include "clients/screen/badge.h"
#include "clients/screen/words.h"
#include "clients/wall/mux.h"
#include "clients/wall/output.h"
#include "clients/wall/wall.h"
#include "clients/wlroots/picture.h"
#include "common/breakage.h"

#define RETRY_S      10u /* a final state may be lifted, or a newer token lie there */
#define REASON_BYTES 256u
#define BADGE_MARGIN 16u /* pixels that a badge leaves to its tile's edges, together */
#define PROBE_SLOTS  2u

struct lease {
	struct tile *tile;
	struct framemux_view *view; /* owned */
	uint32_t width, height;     /* 0: a probe */
	bool has_news;
};

struct tile {
	struct wall *wall;
	const struct config_camera *camera; /* borrowed */
	struct picture *picture;            /* owned; shows frames of current only */
	struct lease *current, *next;       /* owned; NULL: none */
	struct box area;                    /* width 0: not on the screen */
	struct box inked;                   /* all places it was drawn in */
	struct box shape;                   /* as it is to look */
	uint32_t own_width, own_height;     /* the largest that is to be had; 0: not known */
	bool is_shape_due;                  /* it may have changed: to be asked for */
	unsigned shape_s;                   /* until it is due again; 0: nothing is waited for */
	uint64_t generation;                /* of the camera when it was of that size */
	uint64_t seq;                       /* of the frame that is shown */
	enum framemux_state state;
	char reason[REASON_BYTES];
	uint64_t since_ms;         /* the state */
	unsigned retry_s;          /* 0: nothing is waited for */
	char drawn[WORDS_MAX + 1]; /* the badge's words; "": to be drawn again */
};

static const struct framemux_listener listener;

/* --- what people see ------------------------------------------------------------------------- */

static void draw_badge(struct tile *t)
{
	struct badge badge = {0};
	char words[WORDS_MAX];
	bool is_dark = words_is_dark(t->state);

	words_of(t->state, (wall_now_ms() - t->since_ms) / 1000, words);
	if (t->area.width <= BADGE_MARGIN || !strcmp(words, t->drawn))
		return;
	snprintf(t->drawn, sizeof(t->drawn), "%s", words);
	if (badge_draw(t->camera->title, words, is_dark ? t->reason : NULL,
		    t->area.width - BADGE_MARGIN, t->wall->config->text, &badge) < 0)
		return;
	picture_set_badge(t->picture, &badge, is_dark);
	badge_free(&badge);
}

/* Wherever it was drawn since the last time. */
static void scrub(struct tile *t)
{
	if (!breakage("wall-keeps-buffers"))
		output_scrub(t->wall, &t->inked);
	t->inked = t->area;
}

static void go_black(struct tile *t)
{
	if (picture_is_black(t->picture))
		return;
	picture_black(t->picture);
	scrub(t);
}

static void set_state(struct tile *t, enum framemux_state state, const char *reason)
{
	if (state != t->state) {
		t->state = state;
		t->since_ms = wall_now_ms();
	}
	snprintf(t->reason, sizeof(t->reason), "%s", reason);
	t->drawn[0] = 0;
	draw_badge(t);
}

/* --- leases ---------------------------------------------------------------------------------- */

static void close_lease(struct lease **l)
{
	if (!*l)
		return;
	framemux_view_close((*l)->view);
	free(*l);
	*l = NULL;
}

static void close_leases(struct tile *t)
{
	go_black(t); /* its frame is of the current lease */
	close_lease(&t->current);
	close_lease(&t->next);
}

static void be_refused(struct tile *t, enum framemux_state state, const char *reason)
{
	wall_debug(t->wall, "state %s: %d %s", t->camera->name, (int)state, reason);
	close_leases(t);
	t->retry_s = RETRY_S;
	set_state(t, state, reason);
}

/* 0 and the lease, or -errno. */
static int open_lease(struct tile *t, uint32_t width, uint32_t height, const char *token)
{
	const struct framemux_request rq = {
		.size = sizeof(rq),
		.width = width,
		.height = height,
		.fourcc = width ? PICTURE_FOURCC : DRM_FORMAT_NV12,
		.fps = t->wall->config->fps,
		.slots = width ? PICTURE_SLOTS : PROBE_SLOTS,
		.flags = FRAMEMUX_OPEN_RECONNECT,
		.camera = t->camera->name,
		.token = token,
	};
	struct lease *l = calloc(1, sizeof(*l));
	int r = l ? framemux_open(mux_connection(t->wall->mux), &rq, &listener, l, &l->view)
		  : -ENOMEM;

	if (r < 0) {
		free(l);
		return r;
	}
	l->tile = t;
	l->width = width;
	l->height = height;
	t->next = l;
	return 0;
}

static void open_next(struct tile *t, uint32_t width, uint32_t height)
{
	const char *file = t->wall->config->token_file;
	char *token = NULL, reason[REASON_BYTES];
	int r = file ? key_read(file, t->camera->name, &token) : 0;

	close_lease(&t->next);
	if (r == -ENOKEY)
		snprintf(reason, sizeof(reason), "no token for this camera in %s", file);
	else if (r < 0)
		snprintf(reason, sizeof(reason), "no token: %s: %s", file, strerror(-r));
	if (r == 0) {
		r = open_lease(t, width, height, token);
		snprintf(reason, sizeof(reason), "%s",
			r == -EINVAL ? "its token is missing or malformed" : strerror(-r));
	}
	key_free(token);
	if (r < 0)
		be_refused(t, FRAMEMUX_STATE_REFUSED, reason);
}

/* The size that is shown, but none that the mux would have to invent pixels for. */
static struct box wanted(const struct tile *t)
{
	struct box inside = {0, 0, t->area.width, t->area.height};
	struct box fit = grid_fit(inside, t->shape.width, t->shape.height, 1, 1);

	if (fit.width > t->own_width || fit.height > t->own_height)
		fit = (struct box){0, 0, t->own_width, t->own_height};
	return fit;
}

static bool is_of(const struct lease *l, struct box size)
{
	return l && l->width == size.width && l->height == size.height;
}

void tile_ask(struct tile *t)
{
	struct box want = {0};

	if (!t->area.width || !mux_connection(t->wall->mux) || t->retry_s)
		return;
	if (t->own_width && !t->is_shape_due)
		want = wanted(t);
	if (is_of(t->current, want))
		close_lease(&t->next);
	else if (!is_of(t->next, want))
		open_next(t, want.width, want.height);
}

/* The probe has done its work. */
static void learn(struct tile *t)
{
	const struct box most = {0, 0, 8192, 8192};
	const struct framemux_frame *f;

	if (framemux_acquire(t->next->view, &f) < 0)
		return; /* another comes, or a state */
	t->own_width = f->width;
	t->own_height = f->height;
	t->is_shape_due = false;
	t->shape_s = 0;
	t->generation = f->generation;
	t->shape = grid_fit(most, f->width, f->height, f->sar_num, f->sar_den);
	framemux_release(t->next->view, f);
	close_lease(&t->next);
	tile_ask(t);
}

static void on_frame(void *data, struct framemux_view *view)
{
	struct lease *l = data;

	(void)view;
	if (!l->width) {
		learn(l->tile);
		return;
	}
	l->has_news = true;
	output_schedule(l->tile->wall);
}

/*
 * What was asked for beside the picture is not to be had, maybe for lack of what others will give back. Without
 * a newer shape it is shown in the one that is known.
 */
static void refused_beside(struct tile *t)
{
	bool was_probe = !t->next->width;

	close_lease(&t->next);
	if (!was_probe) {
		t->retry_s = RETRY_S;
		return;
	}
	t->is_shape_due = false;
	t->shape_s = RETRY_S;
	tile_ask(t);
}

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	struct lease *l = data;
	struct tile *t = l->tile;

	(void)view;
	if (l == t->next && t->current) { /* the one on the screen speaks for the tile */
		if (words_is_final(state))
			refused_beside(t);
		return;
	}
	if (words_is_final(state)) {
		be_refused(t, state, reason);
		return;
	}
	wall_debug(t->wall, "state %s: %d %s", t->camera->name, (int)state, reason);
	if (words_is_dark(state) && !breakage("wall-keeps-picture"))
		go_black(t);
	set_state(t, state, reason);
}

static const struct framemux_listener listener = {sizeof(listener), on_state, on_frame};

/* --- frames ---------------------------------------------------------------------------------- */

/* Another life of the camera may have another shape, which a frame that was scaled does not tell. */
static void learn_anew(struct tile *t, uint64_t generation)
{
	t->generation = generation;
	t->is_shape_due = true;
	tile_ask(t);
}

/* Shows the lease's newest frame, if there is one. */
static bool show(struct tile *t, struct lease *l)
{
	bool was_black = picture_is_black(t->picture);
	const struct framemux_frame *f;

	if (!l || !l->width || !l->has_news)
		return false;
	l->has_news = false;
	if (picture_show(t->picture, l->view, &t->shape, &f) < 0) {
		if (!was_black && picture_is_black(t->picture))
			scrub(t);
		return false;
	}
	t->seq = f->seq;
	if (f->generation != t->generation && l == t->current)
		learn_anew(t, f->generation);
	return true;
}

void tile_before_repaint(struct tile *t)
{
	if (!show(t, t->next)) {
		show(t, t->current);
		return;
	}
	close_lease(&t->current); /* nothing of it is shown any more */
	t->current = t->next;
	t->next = NULL;
	set_state(t, FRAMEMUX_STATE_LIVE, "");
}

bool tile_is_whole(struct tile *t)
{
	if (breakage("wall-skip-check") || picture_is_whole(t->picture))
		return true;
	scrub(t);
	return false;
}

uint64_t tile_shows(const struct tile *t)
{
	return picture_is_black(t->picture) ? 0 : t->seq;
}

/* --- life ------------------------------------------------------------------------------------ */

struct tile *tile_create(struct wall *w, const struct config_camera *camera)
{
	struct tile *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->wall = w;
	t->camera = camera;
	t->picture = picture_create(&w->scene->node);
	if (!t->picture) {
		free(t);
		return NULL;
	}
	picture_set_visible(t->picture, false);
	return t;
}

void tile_destroy(struct tile *t)
{
	close_leases(t);
	picture_destroy(t->picture);
	free(t);
}

static struct box around(struct box a, struct box b)
{
	uint32_t right = a.x + a.width, below = a.y + a.height;

	right = right > b.x + b.width ? right : b.x + b.width;
	below = below > b.y + b.height ? below : b.y + b.height;
	a.x = a.x < b.x ? a.x : b.x;
	a.y = a.y < b.y ? a.y : b.y;
	return (struct box){a.x, a.y, right - a.x, below - a.y};
}

void tile_place(struct tile *t, const struct box *area)
{
	bool was_hidden = !t->area.width;
	bool is_same = area && t->area.width == area->width && t->area.height == area->height;

	picture_set_visible(t->picture, area);
	if (t->current && !is_same)
		t->retry_s = 0; /* what was refused was another size of what is shown */
	if (!area && breakage("wall-keeps-lease"))
		return;
	if (!area) {
		close_leases(t);
		t->area = (struct box){0};
		return;
	}
	if (!is_same) /* a frame that was scaled does not tell when the shape has changed */
		t->is_shape_due = true;
	t->area = *area;
	t->inked = picture_is_black(t->picture) ? *area : around(t->inked, *area);
	picture_place(t->picture, *area);
	t->drawn[0] = 0;
	if (was_hidden && !t->retry_s)
		set_state(t, FRAMEMUX_STATE_CONNECTING, "");
	draw_badge(t);
	tile_ask(t);
}

void tile_lose_mux(struct tile *t, const char *reason)
{
	if (t->state != FRAMEMUX_STATE_LOST)
		wall_debug(
			t->wall, "state %s: %d %s", t->camera->name, FRAMEMUX_STATE_LOST, reason);
	close_leases(t);
	t->retry_s = 0;
	set_state(t, FRAMEMUX_STATE_LOST, reason);
}

void tile_beat(struct tile *t)
{
	(void)tile_is_whole(t); /* there may have been no repaint that asks */
	if (t->retry_s && !--t->retry_s)
		tile_ask(t);
	if (t->shape_s && !--t->shape_s) {
		t->is_shape_due = true;
		tile_ask(t);
	}
	draw_badge(t);
}

const struct config_camera *tile_camera(const struct tile *t)
{
	return t->camera;
}
