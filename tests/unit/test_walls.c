/* mux/walls: what a probe makes of a kernel that says no, and of one that is short of something.
 * Each case is tried in a child, with a real shortage. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "mux/walls.h"
#include "tests/unit/unit.h"

#define SOME_UID 700123u

enum verdict {
	FOUND,
	ABSENT,
	UNKNOWN,
	NO_MATTER, /* this kernel cannot be brought into that state */
};

static uid_t probe_uid(void)
{
	return geteuid() == 0 ? SOME_UID : 0;
}

static enum verdict probe(enum wall w, int error)
{
	uint32_t broker = 0, pair = 0;
	const char *what = "";
	int r = walls_probe(probe_uid(), &broker, &pair, &what);

	if (r == error && !strcmp(what, wall_name(w)))
		return UNKNOWN;
	if (r < 0)
		return NO_MATTER;
	return pair & WALL_BIT(w) ? FOUND : ABSENT;
}

static enum verdict in_child(enum verdict (*body)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit((int)body());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return (enum verdict)WEXITSTATUS(status);
}

static enum verdict with_all(void)
{
	return probe(WALL_LANDLOCK, -EMFILE);
}

/* Room for the pipe of the probe, and for nothing else. */
static enum verdict without_descriptors(void)
{
	const struct rlimit five = {5, 5};

	syscall(SYS_close_range, 3, ~0u, 0);
	if (setrlimit(RLIMIT_NOFILE, &five) < 0)
		return NO_MATTER;
	return probe(WALL_LANDLOCK, -EMFILE);
}

static bool write_to(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) > 0;
}

/* A user namespace of our own, whose limit is ours; not as root in it, so that USER comes first. */
static bool enter_with_limit(const char *limit)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "1000 %u 1\n", geteuid());
	snprintf(gids, sizeof(gids), "1000 %u 1\n", getegid());
	return unshare(CLONE_NEWUSER) == 0 && write_to("/proc/self/setgroups", "deny") &&
		write_to("/proc/self/uid_map", uids) && write_to("/proc/self/gid_map", gids) &&
		write_to("/proc/sys/user/max_user_namespaces", limit);
}

static enum verdict with_none_allowed(void)
{
	return enter_with_limit("0\n") ? probe(WALL_USER, -ENOSPC) : NO_MATTER;
}

static enum verdict with_one_allowed(void)
{
	return enter_with_limit("1\n") ? probe(WALL_USER, -ENOSPC) : NO_MATTER;
}

static enum verdict with_the_last_one_taken(void)
{
	enum verdict v = NO_MATTER;
	int ends[2];
	char byte;
	pid_t pid;

	if (!enter_with_limit("1\n") || pipe(ends) < 0)
		return NO_MATTER;
	pid = fork();
	if (pid == 0) {
		(void)!write(ends[1], unshare(CLONE_NEWUSER) == 0 ? "y" : "n", 1);
		for (;;)
			pause();
	}
	if (pid > 0 && read(ends[0], &byte, 1) == 1 && byte == 'y')
		v = probe(WALL_USER, -ENOSPC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return v;
}

START_TEST(test_a_shortage_is_no_answer)
{
	if (in_child(with_all) != FOUND)
		return; /* nothing to be short of */
	ck_assert_int_eq(in_child(without_descriptors), UNKNOWN);
}
END_TEST

START_TEST(test_none_allowed_is_an_answer_but_none_left_is_not)
{
	if (in_child(with_one_allowed) != FOUND)
		return; /* no user namespaces here at all */
	ck_assert_int_eq(in_child(with_none_allowed), ABSENT);
	ck_assert_int_eq(in_child(with_the_last_one_taken), UNKNOWN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walls");
	TCase *t = tcase_create("probe");

	tcase_add_test(t, test_a_shortage_is_no_answer);
	tcase_add_test(t, test_none_allowed_is_an_answer_but_none_left_is_not);
	suite_add_tcase(s, t);
	return unit_run(s);
}
