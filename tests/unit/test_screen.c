/* clients/screen/: words for states, where tiles lie, text as pixels. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clients/screen/badge.h"
#include "clients/screen/grid.h"
#include "clients/screen/words.h"
#include "tests/unit/unit.h"

#define WIDTH  400u
#define HEIGHT 100u
#define PINK   0xffff80c0u

START_TEST(test_words)
{
	static const struct {
		enum framemux_state state;
		uint64_t since_s;
		const char *words;
	} rows[] = {
		{FRAMEMUX_STATE_CONNECTING, 0, "connecting"},
		{FRAMEMUX_STATE_CONNECTING, 3, "connecting, 3 s"},
		{FRAMEMUX_STATE_LIVE, 100, "live"},
		{FRAMEMUX_STATE_STALE, 12, "no picture, 12 s"},
		{FRAMEMUX_STATE_LOST, 119, "camera lost, 119 s"},
		{FRAMEMUX_STATE_LOST, 120, "camera lost, 2 min"},
		{FRAMEMUX_STATE_LOST, 3600, "camera lost, 1 h"},
		{FRAMEMUX_STATE_LOST, UINT64_MAX, "camera lost, 213503982334601 d"},
		{FRAMEMUX_STATE_REVOKED, 9, "revoked"},
		{FRAMEMUX_STATE_REFUSED, 9, "refused"},
		{FRAMEMUX_STATE_CLOSED, 9, "closed"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char words[WORDS_MAX];

		words_of(rows[i].state, rows[i].since_s, words);
		ck_assert_str_eq(words, rows[i].words);
		ck_assert_int_eq(
			words_is_dark(rows[i].state), rows[i].state != FRAMEMUX_STATE_LIVE);
		ck_assert_int_eq(words_is_final(rows[i].state), i >= 8);
	}
	ck_assert(
		words_is_dark((enum framemux_state)99)); /* of a later library: nothing is shown */
}
END_TEST

static bool apart(struct box a, struct box b)
{
	return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y ||
		b.y + b.height <= a.y;
}

START_TEST(test_cells_lie_apart)
{
	struct box cells[17];

	for (uint32_t n = 1; n <= 17; n++) {
		for (uint32_t i = 0; i < n; i++) {
			cells[i] = grid_cell(1283, 721, 0, 6, n, i);
			ck_assert_uint_le(cells[i].x + cells[i].width, 1283);
			ck_assert_uint_le(cells[i].y + cells[i].height, 721);
			ck_assert_uint_gt(cells[i].width * cells[i].height, 0);
			for (uint32_t k = 0; k < i; k++)
				ck_assert(apart(cells[k], cells[i]));
		}
	}
	ck_assert_uint_eq(grid_columns(1280, 720, 4), 2);
	ck_assert_uint_eq(grid_columns(720, 1280, 3), 1);
	ck_assert_uint_eq(grid_columns(3000, 500, 3), 3);
	/* What cannot be is no division by zero, and no box without a pixel. */
	cells[0] = grid_cell(0, 0, 0, 6, 0, 0);
	cells[1] = grid_cell(1, 1, 9, 100, 20, 19);
	ck_assert_uint_eq(cells[0].width * cells[1].height, 1);
}
END_TEST

START_TEST(test_a_picture_keeps_its_shape)
{
	struct box area = {10, 20, 400, 400}, b = grid_fit(area, 1920, 1080, 1, 1);

	ck_assert_uint_eq(b.x, 10);
	ck_assert_uint_eq(b.width, 400);
	ck_assert_uint_eq(b.height, 224); /* of 225 */
	ck_assert_uint_eq(b.y, 20 + 88);
	b = grid_fit(area, 100, 200, 0, 0);
	ck_assert_uint_eq(b.width, 200);
	ck_assert_uint_eq(b.height, 400);
	b = grid_fit(area, 100, 100, 2, 1); /* pixels twice as wide as high */
	ck_assert_uint_eq(b.width, 400);
	ck_assert_uint_eq(b.height, 200);
	b = grid_fit(area, 8192, 1, 1, 1);
	ck_assert_uint_eq(b.width, 400);
	ck_assert_uint_eq(b.height, 2);
	b = grid_fit((struct box){0, 0, 1, 1}, 0, 0, 1, UINT32_MAX);
	ck_assert_uint_eq(b.width, 1);
	ck_assert_uint_eq(b.height, 1);
}
END_TEST

/* How many pixels of a badge are white, as letters are. */
static unsigned letters(const struct badge *b)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < b->width * b->height; i++)
		n += b->pixels[i] == 0xffffffff;
	return n;
}

