/*
 * Births and deaths of processes: fork + exec with descriptors at fixed numbers and nothing else of
 * framemuxd's, and one event when it is dead and reaped.
 */
#ifndef FRAMEMUX_CHILD_H
#define FRAMEMUX_CHILD_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#define CHILD_FDS_MAX  6u
#define CHILD_ARGS_MAX 4u

struct child_fd {
	int fd, at; /* fd stays the parent's; at is its number in the child */
};

/*
 * program: a file; args: argv, at most CHILD_ARGS_MAX. 0 is /dev/null and 1 is 2 unless fds says
 * otherwise; 2 is ours, or a pipe from which its lines are logged under the name log_as. uid, gid: what the child becomes when drop is set (we are root then). own_pids: it is
 * the first process of a pid namespace of its own (likewise).
 */
struct child_spec {
	const char *program, *args[CHILD_ARGS_MAX];
	const char *log_as; /* NULL: it logs by itself */
	struct child_fd fds[CHILD_FDS_MAX];
	size_t n_fds;
	bool drop;
	uid_t uid;
	gid_t gid;
	bool own_pids;
};

struct child;

/* status as of waitpid(2). Its last lines are in the log. The child is freed when this returns. */
typedef void child_exit_fn(void *data, int status);

/* 0, or -errno. An exec that fails is an exit with EX_OSERR (71). */
int child_start(struct event_base *base, const struct child_spec *spec, child_exit_fn *on_exit,
	void *data, struct child **ret);

pid_t child_pid(const struct child *c);

/* Send a signal; a no-op on a dead one that is not yet reaped. */
void child_kill(struct child *c, int signo);

/* SIGKILL, wait until it is gone, free; on_exit is not called. For the very end only. */
void child_end(struct child *c);

/* "exited with status 70", "was killed by signal 11", "was killed for a forbidden system call" */
void child_status_text(int status, char *out, size_t size);

#endif
