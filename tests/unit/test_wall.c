/*
 * clients/wall/: which screen the wall is on, while screens of wlroots' headless backend come and go. There
 * is no mux: tiles are black and wait.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
#include <wlr/backend.h>
#include <wlr/backend/headless.h>
#include <wlr/backend/multi.h>
#include <wlr/types/wlr_output.h>

#include "clients/wall/layout.h"
#include "clients/wall/wall.h"
#include "tests/unit/unit.h"

/* --- wlroots, of which some calls fail ------------------------------------------------------- */

static struct {
	unsigned commits, mirrors;         /* so many fail */
	bool is_dying;                     /* a screen is being destroyed: no other can be driven */
	const struct wlr_backend *screens; /* whoever adds to another makes a mirror */
	unsigned n_made, n_destroyed;      /* backends */
} fails;

bool wlr_output_commit(struct wlr_output *output)
{
	bool (*real)(struct wlr_output *) = dlsym(RTLD_NEXT, "wlr_output_commit");

	if (fails.is_dying)
		return false;
	if (fails.commits) {
		fails.commits--;
		return false;
	}
	return real(output);
}

struct wlr_output *wlr_headless_add_output(
	struct wlr_backend *backend, unsigned int width, unsigned int height)
{
	struct wlr_output *(*real)(struct wlr_backend *, unsigned int, unsigned int) =
		dlsym(RTLD_NEXT, "wlr_headless_add_output");

	fails.n_made += fails.screens && backend != fails.screens;
	if (fails.mirrors && backend != fails.screens) {
		fails.mirrors--;
		return NULL;
	}
	return real(backend, width, height);
}

void wlr_backend_destroy(struct wlr_backend *backend)
{
	void (*real)(struct wlr_backend *) = dlsym(RTLD_NEXT, "wlr_backend_destroy");

	fails.n_destroyed++;
	real(backend);
}

/* --- screens --------------------------------------------------------------------------------- */

static char porch[] = "porch", nowhere[] = "/nowhere/framemux.sock";

static struct config_camera camera = {porch, porch};
static const struct config config = {
	.socket = nowhere,
	.text = 16,
	.background = {0, 0, 0, 1},
	.cameras = &camera,
	.n_cameras = 1,
};

static void keep_headless(struct wlr_backend *b, void *data)
{
	struct wlr_backend **ret = data;

	if (wlr_backend_is_headless(b))
		*ret = b;
}

static void begin_wall(struct wall *w, struct wlr_backend **ret_headless)
{
	*w = (struct wall){.config = &config};
	*ret_headless = NULL;
	ck_assert_ptr_null(wall_begin(w));
	wlr_multi_for_each_backend(w->backend, keep_headless, ret_headless);
	ck_assert_ptr_nonnull(*ret_headless);
}

static void expect_screen(struct wall *w, uint32_t width, uint32_t height)
{
	uint32_t w_is, h_is;
	struct box area;

	wl_event_loop_dispatch(wl_display_get_event_loop(w->display), 0);
	layout_size(w->layout, &w_is, &h_is);
	ck_assert_uint_eq(w_is, width);
	ck_assert_uint_eq(h_is, height);
	ck_assert(layout_area(w->layout, 0, &area) == (width > 0));
}

START_TEST(test_the_next_one_takes_over)
{
	struct wlr_backend *b;
	struct wlr_output *one, *two, *three;
	struct wall w;

	begin_wall(&w, &b);
	expect_screen(&w, 0, 0);
	one = wlr_headless_add_output(b, 640, 360);
	expect_screen(&w, 640, 360);
	two = wlr_headless_add_output(b, 800, 600);
	three = wlr_headless_add_output(b, 1024, 768);
	expect_screen(&w, 640, 360);
	ck_assert(one->allocator && !two->allocator && !three->allocator); /* not drawn on */
	wlr_output_destroy(one);
	expect_screen(&w, 800, 600);
	wlr_output_destroy(three); /* while it waits */
	expect_screen(&w, 800, 600);
	one = wlr_headless_add_output(b, 320, 240); /* is the last in the queue now */
	expect_screen(&w, 800, 600);
	wlr_output_destroy(two);
	expect_screen(&w, 320, 240);
	wlr_output_destroy(one);
	expect_screen(&w, 0, 0);
	one = wlr_headless_add_output(b, 400, 300);
	expect_screen(&w, 400, 300);
	two = wlr_headless_add_output(b, 500, 300);
	ck_assert(one->allocator && !two->allocator);
	wall_end(&w); /* with one in use and one that waits */
}
END_TEST

