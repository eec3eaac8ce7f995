/* mux/daemon/pair: warm, blocked and stale cameras, with real processes. */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "mux/daemon/trust/fingerprint_file.h"
#include "tests/unit/pair_live.h"
#include "tests/unit/pair_roles.h"
#include "tests/unit/unit.h"

static void await_life(uint64_t generation)
{
	struct msg_survey_camera survey;

	live_run_until(&wire_camera_news, CAMERA_LIVE);
	pair_survey(scene.pair, 1, &survey);
	ck_assert_uint_eq(survey.generation, generation);
}

START_TEST(test_warm)
{
	struct msg_survey_camera survey;

	live_begin_at("good", "test:x", true);
	pair_survey(scene.pair, 1, &survey);
	ck_assert_uint_eq(survey.state, CAMERA_CONNECTING);
	live_run_for(300); /* nobody serves yet */
	ck_assert_uint_eq(live.n_seen, 0);
	pair_serve(scene.pair);
	live_run_until(&wire_camera_news, CAMERA_LIVE); /* nobody asks */
	pair_want(scene.pair, 1);
	pair_want(scene.pair, 0); /* linger is 0 */
	live_run_for(300);
	ck_assert(!pair_is_at_rest(scene.pair));
	pair_kill(scene.pair, 1, "it shall die");
	await_life(2);
	pair_abort(scene.pair); /* the broker died */
	live_run_until(NULL, 0);
	live_run_for(300);
	ck_assert(pair_is_at_rest(scene.pair));
	pair_serve(scene.pair);
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 3);
	for (size_t i = 0; i < live.n_seen; i++)
		ck_assert_uint_ne(live.seen[i].state, CAMERA_IDLE);
	pair_stop(scene.pair);
	live_run_until(NULL, 0);
	live_end();
}
END_TEST

/* A lease does not wait for the turn of a warm camera. */
START_TEST(test_warm_is_asked_for)
{
	struct pair *many[100] = {NULL};

	live_begin_at("good", "test:x", true);
	many[0] = scene.pair;
	scene.host.pairs = many;
	scene.host.n_pairs = 100; /* of which one is real: turns are seconds apart */
	pair_serve(scene.pair);
	pair_want(scene.pair, 1);
	ck_assert(!pair_is_at_rest(scene.pair));
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	live_end();
}
END_TEST

static void assert_blocked(const char *reason)
{
	size_t before = live.n_seen;
	struct msg_survey_camera survey;

	pair_want(scene.pair, 0);
	pair_want(scene.pair, 1); /* whoever asks, nothing is done */
	live_run_for(300);
	ck_assert_uint_eq(live.n_seen, before);
	ck_assert(pair_is_at_rest(scene.pair));
	pair_survey(scene.pair, 1, &survey);
	ck_assert_uint_eq(survey.state, CAMERA_BLOCKED);
	ck_assert_msg(strstr(survey.reason, reason) != NULL, "%s", survey.reason);
	ck_assert_uint_eq(survey.ingest_pid, 0);
	pair_introduce(scene.pair); /* to a new broker */
	ck_assert_uint_eq(live.seen[live.n_seen - 1].state, CAMERA_BLOCKED);
	ck_assert_str_eq(live.seen[live.n_seen - 1].reason, survey.reason);
}

START_TEST(test_pin_blocks)
{
	const struct event_seen *e;

	live_begin("wrong-pin");
	pair_want(scene.pair, 1);
	e = live_run_until(&wire_camera_news, CAMERA_BLOCKED);
	ck_assert_str_eq(e->reason, "certificate pin differs");
	ck_assert_uint_eq(live_run_until(&wire_pair_dead, 0)->generation, 1);
	assert_blocked("certificate pin differs");
	ck_assert_uint_eq(live.keeps, 0); /* the next framemuxd tries again */
	ck_assert_str_eq(pair_record(scene.pair)->block, "");
	pair_accept(scene.pair);
	ck_assert_uint_eq(live_run_until(&wire_pair_born, 0)->generation, 2);
	live_run_until(&wire_pair_dead, 0);
	live_end();
}
END_TEST

