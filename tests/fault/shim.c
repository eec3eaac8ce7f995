/* Wrappers of calls, and who of them is to fail. In every process of the fault tests. */
#include "tests/fault/shim.h"

#include <errno.h>
#include <event2/event.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define SHORT      (-1) /* instead of an error: one byte less than asked for, or none */
#define ERRORS_MAX 6

struct fault_page *fault_page;
void (*fault_on_file)(int fd);

static enum fault_role mine;
static int timer_fd = -1;

extern const char __executable_start;

/* --- the page ------------------------------------------------------------------------------- */

static int map_page(int fd)
{
	void *p = mmap(NULL, sizeof(*fault_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	fault_page = p;
	return 0;
}

void fault_begin(void)
{
	int fd = memfd_create("fault", 0);

	if (fd < 0 || ftruncate(fd, sizeof(*fault_page)) < 0 || dup2(fd, FAULT_FD) < 0 ||
		map_page(FAULT_FD) < 0)
		abort();
	close(fd);
}

int fault_join(enum fault_role role)
{
	int r = map_page(FAULT_FD);

	if (r == 0)
		fault_set_role(role);
	return r;
}

void fault_set_role(enum fault_role role)
{
	mine = role;
}

void fault_arm(enum fault_role role, unsigned n, unsigned variant)
{
	fault_page->fail_at = n;
	fault_page->variant = variant;
	fault_page->call[0] = 0;
	atomic_store(&fault_page->count, 0);
	atomic_store(&fault_page->hits, 0);
	atomic_store(&fault_page->role, role);
}

unsigned fault_disarm(void)
{
	atomic_store(&fault_page->role, FAULT_NOBODY);
	return atomic_load(&fault_page->count);
}

bool fault_was_hit(void)
{
	return atomic_load(&fault_page->hits) > 0;
}

const char *fault_text(void)
{
	static char text[256];
	const struct fault_page *p = fault_page;
	int n;

	if (!p->call[0])
		return "nothing";
	n = snprintf(text, sizeof(text), "%s: %s, at", p->call,
		p->error == SHORT ? "cut short" : strerror(p->error));
	for (int i = 1; i < FAULT_FRAMES && p->where[i]; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %#lx",
			(unsigned long)((uintptr_t)p->where[i]));
	return text;
}

/* --- who fails ------------------------------------------------------------------------------ */

struct failing {
	const char *call;
	int errors[ERRORS_MAX]; /* up to the first 0 */
};

static bool is_counted(void)
{
	return fault_page && mine && atomic_load(&fault_page->role) == mine;
}

static void note(const struct failing *f, int error, unsigned n_variants)
{
	void *frames[FAULT_FRAMES + 2] = {0};
	int n = backtrace(frames, FAULT_FRAMES + 2);

	/* Without the two frames of this file's own. */
	for (int i = 0; i < FAULT_FRAMES; i++)
		fault_page->where[i] = i + 2 < n
			? (void *)((uintptr_t)frames[i + 2] - (uintptr_t)&__executable_start)
			: NULL;
	snprintf(fault_page->call, sizeof(fault_page->call), "%s", f->call);
	fault_page->error = error;
	fault_page->n_variants = n_variants;
	atomic_fetch_add(&fault_page->hits, 1);
}

/* 0: go on; else the error with which this call fails, in errno too; or SHORT. */
static __attribute__((noinline)) int failure(const struct failing *f)
{
	unsigned n = 0;
	int error;

	if (!is_counted() ||
		atomic_fetch_add(&fault_page->count, 1) + 1 != fault_page->fail_at)
		return 0;
	while (n < ERRORS_MAX && f->errors[n])
		n++;
	error = f->errors[fault_page->variant % n];
	note(f, error, n);
	if (error != SHORT)
		errno = error;
	return error;
}

#define FAILS(name, ...) failure(&(const struct failing){name, {__VA_ARGS__}})

static void own(long blocks, long events)
{
	if (!fault_page || !mine)
		return;
	atomic_fetch_add(&fault_page->balance[mine].blocks, blocks);
	atomic_fetch_add(&fault_page->balance[mine].events, events);
}

/* --- the wrappers --------------------------------------------------------------------------- */

#define WRAP(type, name, params)                                                                   \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params

/* One that fails with -1 and an error. */
#define WRAP_SIMPLE(type, name, params, args, ...)                                                 \
	WRAP(type, name, params)                                                                   \
	{                                                                                          \
		return FAILS(#name, __VA_ARGS__) ? -1 : __real_##name args;                        \
	}

WRAP(void *, malloc, (size_t size))
{
	void *p = FAILS("malloc", ENOMEM) ? NULL : __real_malloc(size);

	own(p ? 1 : 0, 0);
	return p;
}

WRAP(void *, calloc, (size_t n, size_t size))
{
	void *p = FAILS("calloc", ENOMEM) ? NULL : __real_calloc(n, size);

	own(p ? 1 : 0, 0);
	return p;
}

WRAP(void *, realloc, (void *old, size_t size))
{
	void *p = FAILS("realloc", ENOMEM) ? NULL : __real_realloc(old, size);

	own(p && !old ? 1 : 0, 0);
	return p;
}

WRAP(void *, reallocarray, (void *old, size_t n, size_t size))
{
	void *p = FAILS("reallocarray", ENOMEM) ? NULL : __real_reallocarray(old, n, size);

	own(p && !old ? 1 : 0, 0);
	return p;
}

WRAP(int, posix_memalign, (void **ret, size_t alignment, size_t size))
{
	int r = FAILS("posix_memalign", ENOMEM) ? ENOMEM
						: __real_posix_memalign(ret, alignment, size);

	own(r ? 0 : 1, 0);
	return r;
}

WRAP(char *, strdup, (const char *s))
{
	char *p = FAILS("strdup", ENOMEM) ? NULL : __real_strdup(s);

	own(p ? 1 : 0, 0);
	return p;
}

WRAP(void, free, (void *p))
{
	own(p ? -1 : 0, 0);
	__real_free(p);
}

WRAP(struct event *, event_new,
	(struct event_base * base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg))
{
	struct event *e =
		FAILS("event_new", ENOMEM) ? NULL : __real_event_new(base, fd, what, fn, arg);

	own(0, e ? 1 : 0);
	return e;
}

WRAP(void, event_free, (struct event * e))
{
	own(0, -1);
	__real_event_free(e);
}

/* framemuxd's before it tries again; its limits for others are longer. */
static bool is_a_pause(const struct timeval *tv)
{
	return tv->tv_sec < 2 && tv->tv_sec * 1000000 + tv->tv_usec > 100000;
}

WRAP(int, event_add, (struct event * e, const struct timeval *tv))
{
	static const struct timeval soon = {.tv_usec = 20000};

	if (FAILS("event_add", ENOMEM))
		return -1;
	if (tv && tv->tv_sec == 1 && tv->tv_usec == 0 && mine == FAULT_BROKER &&
		atomic_load(&fault_page->hurry))
		tv = &soon;
	if (tv && mine == FAULT_DAEMON && atomic_load(&fault_page->hurry) && is_a_pause(tv))
		tv = &soon;
	return __real_event_add(e, tv);
}

WRAP_SIMPLE(int, evutil_make_socket_nonblocking, (evutil_socket_t fd), (fd), EIO)
WRAP_SIMPLE(int, memfd_create, (const char *name, unsigned flags), (name, flags), EMFILE, ENOMEM,
	ENFILE)
WRAP_SIMPLE(int, ftruncate, (int fd, off_t size), (fd, size), ENOSPC, ENOMEM, EPERM, EIO)
WRAP_SIMPLE(int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), ENOSPC,
	EINTR, ENOMEM)
WRAP_SIMPLE(int, mprotect, (void *p, size_t size, int prot), (p, size, prot), ENOMEM, EACCES)
WRAP_SIMPLE(int, madvise, (void *p, size_t size, int advice), (p, size, advice), ENOMEM, EAGAIN)
WRAP_SIMPLE(int, fstat, (int fd, struct stat *st), (fd, st), ENOMEM, EIO)
WRAP_SIMPLE(int, fchmod, (int fd, mode_t mode), (fd, mode), EPERM, ENOSPC, EIO)
WRAP_SIMPLE(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), EPERM, ENOSPC)
WRAP_SIMPLE(int, socketpair, (int domain, int type, int protocol, int pair[2]),
	(domain, type, protocol, pair), EMFILE, ENOMEM, ENFILE)
WRAP_SIMPLE(int, socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE,
	ENOMEM, ENFILE)
WRAP_SIMPLE(int, connect, (int fd, const struct sockaddr *sa, socklen_t len), (fd, sa, len), EAGAIN,
	EINTR, EPERM)
WRAP_SIMPLE(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags), ENOBUFS,
	EINTR, EAGAIN, ENOMEM, EPERM)
