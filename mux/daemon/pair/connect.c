/*
 * Opens sources. Runs in framemuxd's loop. Where it connects to comes from the camera's record
 * alone; what it connected to is compared with that before anybody gets the socket.
 */
#include "mux/daemon/pair/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/cleanup.h"

#define ANSWER_BYTES      2048u
#define KEEPALIVE_IDLE_S  10
#define KEEPALIVE_EVERY_S 5
#define KEEPALIVE_PROBES  3
#define UNANSWERED_MS     15000 /* TCP_USER_TIMEOUT */

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct connecting {
	struct event_base *base;
	const struct roles *roles;          /* borrowed */
	const struct camera_record *camera; /* borrowed */
	connect_done_fn *done;
	void *data;
	struct event *timer;
	/* resolving */
	struct child *resolver;
	int answer_fd; /* owned */
	struct event *answer_event;
	char answer[ANSWER_BYTES];
	size_t answer_len;
	/* connecting */
	struct address addresses[CONNECT_ADDRESSES_MAX];
	size_t n_addresses, next;
	int fd; /* owned */
	struct event *event;
	/* the result, while its timer waits */
	char why[LIMIT_REASON];
};

static void drop_answer(struct connecting *c)
{
	if (c->answer_event)
		event_free(c->answer_event);
	c->answer_event = NULL;
	cleanup_close(&c->answer_fd);
	c->answer_fd = -1;
}

static void drop_socket(struct connecting *c)
{
	if (c->event)
		event_free(c->event);
	c->event = NULL;
	cleanup_close(&c->fd);
	c->fd = -1;
}

static void destroy(struct connecting *c)
{
	drop_answer(c);
	drop_socket(c);
	if (c->timer)
		event_free(c->timer);
	c->timer = NULL;
	if (c->resolver) {
		child_kill(c->resolver, SIGKILL);
		c->done = NULL; /* on_resolver_exit frees */
		return;
	}
	free(c);
}

void connect_cancel(struct connecting *c)
{
	if (c)
		destroy(c);
}

static void finish(struct connecting *c)
{
	connect_done_fn *done = c->done;
	void *data = c->data;
	int fd = take_fd(&c->fd);
	char why[LIMIT_REASON];

	memcpy(why, c->why, sizeof(why));
	destroy(c);
	done(data, fd, why);
}

static void arm(struct connecting *c, unsigned seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	if (event_add(c->timer, &tv) < 0) /* over now rather than never */
		event_active(c->timer, EV_TIMEOUT, 0);
}

/* The result is told from the loop, so that begin never calls back. */
static void finish_soon(struct connecting *c)
{
	arm(c, 0);
}

/* ---- addresses ----------------------------------------------------------------------- */

static void add_address(struct connecting *c, const char *text)
{
	struct address *a = &c->addresses[c->n_addresses];
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(c->camera->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(c->camera->port)};

	if (c->n_addresses == CONNECT_ADDRESSES_MAX)
		return;
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(&a->sa, &in, sizeof(in));
		a->len = sizeof(in);
	} else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
		memcpy(&a->sa, &in6, sizeof(in6));
		a->len = sizeof(in6);
	} else {
		return;
	}
	c->n_addresses++;
}

static void try_next(struct connecting *c);

static void on_resolver_exit(void *data, int status)
{
	struct connecting *c = data;
	char *save = NULL;

	c->resolver = NULL;
	if (!c->done) { /* cancelled meanwhile */
		free(c);
		return;
	}
	/* What it wrote before it died is in the pipe. */
	while (c->answer_len + 1 < sizeof(c->answer)) {
		ssize_t n = read(c->answer_fd, c->answer + c->answer_len,
			sizeof(c->answer) - 1 - c->answer_len);

		if (n <= 0)
			break;
		c->answer_len += (size_t)n;
	}
	drop_answer(c);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		for (char *line = strtok_r(c->answer, "\n", &save); line;
			line = strtok_r(NULL, "\n", &save))
			add_address(c, line);
	if (!c->n_addresses) {
		snprintf(c->why, sizeof(c->why), "the name %.100s %s", c->camera->host,
			WIFEXITED(status) && WEXITSTATUS(status) == EX_NOHOST
				? "has no address"
				: "cannot be resolved now");
		finish_soon(c);
		return;
	}
	try_next(c);
}

