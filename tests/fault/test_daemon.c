/*
 * framemuxd starts a broker, starts it again when it has died, and bears a pair, with each of its
 * calls failing once, those of the child between fork and exec too: it is tried again, and in the end
 * it serves; nothing is left behind, and every child is reaped. The program is its own broker, ingest
 * and decode: started under their names it plays the simplest of each.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/camera_state.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/sock.h"
#include "mux/daemon/broker/broker_link.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_decode.h"
#include "tests/fault/runs.h"
#include "tests/unit/pair_scene.h"
#include "tests/unit/unit.h"

#define LIMIT_S 10

/* ---- the roles ------------------------------------------------------------------------------ */

static int play_broker(void)
{
	const struct msg_broker_ready ready = {0};
	struct msg_broker_start start;

	if (role_receive(LINK_FD_DAEMON, &wire_broker_start, &start) < 0)
		return 1;
	sock_send_msg(LINK_FD_DAEMON, &wire_broker_ready, &ready);
	while (!role_sees_end(LINK_FD_DAEMON, -1))
		;
	return 0;
}

static int play_ingest(void)
{
	struct msg_ingest_ready ready;
	struct msg_ingest_start start;

	if (role_receive(LINK_FD_DAEMON, &wire_ingest_start, &start) < 0)
		return 1;
	ready.generation = start.generation;
	sock_send_msg(LINK_FD_DAEMON, &wire_ingest_ready, &ready);
	while (!role_sees_end(LINK_FD_DAEMON, -1))
		;
	return 0;
}

static int play_decode(void)
{
	struct msg_decode_beat beat = {.width = 64, .height = 48};
	struct msg_decode_ready ready;
	struct msg_decode_start start;

	if (role_receive(LINK_FD_DAEMON, &wire_decode_start, &start) < 0)
		return 1;
	ready.generation = start.generation;
	sock_send_msg(LINK_FD_DAEMON, &wire_decode_ready, &ready);
	do {
		beat.frames_decoded++;
		beat.last_frame_ns = clock_monotonic_ns();
		sock_send_msg(LINK_FD_DAEMON, &wire_decode_beat, &beat);
	} while (!role_sees_end(LINK_FD_DAEMON, 20));
	return 0;
}

/* ---- framemuxd ------------------------------------------------------------------------------ */

static struct {
	struct runs runs;
	struct pair_scene scene;
	/* broker */
	struct broker *broker;
	bool is_serving, is_reaped;
	int listening[2];
	/* pair */
	unsigned state;
	bool is_at_rest;
} t;

static void as_daemon(bool is)
{
	fault_set_role(is ? FAULT_DAEMON : FAULT_NOBODY);
}

static bool is_late;

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	is_late = true;
	event_base_loopbreak(data);
}

static bool run_until(const bool *flag)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	struct event *end = evtimer_new(t.scene.base, on_limit, t.scene.base);

	event_add(end, &limit);
	is_late = false;
	as_daemon(true);
	while (!*flag && !is_late)
		event_base_dispatch(t.scene.base);
	as_daemon(false);
	event_free(end);
	return *flag;
}

static int on_ready(void *self, const void *msg, int *fds)
{
	(void)self;
	(void)msg;
	(void)fds;
	broker_set_serving(t.broker);
	t.is_serving = true;
	event_base_loopbreak(t.scene.base);
	return 0;
}

static const struct wire_rule broker_rules[] = {{&wire_broker_ready, BROKER_STARTING, 0, on_ready}};

static int set_up(void *self)
{
	struct msg_broker_start start = {.stale_after_ms = 1000};

	(void)self;
	broker_send(t.broker, &wire_broker_start, &start, NULL, 0);
	return 0;
}

static void fell(void *self)
{
	(void)self;
	t.is_serving = false;
}

static void reaped(void *self)
{
	(void)self;
	t.is_reaped = true;
	event_base_loopbreak(t.scene.base);
	broker_start(t.broker); /* nothing, once it is told to stop */
}

/* ---- a run ----------------------------------------------------------------------------------- */

struct before {
	int fds;
	long blocks, events;
};

static struct before look(void)
{
	return (struct before){.fds = unit_count_fds(),
		.blocks = atomic_load(&fault_page->balance[FAULT_DAEMON].blocks),
		.events = atomic_load(&fault_page->balance[FAULT_DAEMON].events)};
}

