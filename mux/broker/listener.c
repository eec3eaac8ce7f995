/* Accepting. Owns its events; borrows the socket; gives each new connection away. In the broker. */
#include "mux/broker/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sock.h"

#define BURST   32u /* connections before everybody else's turn */
#define PAUSE_S 1

struct listener {
	int fd; /* borrowed */
	void (*take)(void *data, struct peer peer);
	void *data;
	struct event *readable, *resume;
};

static void pause_accepting(struct listener *l, int error)
{
	const struct timeval pause = {.tv_sec = PAUSE_S};

	log_warning("accepting pauses for %d s: %s", PAUSE_S, strerror(error));
	if (event_add(l->resume, &pause) == 0) /* else it goes on: nothing would end the pause */
		event_del(l->readable);
}

static void hand_over(struct listener *l, int fd)
{
	struct peer peer = {.fd = fd};
	gid_t gid;

	sock_refuse_fds(fd);
	if (sock_peer(fd, &peer.pid, &peer.uid, &gid) < 0)
		close(fd);
	else
		l->take(l->data, peer);
}

static void on_readable(evutil_socket_t listening, short what, void *data)
{
	struct listener *l = data;

	(void)what;
	for (unsigned i = 0; i < BURST; i++) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			hand_over(l, fd);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			pause_accepting(l, errno);
			return;
		}
		/* Of one connection only: aborted, interrupted. The next one may be good. */
	}
}

static void on_resume(evutil_socket_t fd, short what, void *data)
{
	struct listener *l = data;

	(void)fd;
	(void)what;
	if (event_add(l->readable, NULL) < 0)
		pause_accepting(l, ENOMEM);
}

int listener_new(struct event_base *base, int fd, void (*take)(void *data, struct peer peer),
	void *data, struct listener **ret)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	/* Now, and not only once accepted: what is sent in between would be nobody's. */
	r = sock_name_senders(fd);
	if (r < 0) {
		free(l);
		return r;
	}
	l->fd = fd;
	l->take = take;
	l->data = data;
	l->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->resume = event_new(base, -1, 0, on_resume, l);
	if (!l->readable || !l->resume || evutil_make_socket_nonblocking(fd) < 0 ||
		event_add(l->readable, NULL) < 0) {
		listener_free(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->readable)
		event_free(l->readable);
	if (l->resume)
		event_free(l->resume);
	free(l);
}
