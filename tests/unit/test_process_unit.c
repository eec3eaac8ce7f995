/* mux/daemon/process_unit and token_unit_is_path: what the kernel calls a unit, and what we take. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/token.h"
#include "mux/daemon/broker/process_unit.h"
#include "tests/unit/unit.h"

START_TEST(test_paths)
{
	static const char *const good[] = {"/", "/a", "/system.slice/hub.service", "/a/b/c",
		"/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope", "/a\\x2db/...",
		"/.a/..b"};
	static const char *const bad[] = {"", "a", "hub.service", "./a", "//", "/a/", "/a//b", "/.",
		"/..", "/../a", "/a/../b", "/a/./b", "/a/..", "/a\nb", "/a\x7f"};
	char longest[LIMIT_UNIT + 1];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(token_unit_is_path(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!token_unit_is_path(bad[i]), "%s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[LIMIT_UNIT] = 0;
	ck_assert(!token_unit_is_path(longest));
	longest[LIMIT_UNIT - 1] = 0;
	ck_assert(token_unit_is_path(longest));
}
END_TEST

START_TEST(test_parse)
{
	static const struct {
		const char *text;
		int rc;
		const char *unit;
	} rows[] = {{"0::/\n", 0, "/"}, {"0::/a.slice/b.service\n", 0, "/a.slice/b.service"},
		{"9:name=systemd:/x\n1:cpu:/y\n0::/z\n", 0, "/z"},
		{"0::/first\n0::/second\n", 0, "/first"}, {"", -ENOTSUP, ""},
		{"9:name=systemd:/x\n1:cpu:/y\n", -ENOTSUP, ""}, {"10::/x\n", -ENOTSUP, ""},
		{"0:cpu:/x\n", -ENOTSUP, ""}, {"0::/x", -EBADMSG, ""}, {"0::\n", -EBADMSG, ""},
		{"0::/../x\n", -EBADMSG, ""}, {"1:cpu:/a\n0::0::/x\n", -EBADMSG, ""}};
	char unit[LIMIT_UNIT], text[2 * LIMIT_UNIT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int rc = process_unit_parse(rows[i].text, unit);

		ck_assert_msg(rc == rows[i].rc, "%s: %d", rows[i].text, rc);
		if (rc == 0)
			ck_assert_str_eq(unit, rows[i].unit);
	}
	snprintf(text, sizeof(text), "0::/%0*d\n", (int)LIMIT_UNIT - 2, 0);
	ck_assert_int_eq(process_unit_parse(text, unit), 0);
	snprintf(text, sizeof(text), "0::/%0*d\n", (int)LIMIT_UNIT - 1, 0);
	ck_assert_int_eq(process_unit_parse(text, unit), -ENAMETOOLONG);
}
END_TEST

START_TEST(test_read)
{
	char unit[LIMIT_UNIT];
	int rc = process_unit_read((unsigned)getpid(), unit);

	ck_assert(rc == 0 || rc == -ENOTSUP);
	ck_assert_int_eq(process_unit_read(0, unit), -ENOENT);
	ck_assert_int_eq(process_unit_read(4194305, unit), -ENOENT); /* above every pid_max */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("process_unit");
	TCase *t = tcase_create("process_unit");

	tcase_add_test(t, test_paths);
	tcase_add_test(t, test_parse);
	tcase_add_test(t, test_read);
	suite_add_tcase(s, t);
	return unit_run(s);
}
