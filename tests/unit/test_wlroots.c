/*
 * clients/wlroots: what is on an output (wlroots' headless one, drawn by pixman) while a mux that the test
 * plays publishes, erases and revokes at the worst of moments.
 */
#include <drm_fourcc.h>
#include <wlr/backend.h>
#include <wlr/backend/headless.h>
#include <wlr/render/allocator.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_output_damage.h>
#include <wlr/types/wlr_scene.h>

#include "clients/wlroots/frame_buffer.h"
#include "clients/wlroots/picture.h"
#include "clients/wlroots/repaint.h"
#include "clients/wlroots/scrub.h"
#include "tests/unit/client_test.h"

#define WIDTH       64
#define HEIGHT      32
#define BUFFERS_MAX 8u
#define ONE         0x515151u /* a frame whose bytes are all that */
#define TWO         0x727272u

struct stage {
	struct heard h;
	struct wl_display *display;
	struct wlr_backend *backend;
	struct wlr_renderer *renderer;
	struct wlr_allocator *allocator;
	struct wlr_output *output;
	struct wlr_scene *scene;
	struct wlr_scene_output *scene_output;
	struct scrub *scrub;
	struct picture *picture;
	struct wl_listener commit;
	struct wlr_buffer *shown[BUFFERS_MAX]; /* each that ever was; the newest first */
	unsigned n_shown, n_asked;
	void (*at_first_question)(struct stage *s);
};

static void on_commit(struct wl_listener *l, void *data)
{
	struct stage *s = wl_container_of(l, s, commit);
	const struct wlr_output_event_commit *event = data;
	unsigned i = 0;

	if (!event->buffer)
		return;
	while (i < s->n_shown && s->shown[i] != event->buffer)
		i++;
	if (i == s->n_shown)
		s->n_shown++;
	ck_assert_uint_lt(i, BUFFERS_MAX);
	memmove(s->shown + 1, s->shown, i * sizeof(*s->shown));
	s->shown[0] = event->buffer;
}

static void begin_stage(struct stage *s)
{
	struct framemux_request rq = nv12;
	struct msg_attach m;
	struct picture p;

	*s = (struct stage){0};
	begin(&s->h);
	rq.fourcc = PICTURE_FOURCC;
	s->h.view = open_with(&s->h, rq);
	expect_heard(&s->h, "");
	s->h.number = fake_lease(&s->h.mux);
	expect_heard(&s->h, "1");
	m = fake_attach_for(&s->h.mux, s->h.number);
	m.fourcc = DRM_FORMAT_XRGB8888;
	ck_assert_int_eq(picture_layout(m.fourcc, m.width, m.height, &p), 0);
	m.ring_bytes = m.slots * p.slot_bytes;
	ck_assert_uint_eq(attach(&s->h, &m, FAKE_GOOD), 0);

	s->display = wl_display_create();
	s->backend = wlr_headless_backend_create(s->display);
	s->renderer = wlr_renderer_autocreate(s->backend);
	s->allocator = wlr_allocator_autocreate(s->backend, s->renderer);
	ck_assert(wlr_backend_start(s->backend));
	s->output = wlr_headless_add_output(s->backend, WIDTH, HEIGHT);
	ck_assert(wlr_output_init_render(s->output, s->allocator, s->renderer));
	wlr_output_enable(s->output, true);
	ck_assert(wlr_output_commit(s->output));
	s->commit.notify = on_commit;
	wl_signal_add(&s->output->events.commit, &s->commit);
	s->scrub = scrub_create(s->output);
	s->scene = wlr_scene_create();
	s->scene_output = wlr_scene_output_create(s->scene, s->output);
	s->picture = picture_create(&s->scene->node);
	picture_place(s->picture, (struct box){0, 0, WIDTH, HEIGHT});
}

static void end_stage(struct stage *s)
{
	picture_destroy(s->picture);
	scrub_destroy(s->scrub);
	wl_list_remove(&s->commit.link);
	wlr_backend_destroy(s->backend);
	wlr_scene_node_destroy(&s->scene->node);
	wlr_allocator_destroy(s->allocator);
	wlr_renderer_destroy(s->renderer);
	wl_display_destroy(s->display);
	end(&s->h);
}

/* Every pixel of the buffer is this. */
static bool is_all(struct stage *s, struct wlr_buffer *buffer, uint32_t rgb)
{
	static uint32_t pixels[WIDTH * HEIGHT];
	bool same = true;

	ck_assert(wlr_renderer_begin_with_buffer(s->renderer, buffer));
	ck_assert(wlr_renderer_read_pixels(s->renderer, DRM_FORMAT_XRGB8888, NULL, WIDTH * 4, WIDTH,
		HEIGHT, 0, 0, 0, 0, pixels));
	wlr_renderer_end(s->renderer);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		same = same && (pixels[i] & 0xffffff) == rgb;
	return same;
}

