/*
 * mux/daemon/pair: its life with real processes. The program is its own ingest and decode: started
 * under their names it plays what the camera's name says.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sock.h"
#include "mux/daemon/fingerprint_file.h"
#include "mux/daemon/pair.h"
#include "tests/unit/unit.h"

/* ---- the roles ------------------------------------------------------------------------------ */

static bool plays(const char *camera, const char *what)
{
	return strcmp(camera, what) == 0;
}

static int receive(int fd, const struct wire_message *m, void *msg)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	if (poll(&p, 1, 20000) != 1)
		return -ETIMEDOUT;
	n = sock_recv(fd, buf, sizeof(buf), NULL, NULL);
	return n < 0 ? (int)n : wire_decode(m, buf, (size_t)n, msg);
}

static void wait_for_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};
	uint8_t buf[LIMIT_MESSAGE];

	do {
		poll(&p, 1, 20000);
	} while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0);
}

/* The host tells decode through the broker's link, decode tells ingest: see tell(). */
static bool wait_for_birth(void)
{
	struct pollfd p = {.fd = LINK_FD_INGEST_STREAM, .events = POLLIN};
	uint8_t byte;

	return poll(&p, 1, 20000) == 1 && recv(p.fd, &byte, 1, MSG_DONTWAIT) == 1;
}

static int fail_as_closed(void)
{
	struct msg_ingest_failed failed = {.what = INGEST_AUTH, .reason = "401"};

	sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
	return 0;
}

/* The same, of a camera that wants Basic: nothing is asked, framemuxd knows what to say. */
static int play_closing_basic(const struct msg_ingest_start *start)
{
	struct msg_digest_answer answer;

	if (start->answered &&
		(receive(LINK_FD_DAEMON, &wire_digest_answer, &answer) < 0 ||
			strcmp(answer.authorization, "Basic dmlld2VyOnNlY3JldA==") != 0))
		return 1;
	return fail_as_closed();
}

/* A camera that closes its connection with each 401. */
static int play_closing(const struct msg_ingest_start *start)
{
	struct msg_digest_ask ask = {.request = 3,
		.algorithm = DIGEST_MD5,
		.method = HTTP_GET,
		.realm = "r",
		.nonce = "n",
		.uri = "/video"};
	struct msg_digest_answer answer;

	if (!start->answered)
		sock_send_msg(LINK_FD_DAEMON, &wire_digest_ask, &ask);
	if (receive(LINK_FD_DAEMON, &wire_digest_answer, &answer) < 0 || answer.status != 0 ||
		answer.request != (start->answered ? 0 : 3) ||
		strncmp(answer.authorization, "Digest ", 7) != 0)
		return 1;
	return fail_as_closed();
}