static void check_same(const struct before *was)
{
	struct before is = look();

	if (is.fds != was->fds || is.blocks != was->blocks || is.events != was->events)
		runs_complain(&t.runs, "left behind: %d descriptors, %ld blocks, %ld events",
			is.fds - was->fds, is.blocks - was->blocks, is.events - was->events);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		runs_complain(&t.runs, "a child is not reaped");
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int make_broker(void)
{
	const struct broker_spec spec = {.base = t.scene.base,
		.roles = &t.scene.roles,
		.clients_fd = t.listening[0],
		.control_fd = t.listening[1],
		.rules = broker_rules,
		.n_rules = 1,
		.outbox_max = 64,
		.set_up = set_up,
		.fell = fell,
		.reaped = reaped};
	int r;

	t.is_serving = t.is_reaped = false;
	as_daemon(true);
	r = broker_new(&spec, &t.broker);
	if (r == 0)
		broker_start(t.broker);
	as_daemon(false);
	return r;
}

static void end_broker(void)
{
	t.is_reaped = broker_is_gone(t.broker);
	as_daemon(true);
	broker_stop(t.broker);
	as_daemon(false);
	if (!run_until(&t.is_reaped))
		runs_complain(&t.runs, "the broker does not end");
	fault_disarm();
	as_daemon(true);
	broker_free(t.broker);
	as_daemon(false);
	t.broker = NULL;
}

static void run_broker_start(void *data, unsigned n, unsigned variant)
{
	struct before was = look();

	(void)data;
	fault_arm(FAULT_DAEMON, n, variant);
	if (make_broker() < 0) {
		fault_disarm();
		runs_count(&t.runs, "not made");
	} else {
		if (!run_until(&t.is_serving))
			runs_complain(&t.runs, "it never serves");
		else if (fault_was_hit())
			runs_count(&t.runs,
				broker_life(t.broker) > 1 ? "serves at the next try" : "serves");
		end_broker();
	}
	check_same(&was);
}

/* Its process, found as the only child there is. */
static void kill_child(void)
{
	char path[64], text[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
	fclose(f);
	kill((pid_t)atoi(text), SIGKILL);
}

static void run_broker_restart(void *data, unsigned n, unsigned variant)
{
	struct before was = look();
	bool is_again;

	(void)data;
	ck_assert_int_eq(make_broker(), 0);
	ck_assert(run_until(&t.is_serving));
	kill_child();
	fault_arm(FAULT_DAEMON, n, variant);
	t.is_serving = t.is_reaped = false;
	is_again = run_until(&t.is_reaped) && run_until(&t.is_serving);
	if (!is_again)
		runs_complain(&t.runs, "it does not come back");
	else if (fault_was_hit())
		runs_count(&t.runs,
			broker_life(t.broker) > 2 ? "serves at a later try" : "serves again");
	end_broker();
	check_same(&was);
}

/* ---- the pair -------------------------------------------------------------------------------- */

static bool is_live;

static void tell(
	void *self, const struct wire_message *m, const void *msg, const int *fds, size_t n_fds)
{
	(void)self;
	(void)fds;
	(void)n_fds;
	if (m != &wire_camera_news)
		return;
	t.state = ((const struct msg_camera_news *)msg)->state;
	is_live |= t.state == CAMERA_LIVE;
	if (is_live)
		event_base_loopbreak(t.scene.base);
}

static void at_rest(void *self)
{
	(void)self;
	t.is_at_rest = true;
	event_base_loopbreak(t.scene.base);
}

static void keep(void *self)
{
	(void)self;
}

static void run_pair(void *data, unsigned n, unsigned variant)
{
	struct before was = look();

	(void)data;
	is_live = t.is_at_rest = false;
	fault_arm(FAULT_DAEMON, n, variant);
	as_daemon(true);
	t.scene.pair = pair_new(&t.scene.host, &t.scene.camera);
	if (t.scene.pair)
		pair_want(t.scene.pair, 1);
	as_daemon(false);
	if (!t.scene.pair) {
		fault_disarm();
		runs_count(&t.runs, "not made");
		check_same(&was);
		return;
	}
	if (!run_until(&is_live))
		runs_complain(&t.runs, "the camera is never live");
	else if (fault_was_hit())
		runs_count(&t.runs, "live");
	as_daemon(true);
	pair_stop(t.scene.pair);
	as_daemon(false);
	t.is_at_rest |= pair_is_at_rest(t.scene.pair);
	if (!run_until(&t.is_at_rest))
		runs_complain(&t.runs, "the pair does not end");
	fault_disarm();
	as_daemon(true);
	pair_free(t.scene.pair);
	as_daemon(false);
	check_same(&was);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void begin(const char *what)
{
	fault_begin();
	atomic_store(&fault_page->hurry, true);
	log_init("test", -1);
	role_folder_make(&t.scene.roles);
	pair_scene_begin(&t.scene, "porch", "test:x", NULL);
	t.scene.host.tell = tell;
	t.scene.host.at_rest = at_rest;
	t.scene.host.keep = keep;
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, t.listening), 0);
	runs_begin(&t.runs, what, "framemuxd");
}

static void end(void)
{
	close(t.listening[0]);
	close(t.listening[1]);
	pair_scene_end(&t.scene);
	role_folder_remove(&t.scene.roles);
	runs_end(&t.runs);
}

START_TEST(test_broker_start)
{
	begin("broker start");
	runs_all(&t.runs, run_broker_start, NULL);
	end();
}
END_TEST

START_TEST(test_broker_restart)
{
	begin("broker restart");
	runs_all(&t.runs, run_broker_restart, NULL);
	end();
}
END_TEST

START_TEST(test_pair_birth)
{
	begin("pair birth");
	runs_all(&t.runs, run_pair, NULL);
	end();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s;
	TCase *tc;

	(void)argc;
	if (strstr(argv[0], "framemux-broker"))
		return play_broker();
	if (strstr(argv[0], "framemux-ingest"))
		return play_ingest();
	if (strstr(argv[0], "framemux-decode"))
		return play_decode();
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	s = suite_create("fault_daemon");
	tc = tcase_create("fault_daemon");
	tcase_set_timeout(tc, runs_are_full() ? 1200 : 200);
	tcase_add_test(tc, test_broker_start);
	tcase_add_test(tc, test_broker_restart);
	tcase_add_test(tc, test_pair_birth);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
