/* common/utc: moments as text. */
#include "common/utc.h"

#include <errno.h>

#include "common/cleanup.h"
#include "tests/unit/unit.h"

START_TEST(test_text)
{
	char text[UTC_TEXT_MAX];

	utc_text(0, text);
	ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
	utc_text(1795392000, text);
	ck_assert_str_eq(text, "2026-11-23T00:00:00Z");
	utc_text(253402300799, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
	utc_text(253402300800, text);
	ck_assert_str_eq(text, "");
	utc_text(UINT64_MAX, text);
	ck_assert_str_eq(text, "");
	utc_text_ms(1795392000007, text);
	ck_assert_str_eq(text, "2026-11-23T00:00:00.007Z");
	utc_text_ms(UINT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(test_parse)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {{"1970-01-01T00:00:00Z", 0}, {"1970-01-01T00:00:00.001Z", 1},
		{"2026-11-23T00:00:00Z", 1795392000000},
		{"2024-02-29T23:59:59.999Z", 1709251199999},
		{"9999-12-31T23:59:59Z", 253402300799000}};
	static const char *const bad[] = {"", "Z", "2026-11-23T00:00:00", "2026-11-23T00:00:00z",
		"2026-11-23 00:00:00Z", "2026-11-23T00:00:00.0Z", "2026-11-23T00:00:00,000Z",
		"2026-11-40T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T00:60:00Z",
		"2026-11-23T00:00:60Z", "1969-12-31T23:59:59Z", "2026-11-23T00:00:00+00:00",
		"-026-11-23T00:00:00Z", "2026-11-2 T00:00:00Z", "2026-11-23T00:00:00ZZ"};
	uint64_t ms = 5;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(utc_parse(bad[i], strlen(bad[i]), &ms) == -EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(ms, 5);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_msg(utc_parse(good[i].text, strlen(good[i].text), &ms) == 0, "%s",
			good[i].text);
		ck_assert_uint_eq(ms, good[i].ms);
	}
	ck_assert_int_eq(utc_parse("2026-11-23T00:00:00Z and more", UTC_S_LEN, &ms), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("utc");
	TCase *t = tcase_create("utc");

	tcase_add_test(t, test_text);
	tcase_add_test(t, test_parse);
	suite_add_tcase(s, t);
	return unit_run(s);
}
