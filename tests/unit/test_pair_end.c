/* mux/daemon/pair: how it ends, and that nothing goes on whose end could not be seen to. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/pair_live.h"
#include "tests/unit/pair_roles.h"
#include "tests/unit/unit.h"

/* A limit that cannot be armed: nothing goes on without it. */
START_TEST(test_no_memory_for_a_limit)
{
	const struct event_seen *e;

	live_begin("good");
	live.refuses_tens = true;
	live.tens_left = (unsigned)_i; /* ready within 10 s; beats within 10 s */
	pair_want(scene.pair, 1);
	e = live_run_until(&wire_camera_news, CAMERA_LOST);
	live.refuses_tens = false;
	ck_assert_str_eq(e->reason, "framemuxd is short of memory");
	for (size_t i = 0; i < live.n_seen; i++) /* the broker never heard of it */
		ck_assert_ptr_ne(live.seen[i].message, &wire_pair_born);
	pair_stop(scene.pair);
	live_end();
}
END_TEST

START_TEST(test_no_memory_for_the_end)
{
	live_begin("stubborn");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	live.refuses_timers = true;
	pair_abort(scene.pair);
	live_run_until(NULL, 0);
	live.refuses_timers = false;
	ck_assert(pair_is_at_rest(scene.pair));
	live_end();
}
END_TEST

static bool has_seen_the_end(void)
{
	char byte;

	return recv(live.broker_fd, &byte, 1, MSG_DONTWAIT) == 1 && byte == 'x';
}

/* Whoever writes into rings has no moment longer for it while there is a broker to erase them. */
START_TEST(test_stop_kills_decode)
{
	live_begin("stubborn");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	pair_stop(scene.pair);
	live_run_until(NULL, 0);
	ck_assert(!has_seen_the_end());
	live_end();
}
END_TEST

/* Without one it has to do that itself, and has so long for it; to be stopped meanwhile is no reason. */
START_TEST(test_abort_lets_decode_erase)
{
	live_begin("stubborn");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	pair_abort(scene.pair);
	if (_i)
		pair_stop(scene.pair);
	live_run_until(NULL, 0);
	ck_assert(has_seen_the_end());
	live_end();
}
END_TEST

/* Whom another process traces is not reaped before that one has looked: as if stuck in the kernel. */
static pid_t trace(pid_t target)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		(void)!write(ends[1], ptrace(PTRACE_SEIZE, target, NULL, NULL) < 0 ? "n" : "y", 1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	close(ends[0]);
	close(ends[1]);
	return pid;
}

START_TEST(test_cannot_be_ended)
{
	struct msg_survey_camera survey;
	pid_t tracer;

	live_begin("good");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	pair_survey(scene.pair, 1, &survey);
	tracer = trace((pid_t)survey.decode_pid);
	live.stopped_ns = clock_monotonic_ns();
	pair_kill(scene.pair, 1, "for the test");
	live.stopped_ns = 0;
	ck_assert_str_eq(live_run_until(&wire_camera_news, CAMERA_BLOCKED)->reason,
		"its processes were killed and cannot be ended");
	ck_assert(!pair_is_at_rest(scene.pair));
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	live_run_until(&wire_pair_dead, 0);
	/* Wanted still, and nothing stands against it any more. */
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 2);
	pair_stop(scene.pair);
	live_run_until(NULL, 0);
	live_end();
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("pair_end");
	TCase *tc = tcase_create("pair_end");
	int code = pair_roles_play(argc, argv);

	if (code >= 0)
		return code;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_no_memory_for_a_limit, 0, 2);
	tcase_add_test(tc, test_no_memory_for_the_end);
	tcase_add_test(tc, test_stop_kills_decode);
	tcase_add_loop_test(tc, test_abort_lets_decode_erase, 0, 2);
	tcase_add_test(tc, test_cannot_be_ended);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
