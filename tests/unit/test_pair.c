/* mux/daemon/pair: its lives and deaths, and the pauses between them, with real processes. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "tests/unit/pair_live.h"
#include "tests/unit/pair_roles.h"
#include "tests/unit/unit.h"

START_TEST(test_a_good_life)
{
	struct msg_survey_camera survey;
	const struct event_seen *e;

	live_begin("good");
	pair_want(scene.pair, 1);
	ck_assert_uint_eq(live_run_until(&wire_camera_news, CAMERA_LIVE)->state, CAMERA_LIVE);
	ck_assert_ptr_eq(live.seen[0].message, &wire_camera_news);
	ck_assert_uint_eq(live.seen[0].state, CAMERA_CONNECTING);
	ck_assert_ptr_eq(live.seen[1].message, &wire_pair_born); /* before anything is live */
	ck_assert_uint_eq(live.seen[1].generation, 1);
	live_run_for(200);
	pair_survey(scene.pair, 7, &survey);
	ck_assert_uint_eq(survey.request, 7);
	ck_assert_uint_eq(survey.state, CAMERA_LIVE);
	ck_assert_uint_eq(survey.width, 320);
	ck_assert_str_eq(survey.codec, "h264");
	ck_assert_uint_gt(survey.ingest_pid, 1);
	ck_assert_uint_gt(survey.decode_pid, 1);
	ck_assert_uint_gt(survey.rss_kib, 0);
	ck_assert_uint_lt(survey.last_frame_age_ms, 20000);
	pair_want(scene.pair, 0);
	e = live_run_until(&wire_camera_news, CAMERA_IDLE);
	ck_assert_ptr_eq(e[-1].message, &wire_pair_dead);
	ck_assert_uint_eq(e[-1].generation, 1);
	ck_assert(pair_is_at_rest(scene.pair));
	pair_want(scene.pair, 2); /* at once: nothing went wrong */
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 2);
	pair_stop(scene.pair);
	live_run_until(NULL, 0);
	live_end();
}
END_TEST

static void want_none_and_see_linger(void)
{
	live.stopped_ns = clock_monotonic_ns();
	pair_want(scene.pair, 0);
	live.stopped_ns = 0;
	ck_assert_uint_eq(live.armed_ns, 1000 * NS_PER_S);
	ck_assert(!pair_is_at_rest(scene.pair));
}

START_TEST(test_linger)
{
	live_begin("good");
	scene.host.linger_s = 1000;
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	want_none_and_see_linger();
	pair_want(scene.pair, 1); /* came back in time */
	live_run_for(200);
	ck_assert(!pair_is_at_rest(scene.pair));
	live.armed_ns = 0;
	want_none_and_see_linger();
	live_run_until(&wire_camera_news, CAMERA_IDLE);
	live_end();
}
END_TEST

static void see_two_lives_and_a_pause(void)
{
	struct msg_survey_camera survey;
	const struct event_seen *e;

	pair_want(scene.pair, 1);
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 1);
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 2);
	for (e = live.seen; e < live.found; e++)
		ck_assert(e->message != &wire_camera_news || e->state != CAMERA_LOST);
	ck_assert_str_eq(live_run_until(&wire_camera_news, CAMERA_LOST)->reason, "401");
	pair_survey(scene.pair, 1, &survey);
	ck_assert_uint_eq(survey.reconnects, 0);
	pair_stop(scene.pair);
	live_end();
}

START_TEST(test_an_answer_outlives_its_process_once)
{
	live_begin("closes-with-401");
	scene.camera.password = "secret";
	snprintf(scene.camera.url, sizeof(scene.camera.url), "http://h/video");
	live_begin_again();
	see_two_lives_and_a_pause();
}
END_TEST

START_TEST(test_basic_is_said_in_the_next_life)
{
	live_begin("closes-with-basic");
	scene.camera.basic = scene.camera.tls = true;
	snprintf(scene.camera.username, sizeof(scene.camera.username), "viewer");
	scene.camera.password = "secret";
	live_begin_again();
	see_two_lives_and_a_pause();
}
END_TEST