/* The device drives as many as it can until the one is gone. */
START_TEST(test_while_the_other_goes)
{
	struct wlr_backend *b;
	struct wlr_output *one;
	struct wall w;

	begin_wall(&w, &b);
	one = wlr_headless_add_output(b, 640, 360);
	(void)wlr_headless_add_output(b, 800, 600);
	fails.is_dying = true;
	wlr_output_destroy(one);
	fails.is_dying = false;
	expect_screen(&w, 800, 600);
	wall_end(&w);
}
END_TEST

/* No event tells when it can be used. */
START_TEST(test_cannot_be_used_yet)
{
	uint32_t width = 0, height;
	struct wlr_backend *b;
	struct wall w;

	begin_wall(&w, &b);
	fails.commits = 2;
	(void)wlr_headless_add_output(b, 640, 360);
	expect_screen(&w, 0, 0);
	while (!width) {
		wl_event_loop_dispatch(wl_display_get_event_loop(w.display), -1);
		layout_size(w.layout, &width, &height);
	}
	ck_assert_uint_eq(fails.commits, 0);
	expect_screen(&w, 640, 360);
	wall_end(&w);
}
END_TEST

/* The mirror of a screen cannot be made: the next screen makes one, and of the first nothing is left. */
START_TEST(test_mirror_cannot_be_made)
{
	struct wlr_backend *b;
	struct wlr_output *one;
	struct wall w;

	begin_wall(&w, &b);
	fails.mirrors = 1;
	fails.screens = b;
	one = wlr_headless_add_output(b, 640, 360);
	expect_screen(&w, 640, 360);
	ck_assert_uint_eq(fails.mirrors, 0);
	ck_assert_uint_eq(fails.n_made, 1);
	ck_assert_uint_eq(fails.n_destroyed, 1);
	wlr_output_destroy(one);
	(void)wlr_headless_add_output(b, 800, 600);
	expect_screen(&w, 800, 600);
	ck_assert_uint_eq(fails.n_made, 2);
	ck_assert_uint_eq(fails.n_destroyed, 1);
	wall_end(&w);
}
END_TEST

START_TEST(test_another_size)
{
	struct wlr_backend *b;
	struct wlr_output *one;
	struct wall w;

	begin_wall(&w, &b);
	one = wlr_headless_add_output(b, 640, 360);
	wlr_output_set_custom_mode(one, 360, 640, 0);
	ck_assert(wlr_output_commit(one));
	expect_screen(&w, 360, 640);
	wlr_output_set_scale(one, 2); /* the wall's pixels are the screen's */
	ck_assert(wlr_output_commit(one));
	expect_screen(&w, 360, 640);
	wall_end(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wall");
	TCase *tc = tcase_create("wall");

	setenv("WLR_BACKENDS", "headless", 1);
	setenv("WLR_HEADLESS_OUTPUTS", "0", 1);
	setenv("WLR_RENDERER", "pixman", 1);
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("XDG_RUNTIME_DIR"); /* no socket, no captures */
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_the_next_one_takes_over);
	tcase_add_test(tc, test_while_the_other_goes);
	tcase_add_test(tc, test_cannot_be_used_yet);
	tcase_add_test(tc, test_mirror_cannot_be_made);
	tcase_add_test(tc, test_another_size);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