START_TEST(test_a_badge_has_letters)
{
	struct badge one = {0}, two = {0};

	ck_assert_int_eq(badge_draw("porch", "live", NULL, WIDTH, 16, &one), 0);
	ck_assert_uint_gt(letters(&one), 20);
	ck_assert_uint_le(one.width, WIDTH);
	ck_assert_int_eq(
		badge_draw("porch", "camera lost, 12 s", "connection refused", WIDTH, 16, &two), 0);
	ck_assert_uint_gt(two.width, one.width);
	ck_assert_uint_gt(two.height, one.height);
	/* Nothing is said twice. */
	ck_assert_int_eq(badge_draw("porch", "revoked", "revoked", WIDTH, 16, &two), 0);
	ck_assert_uint_eq(two.height, one.height);
	/* Never wider than it may be. */
	ck_assert_int_eq(badge_draw("a name that is very long", "camera lost",
				 "and a reason that "
				 "has no end at all, as reasons sometimes are, and one more line "
				 "of it, and one more, "
				 "and one more, and one more, and one more, and one more",
				 90, 16, &two),
		0);
	ck_assert_uint_le(two.width, 90);
	ck_assert_uint_le(two.height, 16 * 2 * 5);
	badge_free(&two);
	badge_free(&one);
	badge_free(&one);
}
END_TEST

START_TEST(test_any_bytes_are_text)
{
	char long_text[5000];
	struct badge b = {0};

	memset(long_text, 'W', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	ck_assert_int_eq(badge_draw("\xff\xfe\x80", "\n\t\x1b[31m",
				 "\xe2\x80\xae"
				 "evil",
				 WIDTH, 8, &b),
		0);
	ck_assert_int_eq(badge_draw(long_text, long_text, long_text, WIDTH, 16, &b), 0);
	ck_assert_uint_le(b.width, WIDTH);
	ck_assert_uint_le(b.height, 16 * 2 * 4);
	/* Separators of lines and paragraphs, which are graphic characters to GLib. */
	ck_assert_int_eq(badge_draw("a\xe2\x80\xa8"
				    "b\xe2\x80\xa9"
				    "c\xe2\x80\xa9"
				    "d",
				 "live", NULL, WIDTH, 16, &b),
		0);
	ck_assert_uint_le(b.height, 16 * 2 + 10);
	ck_assert_int_eq(badge_draw("", "", "", WIDTH, 16, &b), 0);
	ck_assert_int_eq(badge_draw("a", "b", NULL, WIDTH, 0, &b), -EINVAL);
	ck_assert_ptr_null(b.pixels);
	ck_assert_int_eq(badge_draw("a", "b", NULL, 0, 16, &b), -EINVAL);
	ck_assert_int_eq(badge_draw("a", "b", NULL, UINT32_MAX, 16, &b), -EINVAL);
	ck_assert_int_eq(badge_draw("a", "b", NULL, WIDTH, 129, &b), -EINVAL);
}
END_TEST

START_TEST(test_it_is_blended_where_it_lies)
{
	static uint32_t screen[WIDTH * HEIGHT];
	struct badge b = {0};

	ck_assert_int_eq(badge_draw("porch", "live", NULL, WIDTH, 16, &b), 0);
	for (int32_t at = -2000; at <= 2000; at += 37) {
		uint32_t wrong = 0, changed = 0;

		for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
			screen[i] = PINK;
		badge_blend(&b, screen, WIDTH, HEIGHT, WIDTH * 4, at, at / 4);
		for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
			int64_t x = i % WIDTH - (int64_t)at, y = i / WIDTH - (int64_t)(at / 4);
			bool is_inside = x >= 0 && x < b.width && y >= 0 && y < b.height;

			wrong += screen[i] >> 24 != 0xff || (screen[i] != PINK) != is_inside;
			changed += is_inside;
		}
		ck_assert_uint_eq(wrong, 0);
		ck_assert_uint_le(changed, b.width * b.height);
	}
	/* Half transparent: what is below shines through, and is darker. */
	ck_assert_uint_eq(b.pixels[0], 0x99000000);
	badge_blend(&b, screen, WIDTH, HEIGHT, WIDTH * 4, 0, 0);
	ck_assert_uint_eq(screen[0], 0xff66334d);
	badge_free(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("screen");
	TCase *tc = tcase_create("screen");

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, test_words);
	tcase_add_test(tc, test_cells_lie_apart);
	tcase_add_test(tc, test_a_picture_keeps_its_shape);
	tcase_add_test(tc, test_a_badge_has_letters);
	tcase_add_test(tc, test_any_bytes_are_text);
	tcase_add_test(tc, test_it_is_blended_where_it_lies);
	return unit_run(suite);
}