static int play_ingest(const char *camera)
{
	struct msg_ingest_start start;
	struct msg_ingest_ready ready;

	if (receive(LINK_FD_DAEMON, &wire_ingest_start, &start) < 0 ||
		strcmp(start.name, camera) != 0)
		return 1;
	ready.generation = start.generation + (plays(camera, "wrong-generation") ? 1 : 0);
	sock_send_msg(LINK_FD_DAEMON, &wire_ingest_ready, &ready);
	if (!plays(camera, "wrong-generation") && !wait_for_birth())
		return 1;
	if (plays(camera, "says-why")) {
		struct msg_ingest_failed failed = {
			.what = INGEST_FINAL, .reason = "the camera says 401"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0; /* decode's complaint about it may be read first */
	}
	if (plays(camera, "deaf") && start.transport == TRANSPORT_TCP) {
		struct msg_ingest_failed failed = {.what = INGEST_SWITCH, .reason = "no media"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "wrong-pin")) {
		struct msg_ingest_failed failed = {
			.what = INGEST_BLOCK, .reason = "certificate pin differs"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "switches")) {
		struct msg_ingest_failed failed = {.what = INGEST_SWITCH, .reason = "no media"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_failed, &failed);
		return 0;
	}
	if (plays(camera, "two-faces")) { /* one in its first two lives, another one later */
		struct msg_identity identity = {.origin = "- IN IP4 itself"};
		struct msg_identity_ok ok;

		snprintf(identity.server, sizeof(identity.server), "face %u",
			start.generation <= 2 ? 1 : 2);
		sock_send_msg(LINK_FD_DAEMON, &wire_identity, &identity);
		if (receive(LINK_FD_DAEMON, &wire_identity_ok, &ok) < 0 ||
			ok.generation != start.generation)
			return 1;
	}
	if (plays(camera, "two-identities")) {
		struct msg_identity identity = {.server = "x"};

		sock_send_msg(LINK_FD_DAEMON, &wire_identity, &identity);
		sock_send_msg(LINK_FD_DAEMON, &wire_identity, &identity);
	}
	if (plays(camera, "steps")) {
		struct msg_ingest_news news = {.reason = "DESCRIBE"};

		sock_send_msg(LINK_FD_DAEMON, &wire_ingest_news, &news);
	}
	if (plays(camera, "closes-with-401"))
		return play_closing(&start);
	if (plays(camera, "closes-with-basic"))
		return play_closing_basic(&start);
	if (plays(camera, "closes-for-nothing"))
		return fail_as_closed();
	if (plays(camera, "wants-udp")) { /* which a pattern cannot have */
		struct msg_udp_bind bind = {start.generation};

		sock_send_msg(LINK_FD_DAEMON, &wire_udp_bind, &bind);
	}
	if (plays(camera, "crash")) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	if (plays(camera, "flood")) {
		struct msg_ingest_news news = {.reason = "x"};

		for (;;)
			if (sock_send_msg(LINK_FD_DAEMON, &wire_ingest_news, &news) == -EPIPE)
				return 0;
	}
	if (plays(camera, "garbage"))
		send(LINK_FD_DAEMON, "garbage", 7, MSG_NOSIGNAL);
	if (plays(camera, "digest")) {
		struct msg_digest_ask ask = {.request = 3,
			.algorithm = DIGEST_MD5,
			.method = RTSP_DESCRIBE,
			.realm = "r",
			.nonce = "n",
			.uri = "rtsp://elsewhere/"};
		struct msg_digest_answer answer;

		sock_send_msg(LINK_FD_DAEMON, &wire_digest_ask, &ask);
		if (receive(LINK_FD_DAEMON, &wire_digest_answer, &answer) < 0 ||
			answer.request != 3 || answer.status == 0 || answer.authorization[0])
			return 1;
	}
	if (plays(camera, "nags")) {
		struct msg_digest_ask ask = {.algorithm = DIGEST_MD5,
			.method = RTSP_DESCRIBE,
			.uri = "rtsp://elsewhere/"};

		for (; ask.request < 100; ask.request++)
			sock_send_msg(LINK_FD_DAEMON, &wire_digest_ask, &ask);
	}
	wait_for_end(LINK_FD_DAEMON);
	return 0;
}

static int play_decode(const char *camera)
{
	struct msg_decode_start start;
	struct msg_decode_ready ready;
	struct msg_decode_beat beat = {
		.width = 320, .height = 240, .fps_milli = 25000, .codec = "h264"};

	if (receive(LINK_FD_DAEMON, &wire_decode_start, &start) < 0)
		return 1;
	ready.generation = start.generation;
	sock_send_msg(LINK_FD_DAEMON, &wire_decode_ready, &ready);
	for (;;) {
		struct pollfd p[] = {{.fd = LINK_FD_DAEMON, .events = POLLIN},
			{.fd = LINK_FD_DECODE_STREAM, .events = POLLIN},
			{.fd = LINK_FD_DECODE_BROKER, .events = POLLIN}};
		uint8_t byte;

		if (plays(camera, "steps") || plays(camera, "switches"))
			beat.last_frame_ns = 0;
		else if (!plays(camera, "stands-still") || beat.frames_decoded < 3) {
			beat.frames_decoded++;
			beat.last_frame_ns = clock_monotonic_ns();
		}
		if (sock_send_msg(LINK_FD_DAEMON, &wire_decode_beat, &beat) == -EPIPE)
			return 0;
		poll(p, 3, 50);
		if (p[2].revents && recv(p[2].fd, &byte, 1, MSG_DONTWAIT) == 1)
			send(p[1].fd, &byte, 1, MSG_NOSIGNAL);
		if (p[0].revents)
			return 0;
		if (p[1].revents) {
			struct msg_decode_failed failed = {.reason = "the stream has ended"};

			sock_send_msg(LINK_FD_DAEMON, &wire_decode_failed, &failed);
			return 0;
		}
	}
}

/* ---- the host -------------------------------------------------------------------------------- */

#define EVENTS_MAX 128

struct event_seen {
	const struct wire_message *message;
	unsigned state;
	uint64_t generation, at_ns;
	char reason[LIMIT_REASON];
};

static struct {
	struct event_base *base;
	struct roles roles;
	struct camera_record camera;
	struct pair_host host;
	struct pair *pair;
	uint8_t k_session[KEY_BYTES];
	struct event_seen seen[EVENTS_MAX];
	size_t n_seen;
	int broker_fd;
	unsigned rests, keeps, keeps_live;
	/* what run_until waits for */
	const struct wire_message *wanted;
	unsigned wanted_state;
	const struct event_seen *found;
	int fds_before;
	/* No waiting: while the clock stands, timers are seen and end at once. */
	bool stops_clock; /* at each death */
	uint64_t stopped_ns, armed_ns;
	unsigned times_armed;
} t;

/* The linker puts these in the place of the real ones (--wrap). */
int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_event_add(struct event *event, const struct timeval *timeout);
int __wrap_event_add(struct event *event, const struct timeval *timeout);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	if (!t.stopped_ns || id != CLOCK_MONOTONIC)
		return __real_clock_gettime(id, ret);
	ret->tv_sec = (time_t)(t.stopped_ns / NS_PER_S);
	ret->tv_nsec = (long)(t.stopped_ns % NS_PER_S);
	return 0;
}

