/*
 * clients/view/ but for Wayland: what is asked of the mux for a cell, and what is painted when. The library
 * is played here, so that frames can be erased at the worst moment.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xkbcommon/xkbcommon.h>

#include "clients/program/exit_code.h"
#include "clients/view/keymap.h"
#include "clients/view/scene.h"
#include "common/clock.h"
#include "tests/unit/unit.h"

#define BLACK 0xff000000u
#define SEEN  0xff123456u
#define VIEWS 512u

/* --- the library ----------------------------------------------------------------------------- */

struct framemux_view {
	struct framemux_request rq;
	const struct framemux_listener *listener;
	void *data;
	bool is_open, is_new;
	unsigned is_held; /* so many times */
	struct framemux_frame frame;
};

static struct {
	struct framemux_view views[VIEWS];
	unsigned n, checks;
	unsigned good_checks; /* so many find the frame whole */
	uint32_t *pixels;
} lib;

int framemux_open(struct framemux *fm, const struct framemux_request *rq,
	const struct framemux_listener *l, void *data, struct framemux_view **ret)
{
	struct framemux_view *v = &lib.views[lib.n++];

	ck_assert_ptr_nonnull(fm);
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
	v->is_held++;
	*ret = &v->frame;
	return 0;
}

int framemux_check(struct framemux_view *v, const struct framemux_frame *frame)
{
	ck_assert(v->is_open && v->is_held && frame == &v->frame);
	return lib.checks++ < lib.good_checks ? 0 : -ESTALE;
}

void framemux_release(struct framemux_view *v, const struct framemux_frame *frame)
{
	if (frame)
		v->is_held--;
}

void framemux_view_close(struct framemux_view *v)
{
	ck_assert(v->is_open && !v->is_held);
	v->is_open = false;
}

const char *framemux_version(void)
{
	return "0";
}

static void tell(struct framemux_view *v, enum framemux_state state, const char *reason)
{
	v->listener->state(v->data, v, state, reason);
}

static void send_frame(struct framemux_view *v, uint32_t width, uint32_t height)
{
	tell(v, FRAMEMUX_STATE_LIVE, "");
	v->frame = (struct framemux_frame){.width = width,
		.height = height,
		.fourcc = v->rq.fourcc,
		.planes = 1,
		.plane = {lib.pixels},
		.stride = {width * 4},
		.generation = 1,
		.sar_num = 1,
		.sar_den = 1};
	v->is_new = true;
	v->listener->frame(v->data, v);
}

static unsigned count_open(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < lib.n; i++)
		n += lib.views[i].is_open;
	return n;
}

/* --- a window of one camera ------------------------------------------------------------------ */

#define WIDTH  320u
#define HEIGHT 240u

static struct scene scene;
static struct look look;
static struct options options;
static uint32_t *screen;
static char *camera[] = {(char *)"porch"};

static void begin(void)
{
	char *tokens[1] = {NULL};

	memset(&lib, 0, sizeof(lib));
	lib.good_checks = 1000;
	lib.pixels = malloc(1024 * 1024 * 4);
	screen = malloc(WIDTH * HEIGHT * 4);
	for (unsigned i = 0; i < 1024 * 1024; i++)
		lib.pixels[i] = SEEN;
	memset(&scene, 0, sizeof(scene));
	memset(&look, 0, sizeof(look));
	options = (struct options){.cameras = camera, .n_cameras = 1};
	scene_init(&scene, &options, tokens);
	scene_place(&scene, WIDTH, HEIGHT, 1, clock_monotonic_ns());
	scene_begin(&scene, (struct framemux *)1);
}

static void finish(void)
{
	scene_free(&scene);
	ck_assert_uint_eq(count_open(), 0);
	free(lib.pixels);
	free(screen);
}

/* The view in which the camera is shown, its first frame sent. */
static struct framemux_view *go_live(void)
{
	struct framemux_view *v = &lib.views[1];

	ck_assert_uint_eq(lib.n, 1);
	send_frame(&lib.views[0], WIDTH, HEIGHT);
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert_uint_eq(lib.n, 2);
	send_frame(v, v->rq.width, v->rq.height);
	scene_settle(&scene, clock_monotonic_ns());
	return v;
}

static void paint(void)
{
	scene_refresh(&scene, &look, true, clock_monotonic_ns());
	scene_paint(&scene, &look, screen, WIDTH);
}

