/*
 * Lease, attach, revoke, expiry and the deaths on the way, with each call of the broker, of the
 * decoder and of the client's library failing once. After each fault: no ring that reached the
 * client was unsealed, whoever waited was told, no pixel is left in any ring, the broker holds what
 * it held before, and the next lease is served.
 */
#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/fault/runs.h"
#include "tests/fault/stage.h"
#include "tests/unit/unit.h"

#define PATIENCE_MS 30000u /* of a machine that is busy with other things */

struct scenario {
	const char *name;
	bool begins_live, is_hurried; /* then waits of a second are not waited for */
	void (*act)(struct stage *t);
	bool (*is_over)(const struct stage *t);
	const char *(*judge)(struct stage *t, struct runs *r);
};

struct series {
	struct stage stage;
	struct runs runs;
	const struct scenario *scenario;
	enum fault_role subject;
	unsigned begins; /* brokers so far */
};

/* --- what a client may come to hear --------------------------------------------------------- */

static bool is_final(const struct stage *t)
{
	return t->view && t->view->phase == VIEW_FINAL;
}

/* Connected or not, it knows that it has no picture and why. */
static bool is_told(const struct stage *t)
{
	if (t->connect_error < 0 || t->open_error < 0 || t->is_over || is_final(t))
		return true;
	if (!t->view || !t->view->state || t->view->state == FRAMEMUX_STATE_LIVE)
		return false;
	/* The first news of every lease is no reason. */
	return t->view->reason[0] && strcmp(t->view->reason, "accepted") != 0;
}

/* A picture, or a reason; when there is time, the picture that has to come after a shortage. */
static bool is_served(const struct stage *t)
{
	if (stage_has_frame(t) || t->connect_error < 0 || t->open_error < 0 || t->is_over ||
		is_final(t))
		return true;
	return !runs_are_full() && is_told(t);
}

static const char *judge_service(struct stage *t, struct runs *r)
{
	(void)r;
	if (!t->has_broker)
		return "broker ended";
	if (stage_has_frame(t))
		return t->births > 1 ? "served by a new pair" : "served";
	if (t->connect_error < 0 || t->open_error < 0)
		return "call failed";
	return t->is_over ? "connection lost" : "told why not";
}

/* --- acts ----------------------------------------------------------------------------------- */

static void act_connect(struct stage *t)
{
	stage_connect(t, UINT64_MAX);
}

static void act_stop_and_revoke(struct stage *t)
{
	stage_stop_decoder(t);
	stage_ask_revoke(t);
}

static void act_kill_decoder(struct stage *t)
{
	t->births = 0;
	t->frames = 0;
	t->is_forgetful = true;
	stage_kill_decoder(t);
}

static void act_expire(struct stage *t)
{
	stage_skip_time(t, 1000 * NS_PER_S);
}

/* --- ends and judgements -------------------------------------------------------------------- */

static bool is_answered(const struct stage *t)
{
	return t->is_done || t->is_control_over || !t->has_broker;
}

/* The answer means that it is dark, at that very moment. */
static const char *judge_revoke(struct stage *t, struct runs *r)
{
	if (!t->has_broker)
		return "broker ended";
	if (!t->is_done)
		return "asker dropped";
	if (t->done.status != 0)
		return "asker told why not";
	if (!stage_is_blind(t))
		runs_complain(r, "revoked and told so, but not blind");
	return "revoked";
}

static bool is_blind_or_over(const struct stage *t)
{
	return stage_is_blind(t) || !t->has_broker;
}

static const char *judge_blindness(struct stage *t, struct runs *r)
{
	(void)r;
	return t->has_broker ? "erased" : "broker ended";
}

static bool is_again_served(const struct stage *t)
{
	return (stage_has_frame(t) && t->generation_seen == t->generation) || t->is_over ||
		is_final(t) || !t->has_broker;
}

static const struct scenario scenarios[] = {
	{"lease", false, false, act_connect, is_served, judge_service},
	{"revoke", true, true, stage_ask_revoke, is_answered, judge_revoke},
	{"revoke, stopped pair", true, true, act_stop_and_revoke, is_answered, judge_revoke},
	{"shut", true, true, stage_shut, is_blind_or_over, judge_blindness},
	{"client dies", true, true, stage_vanish, is_blind_or_over, judge_blindness},
	{"expiry", true, true, act_expire, is_blind_or_over, judge_blindness},
	{"pair dies", true, false, act_kill_decoder, is_again_served, judge_service},
};

/* --- a run ---------------------------------------------------------------------------------- */

static bool come_alive(struct stage *t)
{
	stage_connect(t, clock_unix_s() + 500);
	return stage_run(t, stage_has_frame, PATIENCE_MS);
}

static bool is_idle(const struct stage *t)
{
	const char *why;

	return !t->has_broker || stage_broker_is_idle(t, &why);
}

static bool has_no_broker(const struct stage *t)
{
	return !t->has_broker;
}

/* Its decoder has seen the broker's end, and erased. */
static void begin_again(struct stage *t, struct runs *r)
{
	if (!stage_dismiss(t))
		runs_complain(r, "the pair outlives its broker");
	if (t->broker_code != 70)
		runs_complain(r, "the broker ended with %d", t->broker_code);
	stage_begin(t);
}