int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
	static const struct timeval at_once = {.tv_usec = 1};

	if (!t.stopped_ns || !timeout)
		return __real_event_add(event, timeout);
	t.armed_ns = (uint64_t)timeout->tv_sec * NS_PER_S + (uint64_t)timeout->tv_usec * NS_PER_US;
	t.times_armed++;
	return __real_event_add(event, &at_once);
}

static void tell(
	void *self, const struct wire_message *m, const void *msg, const int *fds, size_t n_fds)
{
	struct event_seen *e = &t.seen[t.n_seen];

	(void)self;
	ck_assert_uint_lt(++t.n_seen, EVENTS_MAX);
	*e = (struct event_seen){.message = m, .at_ns = clock_monotonic_ns()};
	if (m == &wire_camera_news) {
		const struct msg_camera_news *news = msg;

		ck_assert_mem_eq(news->id, t.camera.id.b, CAMERA_ID_BYTES);
		e->state = news->state;
		memcpy(e->reason, news->reason, sizeof(e->reason));
	} else if (m == &wire_pair_born) {
		e->generation = ((const struct msg_pair_born *)msg)->generation;
		ck_assert_uint_eq(n_fds, 1);
		if (t.broker_fd >= 0)
			close(t.broker_fd);
		t.broker_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		ck_assert_int_eq(send(t.broker_fd, "!", 1, MSG_NOSIGNAL), 1);
	} else if (m == &wire_pair_dead) {
		const struct msg_pair_dead *dead = msg;

		e->generation = dead->generation;
		memcpy(e->reason, dead->reason, sizeof(e->reason));
		if (t.stops_clock)
			t.stopped_ns = e->at_ns;
	}
	if (m == t.wanted && !t.found && (!t.wanted_state || e->state == t.wanted_state)) {
		t.found = e;
		event_base_loopbreak(t.base);
	}
}

static void at_rest(void *self)
{
	(void)self;
	t.rests++;
	event_base_loopbreak(t.base);
}

static void keep(void *self)
{
	(void)self;
	t.keeps++;
	t.keeps_live += t.n_seen && t.seen[t.n_seen - 1].state == CAMERA_LIVE;
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
	struct event *end = evtimer_new(t.base, on_limit, t.base);

	ck_assert_ptr_nonnull(end);
	__real_event_add(end, limit);
	event_base_dispatch(t.base);
	event_free(end); /* the next wait has a limit of its own */
}

/* Run the loop until such a message comes; NULL: until a pair is at rest. */
static const struct event_seen *run_until(const struct wire_message *m, unsigned state)
{
	static const struct timeval limit = {.tv_sec = 20};
	unsigned rests = t.rests;

	t.found = NULL;
	t.wanted = m;
	t.wanted_state = state;
	run_loop(&limit);
	t.wanted = NULL;
	if (!m) {
		ck_assert_uint_eq(t.rests, rests + 1);
		return NULL;
	}
	ck_assert_msg(t.found != NULL, "%s %u did not come; %zu came, the last: %s %u %s", m->name,
		state, t.n_seen, t.seen[t.n_seen - 1].message->name, t.seen[t.n_seen - 1].state,
		t.seen[t.n_seen - 1].reason);
	return t.found;
}

