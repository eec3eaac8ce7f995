/* mux/daemon/child and disk: what a child is born with, how its end is told, and the writer thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mux/daemon/roles/child.h"
#include "mux/daemon/state/disk.h"
#include "tests/unit/unit.h"

static struct event_base *base;
static int last_status, exits, fds_before;

static void setup(void)
{
	fds_before = unit_count_fds();
	base = event_base_new();
	last_status = -1;
	exits = 0;
}

static void teardown(void)
{
	event_base_free(base);
	ck_assert_int_eq(unit_count_fds(), fds_before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void on_exit_of(void *data, int status)
{
	(void)data;
	last_status = status;
	exits++;
	event_base_loopbreak(base);
}

static void run_until_exit(void)
{
	struct timeval limit = {.tv_sec = 20};

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	ck_assert_int_eq(exits, 1);
}

/* Run a shell script as the child and read what it prints. */
static void run_script(const char *script, struct child_spec *spec, char *out, size_t size)
{
	struct child *c;
	int fds[2];
	ssize_t n, len = 0;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	spec->program = "/bin/sh";
	spec->args[0] = "sh";
	spec->args[1] = "-c";
	spec->args[2] = script;
	spec->fds[spec->n_fds++] = (struct child_fd){fds[1], STDOUT_FILENO};
	ck_assert_int_eq(child_start(base, spec, on_exit_of, NULL, &c), 0);
	ck_assert_int_gt(child_pid(c), 1);
	close(fds[1]);
	run_until_exit();
	while ((n = read(fds[0], out + len, size - 1 - (size_t)len)) > 0)
		len += n;
	out[len] = 0;
	close(fds[0]);
}

/* Sources that are each other's targets, and one below all of them. */
START_TEST(test_overlapping_descriptors)
{
	struct child_spec spec = {.n_fds = 3};
	char out[256] = "", names[3][48];
	int fd[3];

	for (int i = 0; i < 3; i++) {
		snprintf(names[i], sizeof(names[i]), "/tmp/framemux-fd-%d-XXXXXX", i);
		fd[i] = mkstemp(names[i]);
		ck_assert_int_ge(fd[i], 3);
		ck_assert_int_eq(write(fd[i], &"abc"[i], 1), 1);
		lseek(fd[i], 0, SEEK_SET);
		unlink(names[i]);
	}
	spec.fds[0] = (struct child_fd){fd[0], fd[1]};
	spec.fds[1] = (struct child_fd){fd[1], fd[2]};
	spec.fds[2] = (struct child_fd){fd[2], fd[0]};
	{
		char script[128];

		snprintf(script, sizeof(script),
			"for i in %d %d %d; do head -c1 /proc/self/fd/$i; done", fd[1], fd[2],
			fd[0]);
		run_script(script, &spec, out, sizeof(out));
	}
	ck_assert_str_eq(out, "abc");
	ck_assert_int_eq(last_status, 0);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}
END_TEST

START_TEST(test_nothing_else_is_inherited)
{
	struct child_spec spec = {.n_fds = 1};
	int stray = open("/dev/null", O_RDONLY); /* not close-on-exec */
	int high = fcntl(stray, F_DUPFD, 200), given = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char out[2048];

	spec.fds[0] = (struct child_fd){given, 5};
	run_script("ls -l /proc/$$/fd; :", &spec, out, sizeof(out));
	ck_assert_ptr_nonnull(strstr(out, " 0 -> /dev/null\n"));
	ck_assert_ptr_nonnull(strstr(out, " 5 -> /dev/zero\n"));
	for (int fd = 3; fd < 300; fd++) {
		char line[16];

		if (fd == 5) /* given */
			continue;
		snprintf(line, sizeof(line), " %d -> ", fd);
		ck_assert_msg(strstr(out, line) == NULL, "descriptor %d: %s", fd, out);
	}
	close(stray);
	close(high);
	close(given);
}
END_TEST

/* All but 32 and 33: they are the C library's own, which lets nobody change them. */
static unsigned long long ignored_signals(const char *status)
{
	const char *line = strstr(status, "SigIgn:\t");

	ck_assert_ptr_nonnull(line);
	return strtoull(line + strlen("SigIgn:\t"), NULL, 16) & ~(3ull << 31);
}

