/*
 * A camera in the window: asks for it in the size in which it is shown, knows what state it is in for
 * people, and paints it. A camera's own size is not known before its first picture; so a view of that
 * size, half the memory, comes first (the probe), and then one that is fitted to the cell. When the
 * cell changes, the next one is opened beside the one that is shown, which it follows with its first
 * picture: nobody sees a gap.
 */
#ifndef FRAMEMUX_VIEW_TILE_H
#define FRAMEMUX_VIEW_TILE_H

#include <stdbool.h>
#include <stdint.h>

#include "clients/screen/badge.h"
#include "clients/screen/grid.h"
#include "clients/screen/words.h"
#include "clients/view/feed.h"
#include "clients/view/options.h"

struct tile {
	const struct options *options; /* borrowed */
	const char *name;              /* borrowed from it */
	char *token;                   /* owned; NULL: $FRAMEMUX_TOKEN */
	struct framemux *fm;           /* borrowed; NULL: no mux */
	struct feed *probe, *shown, *next;

	enum framemux_state state; /* for people */
	char reason[FEED_REASON_MAX];
	uint64_t since_ns; /* of the state */
	bool is_cut_off; /* over by the kill switch or a policy, not by a judgement of this client */

	uint32_t own_width, own_height, sar_num, sar_den; /* 0: not known */
	uint64_t probed_generation;
	unsigned refusals;      /* of views beside the shown one, in a row */
	bool is_never_enlarged; /* the token's limit does not permit it */

	struct box cell;
	uint32_t text_px;
	uint64_t fit_at_ns;   /* when to ask for the cell's size; 0: need not */
	uint64_t shape_at_ns; /* when to ask for the camera's own again; 0: need not */

	struct badge badge;
	char said[WORDS_MAX + FEED_REASON_MAX]; /* what the badge says */
	uint64_t serial;                        /* another one, another look */
};

/* token: taken over. */
void tile_init(struct tile *t, const struct options *o, const char *name, char *token);
void tile_free(struct tile *t);

/* A connection to ask on. */
void tile_begin(struct tile *t, struct framemux *fm);
/* There is none, or none any more: why, for people. */
void tile_without_mux(struct tile *t, const char *why);
/* Over for good before anything was asked. */
void tile_refuse(struct tile *t, const char *why);

/* Where it is in the window. A size is asked for when it has stayed for a moment. */
void tile_place(struct tile *t, struct box cell, uint32_t text_px, uint64_t now);

/* Act on what has come since the last time. To be called whenever something may have come. */
void tile_settle(struct tile *t, uint64_t now);

/* Lets go of a picture that is not whole or too old: after copying it, before showing it. */
void tile_check(struct tile *t);

/* No picture may be on the screen. */
bool tile_is_dark(const struct tile *t);
/* No picture will ever come. */
bool tile_is_over(const struct tile *t);

/* Before a repaint: words for the state, and the newest frame if it takes one. */
void tile_refresh(struct tile *t, bool takes, uint64_t now);

/* Its cell in XRGB8888 pixels; stride in pixels. */
void tile_paint(const struct tile *t, uint32_t *pixels, uint32_t stride);

/* When tile_settle or tile_refresh has to be called without anything having come; ~0: never. */
uint64_t tile_next_ns(const struct tile *t, uint64_t now);

#endif
