/* A camera's place in a wlr_scene. In the compositor's process. */
#include "clients/wlroots/picture.h"

#include <errno.h>
#include <stdlib.h>

#include "clients/wlroots/frame_buffer.h"
#include "clients/wlroots/text_buffer.h"

#define MARGIN 8 /* pixels between a badge and the edge */

struct picture {
	struct wlr_scene_tree *tree;
	struct wlr_scene_rect *ground;
	struct wlr_buffer *buffer; /* borrowed from its node: a frame_buffer; NULL: black */
	struct wlr_scene_buffer
		*frame; /* a node for each frame: 0.15 cannot change a node's buffer */
	struct wlr_scene_buffer *badge;
	struct box area;
	struct box shape; /* of what is shown: width and height */
	struct box fit;   /* where that is within the area */
	bool is_centred;
};

struct picture *picture_create(struct wlr_scene_node *parent)
{
	static const float black[4] = {0, 0, 0, 1};
	struct picture *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tree = wlr_scene_tree_create(parent);
	p->ground = p->tree ? wlr_scene_rect_create(&p->tree->node, 1, 1, black) : NULL;
	if (!p->ground) {
		picture_destroy(p);
		return NULL;
	}
	return p;
}

void picture_destroy(struct picture *p)
{
	if (!p)
		return;
	picture_black(p);
	if (p->tree)
		wlr_scene_node_destroy(&p->tree->node);
	free(p);
}

void picture_set_visible(struct picture *p, bool visible)
{
	wlr_scene_node_set_enabled(&p->tree->node, visible);
}

static void place_frame(struct picture *p)
{
	struct box inside = {0, 0, p->area.width, p->area.height};

	p->fit = inside;
	if (!p->frame)
		return;
	p->fit = grid_fit(inside, p->shape.width, p->shape.height, 1, 1);
	wlr_scene_node_set_position(&p->frame->node, (int)p->fit.x, (int)p->fit.y);
	wlr_scene_buffer_set_dest_size(p->frame, (int)p->fit.width, (int)p->fit.height);
}

static void place_badge(struct picture *p)
{
	int width, height, x = (int)p->fit.x + MARGIN, y;

	if (!p->badge)
		return;
	width = p->badge->buffer->width;
	height = p->badge->buffer->height;
	y = (int)(p->fit.y + p->fit.height) - height - MARGIN;
	if (p->is_centred) {
		x = ((int)p->area.width - width) / 2;
		y = ((int)p->area.height - height) / 2;
	}
	/* None rather than over another camera's picture: the scene cuts nothing off. */
	wlr_scene_node_set_enabled(
		&p->badge->node, width <= (int)p->area.width && height <= (int)p->area.height);
	wlr_scene_node_set_position(
		&p->badge->node, x + width > (int)p->area.width ? 0 : x, y < 0 ? 0 : y);
	wlr_scene_node_raise_to_top(&p->badge->node);
}

void picture_place(struct picture *p, struct box area)
{
	p->area = area;
	wlr_scene_node_set_position(&p->tree->node, (int)area.x, (int)area.y);
	wlr_scene_rect_set_size(p->ground, (int)area.width, (int)area.height);
	place_frame(p);
	place_badge(p);
}

/* The scene's node keeps the buffer alive; without a node it goes, and the frame with it. */
static struct wlr_scene_buffer *make_node(struct picture *p, struct wlr_buffer *buffer)
{
	/* 0.15 takes the source's size from the destination if it is not said. */
	struct wlr_fbox whole = {0, 0, buffer->width, buffer->height};
	struct wlr_scene_buffer *node = wlr_scene_buffer_create(&p->tree->node, buffer);

	wlr_buffer_drop(buffer);
	if (node)
		wlr_scene_buffer_set_source_box(node, &whole);
	return node;
}

static struct box shape_of(const struct framemux_frame *f)
{
	struct box all = {0, 0, 8192, 8192};

	return grid_fit(all, f->width, f->height, f->sar_num, f->sar_den);
}

int picture_show(struct picture *p, struct framemux_view *view, const struct box *shape,
	const struct framemux_frame **ret_frame)
{
	const struct framemux_frame *frame;
	struct wlr_scene_buffer *node;
	struct wlr_buffer *buffer;
	int r = framemux_acquire(view, &frame);

	if (r < 0) {
		if (r != -EAGAIN)
			picture_black(p);
		return r;
	}
	if (frame->planes != 1) {
		framemux_release(view, frame);
		picture_black(p);
		return -EINVAL;
	}
	buffer = frame_buffer_create(view, frame);
	if (!buffer)
		framemux_release(view, frame);
	node = buffer ? make_node(p, buffer) : NULL;
	picture_black(p); /* the one before is given back when the newer is at hand */
	if (!node)
		return -ENOMEM;
	p->buffer = buffer;
	p->frame = node;
	p->shape = shape ? *shape : shape_of(frame);
	place_frame(p);
	place_badge(p);
	if (ret_frame)
		*ret_frame = frame;
	return 0;
}

bool picture_is_whole(struct picture *p)
{
	if (!p->buffer || frame_buffer_is_whole(p->buffer))
		return true;
	picture_black(p);
	return false;
}

void picture_black(struct picture *p)
{
	if (!p->frame)
		return;
	frame_buffer_end(p->buffer); /* first, as its node may be the last who holds it */
	wlr_scene_node_destroy(&p->frame->node); /* and the texture that the scene has made of it */
	p->frame = NULL;
	p->buffer = NULL;
}

bool picture_is_black(const struct picture *p)
{
	return !p->frame;
}

void picture_set_badge(struct picture *p, struct badge *badge, bool centred)
{
	struct wlr_buffer *buffer = text_buffer_create(badge);

	if (p->badge)
		wlr_scene_node_destroy(&p->badge->node);
	p->badge = buffer ? make_node(p, buffer) : NULL;
	p->is_centred = centred;
	place_badge(p);
}
