/* mux/daemon/clock_floor: what is believed of a clock, and what is kept of it. Clocks are played. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mux/daemon/state/clock_floor.h"
#include "tests/unit/unit.h"

#define REAL 1800000000ull
#define YEAR (365 * 86400ull)

static struct clock_floor f;
static uint64_t real_s, boot_ns;

static void begin(uint64_t kept_s)
{
	real_s = REAL;
	boot_ns = 1000 * NS_PER_S;
	clock_floor_begin(&f, kept_s, real_s, boot_ns);
}

/* Both clocks go on; a look each minute. How often the floor rose. */
static unsigned pass(unsigned minutes)
{
	unsigned n = 0;

	while (minutes--) {
		real_s += 60;
		boot_ns += 60 * NS_PER_S;
		n += clock_floor_look(&f, real_s, boot_ns);
	}
	return n;
}

static uint64_t now_s(void)
{
	return clock_floor_now_s(&f, real_s, boot_ns);
}

/* The floor, slower by a thousandth, but never above the clock that it came from. */
static void assert_floor(uint64_t s)
{
	uint64_t is = clock_mark_now_s(&f.least, boot_ns);

	ck_assert_msg(is <= s && s - is <= 120, "the floor is %lld s off", (long long)(is - s));
}

START_TEST(test_nothing_is_believed_at_once)
{
	begin(0);
	ck_assert_uint_eq(now_s(), REAL);
	ck_assert_uint_eq(pass(9), 0);
	ck_assert_uint_eq(f.least.real_s, 0);
	ck_assert_uint_ge(pass(1), 1);
	assert_floor(real_s);
	real_s -= YEAR;
	ck_assert_uint_ge(now_s(), REAL + 600);
}
END_TEST

START_TEST(test_set_back)
{
	begin(0);
	pass(20);
	real_s -= YEAR;
	for (unsigned i = 0; i < 100; i++) {
		ck_assert_uint_eq(pass(1), 0);
		assert_floor(real_s + YEAR); /* it goes on without the clock */
		ck_assert_uint_eq(now_s(), clock_mark_now_s(&f.least, boot_ns));
	}
	real_s += YEAR; /* right again: by itself */
	ck_assert_uint_eq(now_s(), real_s);
}
END_TEST

/* A wrong answer of a time server, put right after a minute, or nine, again and again. */
START_TEST(test_wild_clock)
{
	begin(0);
	pass(20);
	for (unsigned minutes = 1; minutes <= 9; minutes++) {
		real_s += 80 * YEAR;
		ck_assert_uint_eq(now_s(), real_s); /* the later one, as long as it is shown */
		ck_assert_uint_eq(pass(minutes), 0);
		real_s -= 80 * YEAR;
		ck_assert_uint_eq(now_s(), real_s);
		assert_floor(real_s + 1);
		pass(minutes);
	}
	real_s += 3600; /* summer, on a machine that keeps local time: held, so believed */
	ck_assert_uint_eq(pass(10), 0);
	ck_assert_uint_eq(pass(1), 1);
	assert_floor(real_s);
}
END_TEST

/* Steps of a clock that is kept right a second at a time are no jumps, and add nothing up. */
START_TEST(test_small_steps)
{
	begin(0);
	pass(20);
	for (unsigned day = 0; day < 300; day++) {
		pass(24);
		real_s -= 1;
		assert_floor(real_s + 1);
	}
	pass(30);
	ck_assert_uint_eq(now_s(), real_s);
}
END_TEST

START_TEST(test_suspend)
{
	begin(0);
	pass(20);
	real_s += 8 * 3600 + 2; /* the battery's clock has no fractions */
	boot_ns += 8 * 3600 * NS_PER_S;
	ck_assert_uint_eq(clock_floor_look(&f, real_s, boot_ns), 1);
}
END_TEST

START_TEST(test_kept)
{
	begin(REAL + YEAR); /* the clock was set back while the mux was down */
	ck_assert_uint_eq(now_s(), REAL + YEAR);
	pass(100);
	ck_assert_uint_ge(now_s(), REAL + YEAR + 5900);
	begin(REAL - YEAR);
	ck_assert_uint_eq(now_s(), REAL);
	begin(0);
	real_s = CLOCK_FLOOR_MAX_S + 1;
	ck_assert_uint_eq(pass(100), 0); /* could not be kept */
}
END_TEST

static int load(const char *text, uint64_t *ret, char why[200])
{
	char folder[] = "/tmp/framemux-clock-XXXXXX";
	int dir, fd, rc;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (text) {
		fd = openat(dir, CLOCK_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
		close(fd);
	}
	rc = clock_floor_load(dir, ret, why, 200);
	unlinkat(dir, CLOCK_FILE, 0);
	close(dir);
	rmdir(folder);
	return rc;
}

START_TEST(test_file)
{
	static const char *const bad[] = {"", "framemux clock 1", "framemux clock 1\n",
		"framemux clock 1\n\n", "framemux clock 2\n5\n", "framemux clock 1\n5",
		"framemux clock 1\n0\n", "framemux clock 1\n-5\n", "framemux clock 1\n5 \n",
		"framemux clock 1\n5\n6\n", "framemux clock 1\n253402300800\n",
		"framemux clock 1\n99999999999999999999999999999999999999999999999999999\n"};
	char text[CLOCK_TEXT_MAX], why[200] = "";
	uint64_t s = 7;

	ck_assert_int_eq(load(NULL, &s, why), 0);
	ck_assert_uint_eq(s, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(load(bad[i], &s, why) == -EBADMSG, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(why, "damaged"));
		ck_assert_ptr_nonnull(strstr(why, "remove the file"));
	}
	for (s = 1; s <= CLOCK_FLOOR_MAX_S; s = s * 3 + 1) {
		uint64_t back;

		ck_assert_uint_eq(clock_floor_text(s, text), strlen(text));
		ck_assert_int_eq(load(text, &back, why), 0);
		ck_assert_uint_eq(back, s);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clock_floor");
	TCase *t = tcase_create("clock_floor");

	tcase_add_test(t, test_nothing_is_believed_at_once);
	tcase_add_test(t, test_set_back);
	tcase_add_test(t, test_wild_clock);
	tcase_add_test(t, test_small_steps);
	tcase_add_test(t, test_suspend);
	tcase_add_test(t, test_kept);
	tcase_add_test(t, test_file);
	suite_add_tcase(s, t);
	return unit_run(s);
}