static void on_answer(evutil_socket_t fd, short what, void *data)
{
	struct connecting *c = data;
	ssize_t n = read(fd, c->answer + c->answer_len, sizeof(c->answer) - 1 - c->answer_len);

	(void)what;
	if (n > 0)
		c->answer_len += (size_t)n;
	if (n == 0 || c->answer_len + 1 == sizeof(c->answer))
		event_del(c->answer_event); /* its death says the rest */
}

static int resolve(struct connecting *c)
{
	struct child_spec spec = {.n_fds = 1};
	cleanup_fd int out = -1;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	c->answer_fd = fds[0];
	out = fds[1];
	spec.fds[0] = (struct child_fd){out, STDOUT_FILENO};
	c->answer_event = event_new(c->base, c->answer_fd, EV_READ | EV_PERSIST, on_answer, c);
	if (!c->answer_event || event_add(c->answer_event, NULL) < 0)
		return -ENOMEM;
	rc = resolver_start(
		c->roles, c->base, c->camera->host, &spec, on_resolver_exit, c, &c->resolver);
	if (!rc)
		arm(c, CONNECT_LIMIT_S);
	return rc;
}

/* ---- connecting ---------------------------------------------------------------------- */

/* Address and port; what else a sockaddr holds (scope, flow) we did not choose. */
static bool is_same_peer(const struct address *a, const struct sockaddr_storage *peer)
{
	const struct sockaddr_in *in = (const void *)&a->sa, *peer_in = (const void *)peer;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa, *peer_in6 = (const void *)peer;

	if (a->sa.ss_family != peer->ss_family)
		return false;
	if (a->sa.ss_family == AF_INET)
		return in->sin_port == peer_in->sin_port &&
			in->sin_addr.s_addr == peer_in->sin_addr.s_addr;
	return in6->sin6_port == peer_in6->sin6_port &&
		!memcmp(&in6->sin6_addr, &peer_in6->sin6_addr, sizeof(in6->sin6_addr));
}

static int check_connected(struct connecting *c)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer), error_len = sizeof(int);
	int error = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return -errno;
	if (error)
		return -error;
	if (getpeername(c->fd, (struct sockaddr *)&peer, &len) < 0)
		return -errno;
	return is_same_peer(&c->addresses[c->next - 1], &peer) ? 0 : -EADDRNOTAVAIL;
}

static void explain_refusal(struct connecting *c, int error)
{
	char text[INET6_ADDRSTRLEN] = "?";
	const struct address *a = &c->addresses[c->next - 1];
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	inet_ntop(a->sa.ss_family,
		a->sa.ss_family == AF_INET ? (const void *)&in->sin_addr
					   : (const void *)&in6->sin6_addr,
		text, sizeof(text));
	snprintf(c->why, sizeof(c->why), "cannot connect to %s port %u: %s", text, c->camera->port,
		strerror(error));
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
	struct connecting *c = data;
	int rc = check_connected(c);

	(void)fd;
	(void)what;
	if (rc < 0) {
		explain_refusal(c, -rc);
		drop_socket(c);
		try_next(c);
		return;
	}
	event_free(c->event);
	c->event = NULL;
	c->why[0] = 0;
	finish(c);
}