/* Until then its quota counts the last lease's ring, and refuses the next. */
static void await_idle(struct stage *t, struct runs *r)
{
	const char *why;

	if (!stage_run(t, is_idle, PATIENCE_MS) && !stage_broker_is_idle(t, &why))
		runs_complain(r, "left in the broker: %s", why);
}

static void check_after(struct stage *t, struct runs *r)
{
	if (getenv("FAULT_TRACE") && t->view)
		printf("state %u: %s\n", t->view->state, t->view->reason);
	if (!stage_leave(t))
		runs_complain(r, "%s",
			t->wanted ? "the lease is still there"
				  : "pixels are left");
	if (atomic_exchange(&fault_page->unsealed, 0))
		runs_complain(r, "the client got a ring that is not sealed");
	if (t->bad_frames)
		runs_complain(r, "%u frames failed their check", t->bad_frames);
	if (!t->has_broker) {
		begin_again(t, r);
		return;
	}
	await_idle(t, r);
}

/* A broker that stops erases and tells first, and ends a little later. */
static bool has_begun_again(struct stage *t)
{
	if (!stage_run(t, has_no_broker, 0))
		return false;
	stage_leave(t);
	stage_dismiss(t);
	stage_begin(t);
	return come_alive(t);
}

/* Without a fault it is as if there had never been one. */
static void check_next_lease(struct stage *t, struct runs *r, bool keeps_pair)
{
	atomic_store(&fault_page->boot_skip_ns, 0);
	if (!come_alive(t) && !has_begun_again(t))
		runs_complain(r, "the next lease is not served: %s",
			t->view ? t->view->reason : "not even opened");
	if (!stage_leave(t))
		runs_complain(r, "the next lease does not end");
	if (!keeps_pair && !stage_dismiss(t))
		runs_complain(r, "the pair does not end");
	if (t->has_broker)
		await_idle(t, r);
}

static void run_once(void *data, unsigned n, unsigned variant)
{
	struct series *s = data;
	struct stage *t = &s->stage;
	unsigned failures = s->runs.failures;
	const char *outcome = NULL;

	t->births = 0;
	t->n_seen = 0;
	if (s->scenario->begins_live && !come_alive(t) && !has_begun_again(t)) {
		runs_complain(&s->runs, "no lease to begin with");
	} else {
		s->begins = t->begins;
		atomic_store(&fault_page->hurry, s->scenario->is_hurried);
		fault_arm(s->subject, n, variant);
		s->scenario->act(t);
		if (!stage_run(t, s->scenario->is_over, PATIENCE_MS))
			runs_complain(&s->runs, "nothing comes of it");
		outcome = s->scenario->judge(t, &s->runs);
		/* What ends it counts too; but a decoder's frames would be calls without end. */
		if (s->subject != FAULT_BROKER)
			fault_disarm();
		check_after(t, &s->runs);
		fault_disarm();
	}
	if (s->runs.failures == failures)
		check_next_lease(t, &s->runs, s->scenario->begins_live);
	if (outcome && fault_was_hit())
		runs_count(&s->runs, s->begins != t->begins ? "broker ended" : outcome);
	if (s->runs.failures > failures) {
		stage_abandon(t);
		stage_begin(t);
	}
}

static void run_series(const struct scenario *what, enum fault_role subject, const char *name)
{
	static struct series s;
	const char *only = getenv("FAULT_SCENARIO");

	if (only && strcmp(only, what->name))
		return;
	s.scenario = what;
	s.subject = subject;
	fault_begin();
	stage_begin(&s.stage);
	runs_begin(&s.runs, what->name, name);
	runs_all(&s.runs, run_once, &s);
	stage_dismiss(&s.stage);
	stage_end(&s.stage);
	runs_end(&s.runs);
}

#define N_SCENARIOS ((int)(sizeof(scenarios) / sizeof(scenarios[0])))

START_TEST(test_broker)
{
	run_series(&scenarios[_i], FAULT_BROKER, "broker");
}
END_TEST

/* Of the ends the broker's side is the longer one: in the short form the others' first two are enough. */
static bool is_left_out(int i)
{
	return i >= 2 && !runs_are_full();
}

START_TEST(test_decode)
{
	if (!is_left_out(_i))
		run_series(&scenarios[_i], FAULT_DECODE, "decode");
}
END_TEST

START_TEST(test_client)
{
	if (!is_left_out(_i))
		run_series(&scenarios[_i], FAULT_CLIENT, "client");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fault_lease");
	TCase *broker = tcase_create("broker"), *decode = tcase_create("decode"),
	      *client = tcase_create("client");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	if (!runs_are_full()) /* each run takes its time: make check does a part, scripts/check all in CI */
		(void)setenv("FAULT_EVERY", "7", 0);
	tcase_set_timeout(broker, runs_are_full() ? 3600 : 480);
	tcase_set_timeout(decode, runs_are_full() ? 3600 : 480);
	tcase_set_timeout(client, runs_are_full() ? 3600 : 480);
	tcase_add_loop_test(broker, test_broker, 0, N_SCENARIOS);
	tcase_add_loop_test(decode, test_decode, 0, N_SCENARIOS);
	tcase_add_loop_test(client, test_client, 0, N_SCENARIOS);
	suite_add_tcase(s, broker);
	suite_add_tcase(s, decode);
	suite_add_tcase(s, client);
	return unit_run(s);
}