WRAP_SIMPLE(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), ENOBUFS,
	EINTR, EAGAIN, ETOOMANYREFS, ENOMEM, EPERM)
WRAP_SIMPLE(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags), ENOMEM, EINTR,
	EAGAIN)
WRAP_SIMPLE(int, accept4, (int fd, struct sockaddr *sa, socklen_t *len, int flags),
	(fd, sa, len, flags), EMFILE, EINTR, ENOMEM, ECONNABORTED)
WRAP_SIMPLE(int, getsockopt, (int fd, int level, int name, void *p, socklen_t *len),
	(fd, level, name, p, len), ENOMEM, EMFILE, EPERM)
WRAP_SIMPLE(int, setsockopt, (int fd, int level, int name, const void *p, socklen_t len),
	(fd, level, name, p, len), ENOMEM, EPERM)
WRAP_SIMPLE(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms), EINTR, ENOMEM)
WRAP_SIMPLE(int, __poll_chk, (struct pollfd * p, nfds_t n, int ms, size_t size), (p, n, ms, size),
	EINTR, ENOMEM)
WRAP_SIMPLE(int, timerfd_create, (int clock, int flags), (clock, flags), EMFILE, ENOMEM)
WRAP_SIMPLE(int, epoll_create1, (int flags), (flags), EMFILE, ENOMEM)
WRAP_SIMPLE(int, epoll_ctl, (int epoll, int op, int fd, struct epoll_event *e), (epoll, op, fd, e),
	ENOMEM, ENOSPC)
