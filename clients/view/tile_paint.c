/* A tile's look: the held frame in its cell, or black, and words. In framemux-view's process. */
#include <stdio.h>
#include <string.h>

#include "clients/view/tile.h"
#include "common/clock.h"

#define BLACK 0xff000000u /* the X byte, too: some renderers take it for alpha */

static void make_badge(struct tile *t, uint64_t now)
{
	char words[WORDS_MAX] = "", said[sizeof(t->said)];
	const char *reason = "";

	if (tile_is_dark(t) && t->state == FRAMEMUX_STATE_LIVE) { /* a picture is about to come */
		words_of(FRAMEMUX_STATE_CONNECTING, 0, words);
	} else if (tile_is_dark(t)) {
		words_of(t->state, (now - t->since_ns) / NS_PER_S, words);
		reason = t->reason;
	} else if (!t->options->has_badges) {
		badge_free(&t->badge);
		t->said[0] = 0;
		return;
	}
	snprintf(said, sizeof(said), "%c%s\n%s", tile_is_dark(t) ? 'D' : 'L', words, reason);
	if (t->badge.pixels && !strcmp(said, t->said))
		return;
	memcpy(t->said, said, sizeof(said));
	t->serial++;
	/* Without memory for words black says enough. */
	if (badge_draw(t->name, words, reason, t->cell.width, t->text_px, &t->badge) < 0)
		badge_free(&t->badge);
}

void tile_refresh(struct tile *t, bool takes, uint64_t now)
{
	if (takes && t->shown && t->state == FRAMEMUX_STATE_LIVE && feed_take(t->shown))
		t->serial++;
	make_badge(t, now);
}

static void fill(uint32_t *row, uint32_t n)
{
	for (uint32_t x = 0; x < n; x++)
		row[x] = BLACK;
}

/* In the cell's middle; what is larger than the cell, for the moment of a resize, loses its edges. */
static void paint_picture(
	const struct tile *t, const struct framemux_frame *f, uint32_t *pixels, uint32_t stride)
{
	const struct box *c = &t->cell;
	uint32_t width = f->width < c->width ? f->width : c->width;
	uint32_t height = f->height < c->height ? f->height : c->height;
	uint32_t left = (c->width - width) / 2, top = (c->height - height) / 2;
	uint32_t cut_x = (f->width - width) / 2, cut_y = (f->height - height) / 2;

	for (uint32_t y = 0; y < c->height; y++) {
		uint32_t *row = pixels + (size_t)(c->y + y) * stride + c->x;
		const uint8_t *from = f->plane[0];

		if (y < top || y - top >= height) {
			fill(row, c->width);
			continue;
		}
		from += (size_t)(cut_y + y - top) * f->stride[0] + (size_t)cut_x * 4;
		fill(row, left);
		memcpy(row + left, from, (size_t)width * 4);
		fill(row + left + width, c->width - left - width);
	}
}

static void paint_badge(const struct tile *t, uint32_t *pixels, uint32_t stride)
{
	const struct badge *b = &t->badge;
	const struct box *c = &t->cell;
	int32_t x = 0, y = 0;

	if (!b->pixels)
		return;
	if (tile_is_dark(t)) {
		x = ((int32_t)c->width - (int32_t)b->width) / 2;
		y = ((int32_t)c->height - (int32_t)b->height) / 2;
	} else {
		x = (int32_t)t->text_px / 2;
		y = (int32_t)c->height - (int32_t)b->height - x;
	}
	/* The cell is the whole picture for it, so that it leaves the neighbours alone. */
	badge_blend(
		b, pixels + (size_t)c->y * stride + c->x, c->width, c->height, stride * 4, x, y);
}

void tile_paint(const struct tile *t, uint32_t *pixels, uint32_t stride)
{
	if (tile_is_dark(t))
		for (uint32_t y = 0; y < t->cell.height; y++)
			fill(pixels + (size_t)(t->cell.y + y) * stride + t->cell.x, t->cell.width);
	else
		paint_picture(t, t->shown->frame, pixels, stride);
	paint_badge(t, pixels, stride);
}
