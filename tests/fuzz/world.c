/* The world around framemuxd, played. In a fuzz target's process. */
#include "tests/fuzz/world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"
#include "fuzz.h"
#include "mux/daemon/pair/connect.h"
#include "mux/daemon/roles/child.h"
#include "mux/link/birth.h"

#define CHILDREN_MAX 16u
#define SOURCES_MAX  16u
#define TIMERS_MAX   128u
#define TURNS_MAX    16u

struct connecting {
	connect_done_fn *done; /* NULL: none in this place */
	void *data;
};

static struct {
	struct event_base *base;
	struct child children[CHILDREN_MAX];
	struct connecting sources[SOURCES_MAX];
	struct {
		struct event *event; /* NULL: none in this place */
		uint64_t due_ns;
	} timers[TIMERS_MAX];
	pid_t last_pid;
	int start_error;
	uint64_t now_ns;
	int fds_before;
} w;

static int socket_source = -1, camera_end = -1; /* connected to each other, for all inputs */

/* --- random numbers and time ------------------------------------------------------------------ */

static uint32_t random_state;

static const char *random_name(void)
{
	return "the same each time";
}

static uint32_t random_number(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state;
}

static void random_bytes(void *const buf, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buf)[i] = (uint8_t)(random_number() >> 24);
}

static void open_socket_source(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_source = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(bind(server, (struct sockaddr *)&address, len) == 0 && listen(server, 1) == 0);
	MUST(getsockname(server, (struct sockaddr *)&address, &len) == 0);
	MUST(connect(socket_source, (struct sockaddr *)&address, len) == 0);
	camera_end = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	MUST(camera_end >= 0);
	close(server);
}

void world_init(void)
{
	static struct randombytes_implementation same = {
		.implementation_name = random_name, .random = random_number, .buf = random_bytes};

	if (socket_source >= 0)
		return;
	randombytes_set_implementation(&same);
	MUST(sodium_init() >= 0);
	open_socket_source();
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	uint64_t now = w.now_ns + (id == CLOCK_REALTIME ? 1800000000 * NS_PER_S : 0);

	ret->tv_sec = (time_t)(now / NS_PER_S);
	ret->tv_nsec = (long)(now % NS_PER_S);
	return 0;
}

/* --- timers: those of libevent wait for a day, which does not pass ------------------------------- */

int __real_event_add(struct event *event, const struct timeval *timeout);
int __wrap_event_add(struct event *event, const struct timeval *timeout);
void __real_event_free(struct event *event);
void __wrap_event_free(struct event *event);

static size_t timer_place(const struct event *event)
{
	size_t i;

	for (i = 0; i < TIMERS_MAX; i++)
		if (w.timers[i].event == event)
			return i;
	return i;
}

int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
	static const struct timeval day = {.tv_sec = 86400};
	size_t i = timer_place(event);

	if (!timeout)
		return __real_event_add(event, NULL);
	if (i == TIMERS_MAX)
		i = timer_place(NULL);
	MUST(i < TIMERS_MAX);
	w.timers[i].event = event;
	w.timers[i].due_ns = w.now_ns + (uint64_t)timeout->tv_sec * NS_PER_S +
		(uint64_t)timeout->tv_usec * NS_PER_US;
	return __real_event_add(event, &day);
}

void __wrap_event_free(struct event *event)
{
	size_t i = timer_place(event);

	if (i < TIMERS_MAX)
		w.timers[i].event = NULL;
	__real_event_free(event);
}

/* Those that are due, the earliest first; false: none. */
static bool fire_one(void)
{
	size_t next = TIMERS_MAX;

	for (size_t i = 0; i < TIMERS_MAX; i++)
		if (w.timers[i].event && event_pending(w.timers[i].event, EV_TIMEOUT, NULL) &&
			w.timers[i].due_ns <= w.now_ns &&
			(next == TIMERS_MAX || w.timers[i].due_ns < w.timers[next].due_ns))
			next = i;
	if (next == TIMERS_MAX)
		return false;
	event_active(w.timers[next].event, EV_TIMEOUT, 0);
	event_base_loop(w.base, EVLOOP_NONBLOCK);
	return true;
}

void world_turn(void)
{
	for (unsigned i = 0; i < 3; i++)
		event_base_loop(w.base, EVLOOP_NONBLOCK);
	for (unsigned i = 0; i < TURNS_MAX && fire_one(); i++)
		;
	event_base_loop(w.base, EVLOOP_NONBLOCK);
}

void world_pass(uint64_t ns)
{
	w.now_ns += ns;
	world_turn();
}

/* --- processes ---------------------------------------------------------------------------------- */

int __wrap_child_start(struct event_base *base, const struct child_spec *spec,
	child_exit_fn *on_exit, void *data, struct child **ret);
pid_t __wrap_child_pid(const struct child *c);
void __wrap_child_kill(struct child *c, int signo);
void __wrap_child_end(struct child *c);

static enum world_role role_of(const char *program)
{
	static const char *const names[WORLD_ROLES] = {"broker", "ingest", "decode"};

	for (unsigned i = 0; i < WORLD_ROLES; i++)
		if (strstr(program, names[i]))
			return i;
	MUST(!"a role that is not played here");
	return WORLD_ROLES;
}

struct child *world_find(enum world_role role, const char *name)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *c = &w.children[i];

		if (c->pid && c->role == role && (!name || !strcmp(c->name, name)))
			return c;
	}
	return NULL;
}

unsigned world_count(const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < CHILDREN_MAX; i++)
		n += w.children[i].pid && !strcmp(w.children[i].name, name);
	return n;
}

