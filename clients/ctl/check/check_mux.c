/* Starts and ends a framemuxd for a check. In framemuxctl's process. */
#include "clients/ctl/check/check_mux.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/program/exit_code.h"
#include "common/cleanup.h"

#define READY_MS  20000
#define END_MS    10000
#define READY_FD  3
#define LOG_LINES 12
#define LOG_BYTES 4096
#define WALK_FDS  16

static int complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(int code, const char *format, ...)
{
	va_list args;

	fputs("framemuxctl: check: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* --- where framemuxd is ---------------------------------------------------------------------- */

static bool try_path(char *ret, size_t size, const char *folder, const char *name)
{
	int n = snprintf(ret, size, "%s/%s", folder, name);

	return n > 0 && (size_t)n < size && access(ret, X_OK) == 0;
}

/* In $FRAMEMUX_ROLEDIR (a build tree), beside this program, or where it was to be installed. */
static int find_framemuxd(char *ret, size_t size)
{
	const char *roles = secure_getenv("FRAMEMUX_ROLEDIR");
	char self[LIMIT_PATH];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (roles && *roles && try_path(ret, size, roles, "framemuxd"))
		return 0;
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		*slash = '\0';
		if (try_path(ret, size, self, "framemuxd") ||
			try_path(ret, size, self, "../sbin/framemuxd"))
			return 0;
	}
	if (try_path(ret, size, SBINDIR, "framemuxd"))
		return 0;
	return complain(EXIT_LOST, "cannot find framemuxd beside this program or in " SBINDIR);
}

/* --- its folder ------------------------------------------------------------------------------ */

static int make_folder(struct check_mux *m)
{
	const char *where = secure_getenv("TMPDIR");
	char path[LIMIT_PATH];
	int n = snprintf(path, sizeof(path), "%s/framemux-check-XXXXXX",
		where && *where == '/' ? where : "/tmp");

	if (n < 0 || (size_t)n >= sizeof(path))
		return complain(EXIT_LOST, "TMPDIR is too long");
	/* Root's clients are somebody else, and have to get to the socket. */
	if (!mkdtemp(path) || (geteuid() == 0 && chmod(path, 0755) < 0))
		return complain(EXIT_LOST, "cannot make a folder %s: %s", path, strerror(errno));
	strcpy(m->folder, path);
	snprintf(m->socket, sizeof(m->socket), "%s/client.sock", path);
	snprintf(m->control, sizeof(m->control), "%s/control.sock", path);
	snprintf(m->log, sizeof(m->log), "%s/log", path);
	return 0;
}

static int write_config(const struct check_mux *m, const char *sections, char *path, size_t size)
{
	FILE *f;
	int n = snprintf(path, size, "%s/framemux.conf", m->folder);

	f = n > 0 && (size_t)n < size ? fopen(path, "we") : NULL;
	if (f) {
		/* Whatever the umask is: framemuxd refuses a file that others may write. */
		(void)fchmod(fileno(f), 0600);
		fprintf(f, "socket = \"%s\"\ncontrol_socket = \"%s\"\nstate_dir = \"%s/state\"\n%s",
			m->socket, m->control, m->folder, sections);
		if (fclose(f) == 0)
			return 0;
	}
	return complain(EXIT_LOST, "cannot write %s: %s", path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	(void)remove(path); /* what cannot go keeps its folder, which is then told */
	return 0;
}

static void show_log(const struct check_mux *m)
{
	cleanup_file FILE *f = fopen(m->log, "re");
	char text[LOG_BYTES + 1], *from;
	size_t n;
	int lines = 0;

	if (!f || (fseek(f, -LOG_BYTES, SEEK_END) < 0 && fseek(f, 0, SEEK_SET) < 0))
		return;
	n = fread(text, 1, LOG_BYTES, f);
	text[n] = '\0';
	if (!n)
		return;
	for (from = text + n - 1; from > text && (from[-1] != '\n' || ++lines < LOG_LINES);)
		from--;
	fprintf(stderr, "--- what its framemuxd said last\n%s", from);
}

/* --- its process ----------------------------------------------------------------------------- */

static _Noreturn void become_mux(
	const struct check_mux *m, const char *program, const char *config, int ready, pid_t parent)
{
	static const char *const not_ours[] = {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID",
		"LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM",
		"CREDENTIALS_DIRECTORY"};
	int null = open("/dev/null", O_RDWR),
	    log = open(m->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	sigset_t none;

	if (null < 0 || log < 0 || ready < 0)
		_exit(EXIT_INTERNAL);
	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		unsetenv(not_ours[i]);
	/* A dup of itself would keep close-on-exec. */
	if (ready == READY_FD)
		(void)fcntl(ready, F_SETFD, 0);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
		dup2(log, STDERR_FILENO) < 0 || dup2(ready, READY_FD) < 0)
		_exit(EXIT_INTERNAL);
	(void)syscall(SYS_close_range, READY_FD + 1, ~0u, 0);
	setpgid(0, 0); /* a terminal's Ctrl-C is for the check, which ends it in good order */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_INTERNAL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execl(program, program, "-c", config, "--ready-fd", "3", (char *)NULL);
	_exit(EXIT_LOST);
}

/* Whether one that ends the check has come. */
static bool is_unwanted(int signal_fd)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			return true;
	return false;
}

static int await_ready(struct check_mux *m, int ready, int signal_fd)
{
	for (;;) {
		struct pollfd p[] = {
			{.fd = ready, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
		int n = poll(p, 2, READY_MS), status;
		char c;

		if (n == 0)
			return complain(EXIT_TIMEOUT, "its framemuxd is not ready after %d s",
				READY_MS / 1000);
		if (n > 0 && p[1].revents && is_unwanted(signal_fd))
			return 128 + SIGINT;
		if (n <= 0 || !p[0].revents)
			continue;
		if (read(ready, &c, 1) == 1)
			return 0;
		if (waitpid(m->pid, &status, 0) == m->pid)
			m->pid = 0;
		if (m->pid == 0 && WIFEXITED(status))
			return complain(EXIT_LOST, "its framemuxd ended at once, with status %d",
				WEXITSTATUS(status));
		return complain(EXIT_LOST, "its framemuxd ended at once");
	}
}

int check_mux_start(struct check_mux *m, const char *sections, int signal_fd)
{
	char program[2 * LIMIT_PATH], config[LIMIT_PATH + 32];
	pid_t parent = getpid();
	int pipes[2], code;

	*m = (struct check_mux){0};
	code = find_framemuxd(program, sizeof(program));
	if (code == 0)
		code = make_folder(m);
	if (code == 0)
		code = write_config(m, sections, config, sizeof(config));
	if (code)
		return code;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return complain(EXIT_INTERNAL, "no pipe: %s", strerror(errno));
	fflush(NULL);
	m->pid = fork();
	if (m->pid == 0)
		become_mux(m, program, config, pipes[1], parent);
	close(pipes[1]);
	if (m->pid < 0) {
		m->pid = 0;
		code = complain(EXIT_INTERNAL, "cannot start a process: %s", strerror(errno));
	} else {
		code = await_ready(m, pipes[0], signal_fd);
	}
	close(pipes[0]);
	return code;
}

/* 0, or an exit code. */
static int end_process(struct check_mux *m)
{
	int pidfd = (int)syscall(SYS_pidfd_open, m->pid, 0), status = 0;
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	bool ends;

	kill(m->pid, SIGTERM);
	ends = pidfd < 0 || poll(&p, 1, END_MS) > 0;
	if (!ends)
		kill(m->pid, SIGKILL);
	if (pidfd >= 0)
		close(pidfd);
	(void)TEMP_FAILURE_RETRY(waitpid(m->pid, &status, 0));
	m->pid = 0;
	if (!ends)
		return complain(EXIT_INTERNAL, "its framemuxd does not end at SIGTERM");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return complain(EXIT_INTERNAL, "its framemuxd ended with %s %d",
			WIFEXITED(status) ? "status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return 0;
}

int check_mux_stop(struct check_mux *m, bool shows_log)
{
	int code = m->pid ? end_process(m) : 0;

	if (shows_log || code)
		show_log(m);
	if (*m->folder) {
		(void)nftw(m->folder, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
		if (access(m->folder, F_OK) == 0 && code == 0)
			code = complain(EXIT_WRITE, "cannot remove %s", m->folder);
	}
	*m->folder = '\0';
	return code;
}
