/* Capabilities that are bound to a unit, in a real broker: framemuxd is asked before anything else. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "framemux.h"
#include "mux/broker/asks.h"
#include "mux/broker/audit.h"
#include "mux/broker/grant.h"
#include "tests/unit/broker_live.h"

#define UNIT "/system.slice/hub.service"

static struct msg_unit_ask asked;

static void begin_bound(void)
{
	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	ck_assert_int_eq(token_limit_unit(&token, UNIT), 0);
	viewer_connect(&s, &v);
}

static void ask(uint32_t view)
{
	struct msg_open o = own;

	o.view = view;
	viewer_ask(&v, &token, o);
	expect(s.daemon, &wire_unit_ask, &asked, NULL, 0);
	ck_assert_uint_eq(asked.pid, (uint32_t)getpid());
	ck_assert_uint_eq(scene_audit.n, 0); /* nothing is recorded that may not come to be */
}

static void answer(uint32_t request, uint32_t status, const char *unit)
{
	struct msg_unit_told m = {.request = request, .status = status};

	snprintf(m.unit, sizeof(m.unit), "%s", unit);
	tell(s.daemon, &wire_unit_told, &m);
}

START_TEST(test_of_the_unit)
{
	struct msg_lease lease;
	const struct msg_audit_note *note;

	begin_bound();
	ask(1);
	answer(asked.request + 1, 0, UNIT); /* somebody else's answer */
	expect_silence(v.fd, 50);
	answer(asked.request, 0, UNIT);
	expect(v.fd, &wire_lease, &lease, NULL, 0);
	expect_state(v.fd, 1, FRAMEMUX_STATE_CONNECTING);
	expect_want(&s, 0, 1);
	note = scene_note(AUDIT_EVENT_OPEN);
	ck_assert_str_eq(note->unit, UNIT);
	answer(asked.request, 0, "/other"); /* too late: it means nothing */
	expect_silence(v.fd, 50);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_of_another)
{
	static const struct {
		uint32_t status;
		const char *unit;
	} answers[] = {{0, "/"}, {0, "/system.slice/hub.servic"}, {0, UNIT "2"}, {0, UNIT "/sub"},
		{0, "/system.slice"}, {0, ""}, {0, "/system.slice/Hub.service"}, {ENOENT, UNIT},
		{ENOTSUP, UNIT}, {EBADMSG, UNIT}, {UINT32_MAX, UNIT}};

	begin_bound();
	for (uint32_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		ask(i + 1);
		answer(asked.request, answers[i].status, answers[i].unit);
		expect_state(v.fd, i + 1, FRAMEMUX_STATE_REFUSED);
	}
	expect_silence(s.daemon, 50); /* no camera was asked for anything */
	ck_assert_uint_eq(scene_audit.n, 0);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* Another unit narrows what is bound already to nothing. */
START_TEST(test_of_two)
{
	begin_bound();
	ck_assert_int_eq(token_limit_unit(&token, "/other"), 0);
	viewer_ask(&v, &token, own);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	expect_silence(s.daemon, 20);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* The view is shut, or the token revoked, before the answer. */
START_TEST(test_meanwhile)
{
	char id[2 * TOKEN_ID_BYTES + 1];
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	begin_bound();
	ask(1);
	tell(v.fd, &wire_shut, &(struct msg_shut){.view = 1});
	ask(2);
	token_text(&token, id);
	control = control_open(&s);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(ended, 1);
	expect_state(v.fd, 2, FRAMEMUX_STATE_REVOKED);
	answer(asked.request, 0, UNIT);
	expect_silence(v.fd, 50);
	close(control);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* framemuxd does not answer: the client is not told of a disk, and there is a record. */
START_TEST(test_no_answer)
{
	const struct msg_audit_note *note;
	struct msg_state m;

	begin_bound();
	ask(1);
	sleep(AUDIT_LIMIT_S - 1);
	expect(v.fd, &wire_state, &m, NULL, 0);
	ck_assert_uint_eq(m.state, FRAMEMUX_STATE_REFUSED);
	ck_assert_ptr_nonnull(strstr(m.reason, "of which unit"));
	answer(asked.request, 0, UNIT); /* too late */
	expect_silence(v.fd, 50);
	viewer_end(&v);
	ck_assert_int_eq(shutdown(s.daemon, SHUT_WR), 0); /* with the minute's sums */
	note = scene_note(AUDIT_EVENT_REFUSED);
	ck_assert_uint_eq(note->count, 1);
	ck_assert_str_eq(note->camera, "porch");
	ck_assert_ptr_nonnull(strstr(note->reason, "did not say"));
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

/* What was asked for a view that was shut counts until it is answered. */
START_TEST(test_how_many)
{
	uint32_t view;
	struct msg_state m;

	begin_bound();
	for (view = 1; view <= ASKS_UID_MAX; view++) {
		ask(view);
		tell(v.fd, &wire_shut, &(struct msg_shut){.view = view});
	}
	viewer_ask(&v, &token, (struct msg_open){.view = view, .width = 64, .height = 64});
	expect(v.fd, &wire_state, &m, NULL, 0);
	ck_assert_uint_eq(m.state, FRAMEMUX_STATE_REFUSED);
	ck_assert_ptr_nonnull(strstr(m.reason, "at once"));
	expect_silence(s.daemon, 50);
	answer(asked.request, 0, UNIT);
	expect_silence(v.fd, 50);
	ask(view);
	viewer_end(&v);
	end_empty();
}
END_TEST

/*
 * The process has ended when the answer comes: its pid may have been somebody else's when framemuxd
 * looked. The broker hears of both at once.
 */
START_TEST(test_pid_of_one_that_has_ended)
{
	pid_t child;

	begin_bound();
	viewer_end(&v);
	child = fork();
	if (child == 0) {
		viewer_connect(&s, &v);
		viewer_ask(&v, &token, own);
		pause();
	}
	expect(s.daemon, &wire_unit_ask, &asked, NULL, 0);
	ck_assert_uint_eq(asked.pid, (uint32_t)child);
	ck_assert_int_eq(kill(s.broker, SIGSTOP), 0);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	answer(asked.request, 0, UNIT);
	ck_assert_int_eq(kill(s.broker, SIGCONT), 0);
	expect_silence(s.daemon, 100);
	for (unsigned i = 0; i < scene_audit.n; i++)
		ck_assert_uint_ne(scene_audit.notes[i].event, AUDIT_EVENT_OPEN);
	end_empty();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker_unit");
	TCase *t = tcase_create("broker_unit");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_of_the_unit);
	tcase_add_test(t, test_of_another);
	tcase_add_test(t, test_of_two);
	tcase_add_test(t, test_meanwhile);
	tcase_add_test(t, test_how_many);
	tcase_add_test(t, test_no_answer);
	tcase_add_test(t, test_pid_of_one_that_has_ended);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