static bool may_show(void *data)
{
	struct stage *s = data;

	if (s->n_asked++ == 0 && s->at_first_question)
		s->at_first_question(s);
	return picture_is_whole(s->picture);
}

static void repaint_once(struct stage *s)
{
	while (s->output->frame_pending) /* the display's turn */
		wl_event_loop_dispatch(wl_display_get_event_loop(s->display), -1);
	s->n_asked = 0;
	wlr_output_damage_add_whole(s->scene_output->damage);
	ck_assert_int_eq(repaint(s->scene_output, may_show, s), 1);
}

static void show(struct stage *s, uint32_t slot, uint64_t seq, uint8_t value)
{
	const struct framemux_frame *f;

	fake_publish(&s->h.mux.ring, slot, seq, value);
	(void)framemux_dispatch(s->h.fm, 0);
	ck_assert_int_eq(picture_show(s->picture, s->h.view, NULL, &f), 0);
	ck_assert_uint_eq(f->seq, seq);
}

static void erase(struct stage *s)
{
	fake_erase(&s->h.mux.ring);
}

/* --- tests ----------------------------------------------------------------------------------- */

START_TEST(test_shown_and_held)
{
	struct stage s;

	begin_stage(&s);
	repaint_once(&s);
	ck_assert(is_all(&s, s.shown[0], 0));
	show(&s, 0, 1, 0x51);
	for (unsigned i = 0; i < 4; i++) { /* drawn again from the ring itself */
		repaint_once(&s);
		ck_assert(is_all(&s, s.shown[0], ONE));
		expect_no_credit(&s.h);
	}
	show(&s, 1, 2, 0x72);
	expect_credit(&s.h, 0, 1, 1); /* the newer one is at hand */
	repaint_once(&s);
	ck_assert(is_all(&s, s.shown[0], TWO));
	ck_assert_int_eq(picture_show(s.picture, s.h.view, NULL, NULL), -EAGAIN);
	ck_assert(!picture_is_black(s.picture));
	picture_black(s.picture);
	expect_credit(&s.h, 1, 2, 1);
	end_stage(&s);
}
END_TEST

/* Nobody has told the compositor: it is rendered, found out, and never committed. */
START_TEST(test_erased_under_the_renderer)
{
	struct stage s;

	begin_stage(&s);
	show(&s, 0, 1, 0x51);
	if (_i == 0)
		erase(&s);
	s.at_first_question = _i == 1 ? erase : NULL;
	if (_i == 2) {
		repaint_once(&s);
		ck_assert(is_all(&s, s.shown[0], ONE));
		erase(&s);
	}
	repaint_once(&s);
	ck_assert_uint_eq(s.n_asked, 2); /* rendered again, and asked again */
	ck_assert(is_all(&s, s.shown[0], 0));
	ck_assert(picture_is_black(s.picture));
	end_stage(&s);
}
END_TEST

/* The picture is in no buffer of the output, whether it is shown or not. */
START_TEST(test_scrubbed)
{
	const struct wlr_box all = {0, 0, WIDTH, HEIGHT};
	struct wlr_buffer *held = NULL;
	struct stage s;

	begin_stage(&s);
	show(&s, 0, 1, 0x51);
	repaint_once(&s);
	held = wlr_buffer_lock(
		s.shown[0]); /* as a display or a capture keeps one: another takes its turn */
	repaint_once(&s);
	repaint_once(&s);
	ck_assert_uint_ge(s.n_shown, 2);
	picture_black(s.picture);
	ck_assert(is_all(&s, held, ONE));
	ck_assert(is_all(&s, s.shown[0], ONE)); /* without a repaint: there may be none for long */
	scrub_area(s.scrub, &all);
	for (unsigned i = 0; i < s.n_shown; i++)
		ck_assert(is_all(&s, s.shown[i], 0));
	wlr_buffer_unlock(held);
	show(&s, 1, 2, 0x72); /* what was cleared is drawn over when its turn comes */
	for (unsigned i = 0; i < 4; i++) {
		repaint_once(&s);
		ck_assert(is_all(&s, s.shown[0], TWO));
	}
	end_stage(&s);
}
END_TEST

START_TEST(test_dark_states)
{
	struct stage s;

	begin_stage(&s);
	show(&s, 0, 1, 0x51);
	repaint_once(&s);
	erase(&s);
	fake_state(&s.h.mux, s.h.number, 5, "revoked");
	(void)framemux_dispatch(s.h.fm, 0);
	ck_assert_int_eq(picture_show(s.picture, s.h.view, NULL, NULL), -EKEYREVOKED);
	ck_assert(picture_is_black(s.picture));
	repaint_once(&s);
	ck_assert_uint_eq(s.n_asked, 1);
	ck_assert(is_all(&s, s.shown[0], 0));
	end_stage(&s);
}
END_TEST