WRAP_SIMPLE(int, epoll_wait, (int epoll, struct epoll_event *e, int n, int ms), (epoll, e, n, ms),
	EINTR)
WRAP_SIMPLE(int, fsync, (int fd), (fd), EIO, ENOSPC)
WRAP_SIMPLE(int, fdatasync, (int fd), (fd), EIO, ENOSPC)
WRAP_SIMPLE(int, renameat, (int f, const char *from, int t, const char *to), (f, from, t, to), EIO,
	ENOSPC, EPERM)
WRAP_SIMPLE(int, renameat2, (int f, const char *from, int t, const char *to, unsigned flags),
	(f, from, t, to, flags), EIO, ENOSPC, EPERM)
WRAP_SIMPLE(int, unlinkat, (int f, const char *name, int flags), (f, name, flags), EIO, EPERM)
WRAP_SIMPLE(int, mkdir, (const char *path, mode_t mode), (path, mode), ENOSPC, EPERM)
WRAP_SIMPLE(int, chmod, (const char *path, mode_t mode), (path, mode), EPERM, EIO)
WRAP_SIMPLE(int, flock, (int fd, int op), (fd, op), EINTR, ENOLCK)
WRAP_SIMPLE(pid_t, fork, (void), (), EAGAIN, ENOMEM)
WRAP_SIMPLE(int, eventfd, (unsigned n, int flags), (n, flags), EMFILE, ENOMEM)

WRAP(int, pthread_create,
	(pthread_t * ret, const pthread_attr_t *attr, void *(*run)(void *), void *data))
{
	int e = FAILS("pthread_create", EAGAIN, EPERM);

	return e ? e : __real_pthread_create(ret, attr, run, data);
}

WRAP(FILE *, open_memstream, (char **ret, size_t *ret_len))
{
	FILE *f = FAILS("open_memstream", ENOMEM) ? NULL : __real_open_memstream(ret, ret_len);

	own(f ? 1 : 0, 0); /* the text, which is freed by hand */
	return f;
}

/* The text may not be whole: as when memory ended on the way. */
WRAP(int, fclose, (FILE * f))
{
	int e = FAILS("fclose", ENOMEM), r = __real_fclose(f);

	return e ? EOF : r;
}

/* The descriptor is gone all the same. */
WRAP(int, close, (int fd))
{
	int e = FAILS("close", EIO, EINTR), r = __real_close(fd);

	if (!e)
		return r;
	errno = e;
	return -1;
}

WRAP(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset))
{
	return FAILS("mmap", ENOMEM, EAGAIN)
		? MAP_FAILED
		: __real_mmap(at, size, prot, flags, fd, offset);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap___open_2(const char *path, int flags);
int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	return FAILS("open", EMFILE, ENFILE, ENOMEM, EACCES) ? -1 : __real_open(path, flags, 0600);
}

int __wrap___open_2(const char *path, int flags)
{
	return FAILS("open", EMFILE, ENFILE, ENOMEM, EACCES) ? -1 : __real_open(path, flags);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
	return FAILS("openat", EMFILE, ENOSPC, ENOMEM, EACCES)
		? -1
		: __real_openat(folder, path, flags, 0600);
}

