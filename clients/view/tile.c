/* Which views a tile has, and what it says about them. In framemux-view's process. */
#include "clients/view/tile.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients/key/key.h"
#include "clients/program/exit_code.h"
#include "common/breakage.h"
#include "common/clock.h"

#define PROBE_SLOTS    2u
#define SHOWN_SLOTS    5u                /* one of them is held while another is taken */
#define FIT_AFTER_NS   (150 * NS_PER_MS) /* a window that is being pulled has many sizes */
#define CHECK_EVERY_NS (250 * NS_PER_MS)
#define PROBE_AGAIN_NS (10 * NS_PER_S)
#define REFUSALS_MOST  6u /* beyond them the pause between two grows no more: half a minute */
#define ENLARGED_TRIES 3u /* then it is taken for the token's limit, not for a shortage */

/* --- states ---------------------------------------------------------------------------------- */

static void say(const struct tile *t)
{
	char words[WORDS_MAX];
	bool is_more;

	if (!t->options->is_verbose && !words_is_final(t->state))
		return;
	words_of(t->state, 0, words);
	is_more = *t->reason && strcmp(t->reason, words);
	fprintf(stderr, "framemux-view: %s: %s%s%s\n", t->name, words, is_more ? ": " : "",
		is_more ? t->reason : "");
}

static void set_state(struct tile *t, enum framemux_state state, const char *reason)
{
	if (t->state == state && !strcmp(t->reason, reason))
		return;
	if (t->state != state)
		t->since_ns = clock_monotonic_ns();
	t->state = state;
	snprintf(t->reason, sizeof(t->reason), "%s", reason);
	say(t);
}

static void close_all(struct tile *t)
{
	feed_close(t->probe);
	feed_close(t->shown);
	feed_close(t->next);
	t->probe = t->shown = t->next = NULL;
	t->fit_at_ns = t->shape_at_ns = 0;
	t->refusals = 0;
}

static void end(struct tile *t, enum framemux_state state, const char *reason)
{
	t->is_cut_off = exit_code_of(state, reason) == EXIT_LOST;
	set_state(t, state, reason);
	close_all(t);
	key_free(t->token);
	t->token = NULL;
}

bool tile_is_over(const struct tile *t)
{
	return words_is_final(t->state);
}

void tile_check(struct tile *t)
{
	if (breakage("view-skip-check"))
		return;
	if (t->shown && t->shown->frame && !feed_check(t->shown))
		t->serial++;
}

