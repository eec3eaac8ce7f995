/*
 * The buffers that the compositor shows: wl_shm, since a ring cannot be one (libwayland maps pools
 * writable). They take turns, and all of them can be wiped, those too that the compositor still has.
 */
#ifndef FRAMEMUX_VIEW_CANVAS_H
#define FRAMEMUX_VIEW_CANVAS_H

#include <wayland-client.h>

#include "clients/view/scene.h"

#define CANVAS_BUFFERS                                                                             \
	8u /* three take turns; the others are of sizes before and end with their release */

struct buffer {
	struct wl_buffer *wl; /* owned; NULL: this place is free */
	uint32_t *pixels;     /* owned mapping */
	size_t bytes;
	uint32_t width, height;
	bool is_held; /* by the compositor */
	bool is_old;  /* of a size before */
	struct look look;
};

struct canvas {
	struct wl_shm *shm; /* borrowed */
	uint32_t width, height;
	struct buffer buffers[CANVAS_BUFFERS];
	struct buffer *last; /* the one that was attached last; NULL: none of this size */
};

/* In pixels. Buffers of another size go, at the latest when the compositor gives them back. */
void canvas_resize(struct canvas *c, uint32_t width, uint32_t height);

/* One to paint on, ours to change: *ret NULL if all are on the screen. 0 or -errno. */
int canvas_take(struct canvas *c, struct buffer **ret);

/* It is attached now. */
void canvas_give(struct canvas *c, struct buffer *b);

/* Black in every buffer, at once: what the compositor reads meanwhile is torn, but nothing of it stays. */
void canvas_wipe(struct canvas *c, uint32_t tile, const struct box *cell);

/* Wipe and destroy all. */
void canvas_free(struct canvas *c);

#endif
