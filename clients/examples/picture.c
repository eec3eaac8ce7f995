/* A camera's picture on its way to the screen: the life of one view. */
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The repaint. */
static void show(const struct picture *p, const char *why)
{
	uint64_t sum = 0;
	size_t n = (size_t)p->width * p->height;

	if (!p->texture) {
		printf("black: %s\n", why);
	} else {
		for (size_t i = 0; i < n; i++)
			sum += p->texture[i];
		printf("picture: %ux%u, brightness %u\n", p->width, p->height, (unsigned)(sum / n));
	}
	fflush(stdout);
}

/* Not hidden, but gone: a texture that is kept could be shown again. */
static void forget(struct picture *p)
{
	if (p->texture)
		memset(p->texture, 0, (size_t)p->width * p->height);
	free(p->texture);
	p->texture = NULL;
}

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	static const char *const words[] = {"", "connecting", "live", "camera stale", "camera lost",
		"revoked", "refused", "the mux is gone"};
	struct picture *p = data;
	char why[200];

	(void)view;
	if (state == FRAMEMUX_STATE_LIVE)
		return; /* what is shown comes with the first frame */
	forget(p);
	snprintf(why, sizeof(why), "%s%s%s", words[state], *reason ? ", " : "", reason);
	show(p, why);
	p->is_over = state >= FRAMEMUX_STATE_REVOKED;
}

static int upload(struct picture *p, const struct framemux_frame *f)
{
	uint8_t *texture = malloc((size_t)f->width * f->height);

	if (!texture)
		return -1;
	for (uint32_t y = 0; y < f->height; y++)
		memcpy(texture + (size_t)y * f->width,
			(const uint8_t *)f->plane[0] + (size_t)y * f->stride[0], f->width);
	forget(p);
	p->texture = texture;
	p->width = f->width; /* may differ from the one before */
	p->height = f->height;
	return 0;
}

static void on_frame(void *data, struct framemux_view *view)
{
	const struct framemux_frame *f;
	struct picture *p = data;

	if (framemux_acquire(view, &f) < 0)
		return; /* dark, or no newer one: a state says it */
	/* Checked after the copy: it may have been erased meanwhile. */
	if (upload(p, f) < 0 || framemux_check(view, f) != 0)
		forget(p);
	framemux_release(view, f);
	show(p, "not whole");
}

int picture_open(struct picture *p, const char *camera)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state, .frame = on_frame};
	const struct framemux_request request = {
		.size = sizeof(request), .camera = camera, .flags = FRAMEMUX_OPEN_RECONNECT};
	int r = framemux_connect(NULL, &p->fm);

	if (r == 0)
		r = framemux_open(p->fm, &request, &listener, p, &p->view);
	return r;
}

void picture_close(struct picture *p)
{
	framemux_close(p->fm);
	forget(p);
}