static void run_for(unsigned ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	run_loop(&limit);
}

static char folder[64];

static void make_role_folder(void)
{
	char self[256], path[128];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = 0;
	snprintf(folder, sizeof(folder), "/tmp/framemux-pair-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/framemux-%s", folder, i ? "decode" : "ingest");
		ck_assert_int_eq(symlink(self, path), 0);
	}
}

static void begin_at(const char *camera, const char *url, bool warm)
{
	struct config_camera cam = {0};
	const char *why;

	t.fds_before = unit_count_fds();
	log_init("test", -1);
	make_role_folder();
	t.base = event_base_new();
	t.broker_fd = -1;
	snprintf(t.roles.folder, sizeof(t.roles.folder), "%s", folder);
	snprintf(cam.name, sizeof(cam.name), "%s", camera);
	cam.transport = TRANSPORT_TCP;
	ck_assert_int_eq(url_parse(url, &cam.source, &why), 0);
	cam.fingerprint = true;
	cam.warm = warm;
	camera_record_make(&cam, 1, &t.camera);
	t.host = (struct pair_host){.base = t.base,
		.roles = &t.roles,
		.k_session = t.k_session,
		.stale_after_ms = 20000,
		.pairs = &t.pair,
		.n_pairs = 1,
		.self = NULL,
		.tell = tell,
		.at_rest = at_rest,
		.keep = keep};
	t.pair = pair_new(&t.host, &t.camera);
	ck_assert_ptr_nonnull(t.pair);
}

/* With the record as it is now: a pair keeps a copy of its own. */
static void begin_again(void)
{
	pair_free(t.pair);
	t.pair = pair_new(&t.host, &t.camera);
	ck_assert_ptr_nonnull(t.pair);
}

static void begin(const char *camera)
{
	begin_at(camera, "test:x", false);
}

static void end(void)
{
	char path[128];

	pair_free(t.pair);
	event_base_free(t.base);
	if (t.broker_fd >= 0)
		close(t.broker_fd);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/framemux-%s", folder, i ? "decode" : "ingest");
		unlink(path);
	}
	rmdir(folder);
	ck_assert_int_eq(unit_count_fds(), t.fds_before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

START_TEST(test_a_good_life)
{
	struct msg_survey_camera survey;
	const struct event_seen *e;

	begin("good");
	pair_want(t.pair, 1);
	ck_assert_uint_eq(run_until(&wire_camera_news, CAMERA_LIVE)->state, CAMERA_LIVE);
	ck_assert_ptr_eq(t.seen[0].message, &wire_camera_news);
	ck_assert_uint_eq(t.seen[0].state, CAMERA_CONNECTING);
	ck_assert_ptr_eq(t.seen[1].message, &wire_pair_born); /* before anything is live */
	ck_assert_uint_eq(t.seen[1].generation, 1);
	run_for(200);
	pair_survey(t.pair, 7, &survey);
	ck_assert_uint_eq(survey.request, 7);
	ck_assert_uint_eq(survey.state, CAMERA_LIVE);
	ck_assert_uint_eq(survey.width, 320);
	ck_assert_str_eq(survey.codec, "h264");
	ck_assert_uint_gt(survey.ingest_pid, 1);
	ck_assert_uint_gt(survey.decode_pid, 1);
	ck_assert_uint_gt(survey.rss_kib, 0);
	ck_assert_uint_lt(survey.last_frame_age_ms, 20000);
	pair_want(t.pair, 0);
	e = run_until(&wire_camera_news, CAMERA_IDLE);
	ck_assert_ptr_eq(e[-1].message, &wire_pair_dead);
	ck_assert_uint_eq(e[-1].generation, 1);
	ck_assert(pair_is_at_rest(t.pair));
	pair_want(t.pair, 2); /* at once: nothing went wrong */
	ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 2);
	pair_stop(t.pair);
	run_until(NULL, 0);
	end();
}
END_TEST

static void want_none_and_see_linger(void)
{
	t.stopped_ns = clock_monotonic_ns();
	pair_want(t.pair, 0);
	t.stopped_ns = 0;
	ck_assert_uint_eq(t.armed_ns, 1000 * NS_PER_S);
	ck_assert(!pair_is_at_rest(t.pair));
}