START_TEST(test_without_an_answer_there_is_a_pause)
{
	live_begin("closes-for-nothing");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LOST);
	ck_assert_uint_eq(live.seen[1].generation, 1);
	for (size_t i = 2; i < live.n_seen; i++)
		ck_assert_ptr_ne(live.seen[i].message, &wire_pair_born);
	pair_stop(scene.pair);
	live_end();
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

	live_begin(deaths[_i].camera);
	pair_want(scene.pair, 1);
	e = live_run_until(&wire_camera_news, CAMERA_LOST);
	ck_assert_msg(strstr(e->reason, deaths[_i].reason) != NULL, "%s", e->reason);
	if (e[-1].message == &wire_pair_dead)
		ck_assert_str_eq(e[-1].reason, e->reason);
	else
		ck_assert_str_eq(
			deaths[_i].camera, "wrong-generation"); /* never born for the broker */
	pair_want(scene.pair, 0);
	ck_assert_uint_eq(live.seen[live.n_seen - 1].state, CAMERA_IDLE);
	ck_assert(pair_is_at_rest(scene.pair));
	live_end();
}
END_TEST

START_TEST(test_growing_pauses)
{
	/* each within a fifth of this */
	static const unsigned pauses_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

	live_begin("good");
	live.stops_clock = true;
	pair_want(scene.pair, 1);
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		uint64_t pause = pauses_ms[i] * NS_PER_MS, planned;

		ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, i + 1);
		live.times_armed = 0;
		pair_kill(scene.pair, i + 1, "it shall die");
		live_run_until(&wire_pair_dead, 0);
		ck_assert_uint_eq(live.times_armed, 1);
		planned = live.armed_ns;
		ck_assert_uint_ge(planned, pause * 4 / 5);
		ck_assert_uint_le(planned, pause * 6 / 5);
		/* asking again is no way around the pause */
		pair_want(scene.pair, 0);
		ck_assert(pair_is_at_rest(scene.pair));
		pair_want(scene.pair, 1);
		ck_assert(pair_is_at_rest(scene.pair));
		ck_assert_uint_eq(live.times_armed, 2);
		ck_assert_uint_eq(live.armed_ns, planned);
		live.stopped_ns = 0;
	}
	pair_stop(scene.pair);
	if (!pair_is_at_rest(scene.pair))
		live_run_until(NULL, 0);
	live_end();
}
END_TEST

/* A camera that crashes what looks at it: after five in a row it is left alone for longer. */
START_TEST(test_breaker)
{
	static const unsigned pauses_ms[] = {500, 2000, 8000, 30000, 30000, 60000};
	struct msg_survey_camera survey;

	live_begin("crash");
	live.stops_clock = true;
	pair_want(scene.pair, 1);
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		uint64_t pause = pauses_ms[i] * NS_PER_MS;

		live_run_until(&wire_pair_dead, 0);
		ck_assert_uint_ge(live.armed_ns, pause * 4 / 5);
		ck_assert_uint_le(live.armed_ns, pause * 6 / 5);
		pair_survey(scene.pair, 1, &survey);
		ck_assert_uint_eq(survey.state, CAMERA_LOST);
		ck_assert_ptr_nonnull(strstr(survey.reason, "ingest was killed by signal 11"));
		ck_assert(!strstr(survey.reason, "next try in ") == (pauses_ms[i] < 10000));
		ck_assert_uint_eq(survey.reconnects, i);
		live.stopped_ns = 0;
	}
	live_end();
}
END_TEST

/* may: whether the other transport is permitted */
START_TEST(test_another_transport)
{
	const struct event_seen *e;
	bool may = _i;

	live_begin("deaf");
	scene.camera.may_switch = may;
	live_begin_again();
	pair_want(scene.pair, 1);
	e = live_run_until(&wire_camera_news, may ? CAMERA_LIVE : CAMERA_LOST);
	if (!may)
		ck_assert_str_eq(e->reason, "no media");
	for (size_t i = 0; may && i < live.n_seen; i++)
		ck_assert_uint_ne(live.seen[i].state, CAMERA_LOST);
	if (!may) /* the same again */
		ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 2);
	live_end();
}
END_TEST