START_TEST(test_surroundings)
{
	struct child_spec spec = {0};
	char out[1024];

	setenv("SECRET", "1", 1);
	setenv("FRAMEMUX_BREAKAGE", "x", 1);
	setenv("FRAMEMUX_ROLEDIR", "/x", 1);
	setenv("LD_PRELOAD_X", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	run_script("cat /proc/$$/environ | tr '\\0' '\\n'; umask; ulimit -c; "
		   "grep -E '^Sig(Blk|Ign)' /proc/self/status",
		&spec, out, sizeof(out));
	ck_assert_ptr_null(strstr(out, "SECRET"));
	ck_assert_ptr_null(strstr(out, "ROLEDIR"));
	ck_assert_ptr_null(strstr(out, "LD_"));
	ck_assert_ptr_nonnull(strstr(out, "FRAMEMUX_BREAKAGE=x\n"));
	ck_assert_ptr_nonnull(strstr(out, "0077\n0\n"));
	ck_assert_ptr_nonnull(strstr(out, "SigBlk:\t0000000000000000"));
	ck_assert_uint_eq(ignored_signals(out), 0);
	unsetenv("FRAMEMUX_BREAKAGE");
}
END_TEST

START_TEST(test_drop)
{
	struct child_spec spec = {.drop = true, .uid = 65534, .gid = 65533};
	char out[256];

	if (geteuid() != 0)
		return;
	run_script("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/$$/status", &spec, out, sizeof(out));
	ck_assert_ptr_nonnull(strstr(out, "Uid:\t65534\t65534\t65534\t65534"));
	ck_assert_ptr_nonnull(strstr(out, "Gid:\t65533\t65533\t65533\t65533"));
	ck_assert_ptr_nonnull(strstr(out, "Groups:\t \n"));
	ck_assert_ptr_nonnull(strstr(out, "CapEff:\t0000000000000000"));
}
END_TEST

START_TEST(test_ends)
{
	struct child_spec spec = {.program = "/bin/sleep", .args = {"sleep", "100"}};
	struct child *c;
	char text[64];

	ck_assert_int_eq(child_start(base, &spec, on_exit_of, NULL, &c), 0);
	child_kill(c, SIGKILL);
	run_until_exit();
	ck_assert(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGKILL);
	child_status_text(last_status, text, sizeof(text));
	ck_assert_str_eq(text, "was killed by signal 9");
	exits = 0;
	spec.program = "/nowhere/at/all";
	ck_assert_int_eq(child_start(base, &spec, on_exit_of, NULL, &c), 0);
	run_until_exit();
	child_status_text(last_status, text, sizeof(text));
	ck_assert_str_eq(text, "exited with status 71");
	exits = 0;
	spec.program = "/bin/sleep";
	ck_assert_int_eq(child_start(base, &spec, on_exit_of, NULL, &c), 0);
	child_end(c);
	child_end(NULL);
	ck_assert_int_eq(exits, 0);
}
END_TEST

/* A child does not outlive its parent, however that ends. */
START_TEST(test_dies_with_its_parent)
{
	int fds[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct child_spec spec = {.program = "/bin/sleep",
			.args = {"sleep", "1000"},
			.fds = {{fds[1], 5}},
			.n_fds = 1};
		struct child *c;

		event_reinit(base);
		if (child_start(base, &spec, on_exit_of, NULL, &c) == 0)
			usleep(100000);
		kill(getpid(), SIGKILL);
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 0); /* both are gone */
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* ---- the writer thread ---- */

struct job {
	int number, ran_at, done_at;
	pthread_t thread;
};

static int order, done_count;

static int run_job(void *data)
{
	struct job *j = data;

	j->thread = pthread_self();
	j->ran_at = __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
	return -j->number;
}

static void job_done(void *data, int result)
{
	struct job *j = data;

	ck_assert_int_eq(result, -j->number);
	ck_assert_int_eq(pthread_equal(j->thread, pthread_self()), 0);
	j->done_at = ++done_count;
	if (done_count == 8)
		event_base_loopbreak(base);
}

START_TEST(test_disk)
{
	struct timeval limit = {.tv_sec = 20};
	struct job jobs[10] = {{0}};
	struct disk *d;

	ck_assert_int_eq(disk_new(base, &d), 0);
	for (int i = 0; i < 8; i++) {
		jobs[i].number = i;
		ck_assert_int_eq(
			disk_submit(d, &(struct disk_job){run_job, job_done, &jobs[i]}), 0);
	}
	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(jobs[i].ran_at, i + 1);
		ck_assert_int_eq(jobs[i].done_at, i + 1);
	}
	/* what waits at the end is done, too */
	jobs[8].number = 8;
	ck_assert_int_eq(disk_submit(d, &(struct disk_job){run_job, job_done, &jobs[8]}), 0);
	disk_free(d);
	ck_assert_int_eq(done_count, 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("child");
	TCase *tc = tcase_create("child");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_overlapping_descriptors);
	tcase_add_test(tc, test_nothing_else_is_inherited);
	tcase_add_test(tc, test_surroundings);
	tcase_add_test(tc, test_drop);
	tcase_add_test(tc, test_ends);
	tcase_add_test(tc, test_dies_with_its_parent);
	tcase_add_test(tc, test_disk);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
