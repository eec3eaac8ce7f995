/* Holds a frame and nothing of it. In framemux-view's process. */
#include "clients/view/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/screen/words.h"
#include "common/breakage.h"

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	struct feed *f = data;

	(void)view;
	f->state = state;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
	if (words_is_dark(state) && !breakage("view-keeps-frame")) {
		feed_drop(f);
		f->has_news = false;
	}
}

static void on_frame(void *data, struct framemux_view *view)
{
	struct feed *f = data;

	(void)view;
	f->has_news = true;
}

int feed_open(struct framemux *fm, const struct framemux_request *rq, struct feed **ret)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state, .frame = on_frame};
	struct feed *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->width = rq->width;
	f->height = rq->height;
	r = framemux_open(fm, rq, &listener, f, &f->view);
	if (r < 0) {
		free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void feed_drop(struct feed *f)
{
	framemux_release(f->view, f->frame);
	f->frame = NULL;
}

bool feed_take(struct feed *f)
{
	const struct framemux_frame *newer;
	int r;

	if (!f->has_news)
		return false;
	f->has_news = false;
	r = framemux_acquire(f->view, &newer);
	if (r == -EAGAIN)
		return false;
	if (r < 0) { /* dark: a state says why */
		feed_drop(f);
		return true;
	}
	feed_drop(f);
	f->frame = newer;
	return true;
}

bool feed_check(struct feed *f)
{
	if (f->frame && framemux_check(f->view, f->frame) != 0)
		feed_drop(f);
	return f->frame;
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	feed_drop(f);
	framemux_view_close(f->view);
	free(f);
}
