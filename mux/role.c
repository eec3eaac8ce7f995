/* The first steps of every role, right after exec. Runs in broker, ingest and decode. */
#include "mux/role.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "mux/link.h"

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
	fprintf(stderr, "framemux-%s: %s failed: %m\n", role, what);
	exit(EX_OSERR);
}

static void on_parent_death(int signo)
{
	(void)signo;
	alarm(ROLE_GRACE_S);
}

/*
 * framemuxd's death is told by EOF on the link, and then there are rings to erase: to be killed at
 * that moment would leave frames behind. A role that is stuck and does not see the EOF dies of
 * SIGALRM a little later.
 */
static void outlive_parent_briefly(const char *role)
{
	const struct sigaction on_death = {.sa_handler = on_parent_death, .sa_flags = SA_RESTART};

	signal(SIGALRM, SIG_DFL);
	begin_or_die(role, "sigaction", sigaction(SIGUSR1, &on_death, NULL));
	begin_or_die(role, "PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGUSR1));
}

void role_begin(const char *role, int last_fd)
{
	const struct rlimit no_core = {0, 0};

	log_init(role, 0);
	for (int fd = LINK_FD_DAEMON; fd <= last_fd; fd++) {
		if ((fd == LINK_FD_DAEMON && !is_link(fd)) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			fprintf(stderr, "framemux-%s: only framemuxd starts this program\n", role);
			exit(EX_CONFIG);
		}
	}
	begin_or_die(role, "close_range", (int)syscall(SYS_close_range, last_fd + 1, ~0u, 0));
	outlive_parent_briefly(role);
	begin_or_die(role, "PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	begin_or_die(role, "RLIMIT_CORE", setrlimit(RLIMIT_CORE, &no_core));
	/* Last: setuid and exec would set it again. */
	begin_or_die(role, "PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGIO, SIG_IGN); /* a broken file lease: taken for a moment to see who is left */
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