static void set_options(int fd)
{
	const int on = 1, idle = KEEPALIVE_IDLE_S, every = KEEPALIVE_EVERY_S,
		  probes = KEEPALIVE_PROBES, unanswered = UNANSWERED_MS;

	/* Each of them is a comfort: a camera that is gone is also seen by ingest's own limits. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered, sizeof(unanswered));
}

static int try_address(struct connecting *c, const struct address *a)
{
	c->fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (c->fd < 0)
		return -errno;
	set_options(c->fd);
	if (connect(c->fd, (const struct sockaddr *)&a->sa, a->len) < 0 && errno != EINPROGRESS)
		return -errno;
	c->event = event_new(c->base, c->fd, EV_WRITE, on_writable, c);
	if (!c->event || event_add(c->event, NULL) < 0)
		return -ENOMEM;
	arm(c, CONNECT_LIMIT_S);
	return 0;
}

static void try_next(struct connecting *c)
{
	while (c->next < c->n_addresses) {
		int rc = try_address(c, &c->addresses[c->next++]);

		if (rc == 0)
			return;
		explain_refusal(c, -rc);
		drop_socket(c);
	}
	finish_soon(c);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct connecting *c = data;

	(void)fd;
	(void)what;
	if (c->resolver) {
		snprintf(c->why, sizeof(c->why), "the name %.100s could not be resolved in time",
			c->camera->host);
		finish(c);
	} else if (c->event) { /* this address does not answer */
		explain_refusal(c, ETIMEDOUT);
		drop_socket(c);
		try_next(c);
	} else {
		finish(c);
	}
}

/* ---- files and patterns -------------------------------------------------------------- */

static void open_file(struct connecting *c, const char *path, bool regular)
{
	struct stat st;

	c->fd = open(
		path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (regular ? O_NOFOLLOW : 0));
	if (c->fd < 0) {
		snprintf(c->why, sizeof(c->why), "cannot open the file: %s", strerror(errno));
	} else if (regular && (fstat(c->fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		snprintf(c->why, sizeof(c->why), "it is not a regular file");
		cleanup_close(&c->fd);
		c->fd = -1;
	}
	finish_soon(c);
}

/* V4L2's major number (Documentation/admin-guide/devices.txt). */
#define VIDEO_MAJOR 81u

static bool is_video(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && major(st->st_rdev) == VIDEO_MAJOR;
}

/* Looked at before it is opened: to open some devices is to use them. And again: a name may change. */
static void open_device(struct connecting *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		snprintf(c->why, sizeof(c->why), "cannot open the device: %s", strerror(errno));
	} else if (!is_video(&st)) {
		snprintf(c->why, sizeof(c->why), "it is not a video device");
	} else if ((c->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0) {
		snprintf(c->why, sizeof(c->why), "cannot open the device: %s",
			errno == EBUSY ? "it is used by another program" : strerror(errno));
	} else if (fstat(c->fd, &st) < 0 || !is_video(&st)) {
		snprintf(c->why, sizeof(c->why), "it is not a video device");
		cleanup_close(&c->fd);
		c->fd = -1;
	}
	finish_soon(c);
}

int connect_begin(struct event_base *base, const struct roles *roles,
	const struct camera_record *camera, connect_done_fn *done, void *data,
	struct connecting **ret)
{
	struct connecting *c = calloc(1, sizeof(*c));
	int rc = 0;

	if (!c)
		return -ENOMEM;
	*c = (struct connecting){.base = base,
		.roles = roles,
		.camera = camera,
		.done = done,
		.data = data,
		.answer_fd = -1,
		.fd = -1};
	c->timer = evtimer_new(base, on_timer, c);
	if (!c->timer) {
		free(c);
		return -ENOMEM;
	}
	switch (camera->kind) {
	case INGEST_RTSP:
	case INGEST_HTTP:
		add_address(c, camera->host);
		if (c->n_addresses)
			try_next(c);
		else
			rc = resolve(c);
		break;
	case INGEST_FILE:
		open_file(c, camera->path, true);
		break;
	case INGEST_V4L2:
		open_device(c, camera->path);
		break;
	case INGEST_PATTERN:
		open_file(c, "/dev/null", false);
		break;
	}
	if (rc < 0) {
		destroy(c);
		return rc;
	}
	*ret = c;
	return 0;
}
