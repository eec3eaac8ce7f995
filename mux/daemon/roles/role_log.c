/* Reads the pipes of roles into the log. Runs in framemuxd's loop. */
#include "mux/daemon/roles/role_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "mux/daemon/roles/role_lines.h"

#define AT_ONCE    4096u      /* in one turn of the loop */
#define LAST_WORDS (1u << 20) /* of a dead one: no pipe of ours is as large */

struct role_log {
	int fd; /* owned */
	struct event *readable, *resume;
	struct role_lines lines;
	char who[LIMIT_NAME + 16];
};

static void emit(void *data, int priority, const char *text)
{
	const struct role_log *log = data;

	log_for(log->who, priority, text);
}

/* > 0: there may be more. */
static ssize_t read_some(struct role_log *log)
{
	char bytes[AT_ONCE];
	ssize_t n = read(log->fd, bytes, sizeof(bytes));

	if (n > 0)
		role_lines_feed(&log->lines, bytes, (size_t)n, clock_monotonic_ns());
	return n;
}

/* Until the second is over it may fill its pipe, and then it is its own lines that it loses. */
static void pause_reading(struct role_log *log, uint64_t until_ns)
{
	uint64_t now = clock_monotonic_ns(), us = until_ns > now ? (until_ns - now) / NS_PER_US : 0;
	const struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000u), .tv_usec = (suseconds_t)(us % 1000000u)};

	if (event_add(log->resume, &tv) == 0) /* else it goes on: nothing would end the pause */
		event_del(log->readable);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct role_log *log = data;
	uint64_t until_ns;
	ssize_t n = read_some(log);

	(void)fd;
	(void)what;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		event_del(log->readable); /* its death says the rest */
	else if (role_lines_is_full(&log->lines, &until_ns))
		pause_reading(log, until_ns);
}

static void on_resume(evutil_socket_t fd, short what, void *data)
{
	struct role_log *log = data;

	(void)fd;
	(void)what;
	role_lines_feed(&log->lines, "", 0, clock_monotonic_ns());
	if (event_add(log->readable, NULL) < 0)
		log_warning("%s: framemuxd is short of memory: its log is lost", log->who);
}

static void role_log_free(struct role_log *log)
{
	if (log->readable)
		event_free(log->readable);
	if (log->resume)
		event_free(log->resume);
	cleanup_close(&log->fd);
	free(log);
}

int role_log_new(struct event_base *base, const char *who, int *ret_fd, struct role_log **ret)
{
	struct role_log *log = calloc(1, sizeof(*log));
	cleanup_fd int theirs = -1;
	int ends[2];

	if (!log)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		free(log);
		return -errno;
	}
	log->fd = ends[0];
	theirs = ends[1];
	log->lines = (struct role_lines){.emit = emit, .data = log};
	snprintf(log->who, sizeof(log->who), "%s", who);
	log->readable = event_new(base, log->fd, EV_READ | EV_PERSIST, on_readable, log);
	log->resume = evtimer_new(base, on_resume, log);
	if (!log->readable || !log->resume || event_add(log->readable, NULL) < 0) {
		role_log_free(log);
		return -ENOMEM;
	}
	*ret_fd = take_fd(&theirs);
	*ret = log;
	return 0;
}

void role_log_end(struct role_log *log)
{
	if (!log)
		return;
	role_lines_last_words(&log->lines, clock_monotonic_ns());
	for (size_t n = 0; n < LAST_WORDS && read_some(log) > 0; n += AT_ONCE)
		;
	role_lines_end(&log->lines);
	role_log_free(log);
}