/* The order of a birth is decode, ingest; and nobody of the life before is there. */
static void must_be_first(const struct child *c)
{
	const struct child *decode = world_find(WORLD_DECODE, c->name);

	switch (c->role) {
	case WORLD_BROKER:
		MUST(!world_find(WORLD_BROKER, NULL));
		break;
	case WORLD_DECODE:
		MUST(world_count(c->name) == 0);
		break;
	default:
		MUST(!world_find(WORLD_INGEST, c->name));
		MUST(decode && decode->data == c->data && !decode->is_killed);
		break;
	}
}

int __wrap_child_start(struct event_base *base, const struct child_spec *spec,
	child_exit_fn *on_exit, void *data, struct child **ret)
{
	struct child c = {.role = role_of(spec->program),
		.pid = ++w.last_pid,
		.link = -1,
		.on_exit = on_exit,
		.data = data};
	size_t i = 0;

	(void)base;
	if (w.start_error) {
		int error = w.start_error;

		w.start_error = 0;
		return error;
	}
	if (spec->args[2])
		snprintf(c.name, sizeof(c.name), "%s", spec->args[2]);
	must_be_first(&c);
	while (i < CHILDREN_MAX && w.children[i].pid)
		i++;
	MUST(i < CHILDREN_MAX);
	for (size_t f = 0; f < spec->n_fds; f++) {
		MUST(fcntl(spec->fds[f].fd, F_GETFD) >= 0);
		if (spec->fds[f].at == LINK_FD_DAEMON)
			c.link = fcntl(spec->fds[f].fd, F_DUPFD_CLOEXEC, 0);
	}
	MUST(c.link >= 0);
	w.children[i] = c;
	*ret = &w.children[i];
	return 0;
}

pid_t __wrap_child_pid(const struct child *c)
{
	return c ? c->pid : 0;
}

void __wrap_child_kill(struct child *c, int signo)
{
	MUST(c->pid && signo);
	c->is_killed = true;
}

void __wrap_child_end(struct child *c)
{
	if (!c)
		return;
	MUST(c->pid);
	cleanup_close(&c->link);
	*c = (struct child){0};
}

void world_reap(struct child *c, int status)
{
	struct child was = *c;

	cleanup_close(&c->link);
	*c = (struct child){0};
	was.on_exit(was.data, status);
}

void world_fail_next_start(int error)
{
	w.start_error = error;
}

/* --- sources ------------------------------------------------------------------------------------- */

int __wrap_connect_begin(struct event_base *base, const struct roles *roles,
	const struct camera_record *camera, connect_done_fn *done, void *data,
	struct connecting **ret);
void __wrap_connect_cancel(struct connecting *c);

int __wrap_connect_begin(struct event_base *base, const struct roles *roles,
	const struct camera_record *camera, connect_done_fn *done, void *data,
	struct connecting **ret)
{
	size_t i = 0;

	(void)base;
	(void)roles;
	MUST(world_count(camera->name) == 0);
	while (i < SOURCES_MAX && w.sources[i].done)
		i++;
	MUST(i < SOURCES_MAX);
	w.sources[i] = (struct connecting){done, data};
	*ret = &w.sources[i];
	return 0;
}

void __wrap_connect_cancel(struct connecting *c)
{
	if (!c)
		return;
	MUST(c->done);
	c->done = NULL;
}

void world_open_source(enum world_source how)
{
	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct connecting c = w.sources[i];
		int fd = -1;

		if (!c.done)
			continue;
		w.sources[i].done = NULL;
		if (how == WORLD_SOCKET)
			fd = fcntl(socket_source, F_DUPFD_CLOEXEC, 0);
		else if (how == WORLD_FILE)
			fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		MUST(how == WORLD_NO_SOURCE || fd >= 0);
		c.done(c.data, fd, fd < 0 ? "it does not answer" : "");
		return;
	}
}

/* --- what is said --------------------------------------------------------------------------------- */

void world_say(const struct child *c, const struct wire_message *m, const void *msg)
{
	if (c && c->link >= 0)
		(void)sock_send_msg(c->link, m, msg);
}

void world_say_bytes(const struct child *c, const uint8_t *bytes, size_t len, unsigned n_fds)
{
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec data = {(void *)bytes, len};
	struct msghdr m = {.msg_iov = &data, .msg_iovlen = 1};
	int fds[4] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};

	if (!c || c->link < 0)
		return;
	if (n_fds) {
		struct cmsghdr *h = &control.align;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n_fds * sizeof(int));
	}
	(void)sendmsg(c->link, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

size_t world_hear(const struct child *c, uint8_t *buf, size_t size)
{
	int fds[SOCK_FDS_MAX];
	size_t n_fds = 0;
	ssize_t n = c->link < 0 ? -1 : sock_recv(c->link, buf, size, fds, &n_fds);

	if (n > 0)
		sock_close_fds(fds, n_fds);
	return n > 0 ? (size_t)n : 0;
}

/* --- beginning and end ---------------------------------------------------------------------------- */

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	MUST(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

void world_begin(void)
{
	memset(&w, 0, sizeof(w));
	w.fds_before = count_fds();
	w.now_ns = 1000 * NS_PER_S;
	random_state = 1;
}

void world_use_loop(struct event_base *base)
{
	w.base = base;
}

void world_end(void)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		MUST(!w.children[i].pid);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		MUST(!w.sources[i].done);
	for (size_t i = 0; i < TIMERS_MAX; i++)
		MUST(!w.timers[i].event);
	MUST(count_fds() == w.fds_before);
}