START_TEST(test_linger)
{
	begin("good");
	t.host.linger_s = 1000;
	pair_want(t.pair, 1);
	run_until(&wire_camera_news, CAMERA_LIVE);
	want_none_and_see_linger();
	pair_want(t.pair, 1); /* came back in time */
	run_for(200);
	ck_assert(!pair_is_at_rest(t.pair));
	t.armed_ns = 0;
	want_none_and_see_linger();
	run_until(&wire_camera_news, CAMERA_IDLE);
	end();
}
END_TEST

static void see_two_lives_and_a_pause(void)
{
	struct msg_survey_camera survey;
	const struct event_seen *e;

	pair_want(t.pair, 1);
	ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 1);
	ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 2);
	for (e = t.seen; e < t.found; e++)
		ck_assert(e->message != &wire_camera_news || e->state != CAMERA_LOST);
	ck_assert_str_eq(run_until(&wire_camera_news, CAMERA_LOST)->reason, "401");
	pair_survey(t.pair, 1, &survey);
	ck_assert_uint_eq(survey.reconnects, 0);
	pair_stop(t.pair);
	end();
}

START_TEST(test_an_answer_outlives_its_process_once)
{
	begin("closes-with-401");
	t.camera.password = "secret";
	snprintf(t.camera.url, sizeof(t.camera.url), "http://h/video");
	begin_again();
	see_two_lives_and_a_pause();
}
END_TEST

START_TEST(test_basic_is_said_in_the_next_life)
{
	begin("closes-with-basic");
	t.camera.basic = t.camera.tls = true;
	snprintf(t.camera.username, sizeof(t.camera.username), "viewer");
	t.camera.password = "secret";
	begin_again();
	see_two_lives_and_a_pause();
}
END_TEST

START_TEST(test_without_an_answer_there_is_a_pause)
{
	begin("closes-for-nothing");
	pair_want(t.pair, 1);
	run_until(&wire_camera_news, CAMERA_LOST);
	ck_assert_uint_eq(t.seen[1].generation, 1);
	for (size_t i = 2; i < t.n_seen; i++)
		ck_assert_ptr_ne(t.seen[i].message, &wire_pair_born);
	pair_stop(t.pair);
	end();
}
END_TEST

/* camera, a part of the reason that the broker and status get */
static const struct {
	const char *camera, *reason;
} deaths[] = {
	{"wrong-generation", "ingest broke the protocol"},
	{"says-why", "the camera says 401"},
	{"crash", "ingest was killed by signal 11"},
	{"flood", "ingest broke the protocol"},
	{"two-identities", "ingest broke the protocol"},
	{"garbage", "ingest broke the protocol"},
	{"wants-udp", "ingest broke the protocol"},
};

START_TEST(test_deaths)
{
	const struct event_seen *e;

	begin(deaths[_i].camera);
	pair_want(t.pair, 1);
	e = run_until(&wire_camera_news, CAMERA_LOST);
	ck_assert_msg(strstr(e->reason, deaths[_i].reason) != NULL, "%s", e->reason);
	if (e[-1].message == &wire_pair_dead)
		ck_assert_str_eq(e[-1].reason, e->reason);
	else
		ck_assert_str_eq(
			deaths[_i].camera, "wrong-generation"); /* never born for the broker */
	pair_want(t.pair, 0);
	ck_assert_uint_eq(t.seen[t.n_seen - 1].state, CAMERA_IDLE);
	ck_assert(pair_is_at_rest(t.pair));
	end();
}
END_TEST

START_TEST(test_growing_pauses)
{
	/* each within a fifth of this */
	static const unsigned pauses_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

	begin("good");
	t.stops_clock = true;
	pair_want(t.pair, 1);
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		uint64_t pause = pauses_ms[i] * NS_PER_MS, planned;

		ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, i + 1);
		t.times_armed = 0;
		pair_kill(t.pair, i + 1, "it shall die");
		run_until(&wire_pair_dead, 0);
		ck_assert_uint_eq(t.times_armed, 1);
		planned = t.armed_ns;
		ck_assert_uint_ge(planned, pause * 4 / 5);
		ck_assert_uint_le(planned, pause * 6 / 5);
		/* asking again is no way around the pause */
		pair_want(t.pair, 0);
		ck_assert(pair_is_at_rest(t.pair));
		pair_want(t.pair, 1);
		ck_assert(pair_is_at_rest(t.pair));
		ck_assert_uint_eq(t.times_armed, 2);
		ck_assert_uint_eq(t.armed_ns, planned);
		t.stopped_ns = 0;
	}
	pair_stop(t.pair);
	if (!pair_is_at_rest(t.pair))
		run_until(NULL, 0);
	end();
}
END_TEST