int __real_fcntl(int fd, int op, ...);
int __wrap_fcntl(int fd, int op, ...);

int __wrap_fcntl(int fd, int op, ...)
{
	va_list ap;
	long arg;
	int e;

	va_start(ap, op);
	arg = va_arg(ap, long);
	va_end(ap);
	switch (op) {
	case F_ADD_SEALS:
		e = FAILS("fcntl F_ADD_SEALS", EPERM, EBUSY, ENOMEM);
		break;
	case F_SETLEASE:
		e = FAILS("fcntl F_SETLEASE", EAGAIN, ENOMEM, EACCES);
		break;
	case F_DUPFD_CLOEXEC:
		e = FAILS("fcntl F_DUPFD", EMFILE, ENOMEM);
		break;
	default:
		e = FAILS("fcntl", EPERM, EINVAL);
		break;
	}
	return e ? -1 : __real_fcntl(fd, op, arg);
}

WRAP(ssize_t, read, (int fd, void *p, size_t n))
{
	int e = FAILS("read", SHORT, EINTR, EIO, EAGAIN);

	if (e && e != SHORT)
		return -1;
	return __real_read(fd, p, e && n ? n - 1 : n);
}

WRAP(ssize_t, write, (int fd, const void *p, size_t n))
{
	int e = fd > STDERR_FILENO ? FAILS("write", SHORT, ENOSPC, EINTR, EIO) : 0; /* no log */

	if (e && e != SHORT)
		return -1;
	return __real_write(fd, p, e && n ? n - 1 : n);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_pidfd_open && FAILS("pidfd_open", EMFILE, ENOMEM, ESRCH))
		return -1;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- what comes with a message -------------------------------------------------------------- */

/* What every receiver of a ring relies on, looked at without anything of the project. */
static void look_at(int fd)
{
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	struct stat st;

	if (__real_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if ((__real_fcntl(fd, F_GET_SEALS) & all) != all ||
		(__real_fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY || (st.st_mode & 07777) != 0400)
		atomic_fetch_add(&fault_page->unsealed, 1);
	if (fault_on_file)
		fault_on_file(fd);
}

static void for_each_fd(struct msghdr *m, void (*call)(int fd))
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			call(fd);
		}
	}
}

static void drop(int fd)
{
	__real_close(fd);
}

static bool has_fds(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			return true;
	return false;
}

/* A full descriptor table is no error here: the message comes, its descriptors do not. */
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags))
{
	ssize_t n;

	if (FAILS("recvmsg", ENOMEM, EINTR, EAGAIN))
		return -1;
	n = __real_recvmsg(fd, m, flags);
	if (n < 0 || !m->msg_control || !has_fds(m))
		return n;
	if (FAILS("recvmsg of descriptors", EMFILE)) {
		for_each_fd(m, drop);
		m->msg_controllen = 0;
		m->msg_flags |= MSG_CTRUNC;
	} else if (mine == FAULT_CLIENT) {
		for_each_fd(m, look_at);
	}
	return n;
}

/* --- the broker's time ---------------------------------------------------------------------- */

WRAP(int, clock_gettime, (clockid_t id, struct timespec *ret))
{
	int r = __real_clock_gettime(id, ret);

	if (id == CLOCK_BOOTTIME && mine == FAULT_BROKER)
		ret->tv_sec += (time_t)(atomic_load(&fault_page->boot_skip_ns) / NS_PER_S);
	return r;
}

/* Boot time has skipped ahead: the timer that is set for it goes off. */
static void on_skip(int signo)
{
	static const struct itimerspec now = {.it_value.tv_nsec = 1};

	(void)signo;
	if (timer_fd >= 0)
		__real_syscall(SYS_timerfd_settime, (long)timer_fd, 0L, (long)&now, 0L, 0L, 0L);
}

WRAP(int, timerfd_settime,
	(int fd, int flags, const struct itimerspec *when, struct itimerspec *ret_old))
{
	if (mine == FAULT_BROKER)
		timer_fd = fd;
	return FAILS("timerfd_settime", EINVAL, EPERM)
		? -1
		: __real_timerfd_settime(fd, flags, when, ret_old);
}

void fault_begin_broker(void)
{
	const struct sigaction skip = {.sa_handler = on_skip, .sa_flags = SA_RESTART};

	sigaction(SIGUSR2, &skip, NULL);
	fault_set_role(FAULT_BROKER);
}
