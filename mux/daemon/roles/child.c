/*
 * Starts, watches and reaps the processes of the mux. Runs in framemuxd. Between fork and exec only
 * async-signal-safe calls are made: framemuxd has a second thread.
 */
#include "mux/daemon/roles/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "mux/daemon/roles/role_log.h"

#define FD_HIGH    64 /* above every fixed number: a safe place while descriptors move */
#define ENV_MAX    8u
#define SIGNAL_MAX 64

struct child {
	pid_t pid;
	int pidfd; /* owned */
	struct event *event;
	struct role_log *log; /* owned; NULL: it logs by itself */
	child_exit_fn *on_exit;
	void *data;
};

/* Everything that the child needs, made before the fork. */
struct birth {
	const struct child_spec *spec;
	char *argv[CHILD_ARGS_MAX + 1], *envp[ENV_MAX];
	int null_fd, log_fd; /* log_fd: -1 when it logs by itself */
	pid_t parent;
};

static const char *const env_allowed[] = {
	"FRAMEMUX_BREAKAGE", "JOURNAL_STREAM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};

/* The environment's own strings, "NAME=VALUE". */
static void pick_environment(char *envp[ENV_MAX])
{
	size_t n = 0;

	for (char **e = environ; e && *e; e++)
		for (size_t i = 0; i < ARRAY_SIZE(env_allowed); i++) {
			size_t len = strlen(env_allowed[i]);

			if (!strncmp(*e, env_allowed[i], len) && (*e)[len] == '=' &&
				n + 1 < ENV_MAX)
				envp[n++] = *e;
		}
	envp[n] = NULL;
}

static _Noreturn void die(const char *what)
{
	static const char hint[] = "framemuxd: cannot start a process: ";

	(void)!write(STDERR_FILENO, hint, sizeof(hint) - 1);
	(void)!write(STDERR_FILENO, what, strlen(what));
	(void)!write(STDERR_FILENO, "\n", 1);
	_exit(EX_OSERR);
}

/* First everything out of the way of the fixed numbers, then everything to its number. */
static void place_descriptors(const struct birth *b)
{
	const struct child_spec *s = b->spec;
	int high[CHILD_FDS_MAX], last = STDERR_FILENO, null_fd, log_fd = -1;
	bool has_stdin = false, has_stdout = false;

	null_fd = fcntl(b->null_fd, F_DUPFD_CLOEXEC, FD_HIGH);
	if (null_fd < 0)
		die("dup");
	if (b->log_fd >= 0 && (log_fd = fcntl(b->log_fd, F_DUPFD_CLOEXEC, FD_HIGH)) < 0)
		die("dup");
	for (size_t i = 0; i < s->n_fds; i++) {
		high[i] = fcntl(s->fds[i].fd, F_DUPFD_CLOEXEC, FD_HIGH);
		if (high[i] < 0)
			die("dup");
	}
	for (size_t i = 0; i < s->n_fds; i++) {
		int at = s->fds[i].at;

		if (dup2(high[i], at) < 0)
			die("dup2");
		has_stdin |= at == STDIN_FILENO;
		has_stdout |= at == STDOUT_FILENO;
		if (at > last)
			last = at;
	}
	if (b->log_fd >= 0 && dup2(log_fd, STDERR_FILENO) < 0)
		die("dup2");
	if (!has_stdin && dup2(null_fd, STDIN_FILENO) < 0)
		die("dup2");
	if (!has_stdout && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		die("dup2");
	for (int fd = STDERR_FILENO + 1; fd < last; fd++) {
		bool given = false;

		for (size_t i = 0; i < s->n_fds; i++)
			given |= s->fds[i].at == fd;
		if (!given)
			close(fd);
	}
	/* Whatever a library opened without close-on-exec goes, too. */
	if (syscall(SYS_close_range, last + 1, ~0u, 0) < 0)
		die("close_range");
}

/* Plain system calls: glibc's would try to tell other threads, which do not exist here. */
static void drop_user(const struct child_spec *s)
{
	if (!s->drop)
		return;
	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
		syscall(SYS_setresgid, s->gid, s->gid, s->gid) < 0 ||
		syscall(SYS_setresuid, s->uid, s->uid, s->uid) < 0)
		die("setuid");
}

static _Noreturn void become(const struct birth *b)
{
	const struct rlimit no_core = {0, 0};
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i <= SIGNAL_MAX; i++)
		sigaction(i, &standard, NULL); /* fails for KILL and STOP: as it should */
	place_descriptors(b);
	umask(077);
	setrlimit(RLIMIT_CORE, &no_core);
	drop_user(b->spec);
	/* After setuid, which clears it. If framemuxd died before this, nobody would tell us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
		(!b->spec->own_pids &&
			getppid() != b->parent)) /* its parent is not of its namespace */
		die("framemuxd is gone");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(b->spec->program, b->argv, b->envp);
	die(b->spec->program);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct child *c = data;
	int status = 0;

	(void)fd;
	(void)what;
	if (waitpid(c->pid, &status, WNOHANG) == 0)
		return;
	event_free(c->event);
	close(c->pidfd);
	role_log_end(c->log);
	c->on_exit(c->data, status);
	free(c);
}