/* A camera that crashes what looks at it: after five in a row it is left alone for longer. */
START_TEST(test_breaker)
{
	static const unsigned pauses_ms[] = {500, 1000, 2000, 4000, 30000, 60000};
	struct msg_survey_camera survey;

	begin("crash");
	t.stops_clock = true;
	pair_want(t.pair, 1);
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		uint64_t pause = pauses_ms[i] * NS_PER_MS;

		run_until(&wire_pair_dead, 0);
		ck_assert_uint_ge(t.armed_ns, pause * 4 / 5);
		ck_assert_uint_le(t.armed_ns, pause * 6 / 5);
		pair_survey(t.pair, 1, &survey);
		ck_assert_uint_eq(survey.state, CAMERA_LOST);
		ck_assert_ptr_nonnull(strstr(survey.reason, "ingest was killed by signal 11"));
		ck_assert(!strstr(survey.reason, "next try in ") == (pauses_ms[i] < 10000));
		ck_assert_uint_eq(survey.reconnects, i);
		t.stopped_ns = 0;
	}
	end();
}
END_TEST

/* may: whether the other transport is permitted */
START_TEST(test_another_transport)
{
	const struct event_seen *e;
	bool may = _i;

	begin("deaf");
	t.camera.may_switch = may;
	begin_again();
	pair_want(t.pair, 1);
	e = run_until(&wire_camera_news, may ? CAMERA_LIVE : CAMERA_LOST);
	if (!may)
		ck_assert_str_eq(e->reason, "no media");
	for (size_t i = 0; may && i < t.n_seen; i++)
		ck_assert_uint_ne(t.seen[i].state, CAMERA_LOST);
	if (!may) /* the same again */
		ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 2);
	end();
}
END_TEST

/* The next attempt is another one: at once, but only every other time. */
START_TEST(test_switch)
{
	begin("switches");
	t.camera.may_switch = true;
	begin_again();
	pair_want(t.pair, 1);
	run_until(&wire_pair_dead, 0);
	ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 2);
	for (size_t i = 0; i < t.n_seen; i++)
		ck_assert_uint_ne(t.seen[i].state, CAMERA_LOST);
	run_until(&wire_camera_news, CAMERA_LOST);
	pair_want(t.pair, 0);
	end();
}
END_TEST

START_TEST(test_steps)
{
	struct msg_survey_camera survey;

	begin("steps");
	pair_want(t.pair, 1);
	run_until(&wire_pair_born, 0);
	for (unsigned i = 0; i < 100; i++) {
		run_for(50);
		pair_survey(t.pair, 1, &survey);
		if (!strcmp(survey.reason, "DESCRIBE"))
			break;
	}
	ck_assert_str_eq(survey.reason, "DESCRIBE");
	ck_assert_uint_eq(survey.state, CAMERA_CONNECTING);
	end();
}
END_TEST

/* ---- warm, blocked --------------------------------------------------------------------------- */

static void await_life(uint64_t generation)
{
	struct msg_survey_camera survey;

	run_until(&wire_camera_news, CAMERA_LIVE);
	pair_survey(t.pair, 1, &survey);
	ck_assert_uint_eq(survey.generation, generation);
}

START_TEST(test_warm)
{
	struct msg_survey_camera survey;

	begin_at("good", "test:x", true);
	pair_survey(t.pair, 1, &survey);
	ck_assert_uint_eq(survey.state, CAMERA_CONNECTING);
	run_for(300); /* nobody serves yet */
	ck_assert_uint_eq(t.n_seen, 0);
	pair_serve(t.pair);
	run_until(&wire_camera_news, CAMERA_LIVE); /* nobody asks */
	pair_want(t.pair, 1);
	pair_want(t.pair, 0); /* linger is 0 */
	run_for(300);
	ck_assert(!pair_is_at_rest(t.pair));
	pair_kill(t.pair, 1, "it shall die");
	await_life(2);
	pair_abort(t.pair); /* the broker died */
	run_until(NULL, 0);
	run_for(300);
	ck_assert(pair_is_at_rest(t.pair));
	pair_serve(t.pair);
	ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 3);
	for (size_t i = 0; i < t.n_seen; i++)
		ck_assert_uint_ne(t.seen[i].state, CAMERA_IDLE);
	pair_stop(t.pair);
	run_until(NULL, 0);
	end();
}
END_TEST

