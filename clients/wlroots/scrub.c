/* The buffers that take turns on a screen. In the compositor's process. */
#include "clients/wlroots/scrub.h"

#include <stdlib.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_buffer.h>

struct seen {
	struct wl_list link;
	struct wlr_buffer *buffer; /* borrowed: ends with it */
	struct wl_listener gone;
};

struct scrub {
	struct wlr_output *output;
	struct wl_list seen; /* newest first */
	struct wl_listener commit;
};

static void forget(struct seen *seen)
{
	wl_list_remove(&seen->link);
	wl_list_remove(&seen->gone.link);
	free(seen);
}

static void on_gone(struct wl_listener *listener, void *data)
{
	struct seen *seen = wl_container_of(listener, seen, gone);

	(void)data;
	forget(seen);
}

static void on_commit(struct wl_listener *listener, void *data)
{
	struct scrub *s = wl_container_of(listener, s, commit);
	const struct wlr_output_event_commit *event = data;
	struct seen *seen;

	if (!event->buffer)
		return;
	wl_list_for_each (seen, &s->seen, link) {
		if (seen->buffer != event->buffer)
			continue;
		wl_list_remove(&seen->link);
		wl_list_insert(&s->seen, &seen->link);
		return;
	}
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return;
	seen->buffer = event->buffer;
	seen->gone.notify = on_gone;
	wl_signal_add(&event->buffer->events.destroy, &seen->gone);
	wl_list_insert(&s->seen, &seen->link);
}

struct scrub *scrub_create(struct wlr_output *output)
{
	struct scrub *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->output = output;
	wl_list_init(&s->seen);
	s->commit.notify = on_commit;
	wl_signal_add(&output->events.commit, &s->commit);
	return s;
}

void scrub_destroy(struct scrub *s)
{
	struct seen *seen, *next;

	if (!s)
		return;
	wl_list_for_each_safe (seen, next, &s->seen, link)
		forget(seen);
	wl_list_remove(&s->commit.link);
	free(s);
}

void scrub_area(struct scrub *s, const struct wlr_box *area)
{
	static const float black[4] = {0, 0, 0, 1};
	struct wlr_renderer *renderer = s->output->renderer;
	struct wlr_box box;
	struct seen *seen;
	int width, height;

	wlr_output_transformed_resolution(s->output, &width, &height);
	wlr_box_transform(
		&box, area, wlr_output_transform_invert(s->output->transform), width, height);
	wl_list_for_each (seen, &s->seen, link) {
		if (!wlr_renderer_begin_with_buffer(renderer, seen->buffer))
			continue;
		wlr_renderer_scissor(renderer, &box);
		wlr_renderer_clear(renderer, black);
		wlr_renderer_scissor(renderer, NULL);
		wlr_renderer_end(renderer);
	}
}
