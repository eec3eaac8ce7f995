/* The first steps of every role, right after exec, and its watchdog. Runs in broker, ingest and
 * decode. */
#include "mux/role.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/link/birth.h"
#include "mux/walls.h"

#define ROLE_GRACE_S 2u /* from framemuxd's death to a stuck role's */

static char no_memory[64] = "out of memory";

static int is_link(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static void begin_or_die(const char *role, const char *what, int r)
{
	if (r == 0)
		return;
	fprintf(stderr, "framemux-%s: %s failed: %s\n", role, what,
		r == -1 ? strerror(errno) : strerror(-r));
	exit(EX_OSERR);
}

static _Noreturn void end_at_once(const char *line, size_t len)
{
	(void)!write(STDERR_FILENO, line, len);
	_exit(EX_SOFTWARE);
}

/* A handler, because the first process of a pid namespace is not ended by a default action. */
static void on_alarm(int signo)
{
	static const char left[] = "framemux: framemuxd died and its role is stuck: ended\n";
	static const char loop[] = "framemux: a role is in an endless loop: ended\n";

	if (signo == SIGALRM)
		end_at_once(left, sizeof(left) - 1);
	end_at_once(loop, sizeof(loop) - 1);
}

static void on_parent_death(int signo)
{
	(void)signo;
	alarm(ROLE_GRACE_S);
}

/*
 * framemuxd's death is told by EOF on the link, and then there may be rings to erase: to be killed at
 * that moment would leave frames behind. A role that is stuck and does not see the EOF ends by
 * SIGALRM a little later. One without rings is killed by the kernel, which it cannot prevent when it
 * was taken over: a camera's sockets do not outlive framemuxd.
 */
static void end_with_parent(const char *role, bool erases)
{
	const struct sigaction on_death = {.sa_handler = on_parent_death, .sa_flags = SA_RESTART};
	const struct sigaction on_time = {.sa_handler = on_alarm};

	begin_or_die(role, "sigaction", sigaction(SIGALRM, &on_time, NULL));
	begin_or_die(role, "sigaction", sigaction(SIGPROF, &on_time, NULL));
	begin_or_die(role, "sigaction", sigaction(SIGUSR1, &on_death, NULL));
	begin_or_die(role, "PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, erases ? SIGUSR1 : SIGKILL));
}

/* No file, and no process but this one. */
static void limit(const struct role *role)
{
	const struct rlimit none = {0, 0}, files = {role->files, role->files};

	begin_or_die(role->name, "RLIMIT_CORE", setrlimit(RLIMIT_CORE, &none));
	begin_or_die(role->name, "RLIMIT_NPROC", setrlimit(RLIMIT_NPROC, &none));
	begin_or_die(role->name, "RLIMIT_MSGQUEUE", setrlimit(RLIMIT_MSGQUEUE, &none));
	if (role->files)
		begin_or_die(role->name, "RLIMIT_NOFILE", setrlimit(RLIMIT_NOFILE, &files));
}

static _Noreturn void not_for_people(const char *role)
{
	fprintf(stderr, "framemux-%s: only framemuxd starts this program\n", role);
	exit(EX_CONFIG);
}

void role_begin(const struct role *role, char *const argv[])
{
	const char *what = "";
	uint32_t bits;
	uid_t uid;
	int r;

	log_init(role->name, 0);
	if (!role->logs_itself)
		log_through_parent();
	if (!argv[0] || !argv[1] || walls_read(argv[1], &bits, &uid) < 0)
		not_for_people(role->name);
	for (int fd = LINK_FD_DAEMON; fd <= role->last_fd; fd++)
		if ((fd == LINK_FD_DAEMON && !is_link(fd)) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			not_for_people(role->name);
	begin_or_die(role->name, "close_range",
		(int)syscall(SYS_close_range, role->last_fd + 1, ~0u, 0));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* a broken file lease: taken for a moment to see who is left */
	r = walls_raise(bits, uid, &what);
	begin_or_die(role->name, what, r);
	limit(role);
	/* Last: a change of uid clears the one and sets the other again. */
	end_with_parent(role->name, role->erases);
	begin_or_die(role->name, "PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0));
}

void role_confined(const struct role *role, int r)
{
	begin_or_die(role->name, "seccomp", r);
}

void role_turn(void)
{
	const struct itimerval turn = {.it_value = {.tv_sec = ROLE_TURN_S}};
	static uint64_t armed_ns;
	uint64_t now = clock_monotonic_ns();

	if (armed_ns && now - armed_ns < NS_PER_S) /* one call a second, not one a turn */
		return;
	armed_ns = now;
	(void)setitimer(ITIMER_PROF, &turn, NULL);
}

int role_limit_memory(uint32_t mb)
{
	struct rlimit limit = {(rlim_t)mb << 20, (rlim_t)mb << 20};

	if (mb == 0)
		return -EINVAL;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	limit.rlim_cur = RLIM_INFINITY; /* the sanitizer's own maps would be counted */
	limit.rlim_max = RLIM_INFINITY;
#endif
	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		return -errno;
	snprintf(no_memory, sizeof(no_memory), "above its memory limit of %u MB", mb);
	return 0;
}

const char *role_no_memory(void)
{
	return no_memory;
}
