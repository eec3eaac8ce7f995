/*
 * clients/wall/tile.c: what is asked of the mux for a tile when what it has asked for is refused. The library
 * is played here; the screen is one of wlroots' headless backend.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <wlr/backend.h>
#include <wlr/backend/headless.h>
#include <wlr/backend/multi.h>
#include <wlr/types/wlr_output.h>

#include "clients/wall/tile.h"
#include "clients/wall/wall.h"
#include "tests/unit/unit.h"

#define VIEWS  16u
#define WIDTH  640
#define HEIGHT 360
#define BEATS  12u /* seconds after which what was refused has been asked for again */

/* --- the library ----------------------------------------------------------------------------- */

struct framemux_view {
	struct framemux_request rq;
	const struct framemux_listener *listener;
	void *data;
	bool is_open, is_new;
	struct framemux_frame frame;
};

static struct {
	struct framemux_view views[VIEWS];
	unsigned n;
	int fd;
	uint32_t pixels[WIDTH * HEIGHT];
} lib;

int framemux_connect(const char *path, struct framemux **ret)
{
	(void)path;
	*ret = (struct framemux *)&lib;
	return 0;
}

void framemux_close(struct framemux *fm)
{
	(void)fm;
}

int framemux_fd(const struct framemux *fm)
{
	(void)fm;
	return lib.fd;
}

int framemux_dispatch(struct framemux *fm, int timeout_ms)
{
	(void)fm;
	(void)timeout_ms;
	return 0;
}

int framemux_open(struct framemux *fm, const struct framemux_request *rq,
	const struct framemux_listener *l, void *data, struct framemux_view **ret)
{
	struct framemux_view *v = &lib.views[lib.n++];

	(void)fm;
	ck_assert_uint_le(lib.n, VIEWS);
	*v = (struct framemux_view){.rq = *rq, .listener = l, .data = data, .is_open = true};
	*ret = v;
	return 0;
}

int framemux_acquire(struct framemux_view *v, const struct framemux_frame **ret)
{
	ck_assert(v->is_open);
	if (!v->is_new)
		return -EAGAIN;
	v->is_new = false;
	*ret = &v->frame;
	return 0;
}

int framemux_check(struct framemux_view *v, const struct framemux_frame *frame)
{
	ck_assert(v->is_open && frame == &v->frame);
	return 0;
}

void framemux_release(struct framemux_view *v, const struct framemux_frame *frame)
{
	ck_assert(v->is_open && frame == &v->frame);
}

void framemux_view_close(struct framemux_view *v)
{
	v->is_open = false;
}

const char *framemux_version(void)
{
	return "0";
}

static void refuse(struct framemux_view *v)
{
	ck_assert(v->is_open);
	v->listener->state(v->data, v, FRAMEMUX_STATE_REFUSED, "the ring memory is used up");
}

static void send_frame(struct framemux_view *v, uint32_t width, uint32_t height)
{
	ck_assert(v->is_open);
	v->listener->state(v->data, v, FRAMEMUX_STATE_LIVE, "");
	v->frame = (struct framemux_frame){.width = width,
		.height = height,
		.fourcc = v->rq.fourcc,
		.planes = 1,
		.plane = {(const uint8_t *)lib.pixels},
		.stride = {width * 4},
		.seq = lib.n,
		.generation = 1,
		.sar_num = 1,
		.sar_den = 1};
	v->is_new = true;
	v->listener->frame(v->data, v);
}

/* --- a wall of one camera -------------------------------------------------------------------- */

static char porch[] = "porch";
static struct config_camera camera = {porch, porch};
static const struct config config = {
	.text = 16,
	.background = {0, 0, 0, 1},
	.cameras = &camera,
	.n_cameras = 1,
};

static void add_screen(struct wlr_backend *b, void *data)
{
	struct wlr_output **ret = data;

	if (wlr_backend_is_headless(b))
		*ret = wlr_headless_add_output(b, WIDTH, HEIGHT);
}

static void dispatch(struct wall *w)
{
	wl_event_loop_dispatch(wl_display_get_event_loop(w->display), -1);
}