/* From an ingest that was taken over: a block is one all the same. */
START_TEST(test_a_block_has_a_reason)
{
	live_begin("blocks-without-a-word");
	pair_want(scene.pair, 1);
	ck_assert_str_eq(
		live_run_until(&wire_camera_news, CAMERA_BLOCKED)->reason, "it does not say why");
	live_run_until(&wire_pair_dead, 0);
	assert_blocked("it does not say why");
	live_end();
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
	live_begin_at("two-faces", url, false);
	pair_want(scene.pair, 1);
	await_life(1);
	for (unsigned i = 0; i < 100 && !live.keeps; i++)
		live_run_for(50);
	ck_assert_uint_eq(live.keeps, 1);
	ck_assert_uint_eq(live.keeps_live, 1); /* not before it has shown a picture */
	ck_assert_str_eq(pair_record(scene.pair)->print.server, "face 1");
	pair_kill(scene.pair, 1, "it shall die");
	await_life(2);
	pair_kill(scene.pair, 2, "it shall die");
	e = live_run_until(&wire_camera_news, CAMERA_BLOCKED);
	ck_assert_ptr_nonnull(
		strstr(e->reason, "its server changed from \"face 1\" to \"face 2\""));
	live_run_until(&wire_pair_dead, 0);
	assert_blocked("face 2");
	ck_assert_uint_eq(live.keeps, 2);
	kept = *pair_record(scene.pair);
	ck_assert_str_eq(kept.block, e->reason);
	/* the next framemuxd remembers */
	pair_free(scene.pair);
	scene.pair = pair_new(&scene.host, &scene.camera);
	pair_restore(scene.pair, &kept);
	assert_blocked("face 2");
	/* a person says that it is right */
	pair_want(scene.pair, 0);
	pair_accept(scene.pair);
	ck_assert_uint_eq(live.seen[live.n_seen - 1].state, CAMERA_IDLE);
	ck_assert_str_eq(pair_record(scene.pair)->block, "");
	ck_assert(!pair_record(scene.pair)->print.has_identity);
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	live_end();
	close(server);
}
END_TEST

START_TEST(test_stale)
{
	struct msg_survey_camera survey;

	live_begin("stands-still");
	scene.host.stale_after_ms = 300;
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_STALE);
	pair_survey(scene.pair, 7, &survey);
	ck_assert_uint_eq(survey.state, CAMERA_STALE);
	ck_assert_uint_ge(survey.last_frame_age_ms, 300);
	live_run_for(1000); /* the age is told as it is when somebody asks; the broker hears once */
	for (size_t i = 0; i + 1 < live.n_seen; i++)
		ck_assert_uint_ne(live.seen[i].state, CAMERA_STALE);
	pair_survey(scene.pair, 7, &survey);
	ck_assert_ptr_nonnull(strstr(survey.reason, "no new frame for "));
	ck_assert_double_ge(strtod(survey.reason + strlen("no new frame for "), NULL), 1.2);
	ck_assert(!pair_is_at_rest(scene.pair));
	live_end(); /* with both alive: they are killed and reaped */
}
END_TEST

/* New and old by turns, two hundred times a second: each change is told to every client. */
START_TEST(test_flaps)
{
	uint64_t stale_ns = 0;
	unsigned n = 0;

	live_begin("flaps");
	pair_want(scene.pair, 1);
	live_run_until(&wire_camera_news, CAMERA_LIVE);
	live_run_for(1000);
	for (size_t i = 0; i < live.n_seen; i++) {
		if (live.seen[i].state == CAMERA_STALE)
			stale_ns = live.seen[i].at_ns;
		else if (live.seen[i].state == CAMERA_LIVE && stale_ns) {
			ck_assert_uint_ge(live.seen[i].at_ns - stale_ns, 250 * NS_PER_MS);
			n++;
		}
	}
	ck_assert_uint_ge(n, 1); /* not dark for ever */
	pair_stop(scene.pair);
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
	suite = suite_create("pair_state");
	tc = tcase_create("pair_state");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_warm);
	tcase_add_test(tc, test_warm_is_asked_for);
	tcase_add_test(tc, test_pin_blocks);
	tcase_add_test(tc, test_a_block_has_a_reason);
	tcase_add_test(tc, test_fingerprint_blocks);
	tcase_add_test(tc, test_stale);
	tcase_add_test(tc, test_flaps);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
