/* A frame as a wlr_buffer. In the compositor's process; belongs to the thread of the connection. */
#include "clients/wlroots/frame_buffer.h"

#include <stdlib.h>

struct frame_buffer {
	struct wlr_buffer base;
	struct framemux_view *view;         /* borrowed */
	const struct framemux_frame *frame; /* owned; NULL: given back */
};

static struct frame_buffer *from_base(struct wlr_buffer *buffer)
{
	struct frame_buffer *b;

	return wl_container_of(buffer, b, base);
}

static void on_destroy(struct wlr_buffer *buffer)
{
	frame_buffer_end(buffer);
	free(from_base(buffer));
}

static bool begin_access(
	struct wlr_buffer *buffer, uint32_t flags, void **data, uint32_t *format, size_t *stride)
{
	struct frame_buffer *b = from_base(buffer);

	if (!b->frame || flags & WLR_BUFFER_DATA_PTR_ACCESS_WRITE)
		return false;
	*data = (void *)b->frame->plane[0]; /* wlroots has no type for what can only be read */
	*format = b->frame->fourcc;
	*stride = b->frame->stride[0];
	return true;
}

static void end_access(struct wlr_buffer *buffer)
{
	(void)buffer;
}

/*
 * No get_shm: a descriptor of the ring may not leave this process, nor could anybody map it
 * writable. No get_dmabuf: a sealed memory file cannot become one.
 */
static const struct wlr_buffer_impl impl = {
	.destroy = on_destroy,
	.begin_data_ptr_access = begin_access,
	.end_data_ptr_access = end_access,
};

struct wlr_buffer *frame_buffer_create(
	struct framemux_view *view, const struct framemux_frame *frame)
{
	struct frame_buffer *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	wlr_buffer_init(&b->base, &impl, (int)frame->width, (int)frame->height);
	b->view = view;
	b->frame = frame;
	return &b->base;
}

bool frame_buffer_is_whole(struct wlr_buffer *buffer)
{
	const struct frame_buffer *b = from_base(buffer);

	return b->frame && framemux_check(b->view, b->frame) == 0;
}

void frame_buffer_end(struct wlr_buffer *buffer)
{
	struct frame_buffer *b = from_base(buffer);

	if (b->frame)
		framemux_release(b->view, b->frame);
	b->frame = NULL;
}