/* Every frame of the wall's is on the screen. */
static void show(struct wall *w, struct framemux_view *v)
{
	send_frame(v, v->rq.width, v->rq.height);
	while (tile_shows(w->tiles[0]) != v->frame.seq)
		dispatch(w);
}

/* Live, and then on a screen of half the size: the camera's own size is asked for. */
static void begin(struct wall *w, struct wlr_output **ret_screen)
{
	memset(&lib, 0, sizeof(lib));
	lib.fd = eventfd(0, EFD_CLOEXEC);
	*w = (struct wall){.config = &config};
	ck_assert_ptr_null(wall_begin(w));
	wlr_multi_for_each_backend(w->backend, add_screen, ret_screen);
	while (!lib.n)
		dispatch(w);
	ck_assert_uint_eq(lib.views[0].rq.width, 0);
	send_frame(&lib.views[0], 2 * WIDTH, 2 * HEIGHT);
	ck_assert_uint_eq(lib.views[1].rq.width, WIDTH);
	show(w, &lib.views[1]);
	wlr_output_set_custom_mode(*ret_screen, WIDTH / 2, HEIGHT / 2, 0);
	ck_assert(wlr_output_commit(*ret_screen));
	ck_assert_uint_eq(lib.n, 3);
	ck_assert_uint_eq(lib.views[2].rq.width, 0);
}

static void finish(struct wall *w)
{
	wall_end(w);
	for (unsigned i = 0; i < lib.n; i++)
		ck_assert(!lib.views[i].is_open);
	close(lib.fd);
}

static void expect_asked(unsigned n, uint32_t width)
{
	ck_assert_uint_eq(lib.n, n);
	ck_assert_uint_eq(lib.views[n - 1].rq.width, width);
	ck_assert(lib.views[n - 1].is_open);
}

/* It is asked for again after a while, not at once. */
static void await_asked(struct wall *w, unsigned n, uint32_t width)
{
	ck_assert_uint_eq(lib.n, n - 1);
	for (unsigned i = 0; i < BEATS && lib.n < n; i++)
		tile_beat(w->tiles[0]);
	expect_asked(n, width);
}

START_TEST(test_probe_is_refused)
{
	struct wlr_output *screen;
	struct wall w;

	begin(&w, &screen);
	refuse(&lib.views[2]);
	expect_asked(4, WIDTH / 2); /* in the shape that is known */
	ck_assert_uint_ne(tile_shows(w.tiles[0]), 0);
	show(&w, &lib.views[3]);
	ck_assert(!lib.views[1].is_open);
	await_asked(&w, 5, 0); /* and is it still that? */
	send_frame(&lib.views[4], HEIGHT, WIDTH);
	expect_asked(6, 100); /* it is upright */
	show(&w, &lib.views[5]);
	finish(&w);
}
END_TEST

START_TEST(test_size_is_refused)
{
	struct wlr_output *screen;
	struct wall w;

	begin(&w, &screen);
	send_frame(&lib.views[2], 2 * WIDTH, 2 * HEIGHT);
	expect_asked(4, WIDTH / 2);
	refuse(&lib.views[3]);
	ck_assert_uint_ne(tile_shows(w.tiles[0]), 0);
	await_asked(&w, 5, WIDTH / 2);
	refuse(&lib.views[4]);
	wlr_output_set_custom_mode(screen, WIDTH / 4, HEIGHT / 4, 0);
	ck_assert(wlr_output_commit(screen));
	expect_asked(6, 0); /* another size does not wait */
	send_frame(&lib.views[5], 2 * WIDTH, 2 * HEIGHT);
	expect_asked(7, WIDTH / 4);
	refuse(&lib.views[6]);
	wlr_output_destroy(screen); /* hidden, and seen again while it would have waited */
	wlr_multi_for_each_backend(w.backend, add_screen, &screen);
	expect_asked(8, 0);
	finish(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wall_tile");
	TCase *tc = tcase_create("wall_tile");

	setenv("WLR_BACKENDS", "headless", 1);
	setenv("WLR_HEADLESS_OUTPUTS", "0", 1);
	setenv("WLR_RENDERER", "pixman", 1);
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("XDG_RUNTIME_DIR"); /* no socket, no captures */
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_probe_is_refused);
	tcase_add_test(tc, test_size_is_refused);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
