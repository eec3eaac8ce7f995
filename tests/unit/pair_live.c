/* The host of a pair, in the test's process. */
#include "tests/unit/pair_live.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/unit/unit.h"

struct pair_scene scene;
struct pair_live live;

/* The linker puts these in the place of the real ones (--wrap). */
int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_event_add(struct event *event, const struct timeval *timeout);
int __wrap_event_add(struct event *event, const struct timeval *timeout);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	if (!live.stopped_ns || id != CLOCK_MONOTONIC)
		return __real_clock_gettime(id, ret);
	ret->tv_sec = (time_t)(live.stopped_ns / NS_PER_S);
	ret->tv_nsec = (long)(live.stopped_ns % NS_PER_S);
	return 0;
}

int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
	static const struct timeval at_once = {.tv_usec = 1};

	if (timeout && live.refuses_timers)
		return -1;
	if (timeout && timeout->tv_sec == 10 && live.refuses_tens && live.tens_left-- == 0)
		return -1;
	if (!live.stopped_ns || !timeout)
		return __real_event_add(event, timeout);
	live.armed_ns =
		(uint64_t)timeout->tv_sec * NS_PER_S + (uint64_t)timeout->tv_usec * NS_PER_US;
	live.times_armed++;
	return __real_event_add(event, &at_once);
}

static void tell(
	void *self, const struct wire_message *m, const void *msg, const int *fds, size_t n_fds)
{
	struct event_seen *e = &live.seen[live.n_seen];

	(void)self;
	ck_assert_uint_lt(++live.n_seen, EVENTS_MAX);
	*e = (struct event_seen){.message = m, .at_ns = clock_monotonic_ns()};
	if (m == &wire_camera_news) {
		const struct msg_camera_news *news = msg;

		ck_assert_mem_eq(news->id, scene.camera.id.b, CAMERA_ID_BYTES);
		e->state = news->state;
		memcpy(e->reason, news->reason, sizeof(e->reason));
	} else if (m == &wire_pair_born) {
		e->generation = ((const struct msg_pair_born *)msg)->generation;
		ck_assert_uint_eq(n_fds, 1);
		if (live.broker_fd >= 0)
			close(live.broker_fd);
		live.broker_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		ck_assert_int_eq(send(live.broker_fd, "!", 1, MSG_NOSIGNAL), 1);
	} else if (m == &wire_pair_dead) {
		const struct msg_pair_dead *dead = msg;

		e->generation = dead->generation;
		memcpy(e->reason, dead->reason, sizeof(e->reason));
		if (live.stops_clock)
			live.stopped_ns = e->at_ns;
	}
	if (m == live.wanted && !live.found &&
		(!live.wanted_state || e->state == live.wanted_state)) {
		live.found = e;
		event_base_loopbreak(scene.base);
	}
}

static void at_rest(void *self)
{
	(void)self;
	live.rests++;
	event_base_loopbreak(scene.base);
}

static void keep(void *self)
{
	(void)self;
	live.keeps++;
	live.keeps_live += live.n_seen && live.seen[live.n_seen - 1].state == CAMERA_LIVE;
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(data);
}

/* Runs the loop until somebody breaks it, or so long. */
static void run_loop(const struct timeval *limit)
{
	struct event *end = evtimer_new(scene.base, on_limit, scene.base);

	ck_assert_ptr_nonnull(end);
	__real_event_add(end, limit);
	event_base_dispatch(scene.base);
	event_free(end); /* the next wait has a limit of its own */
}

/* Run the loop until such a message comes; NULL: until a pair is at rest. */
const struct event_seen *live_run_until(const struct wire_message *m, unsigned state)
{
	static const struct timeval limit = {.tv_sec = 20};
	unsigned rests = live.rests;

	live.found = NULL;
	live.wanted = m;
	live.wanted_state = state;
	run_loop(&limit);
	live.wanted = NULL;
	if (!m) {
		ck_assert_uint_eq(live.rests, rests + 1);
		return NULL;
	}
	ck_assert_msg(live.found != NULL, "%s %u did not come; %zu came, the last: %s %u %s",
		m->name, state, live.n_seen, live.seen[live.n_seen - 1].message->name,
		live.seen[live.n_seen - 1].state, live.seen[live.n_seen - 1].reason);
	return live.found;
}

void live_run_for(unsigned ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	run_loop(&limit);
}

void live_begin_at(const char *camera, const char *url, bool warm)
{
	const struct config_camera like = {
		.transport = TRANSPORT_TCP, .fingerprint = true, .warm = warm};

	live.fds_before = unit_count_fds();
	log_init("test", -1);
	role_folder_make(&scene.roles);
	live.broker_fd = -1;
	pair_scene_begin(&scene, camera, url, &like);
	scene.host.tell = tell;
	scene.host.at_rest = at_rest;
	scene.host.keep = keep;
	scene.pair = pair_new(&scene.host, &scene.camera);
	ck_assert_ptr_nonnull(scene.pair);
}

/* With the record as it is now: a pair keeps a copy of its own. */
void live_begin_again(void)
{
	pair_free(scene.pair);
	scene.pair = pair_new(&scene.host, &scene.camera);
	ck_assert_ptr_nonnull(scene.pair);
}

void live_begin(const char *camera)
{
	live_begin_at(camera, "test:x", false);
}

void live_end(void)
{
	pair_free(scene.pair);
	pair_scene_end(&scene);
	if (live.broker_fd >= 0)
		close(live.broker_fd);
	role_folder_remove(&scene.roles);
	ck_assert_int_eq(unit_count_fds(), live.fds_before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
