/* Service notification of framemuxd. Failing to tell is never a reason to fail. */
#include "mux/daemon/notify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/number.h"

#define WATCHDOG_SHARE 4

static int notify_fd = -1, ready_descriptor = -1; /* owned; a process has one init system */
static struct event *watchdog;
static struct {
	void (*ask)(void *self);
	void *self;
} alive;

static void tell(const char *text)
{
	if (notify_fd >= 0)
		(void)send(notify_fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_watchdog(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	(void)data;
	alive.ask(alive.self);
}

static void connect_notify(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	if (len < 2 || len >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sa.sun_path, path, len);
	if (path[0] == '@')
		sa.sun_path[0] = 0;
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd >= 0 &&
		connect(notify_fd, (struct sockaddr *)&sa,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(notify_fd);
		notify_fd = -1;
	}
}

/*
 * Four times in the time that the init system waits for: one that was asked while there was no broker,
 * for a moment, is not answered.
 */
static void start_watchdog(struct event_base *base)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, for_pid;
	struct timeval tv;

	if (!usec || number_parse(usec, WATCHDOG_SHARE, UINT64_MAX / 2, &us) < 0)
		return;
	if (pid && (number_parse(pid, 1, INT32_MAX, &for_pid) < 0 || for_pid != (uint64_t)getpid()))
		return;
	tv = (struct timeval){.tv_sec = (time_t)(us / WATCHDOG_SHARE / 1000000),
		.tv_usec = (suseconds_t)(us / WATCHDOG_SHARE % 1000000)};
	watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	if (watchdog)
		event_add(watchdog, &tv);
}

/* Closing standard output would let the next socket take its number: /dev/null does. */
static int keep_apart(int fd)
{
	int copy, null_fd;

	if (fd != STDOUT_FILENO)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null_fd >= 0) {
		(void)dup2(null_fd, STDOUT_FILENO);
		close(null_fd);
	}
	return copy;
}

void notify_init(struct event_base *base, int ready_fd, void (*ask)(void *self), void *self)
{
	const char *path = getenv("NOTIFY_SOCKET");

	alive.ask = ask;
	alive.self = self;
	ready_descriptor = keep_apart(ready_fd);
	if (path)
		connect_notify(path);
	if (notify_fd >= 0)
		start_watchdog(base);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_ready(void)
{
	tell("READY=1");
	if (ready_descriptor >= 0) {
		(void)!write(ready_descriptor, "\n", 1);
		close(ready_descriptor);
		ready_descriptor = -1;
	}
}

void notify_reloading(void)
{
	char text[80];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)(clock_monotonic_ns() / NS_PER_US));
	tell(text);
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

void notify_alive(void)
{
	tell("WATCHDOG=1");
}

void notify_status(const char *status)
{
	char text[256];

	snprintf(text, sizeof(text), "STATUS=%s", status);
	tell(text);
}

void notify_end(void)
{
	if (watchdog)
		event_free(watchdog);
	watchdog = NULL;
	cleanup_close(&notify_fd);
	cleanup_close(&ready_descriptor);
	notify_fd = ready_descriptor = -1;
}