/* The next attempt is another one: at once, but only every other time. */
START_TEST(test_switch)
{
	live_begin("switches");
	scene.camera.may_switch = true;
	live_begin_again();
	pair_want(scene.pair, 1);
	live_run_until(&wire_pair_dead, 0);
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 2);
	for (size_t i = 0; i < live.n_seen; i++)
		ck_assert_uint_ne(live.seen[i].state, CAMERA_LOST);
	live_run_until(&wire_camera_news, CAMERA_LOST);
	pair_want(scene.pair, 0);
	live_end();
}
END_TEST

START_TEST(test_steps)
{
	struct msg_survey_camera survey;

	live_begin("steps");
	pair_want(scene.pair, 1);
	live_run_until(&wire_pair_born, 0);
	for (unsigned i = 0; i < 100; i++) {
		live_run_for(50);
		pair_survey(scene.pair, 1, &survey);
		if (!strcmp(survey.reason, "DESCRIBE"))
			break;
	}
	ck_assert_str_eq(survey.reason, "DESCRIBE");
	ck_assert_uint_eq(survey.state, CAMERA_CONNECTING);
	live_end();
}
END_TEST

START_TEST(test_killed_by_the_broker)
{
	const struct event_seen *e;

	live_begin("good");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	pair_kill(scene.pair, 7, "another generation");
	live_run_for(100);
	ck_assert(!pair_is_at_rest(scene.pair));
	pair_kill(scene.pair, 1, "it did not let go");
	e = live_run_until(&wire_pair_dead, 0);
	ck_assert_uint_eq(e->generation, 1);
	ck_assert_str_eq(e->reason, "it did not let go");
	pair_kill(scene.pair, 1, "twice");
	live_run_until(&wire_camera_news, CAMERA_LIVE); /* born again by itself */
	pair_abort(scene.pair);                         /* the broker died: nobody is told */
	{
		size_t before = live.n_seen;

		live_run_until(NULL, 0);
		for (size_t i = before; i < live.n_seen; i++)
			ck_assert_ptr_ne(live.seen[i].message, &wire_pair_dead);
	}
	ck_assert(pair_is_at_rest(scene.pair));
	live_end();
}
END_TEST

/* A reload has another pair for it, somebody asks, and the broker with whom he was dies. */
START_TEST(test_an_heir_inherits_no_dead_brokers_leases)
{
	struct pair *retired;

	live_begin("good");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	retired = scene.pair;
	pair_retire(retired);
	pair_want(retired, 1);
	pair_abort(retired);
	live_run_until(NULL, 0);
	scene.pair = pair_new(&scene.host, &scene.camera);
	pair_inherit(scene.pair, retired);
	pair_free(retired);
	pair_serve(scene.pair);
	ck_assert(pair_is_at_rest(scene.pair));
	live_end();
}
END_TEST

START_TEST(test_digest_without_password)
{
	live_begin("digest");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	live_run_for(200);
	ck_assert(!pair_is_at_rest(scene.pair)); /* refused, politely */
	live_end();
}
END_TEST

/* Each refusal is a line in the log: whoever asks again is not the program that we know. */
START_TEST(test_after_a_refusal_nothing_is_asked)
{
	live_begin("nags");
	pair_want(scene.pair, 1);
	ck_assert_str_eq(live_run_until(&wire_pair_dead, 0)->reason,
		"ingest broke the protocol: Protocol error");
	live_end();
}
END_TEST

int main(int argc, char **argv)
{
	int code = pair_roles_play(argc, argv);
	Suite *suite;
	TCase *tc;

	if (code >= 0)
		return code;
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
	tcase_add_loop_test(tc, test_another_transport, 0, 2);
	tcase_add_test(tc, test_killed_by_the_broker);
	tcase_add_test(tc, test_an_heir_inherits_no_dead_brokers_leases);
	tcase_add_test(tc, test_digest_without_password);
	tcase_add_test(tc, test_after_a_refusal_nothing_is_asked);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
