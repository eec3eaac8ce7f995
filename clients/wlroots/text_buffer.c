/* A badge as a wlr_buffer. In the compositor's process. */
#include "clients/wlroots/text_buffer.h"

#include <drm_fourcc.h>
#include <stdlib.h>

struct text_buffer {
	struct wlr_buffer base;
	struct badge badge; /* owned */
};

static struct text_buffer *from_base(struct wlr_buffer *buffer)
{
	struct text_buffer *b;

	return wl_container_of(buffer, b, base);
}

static void on_destroy(struct wlr_buffer *buffer)
{
	struct text_buffer *b = from_base(buffer);

	badge_free(&b->badge);
	free(b);
}

static bool begin_access(
	struct wlr_buffer *buffer, uint32_t flags, void **data, uint32_t *format, size_t *stride)
{
	struct text_buffer *b = from_base(buffer);

	if (flags & WLR_BUFFER_DATA_PTR_ACCESS_WRITE)
		return false;
	*data = b->badge.pixels;
	*format = DRM_FORMAT_ARGB8888;
	*stride = b->badge.stride;
	return true;
}

static void end_access(struct wlr_buffer *buffer)
{
	(void)buffer;
}

static const struct wlr_buffer_impl impl = {
	.destroy = on_destroy,
	.begin_data_ptr_access = begin_access,
	.end_data_ptr_access = end_access,
};

struct wlr_buffer *text_buffer_create(struct badge *badge)
{
	struct text_buffer *b = badge->pixels ? calloc(1, sizeof(*b)) : NULL;

	if (!b)
		return NULL;
	wlr_buffer_init(&b->base, &impl, (int)badge->width, (int)badge->height);
	b->badge = *badge;
	*badge = (struct badge){0};
	return &b->base;
}