/* How many pixels of the output are not black, of these columns. */
static unsigned inked(struct stage *s, unsigned from, unsigned to)
{
	static uint32_t pixels[WIDTH * HEIGHT];
	unsigned n = 0;

	ck_assert(wlr_renderer_begin_with_buffer(s->renderer, s->shown[0]));
	ck_assert(wlr_renderer_read_pixels(s->renderer, DRM_FORMAT_XRGB8888, NULL, WIDTH * 4, WIDTH,
		HEIGHT, 0, 0, 0, 0, pixels));
	wlr_renderer_end(s->renderer);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		n += i % WIDTH >= from && i % WIDTH < to && (pixels[i] & 0xffffff);
	return n;
}

static void say(
	struct stage *s, const char *title, const char *reason, uint32_t width, bool is_dark)
{
	struct badge badge = {0};

	ck_assert_int_eq(badge_draw(title, "lost", reason, width, 8, &badge), 0);
	picture_set_badge(s->picture, &badge, is_dark);
	badge_free(&badge);
	repaint_once(s);
}

/* A title is as long as somebody likes: what has no room is left out, and never lies over a neighbour. */
START_TEST(test_badges_stay_in_their_tile)
{
	static const char title[] =
		"The north-eastern corner of the lower car park, behind the bins";
	struct stage s;
	const unsigned half = WIDTH / 2;

	begin_stage(&s);
	picture_place(s.picture, (struct box){0, 0, half, HEIGHT});
	for (unsigned is_dark = 0; is_dark < 2; is_dark++) {
		say(&s, title, NULL, half - 4, is_dark);
		ck_assert_uint_gt(inked(&s, 0, half), 0);
		ck_assert_uint_eq(inked(&s, half, WIDTH), 0);
		say(&s, title, title, half - 4, is_dark); /* four lines: higher than the tile */
		ck_assert_uint_eq(inked(&s, 0, WIDTH), 0);
		say(&s, "a", NULL, half - 4, is_dark);
		ck_assert_uint_gt(inked(&s, 0, half), 0);
		say(&s, title, NULL, WIDTH, is_dark); /* drawn for a larger tile */
		ck_assert_uint_eq(inked(&s, 0, WIDTH), 0);
	}
	say(&s, "a", NULL, half - 4, true);
	picture_place(s.picture, (struct box){0, 0, 8, 8}); /* the tile shrinks under it */
	repaint_once(&s);
	ck_assert_uint_eq(inked(&s, 0, WIDTH), 0);
	end_stage(&s);
}
END_TEST

START_TEST(test_buffer_is_read_only)
{
	const struct framemux_frame *f;
	struct wlr_buffer *b;
	uint32_t format;
	size_t stride;
	struct stage s;
	void *data;

	begin_stage(&s);
	fake_publish(&s.h.mux.ring, 0, 1, 0x51);
	(void)framemux_dispatch(s.h.fm, 0);
	ck_assert_int_eq(framemux_acquire(s.h.view, &f), 0);
	b = frame_buffer_create(s.h.view, f);
	ck_assert(!wlr_buffer_begin_data_ptr_access(
		b, WLR_BUFFER_DATA_PTR_ACCESS_WRITE, &data, &format, &stride));
	ck_assert(!wlr_buffer_begin_data_ptr_access(b,
		WLR_BUFFER_DATA_PTR_ACCESS_READ | WLR_BUFFER_DATA_PTR_ACCESS_WRITE, &data, &format,
		&stride));
	ck_assert(wlr_buffer_begin_data_ptr_access(
		b, WLR_BUFFER_DATA_PTR_ACCESS_READ, &data, &format, &stride));
	ck_assert_ptr_eq(data, f->plane[0]); /* no copy */
	ck_assert_uint_eq(format, DRM_FORMAT_XRGB8888);
	ck_assert_uint_eq(stride, f->stride[0]);
	wlr_buffer_end_data_ptr_access(b);
	ck_assert(frame_buffer_is_whole(b));
	wlr_buffer_lock(b); /* a renderer that does not let go */
	wlr_buffer_drop(b);
	frame_buffer_end(b);
	expect_credit(&s.h, 0, 1, 1);
	ck_assert(!wlr_buffer_begin_data_ptr_access(
		b, WLR_BUFFER_DATA_PTR_ACCESS_READ, &data, &format, &stride));
	ck_assert(!frame_buffer_is_whole(b));
	wlr_buffer_unlock(b);
	expect_no_credit(&s.h);
	end_stage(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wlroots");
	TCase *tc = tcase_create("wlroots");

	setenv("WLR_RENDERER", "pixman", 1);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_shown_and_held);
	tcase_add_loop_test(tc, test_erased_under_the_renderer, 0, 3);
	tcase_add_test(tc, test_scrubbed);
	tcase_add_test(tc, test_dark_states);
	tcase_add_test(tc, test_badges_stay_in_their_tile);
	tcase_add_test(tc, test_buffer_is_read_only);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