/* A lease does not wait for the turn of a warm camera. */
START_TEST(test_warm_is_asked_for)
{
	struct pair *many[100] = {NULL};

	begin_at("good", "test:x", true);
	many[0] = t.pair;
	t.host.pairs = many;
	t.host.n_pairs = 100; /* of which one is real: turns are seconds apart */
	pair_serve(t.pair);
	pair_want(t.pair, 1);
	ck_assert(!pair_is_at_rest(t.pair));
	run_until(&wire_camera_news, CAMERA_LIVE);
	end();
}
END_TEST

static void assert_blocked(const char *reason)
{
	size_t before = t.n_seen;
	struct msg_survey_camera survey;

	pair_want(t.pair, 0);
	pair_want(t.pair, 1); /* whoever asks, nothing is done */
	run_for(300);
	ck_assert_uint_eq(t.n_seen, before);
	ck_assert(pair_is_at_rest(t.pair));
	pair_survey(t.pair, 1, &survey);
	ck_assert_uint_eq(survey.state, CAMERA_BLOCKED);
	ck_assert_msg(strstr(survey.reason, reason) != NULL, "%s", survey.reason);
	ck_assert_uint_eq(survey.ingest_pid, 0);
	pair_introduce(t.pair); /* to a new broker */
	ck_assert_uint_eq(t.seen[t.n_seen - 1].state, CAMERA_BLOCKED);
	ck_assert_str_eq(t.seen[t.n_seen - 1].reason, survey.reason);
}

START_TEST(test_pin_blocks)
{
	const struct event_seen *e;

	begin("wrong-pin");
	pair_want(t.pair, 1);
	e = run_until(&wire_camera_news, CAMERA_BLOCKED);
	ck_assert_str_eq(e->reason, "certificate pin differs");
	ck_assert_uint_eq(run_until(&wire_pair_dead, 0)->generation, 1);
	assert_blocked("certificate pin differs");
	ck_assert_uint_eq(t.keeps, 0); /* the next framemuxd tries again */
	ck_assert_str_eq(pair_record(t.pair)->block, "");
	pair_accept(t.pair);
	ck_assert_uint_eq(run_until(&wire_pair_born, 0)->generation, 2);
	run_until(&wire_pair_dead, 0);
	end();
}
END_TEST

static struct fingerprint_record kept;

/* Live, killed and live again with one name; then another one answers. */
START_TEST(test_fingerprint_blocks)
{
	const struct event_seen *e;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[64];

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(server, 16), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &len), 0);
	snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/x", ntohs(address.sin_port));
	begin_at("two-faces", url, false);
	pair_want(t.pair, 1);
	await_life(1);
	for (unsigned i = 0; i < 100 && !t.keeps; i++)
		run_for(50);
	ck_assert_uint_eq(t.keeps, 1);
	ck_assert_uint_eq(t.keeps_live, 1); /* not before it has shown a picture */
	ck_assert_str_eq(pair_record(t.pair)->print.server, "face 1");
	pair_kill(t.pair, 1, "it shall die");
	await_life(2);
	pair_kill(t.pair, 2, "it shall die");
	e = run_until(&wire_camera_news, CAMERA_BLOCKED);
	ck_assert_ptr_nonnull(
		strstr(e->reason, "its server changed from \"face 1\" to \"face 2\""));
	run_until(&wire_pair_dead, 0);
	assert_blocked("face 2");
	ck_assert_uint_eq(t.keeps, 2);
	kept = *pair_record(t.pair);
	ck_assert_str_eq(kept.block, e->reason);
	/* the next framemuxd remembers */
	pair_free(t.pair);
	t.pair = pair_new(&t.host, &t.camera);
	pair_restore(t.pair, &kept);
	assert_blocked("face 2");
	/* a person says that it is right */
	pair_want(t.pair, 0);
	pair_accept(t.pair);
	ck_assert_uint_eq(t.seen[t.n_seen - 1].state, CAMERA_IDLE);
	ck_assert_str_eq(pair_record(t.pair)->block, "");
	ck_assert(!pair_record(t.pair)->print.has_identity);
	pair_want(t.pair, 1);
	run_until(&wire_camera_news, CAMERA_LIVE);
	end();
	close(server);
}
END_TEST

