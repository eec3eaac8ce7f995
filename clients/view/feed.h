/*
 * One view of a camera at one size, and the frame of it that is held for the screen. A frame is held
 * until a newer one is there, so that each repaint copies it from the ring and checks it again; it is
 * let go the moment the view is dark.
 */
#ifndef FRAMEMUX_VIEW_FEED_H
#define FRAMEMUX_VIEW_FEED_H

#include <stdbool.h>

#include "framemux.h"

#define FEED_REASON_MAX 256u

struct feed {
	struct framemux_view *view;         /* owned */
	const struct framemux_frame *frame; /* held; NULL: nothing may be shown */
	enum framemux_state state;          /* 0: not told yet */
	char reason[FEED_REASON_MAX];
	uint32_t width, height; /* as asked for; 0: the camera's own */
	bool has_news;          /* a newer frame than the held one may be there */
};

/* rq: camera, token, size, format and the rest. 0 or -errno of framemux_open. */
int feed_open(struct framemux *fm, const struct framemux_request *rq, struct feed **ret);

/* Take the newest frame in place of the held one. True if the held one is another now. */
bool feed_take(struct feed *f);

/* Whether the held frame is whole and fresh; it is let go if not. False without one. */
bool feed_check(struct feed *f);

/* Let go of the held frame. */
void feed_drop(struct feed *f);

/* End the view. f may be NULL. */
void feed_close(struct feed *f);

#endif