bool tile_is_dark(const struct tile *t)
{
	return (words_is_dark(t->state) && !breakage("view-keeps-frame")) || !t->shown ||
		!t->shown->frame;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* 0 or -errno; after -EPIPE the mux's end is about to be told. */
static int ask(struct tile *t, uint32_t fourcc, uint32_t slots, uint32_t width, uint32_t height,
	struct feed **ret)
{
	const struct framemux_request rq = {
		.size = sizeof(rq),
		.width = width,
		.height = height,
		.fourcc = fourcc,
		.fps = t->options->fps,
		.slots = slots,
		.flags = FRAMEMUX_OPEN_RECONNECT |
			(t->options->verify_full ? FRAMEMUX_OPEN_VERIFY_FULL : 0),
		.camera = t->name,
		.token = t->token,
	};
	int r = feed_open(t->fm, &rq, ret);

	if (r == -EINVAL) /* the size is the window's: what is wrong came from outside */
		end(t, FRAMEMUX_STATE_REFUSED, "that is no token, or no camera's name");
	else if (r < 0 && r != -EPIPE)
		end(t, FRAMEMUX_STATE_REFUSED, strerror(-r));
	return r;
}

static void ask_own_size(struct tile *t)
{
	t->shape_at_ns = 0;
	(void)ask(t, DRM_FORMAT_NV12, PROBE_SLOTS, 0, 0, &t->probe);
}

/* The size in which the camera is to be shown in its cell. */
static struct box fitted(const struct tile *t)
{
	struct box area = {0, 0, t->cell.width, t->cell.height};

	if (t->own_width == area.width && t->own_height == area.height && t->sar_num == t->sar_den)
		return area; /* exactly, odd sides too */
	if (t->is_never_enlarged && area.width > t->own_width)
		area.width = t->own_width;
	if (t->is_never_enlarged && area.height > t->own_height)
		area.height = t->own_height;
	return grid_fit(area, t->own_width, t->own_height, t->sar_num, t->sar_den);
}

/*
 * Ask for the size of the cell, unless that is under way. A probe gives way: one view beside the shown
 * one is what a user's memory and a connection's views are good for, as all tiles ask in the same turn.
 */
static void fit(struct tile *t, uint64_t now)
{
	struct box want = fitted(t);
	struct feed *last = t->next ? t->next : t->shown;

	t->fit_at_ns = 0;
	if (last && last->width == want.width && last->height == want.height)
		return;
	feed_close(t->next);
	t->next = NULL;
	if (t->shown && t->shown->width == want.width && t->shown->height == want.height)
		return; /* back to what it was */
	if (t->probe)
		t->shape_at_ns = now;
	feed_close(t->probe);
	t->probe = NULL;
	(void)ask(t, DRM_FORMAT_XRGB8888, SHOWN_SLOTS, want.width, want.height, &t->next);
}

static bool may_ask_shape(const struct tile *t)
{
	return t->shape_at_ns && t->shown && !t->next && !t->probe;
}

/* --- what has come --------------------------------------------------------------------------- */

/* The camera's own size, and so its shape, by its first picture. */
static void read_probe(struct tile *t, uint64_t now)
{
	const struct framemux_frame *f;

	if (!feed_take(t->probe) || !t->probe->frame)
		return;
	f = t->probe->frame;
	t->own_width = f->width;
	t->own_height = f->height;
	t->sar_num = f->sar_num;
	t->sar_den = f->sar_den;
	if (f->generation > t->probed_generation)
		t->probed_generation = f->generation;
	feed_close(t->probe);
	t->probe = NULL;
	t->shape_at_ns = 0;
	fit(t, now);
}

/*
 * A view that is not the one on the screen is over. Its size may be above the token's limit, but only if it
 * is above the camera's own, which has come. Else something is short, which others may give back: until
 * then the picture goes on in the size that it has.
 */
static void refused_size(struct tile *t, uint64_t now)
{
	const struct feed *f = t->next;
	bool is_enlarged = f->width > t->own_width || f->height > t->own_height;
	char reason[FEED_REASON_MAX];

	memcpy(reason, f->reason, sizeof(reason));
	feed_close(t->next);
	t->next = NULL;
	if (t->refusals < REFUSALS_MOST)
		t->refusals++;
	if (is_enlarged && !t->is_never_enlarged && (!t->shown || t->refusals >= ENLARGED_TRIES)) {
		t->is_never_enlarged = true;
		fit(t, now);
	} else if (t->shown) {
		t->fit_at_ns = now + (NS_PER_S << (t->refusals - 1));
	} else {
		end(t, FRAMEMUX_STATE_REFUSED, reason);
	}
}

static bool has_ended(const struct feed *f)
{
	return f && words_is_final(f->state);
}

static void settle_ends(struct tile *t, uint64_t now)
{
	const struct feed *f;

	if (t->next && t->next->state == FRAMEMUX_STATE_REFUSED)
		refused_size(t, now);
	if (t->shown && t->probe && t->probe->state == FRAMEMUX_STATE_REFUSED) {
		feed_close(t->probe); /* it goes on in the shape that it has */
		t->probe = NULL;
		t->shape_at_ns = now + PROBE_AGAIN_NS;
	}
	f = has_ended(t->shown) ? t->shown : has_ended(t->next) ? t->next : t->probe;
	if (has_ended(f)) {
		char reason[FEED_REASON_MAX];

		memcpy(reason, f->reason, sizeof(reason));
		end(t, f->state, reason);
	}
}

/* Of the view that is shown, or is to be. Being live is told when there is something to see. */
static void settle_state(struct tile *t)
{
	const struct feed *f = t->shown ? t->shown : t->next ? t->next : t->probe;

	if (!f || f->state == 0)
		return;
	if (f->state != FRAMEMUX_STATE_LIVE)
		set_state(t, f->state, f->reason);
	else if (f == t->shown)
		set_state(t, FRAMEMUX_STATE_LIVE, "");
}

void tile_settle(struct tile *t, uint64_t now)
{
	if (tile_is_over(t) || !t->fm)
		return;
	settle_ends(t, now);
	if (t->probe)
		read_probe(t, now);
	/* With its first picture at hand, so that there is no repaint without one. */
	if (t->next && feed_take(t->next) && t->next->frame) {
		feed_close(t->shown);
		t->shown = t->next;
		t->next = NULL;
		t->refusals = 0;
		t->serial++;
	}
	/* Another life of its decoder: it may be another picture. */
	tile_check(t);
	if (t->shown && t->shown->frame && !t->probe &&
		t->shown->frame->generation > t->probed_generation) {
		t->probed_generation = t->shown->frame->generation;
		t->shape_at_ns = now;
	}
	if (t->fit_at_ns && now >= t->fit_at_ns && t->own_width)
		fit(t, now);
	if (may_ask_shape(t) && now >= t->shape_at_ns)
		ask_own_size(t);
	if (!tile_is_over(t))
		settle_state(t);
}

/* --- from outside ---------------------------------------------------------------------------- */

void tile_init(struct tile *t, const struct options *o, const char *name, char *token)
{
	*t = (struct tile){.options = o, .name = name, .token = token, .serial = 1};
	t->state = FRAMEMUX_STATE_CONNECTING;
	t->since_ns = clock_monotonic_ns();
}

void tile_free(struct tile *t)
{
	close_all(t);
	key_free(t->token);
	t->token = NULL;
	badge_free(&t->badge);
}

void tile_begin(struct tile *t, struct framemux *fm)
{
	if (tile_is_over(t))
		return;
	t->fm = fm;
	ask_own_size(t);
}

void tile_without_mux(struct tile *t, const char *why)
{
	if (tile_is_over(t))
		return;
	close_all(t);
	t->fm = NULL;
	set_state(t, FRAMEMUX_STATE_LOST, why);
}

void tile_refuse(struct tile *t, const char *why)
{
	end(t, FRAMEMUX_STATE_REFUSED, why);
}

void tile_place(struct tile *t, struct box cell, uint32_t text_px, uint64_t now)
{
	bool is_same = cell.width == t->cell.width && cell.height == t->cell.height;

	t->cell = cell;
	t->text_px = text_px;
	t->said[0] = 0; /* another width, other lines */
	t->serial++;
	if (is_same || tile_is_over(t))
		return;
	t->fit_at_ns = now + FIT_AFTER_NS;
	/*
	 * A frame that was scaled does not tell the shape of what it was made of, and a camera may have changed
	 * that in the midst of its stream: asked for anew beside the picture, which does not wait for it.
	 */
	t->shape_at_ns = t->fit_at_ns;
	t->refusals = 0;
}

uint64_t tile_next_ns(const struct tile *t, uint64_t now)
{
	uint64_t next = t->fit_at_ns && t->own_width ? t->fit_at_ns : UINT64_MAX, second;

	if (may_ask_shape(t) && t->shape_at_ns < next)
		next = t->shape_at_ns;
	if (words_is_dark(t->state) && !words_is_final(t->state)) { /* its seconds are counted */
		second = t->since_ns + ((now - t->since_ns) / NS_PER_S + 1) * NS_PER_S;
		if (second < next)
			next = second;
	}
	/* A window that is not seen gets no repaints, and its picture grows old all the same. */
	if (!tile_is_dark(t) && now + CHECK_EVERY_NS < next)
		next = now + CHECK_EVERY_NS;
	return next;
}
