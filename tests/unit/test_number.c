/* common/number: numbers, sizes and durations as people write them. */
#include "common/number.h"

#include <errno.h>

#include "common/cleanup.h"
#include "tests/unit/unit.h"

START_TEST(test_numbers)
{
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "10",
		"18446744073709551616", "28446744073709551616"};
	uint32_t small;
	uint64_t n;

	ck_assert_int_eq(number_parse("18446744073709551615", 0, UINT64_MAX, &n), 0);
	ck_assert_uint_eq(n, UINT64_MAX);
	ck_assert_int_eq(number_parse("18446744073709551616", 0, UINT64_MAX, &n), -EINVAL);
	ck_assert_int_eq(number_parse("007", 0, 9, &n), 0); /* decimal, as it says */
	ck_assert_uint_eq(n, 7);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(number_parse(bad[i], 0, 9, &n) == -EINVAL, "%s", bad[i]);
	ck_assert_int_eq(number_parse("3", 4, 9, &n), -EINVAL);
	ck_assert_int_eq(number_parse("4", 4, 9, &n), 0);
	ck_assert_int_eq(number_parse("9", 4, 9, &n), 0);
	ck_assert_int_eq(number_parse_u32("4294967295", 0, UINT32_MAX, &small), 0);
	ck_assert_uint_eq(small, UINT32_MAX);
	ck_assert_int_eq(number_parse_u32("4294967296", 0, UINT32_MAX, &small), -EINVAL);
	ck_assert_uint_eq(small, UINT32_MAX);
}
END_TEST

START_TEST(test_sizes)
{
	static const char *const bad[] = {"", "x", "1x", "x1", "0x5", "5x0", "8193x1", "1x8193",
		"1X2", "1x2x3", " 1x2", "1x-2", "12345678901x1"};
	uint32_t w = 0, h = 0;

	ck_assert_int_eq(number_size("1280x720", &w, &h), 0);
	ck_assert_uint_eq(w, 1280);
	ck_assert_uint_eq(h, 720);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(number_size(bad[i], &w, &h) == -EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(w, 1280);
	ck_assert_int_eq(number_size("8192x8192", &w, &h), 0);
}
END_TEST

START_TEST(test_durations)
{
	static const struct {
		const char *text;
		uint64_t s;
	} good[] = {{"0s", 0}, {"1s", 1}, {"90s", 90}, {"5m", 300}, {"24h", 86400},
		{"30d", 2592000}, {"50d", 50 * 86400}, {"4320000s", 50 * 86400},
		{"never", NUMBER_NEVER}};
	static const char *const bad[] = {"", "s", "5", "5 m", "-5m", "+5m", "5M", "5w", "5.5h",
		"5mm", "Never", "51d", "4320001s", "99999999999999d", "18446744073709551616s",
		"0x5s"};
	uint64_t s;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_msg(
			number_duration(good[i].text, 50 * 86400, &s) == 0, "%s", good[i].text);
		ck_assert_uint_eq(s, good[i].s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(number_duration(bad[i], 50 * 86400, &s) == -EINVAL, "%s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("number");
	TCase *t = tcase_create("number");

	tcase_add_test(t, test_numbers);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_durations);
	suite_add_tcase(s, t);
	return unit_run(s);
}
