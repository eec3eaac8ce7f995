/* Renders a scene on an output. In the compositor's process. */
#include "clients/wlroots/repaint.h"

#include <errno.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_output_damage.h>
#include <wlr/util/box.h>
#include <wlr/util/region.h>

/* Damage is in the coordinates of who looks at the screen, scissors in those of the buffer. */
static void clear(struct wlr_output *output, pixman_region32_t *damage)
{
	static const float black[4] = {0, 0, 0, 1};
	enum wl_output_transform back = wlr_output_transform_invert(output->transform);
	pixman_box32_t *rects;
	int n, width, height;

	wlr_output_transformed_resolution(output, &width, &height);
	rects = pixman_region32_rectangles(damage, &n);
	for (int i = 0; i < n; i++) {
		struct wlr_box box = {rects[i].x1, rects[i].y1, rects[i].x2 - rects[i].x1,
			rects[i].y2 - rects[i].y1};

		wlr_box_transform(&box, &box, back, width, height);
		wlr_renderer_scissor(output->renderer, &box);
		wlr_renderer_clear(output->renderer, black);
	}
	wlr_renderer_scissor(output->renderer, NULL);
}

/*
 * Textures cannot be made while something is being rendered, and 0.15 has no function for it but
 * within its own commit: hence the two members that its header calls private.
 */
static void make_textures(struct wlr_scene_output *so)
{
	struct wlr_scene_buffer *b, *next;

	wl_list_for_each_safe (b, next, &so->scene->pending_buffers, pending_link) {
		if (!b->texture && !wlr_client_buffer_get(b->buffer))
			b->texture = wlr_texture_from_buffer(so->output->renderer, b->buffer);
		wl_list_remove(&b->pending_link);
		wl_list_init(&b->pending_link);
	}
}

/* Only what has changed is drawn: the damage since this buffer was last on the screen. */
static void render(struct wlr_scene_output *so, pixman_region32_t *damage)
{
	struct wlr_output *output = so->output;

	wlr_renderer_begin(output->renderer, (uint32_t)output->width, (uint32_t)output->height);
	clear(output, damage);
	wlr_scene_render_output(so->scene, output, so->x, so->y, damage);
	wlr_output_render_software_cursors(output, damage);
	wlr_renderer_end(output->renderer);
}

static bool commit(struct wlr_scene_output *so)
{
	struct wlr_output *output = so->output;
	pixman_region32_t damage;
	int width, height;

	wlr_output_transformed_resolution(output, &width, &height);
	pixman_region32_init(&damage);
	wlr_region_transform(&damage, &so->damage->current,
		wlr_output_transform_invert(output->transform), width, height);
	wlr_output_set_damage(output, &damage);
	pixman_region32_fini(&damage);
	return wlr_output_commit(output);
}

int repaint(struct wlr_scene_output *so, bool (*may_show)(void *data), void *data)
{
	pixman_region32_t damage;
	bool needs_frame = false, is_attached;

	for (;;) {
		pixman_region32_init(&damage);
		is_attached = wlr_output_damage_attach_render(so->damage, &needs_frame, &damage);
		if (is_attached && needs_frame) {
			make_textures(so);
			render(so, &damage);
		}
		pixman_region32_fini(&damage);
		if (!is_attached)
			return -EIO;
		if (!needs_frame) {
			wlr_output_rollback(so->output);
			return 0;
		}
		if (!may_show || may_show(data))
			return commit(so) ? 1 : -EIO;
		/* Nobody has seen this one, and what changed is damage now. */
		wlr_output_rollback(so->output);
	}
}
