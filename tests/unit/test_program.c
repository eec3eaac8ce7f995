/* clients/program: how a program begins and ends. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients/program/begin.h"
#include "clients/program/exit_code.h"
#include "clients/program/usage.h"
#include "common/cleanup.h"
#include "tests/unit/unit.h"

START_TEST(test_exit_codes)
{
	static const struct {
		enum framemux_state state;
		const char *reason;
		int code;
	} rows[] = {
		{FRAMEMUX_STATE_CONNECTING, "", 0},
		{FRAMEMUX_STATE_LIVE, "", 0},
		{FRAMEMUX_STATE_STALE, "", 0},
		{FRAMEMUX_STATE_LOST, "the camera is disabled", 0}, /* not final */
		{FRAMEMUX_STATE_REVOKED, "revoked", 77},
		{FRAMEMUX_STATE_REVOKED, "disabled by the kill switch", 69},
		{FRAMEMUX_STATE_REVOKED, "blocked by policy 7", 69},
		{FRAMEMUX_STATE_REFUSED, "", 77},
		{FRAMEMUX_STATE_REFUSED, "the camera is disabled", 69},
		{FRAMEMUX_STATE_CLOSED, "", 69},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(
			exit_code_of(rows[i].state, rows[i].reason) == rows[i].code, "%zu", i);
}
END_TEST

/* As sysexits.h and the manual pages have them. */
START_TEST(test_numbers)
{
	ck_assert_int_eq(EXIT_USAGE, 64);
	ck_assert_int_eq(EXIT_BAD_DATA, 65);
	ck_assert_int_eq(EXIT_LOST, 69);
	ck_assert_int_eq(EXIT_INTERNAL, 70);
	ck_assert_int_eq(EXIT_CREATE, 73);
	ck_assert_int_eq(EXIT_WRITE, 74);
	ck_assert_int_eq(EXIT_TIMEOUT, 75);
	ck_assert_int_eq(EXIT_REFUSED, 77);
	ck_assert_int_eq(EXIT_CONFIG, 78);
}
END_TEST

/* What is opened after it is not taken for a standard stream, and what is printed goes nowhere. */
START_TEST(test_closed_streams)
{
	int before[] = {dup(STDIN_FILENO), dup(STDERR_FILENO)}, fd;
	ssize_t written;

	close(STDIN_FILENO);
	close(STDERR_FILENO);
	program_begin();
	fd = dup(before[1]);
	written = write(STDERR_FILENO, "x", 1);
	dup2(before[0], STDIN_FILENO);
	dup2(before[1], STDERR_FILENO);
	ck_assert_int_gt(fd, STDERR_FILENO);
	ck_assert_int_eq(written, -1);
	close(fd);
	close(before[0]);
	close(before[1]);
}
END_TEST

START_TEST(test_usage)
{
	FILE *f = tmpfile();
	int before = dup(STDERR_FILENO);
	char said[256];
	size_t n;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(dup2(fileno(f), STDERR_FILENO), 0);
	ck_assert_int_eq(usage_error("prog", "not a size", "5x"), EXIT_USAGE);
	ck_assert_int_eq(usage_error("prog", "which camera?", NULL), EXIT_USAGE);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = 0;
	fclose(f);
	ck_assert_str_eq(said,
		"prog: not a size: 5x\nTry prog --help.\n"
		"prog: which camera?\nTry prog --help.\n");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("program");
	TCase *t = tcase_create("program");

	tcase_add_test(t, test_exit_codes);
	tcase_add_test(t, test_numbers);
	tcase_add_test(t, test_usage);
	tcase_add_test(t, test_closed_streams);
	suite_add_tcase(s, t);
	return unit_run(s);
}
