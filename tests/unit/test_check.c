/* clients/ctl/check_*: what framemuxctl check takes for a stranger, torn, stale or too early. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/check/check_board.h"
#include "clients/ctl/check/check_look.h"
#include "clients/ctl/check/check_seen.h"
#include "common/clock.h"
#include "common/pattern.h"
#include "tests/unit/unit.h"

#define WIDTH  84u /* 5 blocks, and 4 pixels that are none */
#define HEIGHT 64u
#define BLOCKS 20u
#define FPS    30u
#define NOW    (1000 * NS_PER_S)
#define FRAME  (NS_PER_S / FPS)
#define LIMIT  NS_PER_S

static struct board *board;
static uint8_t luma[WIDTH * HEIGHT], half[WIDTH / 2 * HEIGHT / 2];

static void setup(void)
{
	board = board_new();
	ck_assert_ptr_nonnull(board);
	ck_assert_int_eq(board_add_camera(board, "check-1", WIDTH, HEIGHT, FPS, true), 0);
	ck_assert_int_eq(board_add_camera(board, "check-2", WIDTH, HEIGHT, FPS, false), 0);
}

static void teardown(void)
{
	board_free(board);
	board = NULL;
}

/* Paint some blocks, as a camera that is exact or not would. */
static void paint(unsigned from, unsigned n, uint16_t code, bool is_exact)
{
	for (unsigned i = from; i < from + n; i++) {
		unsigned bx = i % 5, by = i / 5;
		uint16_t here = is_exact ? code : code ^ look_place(bx, by);

		pattern_paint(here,
			luma + (size_t)by * PATTERN_BLOCK * WIDTH + (size_t)bx * PATTERN_BLOCK,
			WIDTH, PATTERN_BLOCK, PATTERN_BLOCK);
	}
}

static struct look look(unsigned camera, bool is_damaged)
{
	return look_at(board, &board->cameras[camera], luma, WIDTH, WIDTH, HEIGHT, is_damaged);
}

static void has(struct look l, unsigned strangers, unsigned torn, unsigned unreadable, int number)
{
	ck_assert_uint_eq(l.blocks, BLOCKS);
	ck_assert_uint_eq(l.strangers, strangers);
	ck_assert_uint_eq(l.torn, torn);
	ck_assert_uint_eq(l.unreadable, unreadable);
	ck_assert_int_eq(l.number, number);
}

START_TEST(test_every_block_is_read)
{
	uint16_t own = pattern_code("check-1", 77);

	pattern_paint(own, luma, WIDTH, WIDTH, HEIGHT);
	has(look(0, false), 0, 0, 0, 77);
	for (unsigned i = 0; i < BLOCKS; i++) {
		paint(i, 1, pattern_code("check-2", 77), true);
		has(look(0, false), 1, 0, 0, 77);
		paint(i, 1, pattern_code("check-1", 78), true);
		has(look(0, false), 0, i ? 1 : BLOCKS - 1, 0, i ? 77 : 78);
		paint(i, 1, own, true);
		luma[(i / 5 * 16 + 8) * WIDTH + i % 5 * 16 + 8] ^=
			0xff; /* one pixel does not count */
		has(look(0, false), 0, 0, 0, 77);
		paint(i, 1, own, true);
	}
	memset(luma, 128, sizeof(luma));
	has(look(0, false), 0, 0, BLOCKS, -1);
	memset(luma, 0, sizeof(luma)); /* erased: all bits 0 */
	has(look(0, false), BLOCKS, 0, 0, -1);
}
END_TEST

START_TEST(test_half_the_size)
{
	pattern_paint(pattern_code("check-1", 5), luma, WIDTH, WIDTH, HEIGHT);
	for (unsigned y = 0; y < HEIGHT / 2; y++)
		for (unsigned x = 0; x < WIDTH / 2; x++)
			half[y * (WIDTH / 2) + x] = luma[2 * y * WIDTH + 2 * x];
	has(look_at(board, &board->cameras[0], half, WIDTH / 2, WIDTH / 2, HEIGHT / 2, false), 0, 0,
		0, 5);
	/* Any other size is nobody's. */
	has(look_at(board, &board->cameras[0], luma, WIDTH, WIDTH, HEIGHT / 2, false), 0, 0, BLOCKS,
		-1);
}
END_TEST

/* A stranger's picture comes in the stranger's size, and is called by its name all the same. */
START_TEST(test_the_size_of_another)
{
	struct look l;

	ck_assert_int_eq(board_add_camera(board, "check-3", 48, 32, FPS, true), 0);
	pattern_paint(pattern_code("check-3", 5), luma, 48, 48, 32);
	l = look_at(board, &board->cameras[0], luma, 48, 48, 32, false);
	ck_assert_uint_eq(l.blocks, 6);
	ck_assert_uint_eq(l.strangers, 6);
	/* In that size, but not painted by it. */
	memset(luma, 128, sizeof(luma));
	l = look_at(board, &board->cameras[0], luma, 48, 48, 32, false);
	ck_assert_uint_eq(l.strangers, 0);
	ck_assert_uint_eq(l.unreadable, 6);
}
END_TEST

START_TEST(test_damaged)
{
	uint16_t own = pattern_code("check-2", 9), other = pattern_code("check-1", 9);

	paint(0, BLOCKS, own, false);
	has(look(1, false), 0, 0, 0, 9);
	has(look(1, true), 0, 0, 0, -1);
	/* What was made up says something else at each place. */
	for (unsigned i = 0; i < BLOCKS; i++)
		paint(i, 1, (uint16_t)(other + i), false);
	has(look(1, true), 0, 0, 0, -1);
	ck_assert_uint_eq(look(1, false).strangers, BLOCKS);
	/* A part of another's picture says one thing at many. */
	paint(0, BLOCKS, own, false);
	paint(3, 7, other, false);
	has(look(1, true), 0, 0, 0, -1);
	paint(3, 8, other, false);
	has(look(1, true), 8, 0, 0, -1);
}
END_TEST