static void kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
}

static int watch(struct event_base *base, struct child *c)
{
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0)
		return -errno;
	c->event = event_new(base, c->pidfd, EV_READ | EV_PERSIST, on_readable, c);
	if (!c->event)
		return -ENOMEM;
	return event_add(c->event, NULL) < 0 ? -ENOMEM : 0;
}

/* As fork(2), but for the namespace. The child's pid, or -errno. */
static pid_t bear(const struct birth *b)
{
	sigset_t all, before;
	pid_t pid;

	/* A signal handler that ran in the child would write into the parent's wake-up pipe. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = b->spec->own_pids ? (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0)
				: fork();
	if (pid == 0)
		become(b);
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void free_unborn(struct child *c)
{
	if (c->event)
		event_free(c->event);
	role_log_end(c->log);
	cleanup_close(&c->pidfd);
	free(c);
}

int child_start(struct event_base *base, const struct child_spec *spec, child_exit_fn *on_exit,
	void *data, struct child **ret)
{
	cleanup_fd int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), log_fd = -1;
	struct birth b = {.spec = spec, .parent = getpid(), .null_fd = null_fd};
	struct child *c;
	int rc = 0;

	if (null_fd < 0)
		return -errno;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct child){.pidfd = -1, .on_exit = on_exit, .data = data};
	for (size_t i = 0; i < CHILD_ARGS_MAX && spec->args[i]; i++)
		b.argv[i] = (char *)spec->args[i];
	pick_environment(b.envp);
	if (spec->log_as && !breakage("daemon-shares-log"))
		rc = role_log_new(base, spec->log_as, &log_fd, &c->log);
	b.log_fd = log_fd;
	if (!rc) {
		c->pid = bear(&b);
		rc = c->pid < 0 ? c->pid : watch(base, c);
		if (rc < 0 && c->pid > 0)
			kill_and_wait(c->pid);
	}
	if (rc < 0) {
		free_unborn(c);
		return rc;
	}
	*ret = c;
	return 0;
}

pid_t child_pid(const struct child *c)
{
	return c ? c->pid : 0;
}

void child_kill(struct child *c, int signo)
{
	(void)syscall(SYS_pidfd_send_signal, c->pidfd, signo, NULL, 0);
}

void child_end(struct child *c)
{
	if (!c)
		return;
	kill_and_wait(c->pid);
	event_free(c->event);
	close(c->pidfd);
	role_log_end(c->log);
	free(c);
}

void child_status_text(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(out, size, "was killed for a forbidden system call");
	else if (WIFSIGNALED(status))
		snprintf(out, size, "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(out, size, "exited with status %d", WEXITSTATUS(status));
}