static unsigned count_seen(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		n += screen[i] == SEEN;
	return n;
}

START_TEST(test_own_size_then_fitted)
{
	begin();
	ck_assert_uint_eq(lib.views[0].rq.width, 0);
	ck_assert_uint_eq(lib.views[0].rq.fourcc, DRM_FORMAT_NV12);
	send_frame(&lib.views[0], 1920, 1080);
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert(!lib.views[0].is_open);
	ck_assert_uint_eq(lib.views[1].rq.width, 320);
	ck_assert_uint_eq(lib.views[1].rq.height, 180);
	ck_assert_uint_eq(lib.views[1].rq.fourcc, DRM_FORMAT_XRGB8888);
	ck_assert(scene.tiles[0].state == FRAMEMUX_STATE_CONNECTING);
	send_frame(&lib.views[1], 320, 180);
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert(scene.tiles[0].state == FRAMEMUX_STATE_LIVE);
	paint();
	ck_assert_uint_eq(count_seen(), 320 * 180);
	ck_assert_uint_eq(screen[29 * WIDTH], BLACK);
	ck_assert_uint_eq(screen[30 * WIDTH], SEEN);
	ck_assert_uint_eq(screen[209 * WIDTH + 319], SEEN);
	ck_assert_uint_eq(screen[210 * WIDTH], BLACK);
	finish();
}
END_TEST

/* The check before the copy is good, the one after it is not. */
START_TEST(test_erased_while_copied)
{
	begin();
	(void)go_live();
	lib.checks = 0;
	lib.good_checks = 0;
	paint();
	ck_assert_uint_ge(lib.checks, 1);
	ck_assert_uint_eq(count_seen(), 0);
	ck_assert(scene_has_darkened(&scene, 0));
	ck_assert(!scene_has_darkened(&scene, 0));
	finish();
}
END_TEST

START_TEST(test_dark_lets_go)
{
	static const enum framemux_state states[] = {
		FRAMEMUX_STATE_STALE, FRAMEMUX_STATE_LOST, FRAMEMUX_STATE_REVOKED};
	struct framemux_view *v;

	begin();
	v = go_live();
	paint();
	ck_assert_uint_eq(count_seen(), WIDTH * HEIGHT);
	ck_assert(!scene_has_darkened(&scene, 0));
	tell(v, states[_i], "so it is");
	ck_assert(!v->is_held); /* before anything else is done */
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert(scene_has_darkened(&scene, 0));
	paint();
	ck_assert_uint_eq(count_seen(), 0);
	ck_assert(scene_is_over(&scene) == (states[_i] == FRAMEMUX_STATE_REVOKED));
	ck_assert(!scene_is_cut_off(&scene) || !scene_is_over(&scene));
	finish();
}
END_TEST

/* A window that is not seen is not painted; what it holds grows old. */
START_TEST(test_grows_old_unseen)
{
	struct framemux_view *v;

	begin();
	v = go_live();
	paint();
	ck_assert_uint_le(scene_next_ns(&scene, 0), NS_PER_S);
	lib.checks = 0;
	lib.good_checks = 0;
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert(scene_has_darkened(&scene, 0));
	send_frame(v, WIDTH, HEIGHT);
	scene_settle(&scene, clock_monotonic_ns());
	scene_refresh(
		&scene, &look, false, clock_monotonic_ns()); /* only black is painted out of turn */
	ck_assert(v->is_new);
	finish();
}
END_TEST

START_TEST(test_resize_without_a_gap)
{
	struct framemux_view *v, *next = &lib.views[2];

	begin();
	v = go_live();
	paint();
	scene_place(&scene, 160, 120, 1, 1000);
	scene_settle(&scene, 1000);
	ck_assert_uint_eq(lib.n, 2); /* it may be a size of many */
	scene_settle(&scene, 1000 + NS_PER_S);
	ck_assert_uint_eq(lib.n, 3);
	ck_assert_uint_eq(next->rq.width, 160);
	ck_assert(v->is_open && v->is_held);
	tell(next, FRAMEMUX_STATE_LIVE, "");
	scene_settle(&scene, 1000 + NS_PER_S);
	ck_assert(v->is_open && v->is_held);
	send_frame(next, 160, 120);
	scene_settle(&scene, 1000 + NS_PER_S);
	ck_assert(!v->is_open && next->is_held);
	ck_assert(!tile_is_dark(&scene.tiles[0]));
	ck_assert_uint_eq(lib.n, 4);
	ck_assert_uint_eq(lib.views[3].rq.width, 0); /* and is its shape still what it was? */
	send_frame(&lib.views[3], WIDTH, HEIGHT);
	scene_settle(&scene, 1000 + NS_PER_S);
	ck_assert_uint_eq(lib.n, 4); /* it is */
	ck_assert(!lib.views[3].is_open);
	finish();
}
END_TEST

