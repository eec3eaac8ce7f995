/* mux/resolve/confine: what a resolver that was taken over can do, tried in a child each. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "mux/resolve/confine.h"
#include "tests/unit/unit.h"

static char secret[64]; /* a file outside of what is read */

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Each: 0 when it was possible, or errno. */
static int error_of(long r)
{
	return r < 0 ? errno : 0;
}

static int read_secret(void)
{
	return error_of(open(secret, O_RDONLY | O_CLOEXEC));
}

static int write_secret(void)
{
	return error_of(open(secret, O_WRONLY | O_CLOEXEC));
}

static int make_file(void)
{
	return error_of(open("/tmp/framemux-made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_secret(void)
{
	return error_of(unlink(secret));
}

static int open_up(void)
{
	return error_of(chmod(secret, 0666));
}

static int run(void)
{
	char name[] = "true", *const argv[] = {name, NULL};

	return error_of(execve("/bin/true", argv, argv + 1));
}

static int fork_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return error_of(pid);
}

static int trace_parent(void)
{
	return error_of(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int signal_parent(void)
{
	return error_of(kill(getppid(), 0));
}

static int starve_parent(void)
{
	const struct rlimit none = {0, 0};

	return error_of(syscall(SYS_prlimit64, getppid(), RLIMIT_CORE, &none, NULL));
}

static int new_namespace(void)
{
	return error_of(syscall(SYS_unshare, 0x10000000)); /* CLONE_NEWUSER */
}

static int unix_socket(void)
{
	return error_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int connect_to(int type, uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	cleanup_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	return error_of(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int connect_anywhere(void)
{
	return connect_to(SOCK_STREAM, 554);
}

static int ask_by_tcp(void)
{
	int e = connect_to(SOCK_STREAM, 53);

	return e == ECONNREFUSED ? 0 : e;
}

static int ask_by_udp(void)
{
	return connect_to(SOCK_DGRAM, 53);
}

static int read_hosts(void)
{
	return error_of(open("/etc/hosts", O_RDONLY | O_CLOEXEC));
}

static int find_localhost(void)
{
	struct addrinfo *list = NULL;
	int r = getaddrinfo("localhost", NULL, NULL, &list);

	if (list)
		freeaddrinfo(list);
	return r ? EHOSTUNREACH : 0;
}

enum wall {
	FILTER,
	FILES,   /* Landlock */
	PORTS,   /* Landlock, ABI 4 */
	PROCESS, /* a limit; root without a user namespace is not bound by it */
	NO_UNIX, /* the filter, when its uid is the mux's */
	OPEN,
};

static const struct {
	const char *what;
	int (*attempt)(void);
	enum wall wall;
} cases[] = {
	{"read a secret", read_secret, FILES},
	{"write to a file", write_secret, FILES},
	{"make a file", make_file, FILES},
	{"remove a file", remove_secret, FILES},
	{"change a file's mode", open_up, FILTER},
	{"run a program", run, FILTER},
	{"fork", fork_one, PROCESS},
	{"trace its parent", trace_parent, FILTER},
	{"signal its parent", signal_parent, FILTER},
	{"limit its parent", starve_parent, FILTER},
	{"make a namespace", new_namespace, FILTER},
	{"use a UNIX socket", unix_socket, NO_UNIX},
	{"connect to a camera", connect_anywhere, PORTS},
	{"ask by TCP", ask_by_tcp, OPEN},
	{"ask by UDP", ask_by_udp, OPEN},
	{"read hosts(5)", read_hosts, OPEN},
	{"find localhost", find_localhost, OPEN},
};

static bool is_forbidden(enum wall wall, bool has_own_uid)
{
	switch (wall) {
	case FILTER:
		return true;
	case FILES:
		return landlock_abi() >= 1;
	case PORTS:
		return landlock_abi() >= 4;
	case NO_UNIX:
		return !has_own_uid;
	default:
		return false;
	}
}

static int in_child(int (*attempt)(void), bool has_own_uid)
{
	const char *what = "";
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (resolve_confine(has_own_uid, &what) < 0)
			_exit(255);
		_exit(attempt());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != 255, "status %#x", status);
	return WEXITSTATUS(status);
}

START_TEST(test_confined)
{
	bool has_own_uid = _i % 2;
	enum wall wall = cases[_i / 2].wall;
	int got, fd;

	strcpy(secret, "/tmp/framemux-secret-XXXXXX");
	fd = mkstemp(secret);
	ck_assert_int_ge(fd, 0);
	close(fd);
	got = in_child(cases[_i / 2].attempt, has_own_uid);
	unlink(secret);
	if (wall == PROCESS)
		ck_assert(got == (geteuid() == 0 ? 0 : EAGAIN));
	else if (is_forbidden(wall, has_own_uid))
		ck_assert_msg(
			got == EACCES || got == EPERM, "%s: %s", cases[_i / 2].what, strerror(got));
	else if (wall == OPEN || wall == NO_UNIX)
		ck_assert_msg(got == 0, "%s: %s", cases[_i / 2].what, strerror(got));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("resolve");
	TCase *t = tcase_create("confine");

	tcase_add_loop_test(t, test_confined, 0, 2 * (int)ARRAY_SIZE(cases));
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	return unit_run(s);
}
