/* mux/daemon/role_lines and role_log: what becomes of what a role writes on its standard error. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/daemon/roles/child.h"
#include "mux/daemon/roles/role_lines.h"
#include "tests/unit/unit.h"

#define SEEN_MAX 300

static struct {
	char text[SEEN_MAX][ROLE_LINE_BYTES];
	int priority[SEEN_MAX];
	unsigned n;
} seen;

static void emit(void *data, int priority, const char *text)
{
	(void)data;
	ck_assert_uint_lt(seen.n, SEEN_MAX);
	snprintf(seen.text[seen.n], ROLE_LINE_BYTES, "%s", text);
	seen.priority[seen.n++] = priority;
}

static struct role_lines begin(void)
{
	seen.n = 0;
	return (struct role_lines){.emit = emit};
}

static void feed(struct role_lines *l, const char *text, uint64_t now_ns)
{
	role_lines_feed(l, text, strlen(text), now_ns);
}

START_TEST(test_lines)
{
	struct role_lines l = begin();

	feed(&l, "<3>one\n<6>tw", 0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_str_eq(seen.text[0], "one");
	ck_assert_int_eq(seen.priority[0], LOG_ERR);
	feed(&l, "o\n\n<4>\nthree", 0);
	ck_assert_uint_eq(seen.n, 2); /* empty ones say nothing */
	ck_assert_str_eq(seen.text[1], "two");
	ck_assert_int_eq(seen.priority[1], LOG_INFO);
	role_lines_end(&l);
	ck_assert_uint_eq(seen.n, 3);
	ck_assert_str_eq(seen.text[2], "three");
	ck_assert_int_eq(seen.priority[2], LOG_WARNING);
	role_lines_end(&l);
	ck_assert_uint_eq(seen.n, 3);
}
END_TEST

static const struct {
	const char *line, *text;
	int priority;
} levels[] = {
	{"<0>x\n", "x", LOG_ERR}, /* no role shouts louder */
	{"<2>x\n", "x", LOG_ERR},
	{"<7>x\n", "x", LOG_DEBUG},
	{"<8>x\n", "<8>x", LOG_WARNING},
	{"<33>x\n", "<33>x", LOG_WARNING},
	{"<x\n", "<x", LOG_WARNING},
	{"<3>framemuxd: ended\n", "framemuxd: ended", LOG_ERR}, /* the name comes before it */
	{"<3><0>x\n", "<0>x", LOG_ERR},
};

START_TEST(test_levels)
{
	struct role_lines l = begin();

	feed(&l, levels[_i].line, 0);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_str_eq(seen.text[0], levels[_i].text);
	ck_assert_int_eq(seen.priority[0], levels[_i].priority);
}
END_TEST

START_TEST(test_long_and_cut)
{
	char big[3 * ROLE_LINE_BYTES];
	struct role_lines l = begin();

	memset(big, 'a', sizeof(big));
	role_lines_feed(&l, big, sizeof(big), 0);
	role_lines_feed(&l, "b\0c\n", 4, 0); /* a zero hides nothing */
	ck_assert_uint_eq(seen.n, 4);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(strlen(seen.text[i]), ROLE_LINE_BYTES - 1);
	ck_assert_str_eq(seen.text[3], "aaab?c");
}
END_TEST

START_TEST(test_so_many_in_a_second)
{
	uint64_t until, now = 5 * NS_PER_S;
	struct role_lines l = begin();

	for (unsigned i = 0; i < ROLE_LINES_MAX - 1; i++)
		feed(&l, "x\n", now);
	ck_assert(!role_lines_is_full(&l, &until));
	feed(&l, "\n", now); /* an empty one counts as well */
	ck_assert(role_lines_is_full(&l, &until));
	ck_assert_uint_eq(until, now + NS_PER_S);
	feed(&l, "y\ny\ny\n", now + NS_PER_S - 1);
	ck_assert_uint_eq(seen.n, ROLE_LINES_MAX - 1);
	feed(&l, "", now + NS_PER_S);
	ck_assert_uint_eq(seen.n, ROLE_LINES_MAX);
	ck_assert_str_eq(seen.text[seen.n - 1], "... 3 lines left out");
	feed(&l, "z\n", now + NS_PER_S);
	ck_assert_str_eq(seen.text[seen.n - 1], "z");
	ck_assert(!role_lines_is_full(&l, &until));
}
END_TEST

START_TEST(test_last_words)
{
	struct role_lines l = begin();

	for (unsigned i = 0; i < ROLE_LINES_MAX + 7; i++)
		feed(&l, "x\n", NS_PER_S);
	role_lines_last_words(&l, NS_PER_S); /* in the same second */
	feed(&l, "it hurts", NS_PER_S);
	role_lines_end(&l);
	ck_assert_uint_eq(seen.n, ROLE_LINES_MAX + 2);
	ck_assert_str_eq(seen.text[seen.n - 2], "... 7 lines left out");
	ck_assert_str_eq(seen.text[seen.n - 1], "it hurts");
}
END_TEST