/* The decoder goes on, the picture is upright now: a scaled frame does not tell, another size asks. */
START_TEST(test_another_shape_of_one_generation)
{
	begin();
	(void)go_live();
	scene_place(&scene, 160, 120, 1, 1000);
	scene_settle(&scene, 1000 + NS_PER_S);
	send_frame(&lib.views[2], 160, 120);
	scene_settle(&scene, 1000 + NS_PER_S);
	ck_assert_uint_eq(lib.n, 4);
	send_frame(&lib.views[3], 180, 320);
	scene_settle(&scene, 1000 + NS_PER_S);
	ck_assert_uint_eq(lib.n, 5);
	ck_assert_uint_eq(lib.views[4].rq.width, 68);
	ck_assert_uint_eq(lib.views[4].rq.height, 120);
	finish();
}
END_TEST

/* Above the token's limit: as large as the camera's own size came out. */
START_TEST(test_enlarging_is_refused)
{
	begin();
	send_frame(&lib.views[0], 160, 120);
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert_uint_eq(lib.views[1].rq.width, 320);
	tell(&lib.views[1], FRAMEMUX_STATE_REFUSED, "the capability's limits permit no picture");
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert_uint_eq(lib.views[2].rq.width, 160);
	ck_assert(scene.tiles[0].state == FRAMEMUX_STATE_CONNECTING);
	tell(&lib.views[2], FRAMEMUX_STATE_REFUSED, "no more memory");
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert(scene.tiles[0].state == FRAMEMUX_STATE_REFUSED);
	ck_assert_str_eq(scene.tiles[0].reason, "no more memory");
	finish();
}
END_TEST

static void refuse(struct framemux_view *v)
{
	tell(v, FRAMEMUX_STATE_REFUSED, "the ring memory of this user is used up");
}

/* It is not the size: the picture stays, and the size is asked for until it is given. */
START_TEST(test_short_of_memory)
{
	static const uint32_t widths[] = {160, 640}; /* also one above the camera's own */
	uint32_t width = widths[_i], height = width / 4 * 3;
	uint64_t now = clock_monotonic_ns() + NS_PER_S;
	struct framemux_view *v;

	begin();
	v = go_live();
	scene_place(&scene, width, height, 1, now);
	now += NS_PER_S;
	scene_settle(&scene, now);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(lib.views[lib.n - 1].rq.width, width);
		refuse(&lib.views[lib.n - 1]);
		scene_settle(&scene, now);
		if (!i) /* the camera's own size is asked for meanwhile */
			refuse(&lib.views[lib.n - 1]);
		scene_settle(&scene, now);
		ck_assert(v->is_open && v->is_held && count_open() == 1);
		now += 2 * NS_PER_S;
		scene_settle(&scene, now);
	}
	send_frame(&lib.views[lib.n - 1], width, height);
	scene_settle(&scene, now);
	ck_assert(!v->is_open);
	ck_assert_uint_eq(scene.tiles[0].shown->width, width);
	finish();
}
END_TEST

/* The camera's own size was refused beside the picture: asked for again. */
START_TEST(test_probe_is_refused)
{
	uint64_t now = clock_monotonic_ns() + NS_PER_S;

	begin();
	(void)go_live();
	scene_place(&scene, 160, 120, 1, now);
	scene_settle(&scene, now + NS_PER_S);
	send_frame(&lib.views[2], 160, 120);
	scene_settle(&scene, now + NS_PER_S);
	ck_assert_uint_eq(lib.views[3].rq.width, 0);
	refuse(&lib.views[3]);
	scene_settle(&scene, now + NS_PER_S);
	ck_assert_uint_eq(count_open(), 1);
	scene_settle(&scene, now + 2 * NS_PER_S);
	ck_assert_uint_eq(lib.n, 4); /* not at once */
	scene_settle(&scene, now + 60 * NS_PER_S);
	ck_assert_uint_eq(lib.n, 5);
	ck_assert_uint_eq(lib.views[4].rq.width, 0);
	finish();
}
END_TEST

