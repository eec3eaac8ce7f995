/*
 * A connection's public side: connect, one descriptor to poll, dispatch, close. Runs no thread and
 * blocks nowhere but in epoll_wait, for as long as the caller asked. In the client's process.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "clients/lib/connection.h"
#include "clients/lib/view.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "config.h"

#define DEFAULT_SOCKET RUNSTATEDIR "/framemux/client.sock"
#define EVENTS_MAX     256u /* a dispatch comes back even when somebody never stops sending */

static void destroy(struct framemux *fm)
{
	if (fm->sock_fd >= 0)
		close(fm->sock_fd);
	outbox_free(fm->outbox);
	if (fm->timer_fd >= 0)
		close(fm->timer_fd);
	if (fm->epoll_fd >= 0)
		close(fm->epoll_fd);
	free(fm->path);
	sodium_memzero(fm, sizeof(*fm));
	free(fm);
}

static int set_up(struct framemux *fm, const char *path)
{
	int r;

	fm->path = strdup(path);
	if (!fm->path)
		return -ENOMEM;
	fm->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	fm->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fm->epoll_fd < 0 || fm->timer_fd < 0)
		return -errno;
	r = connection_watch(fm, fm->timer_fd, CONNECTION_TIMER);
	return r < 0 ? r : connection_begin(fm);
}

int framemux_connect(const char *path, struct framemux **ret)
{
	struct framemux *fm;
	int r;

	if (sodium_init() < 0)
		return -ENOSYS;
	if (!path)
		path = getenv("FRAMEMUX_SOCKET");
	if (!path || !*path)
		path = DEFAULT_SOCKET;
	fm = calloc(1, sizeof(*fm));
	if (!fm)
		return -ENOMEM;
	fm->epoll_fd = fm->timer_fd = fm->sock_fd = -1;
	fm->state = CONNECTION_DOWN;
	fm->armed_ns = UINT64_MAX;
	r = set_up(fm, path);
	if (r < 0) {
		destroy(fm);
		return r;
	}
	*ret = fm;
	return 0;
}

int framemux_fd(const struct framemux *fm)
{
	return fm->epoll_fd;
}

static void timer_ready(struct framemux *fm)
{
	uint64_t ticks;

	if (read(fm->timer_fd, &ticks, sizeof(ticks)) < 0)
		return; /* armed anew meanwhile */
	fm->armed_ns = UINT64_MAX;
	view_tick_all(fm);
	connection_retry(fm, clock_boot_ns());
}

static void handle_event(struct framemux *fm, const struct epoll_event *ev)
{
	if (ev->data.u64 == CONNECTION_SOCKET)
		connection_ready(fm, ev->events & ~(uint32_t)EPOLLOUT);
	else if (ev->data.u64 == CONNECTION_TIMER)
		timer_ready(fm);
	else
		view_ready(fm, (uint32_t)(ev->data.u64 - CONNECTION_VIEW));
}

/* One event at a time, then its callbacks: none of them can outlive what it speaks of. */
static void run(struct framemux *fm, int timeout_ms)
{
	struct epoll_event ev;

	view_tell_all(fm);
	for (unsigned i = 0; i < EVENTS_MAX && !fm->is_closed; i++) {
		if (epoll_wait(fm->epoll_fd, &ev, 1, i == 0 ? timeout_ms : 0) <= 0)
			break;
		handle_event(fm, &ev);
		view_tell_all(fm);
	}
	/* What the last callbacks have brought about is told by the next dispatch. */
	if (!LIST_EMPTY(&fm->pending) && !fm->is_closed)
		connection_wake_at(fm, 0);
}

int framemux_dispatch(struct framemux *fm, int timeout_ms)
{
	bool is_gone;

	fm->depth++;
	if (!LIST_EMPTY(&fm->pending) || connection_is_gone(fm))
		timeout_ms = 0;
	run(fm, timeout_ms);
	fm->depth--;
	is_gone = fm->is_closed || (connection_is_gone(fm) && LIST_EMPTY(&fm->pending));
	view_bury(fm);
	if (fm->is_closed && fm->depth == 0)
		destroy(fm);
	return is_gone ? -EPIPE : 0;
}

void framemux_close(struct framemux *fm)
{
	struct framemux_view *v;

	if (!fm || fm->is_closed)
		return;
	while ((v = LIST_FIRST(&fm->views)))
		framemux_view_close(v);
	fm->is_closed = true;
	if (fm->depth == 0)
		destroy(fm);
}

const char *framemux_version(void)
{
	return PACKAGE_VERSION;
}