/* ---- with a real child ------------------------------------------------------------------------ */

static struct event_base *base;
static int exits;

static void on_exit_of(void *data, int status)
{
	(void)data;
	(void)status;
	exits++;
	event_base_loopbreak(base);
}

/* What is in our log when it has ended. Afterwards stderr is as it was. */
static void log_of(const char *script, char *ret, size_t size)
{
	const struct timeval limit = {.tv_sec = 20};
	struct child_spec spec = {
		.program = "/bin/sh", .args = {"sh", "-c", script}, .log_as = "decode porch"};
	char path[] = "/tmp/framemux-log-XXXXXX";
	int before = dup(STDERR_FILENO), file = mkstemp(path), fds = unit_count_fds();
	struct child *c;
	siginfo_t dead;
	ssize_t n;

	ck_assert_int_ge(file, 0);
	unlink(path);
	log_init("framemuxd", 0);
	dup2(file, STDERR_FILENO);
	base = event_base_new();
	exits = 0;
	ck_assert_int_eq(child_start(base, &spec, on_exit_of, NULL, &c), 0);
	/* Dead before anything is read, so that it is not chance which is seen first. */
	ck_assert_int_eq(waitid(P_PID, (id_t)child_pid(c), &dead, WEXITED | WNOWAIT), 0);
	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	event_base_free(base);
	dup2(before, STDERR_FILENO);
	close(before);
	ck_assert_int_eq(exits, 1);
	n = pread(file, ret, size - 1, 0);
	ck_assert_int_ge(n, 0);
	ret[n] = 0;
	close(file);
	ck_assert_int_eq(unit_count_fds(), fds - 2);
}

START_TEST(test_a_childs_log)
{
	char log[4096];

	log_of("printf '<3>one\\n<6>silent\\n\\033[2Jtwo\\nlast' >&2; kill -9 $$", log,
		sizeof(log));
	ck_assert_str_eq(log, "decode porch: one\ndecode porch: ?[2Jtwo\ndecode porch: last\n");
}
END_TEST

/* More than is read at once. */
START_TEST(test_last_lines)
{
	char log[1 << 14];

	log_of("i=0; while [ $i -lt 60 ]; do printf '%0100d\\n' $i; i=$((i+1)); done; echo last; "
	       "kill -9 $$",
		log, sizeof(log));
	ck_assert_ptr_nonnull(strstr(log, "0059\n"));
	ck_assert_ptr_nonnull(strstr(log, "decode porch: last\n"));
}
END_TEST

/* It is not our file that it has: not to be cut, read, nor filled. */
START_TEST(test_a_childs_stderr)
{
	char log[4096];

	log_of("readlink /proc/$$/fd/1; readlink /proc/$$/fd/2", log, sizeof(log));
	ck_assert_msg(!strncmp(log, "decode porch: pipe:", 19), "%s", log);
	ck_assert_ptr_nonnull(strstr(log, "\ndecode porch: pipe:"));
}
END_TEST

START_TEST(test_a_flood)
{
	static char log[1u << 20];
	unsigned lines = 0;

	log_of("i=0; while [ $i -lt 3000 ]; do echo \"line $i\" >&2; i=$((i+1)); done 2>&1", log,
		sizeof(log));
	for (const char *p = log; (p = strchr(p, '\n')); p++)
		lines++;
	ck_assert_uint_ge(lines, ROLE_LINES_MAX);
	ck_assert_uint_lt(lines, 3000); /* it takes no half a minute */
	ck_assert_ptr_nonnull(strstr(log, "decode porch: line 0\n"));
	ck_assert_ptr_nonnull(strstr(log, " lines left out\n"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("role_log");
	TCase *t = tcase_create("lines"), *u = tcase_create("child");

	tcase_add_test(t, test_lines);
	tcase_add_loop_test(t, test_levels, 0, sizeof(levels) / sizeof(levels[0]));
	tcase_add_test(t, test_long_and_cut);
	tcase_add_test(t, test_so_many_in_a_second);
	tcase_add_test(t, test_last_words);
	tcase_add_test(u, test_a_childs_log);
	tcase_add_test(u, test_last_lines);
	tcase_add_test(u, test_a_childs_stderr);
	tcase_add_test(u, test_a_flood);
	tcase_set_timeout(u, 60);
	suite_add_tcase(s, t);
	suite_add_tcase(s, u);
	return unit_run(s);
}