/* The question for the shape gives way to the new size, and comes after it. */
START_TEST(test_resize_while_probed)
{
	uint64_t now = clock_monotonic_ns() + NS_PER_S;

	begin();
	(void)go_live();
	scene_place(&scene, 160, 120, 1, now);
	scene_settle(&scene, now + NS_PER_S);
	send_frame(&lib.views[2], 160, 120);
	scene_settle(&scene, now + NS_PER_S);
	scene_place(&scene, 80, 60, 1, now + NS_PER_S);
	scene_settle(&scene, now + 2 * NS_PER_S);
	ck_assert(!lib.views[3].is_open);
	ck_assert_uint_eq(lib.views[4].rq.width, 80);
	ck_assert_uint_eq(count_open(), 2);
	send_frame(&lib.views[4], 80, 60);
	scene_settle(&scene, now + 2 * NS_PER_S);
	ck_assert_uint_eq(lib.views[5].rq.width, 0);
	finish();
}
END_TEST

#define CROWD      40u
#define VIEWS_MOST 64u /* of the mux, for one connection */

/* What the mux says to all that was asked since: the number of refusals. */
static unsigned answer(unsigned *from)
{
	unsigned n_open = 0, refused = 0;

	for (unsigned i = 0; i < lib.n; i++) {
		struct framemux_view *v = &lib.views[i];

		n_open += v->is_open;
		if (i < *from || !v->is_open)
			continue;
		if (n_open > VIEWS_MOST) {
			refuse(v);
			n_open--;
			refused++;
		} else if (v->rq.width) {
			send_frame(v, v->rq.width, v->rq.height);
		} else {
			send_frame(v, 640, 480);
		}
	}
	*from = lib.n;
	return refused;
}

/* In even numbers. */
static bool fits(const struct tile *t)
{
	return t->shown && !t->next &&
		(t->shown->width == t->cell.width / 2 * 2 ||
			t->shown->height == t->cell.height / 2 * 2);
}

static bool all_fit(void)
{
	for (unsigned i = 0; i < scene.n; i++)
		if (!fits(&scene.tiles[i]))
			return false;
	return true;
}

/* All tiles ask in one turn, on one connection: no more than two views each, and those refused ask again. */
START_TEST(test_crowd)
{
	static const unsigned cameras[] = {22, 32, CROWD};
	char *names[CROWD], *tokens[CROWD] = {NULL};
	unsigned n = cameras[_i], from = 0, refused = 0;
	uint64_t now = clock_monotonic_ns() + NS_PER_S;

	begin();
	scene_free(&scene);
	memset(lib.views, 0, sizeof(lib.views));
	lib.n = 0;
	lib.good_checks = UINT32_MAX;
	for (unsigned i = 0; i < n; i++)
		names[i] = camera[0];
	options = (struct options){.cameras = names, .n_cameras = n};
	scene_init(&scene, &options, tokens);
	for (uint32_t width = 800; width >= 400; width -= 400) {
		scene_place(&scene, width, width, 1, now);
		if (width == 800)
			scene_begin(&scene, (struct framemux *)1);
		for (unsigned i = 0; i < 12; i++) {
			scene_settle(&scene, now);
			refused += answer(&from);
			now += NS_PER_S;
		}
		ck_assert(all_fit());
	}
	ck_assert_msg((refused > 0) == (n > VIEWS_MOST / 2), "%u refused", refused);
	finish();
}
END_TEST

/* Another life of the camera's decoder: its shape is asked for again. */
START_TEST(test_another_generation)
{
	struct framemux_view *v;

	begin();
	v = go_live();
	send_frame(v, WIDTH, HEIGHT);
	v->frame.generation = 2;
	paint();
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert_uint_eq(lib.n, 3);
	send_frame(&lib.views[2], 160, 160);
	scene_settle(&scene, clock_monotonic_ns());
	ck_assert_uint_eq(lib.n, 4);
	ck_assert_uint_eq(lib.views[3].rq.width, 240);
	ck_assert_uint_eq(lib.views[3].rq.height, 240);
	finish();
}
END_TEST

