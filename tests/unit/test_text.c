/* common/text: what may be shown to a person. */
#include <string.h>

#include "common/text.h"
#include "tests/unit/unit.h"

static bool is_plain(const char *text)
{
	return text_is_plain(text, strlen(text));
}

START_TEST(test_plain)
{
	ck_assert(is_plain(""));
	ck_assert(is_plain("porch, 12 s"));
	ck_assert(is_plain("K\xc3\xbc"
			   "che \xe7\x8e\x84\xe9\x97\xa2 \xf0\x9f\x9a\xaa"));
}
END_TEST

START_TEST(test_controls_and_marks)
{
	ck_assert(!is_plain("a\nb"));
	ck_assert(!is_plain("\x1b[2J"));
	ck_assert(!is_plain("\x7f"));
	ck_assert(!is_plain("\xc2\x9b"
			    "31m"));          /* CSI as one character */
	ck_assert(!is_plain("\xe2\x80\xae")); /* right to left override */
	ck_assert(!is_plain("\xe2\x81\xa6")); /* isolate */
}
END_TEST

START_TEST(test_broken_utf8)
{
	static const char *const broken[] = {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "a\xe2\x82", "\xc3("};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		ck_assert_msg(!is_plain(broken[i]), "%zu", i);
}
END_TEST

START_TEST(test_make_plain)
{
	char text[] = "a\x1b[2J \xc3\xbc \xc2\x9b \xff";

	text_make_plain(text, strlen(text));
	ck_assert_str_eq(text, "a?[2J \xc3\xbc ?? ?");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_test(t, test_plain);
	tcase_add_test(t, test_controls_and_marks);
	tcase_add_test(t, test_broken_utf8);
	tcase_add_test(t, test_make_plain);
	suite_add_tcase(s, t);
	return unit_run(s);
}