START_TEST(test_seen)
{
	struct board_camera *c = &board->cameras[0];

	/* Numbers 1020 to 1023, 0 to 39, each seen when it was due. */
	for (unsigned i = 0; i < 44; i++)
		seen_note(c, 3, (int)((1020 + i) % BOARD_NUMBERS), NOW + i * FRAME);
	/* The next one was seen at NOW + FRAME. */
	ck_assert(!seen_is_stale(c, 3, 1020, NOW + FRAME + LIMIT - NS_PER_MS, LIMIT));
	ck_assert(seen_is_stale(c, 3, 1020, NOW + FRAME + LIMIT + NS_PER_MS, LIMIT));
	ck_assert(seen_is_stale(c, 3, 1023, NOW + 4 * FRAME + LIMIT + NS_PER_MS, LIMIT));
	ck_assert(!seen_is_stale(c, 3, 39, NOW + 43 * FRAME + 2 * LIMIT, LIMIT)); /* the newest */
	ck_assert(!seen_is_stale(c, 4, 1020, NOW + FRAME + 2 * LIMIT, LIMIT));    /* another life */
	ck_assert(seen_before(c, 3, 1020, NOW + NS_PER_MS));
	ck_assert(!seen_before(c, 3, 1020, NOW));
	ck_assert(!seen_before(c, 4, 1020, NOW + NS_PER_MS));
	ck_assert(!seen_before(c, 3, 100, NOW + NS_PER_MS)); /* nobody has seen it */
	/* The first who saw it counts, until the numbers come round. */
	seen_note(c, 3, 1020, NOW + NS_PER_S);
	ck_assert(seen_before(c, 3, 1020, NOW + NS_PER_MS));
	seen_note(c, 3, 1020, NOW + BOARD_NUMBERS * FRAME);
	ck_assert(!seen_before(c, 3, 1020, NOW + BOARD_NUMBERS * FRAME));
	/* Who was stopped after acquiring notes it late: still of the round before. */
	for (unsigned i = 1; i < BOARD_NUMBERS - 1; i++)
		seen_note(c, 5, (int)i, NOW + i * FRAME + 3 * NS_PER_S);
	ck_assert(!seen_is_stale(c, 5, 0, NOW + BOARD_NUMBERS * FRAME, LIMIT));
	ck_assert(!seen_is_stale(c, 3, 1020, NOW + BOARD_NUMBERS * FRAME + 2 * LIMIT, LIMIT));
}
END_TEST

START_TEST(test_board)
{
	char token[LIMIT_TOKEN];
	struct board_seat *s = &board->seats[0];

	ck_assert_int_eq(board_add_camera(board, "check-1", WIDTH, HEIGHT, FPS, true), -EEXIST);
	ck_assert_int_eq(board_add_camera(board, "check-3", 15, HEIGHT, FPS, true), -EINVAL);
	ck_assert_int_eq(board_add_camera(board, "check-3", WIDTH, HEIGHT, 0, true), -EINVAL);
	ck_assert_uint_eq(board_token(s, token), 0);
	board_set_token(s, "fmx1_A");
	ck_assert_uint_eq(board_token(s, token), 2);
	ck_assert_str_eq(token, "fmx1_A");
	board_set_token(s, "fmx1_B");
	ck_assert_uint_eq(board_token(s, token), 4);
	ck_assert_str_eq(token, "fmx1_B");
}
END_TEST

START_TEST(test_sums)
{
	struct percentiles p;
	struct tally sum;

	board->n_seats = 2;
	for (unsigned i = 1; i <= 100; i++)
		samples_add(&board->seats[i % 2].tally.join, i * NS_PER_MS);
	p = samples_percentiles(&board->seats[0].tally.join, 2, sizeof(board->seats[0]));
	ck_assert_uint_eq(p.n, 100);
	ck_assert_uint_eq(p.p50_us, 51000);
	ck_assert_uint_eq(p.p99_us, 99000);
	ck_assert_uint_eq(p.max_us, 100000);
	/* The newest stay, and the largest for good. */
	for (unsigned i = 0; i < 2 * BOARD_SAMPLES; i++)
		samples_add(&board->seats[i % 2].tally.join, NS_PER_MS);
	p = samples_percentiles(&board->seats[0].tally.join, 2, sizeof(board->seats[0]));
	ck_assert_uint_eq(p.n, 100 + 2 * BOARD_SAMPLES);
	ck_assert_uint_eq(p.p99_us, 1000);
	ck_assert_uint_eq(p.max_us, 100000);
	board->seats[0].tally.frames = 3;
	board->seats[1].tally.frames = 4;
	board->seats[1].tally.unproven_frames = 2; /* the last of the counts */
	board->seats[0].tally.stranger_blocks = 1;
	sum = board_sum(board);
	ck_assert_uint_eq(sum.frames, 7);
	ck_assert_uint_eq(sum.unproven_frames, 2);
	ck_assert_uint_eq(tally_failures(&sum), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("check");
	TCase *tc = tcase_create("check");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_every_block_is_read);
	tcase_add_test(tc, test_half_the_size);
	tcase_add_test(tc, test_the_size_of_another);
	tcase_add_test(tc, test_damaged);
	tcase_add_test(tc, test_seen);
	tcase_add_test(tc, test_board);
	tcase_add_test(tc, test_sums);
	return unit_run(suite);
}