/* What a compositor hands over, or somebody in its place. */
START_TEST(test_keymaps)
{
	static const char good[] =
		"xkb_keymap { xkb_keycodes { <q> = 24; }; xkb_types { type \"ONE_LEVEL\" { "
		"modifiers = none; level_name[1] = \"Any\"; }; }; xkb_compatibility { }; "
		"xkb_symbols { key <q> { [ q ] }; }; };";
	static const struct {
		const char *text;
		uint32_t format, size; /* 0: as long as it is */
		bool is_good, is_unreadable;
	} rows[] = {
		{good, 1, 0, true, false},
		{good, 0, 0, false, false}, /* no format that is known */
		{good, 1, 100, false, false},
		{good, 1, 8192, false,
			false}, /* the file is shorter: what lies behind it is SIGBUS */
		{good, 1, (1u << 20) + 1, false, false},
		{good, 1, UINT32_MAX, false, false},
		{good, 1, 0, false, true},
		{"rubbish {", 1, 0, false, false},
		{"", 1, 1, false, false},
		{"", 1, 0, false, false},
	};
	struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_DEFAULT_INCLUDES);

	xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		int fd = memfd_create("keymap", MFD_CLOEXEC), pipes[2] = {-1, -1};
		struct xkb_keymap *keymap;

		ck_assert_int_eq(write(fd, rows[i].text, n), (ssize_t)n);
		if (rows[i].is_unreadable) /* it cannot be mapped */
			ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
		keymap = keymap_read(context, rows[i].format, rows[i].is_unreadable ? pipes[0] : fd,
			rows[i].size ? rows[i].size : (uint32_t)n);
		ck_assert_msg((keymap != NULL) == rows[i].is_good, "row %zu", i);
		xkb_keymap_unref(keymap);
		ck_assert_int_ge(fcntl(fd, F_GETFD), 0); /* the caller's still */
		close(fd);
		close(pipes[0]);
		close(pipes[1]);
	}
	xkb_context_unref(context);
}
END_TEST

START_TEST(test_options)
{
	static const struct {
		const char *args[5];
		int code;
	} rows[] = {
		{{"porch"}, -1},
		{{"--fps", "15", "--size", "640x360", "porch"}, -1},
		{{"-k", "file", "porch", "garden"}, -1},
		{{"--verify", "full", "porch"}, -1},
		{{NULL}, EXIT_USAGE},
		{{"porch", "garden"}, EXIT_USAGE},
		{{"-k", "file", "porch", "porch"}, EXIT_USAGE},
		{{""}, EXIT_USAGE},
		{{"--size", "640", "porch"}, EXIT_USAGE},
		{{"--size", "640x", "porch"}, EXIT_USAGE},
		{{"--size", "0x360", "porch"}, EXIT_USAGE},
		{{"--size", "640x99999", "porch"}, EXIT_USAGE},
		{{"--size", "640x360x2", "porch"}, EXIT_USAGE},
		{{"--fps", "0", "porch"}, EXIT_USAGE},
		{{"--fps", "-1", "porch"}, EXIT_USAGE},
		{{"--verify", "none", "porch"}, EXIT_USAGE},
		{{"--nothing", "porch"}, EXIT_USAGE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *argv[7] = {(char *)"framemux-view"};
		struct options o;
		int argc = 1;

		for (size_t j = 0; j < 5 && rows[i].args[j]; j++)
			argv[argc++] = (char *)rows[i].args[j];
		ck_assert_msg(options_parse(argc, argv, &o) == rows[i].code, "row %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("view");
	TCase *c = tcase_create("view");

	tcase_add_test(c, test_own_size_then_fitted);
	tcase_add_test(c, test_erased_while_copied);
	tcase_add_loop_test(c, test_dark_lets_go, 0, 3);
	tcase_add_test(c, test_grows_old_unseen);
	tcase_add_test(c, test_resize_without_a_gap);
	tcase_add_test(c, test_enlarging_is_refused);
	tcase_add_loop_test(c, test_short_of_memory, 0, 2);
	tcase_add_test(c, test_probe_is_refused);
	tcase_add_test(c, test_resize_while_probed);
	tcase_add_loop_test(c, test_crowd, 0, 3);
	tcase_add_test(c, test_another_generation);
	tcase_add_test(c, test_another_shape_of_one_generation);
	tcase_add_test(c, test_keymaps);
	tcase_add_test(c, test_options);
	suite_add_tcase(s, c);
	return unit_run(s);
}