START_TEST(test_stale)
{
	struct msg_survey_camera survey;

	begin("stands-still");
	t.host.stale_after_ms = 300;
	pair_want(t.pair, 1);
	run_until(&wire_camera_news, CAMERA_STALE);
	pair_survey(t.pair, 7, &survey);
	ck_assert_uint_eq(survey.state, CAMERA_STALE);
	ck_assert_uint_ge(survey.last_frame_age_ms, 300);
	run_for(1000); /* the age is told as it is when somebody asks; the broker hears once */
	for (size_t i = 0; i + 1 < t.n_seen; i++)
		ck_assert_uint_ne(t.seen[i].state, CAMERA_STALE);
	pair_survey(t.pair, 7, &survey);
	ck_assert_ptr_nonnull(strstr(survey.reason, "no new frame for "));
	ck_assert_double_ge(strtod(survey.reason + strlen("no new frame for "), NULL), 1.2);
	ck_assert(!pair_is_at_rest(t.pair));
	end(); /* with both alive: they are killed and reaped */
}
END_TEST

START_TEST(test_killed_by_the_broker)
{
	const struct event_seen *e;

	begin("good");
	pair_want(t.pair, 1);
	run_until(&wire_camera_news, CAMERA_LIVE);
	pair_kill(t.pair, 7, "another generation");
	run_for(100);
	ck_assert(!pair_is_at_rest(t.pair));
	pair_kill(t.pair, 1, "it did not let go");
	e = run_until(&wire_pair_dead, 0);
	ck_assert_uint_eq(e->generation, 1);
	ck_assert_str_eq(e->reason, "it did not let go");
	pair_kill(t.pair, 1, "twice");
	run_until(&wire_camera_news, CAMERA_LIVE); /* born again by itself */
	pair_abort(t.pair);                        /* the broker died: nobody is told */
	{
		size_t before = t.n_seen;

		run_until(NULL, 0);
		for (size_t i = before; i < t.n_seen; i++)
			ck_assert_ptr_ne(t.seen[i].message, &wire_pair_dead);
	}
	ck_assert(pair_is_at_rest(t.pair));
	end();
}
END_TEST

START_TEST(test_digest_without_password)
{
	begin("digest");
	pair_want(t.pair, 1);
	run_until(&wire_camera_news, CAMERA_LIVE);
	run_for(200);
	ck_assert(!pair_is_at_rest(t.pair)); /* refused, politely */
	end();
}
END_TEST

/* Each refusal is a line in the log: whoever asks again is not the program that we know. */
START_TEST(test_after_a_refusal_nothing_is_asked)
{
	begin("nags");
	pair_want(t.pair, 1);
	ck_assert_str_eq(
		run_until(&wire_pair_dead, 0)->reason, "ingest broke the protocol: Protocol error");
	end();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tc;

	if (argc == 3 && strstr(argv[0], "framemux-ingest"))
		return play_ingest(argv[2]);
	if (argc == 3 && strstr(argv[0], "framemux-decode"))
		return play_decode(argv[2]);
	if (sodium_init() < 0)
		return 1;
	suite = suite_create("pair");
	tc = tcase_create("pair");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_a_good_life);
	tcase_add_test(tc, test_linger);
	tcase_add_test(tc, test_an_answer_outlives_its_process_once);
	tcase_add_test(tc, test_basic_is_said_in_the_next_life);
	tcase_add_test(tc, test_without_an_answer_there_is_a_pause);
	tcase_add_loop_test(tc, test_deaths, 0, sizeof(deaths) / sizeof(deaths[0]));
	tcase_add_test(tc, test_growing_pauses);
	tcase_add_test(tc, test_breaker);
	tcase_add_test(tc, test_switch);
	tcase_add_test(tc, test_steps);
	tcase_add_test(tc, test_warm);
	tcase_add_test(tc, test_warm_is_asked_for);
	tcase_add_test(tc, test_pin_blocks);
	tcase_add_test(tc, test_fingerprint_blocks);
	tcase_add_loop_test(tc, test_another_transport, 0, 2);
	tcase_add_test(tc, test_stale);
	tcase_add_test(tc, test_killed_by_the_broker);
	tcase_add_test(tc, test_digest_without_password);
	tcase_add_test(tc, test_after_a_refusal_nothing_is_asked);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
