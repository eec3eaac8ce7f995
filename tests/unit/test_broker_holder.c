/*
 * Whose socket it is, from outside: what another process sends on it ends it, and what its own
 * process said last counts, however fast that process ends.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sock.h"
#include "framemux.h"
#include "tests/unit/broker_live.h"

static void end_child(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static void another_sends(uid_t uid)
{
	const struct msg_shut shut = {.view = 9};
	pid_t child = fork();

	if (child == 0) {
		if (uid != getuid() && setuid(uid) < 0)
			_exit(1);
		_exit(sock_send_msg(v.fd, &wire_shut, &shut) == 0 ? 0 : 2);
	}
	end_child(child);
}

/* A lease's socket in other hands, of the same user or of another: it ends, the lease with it. */
START_TEST(test_another_sends)
{
	if (_i && getuid() != 0)
		return; /* only root can be somebody else */
	begin_live(small);
	another_sends(_i ? 65534 : getuid());
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	usleep(20000);
	assert_blind(&w);
	expect_end(v.fd);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* framemuxctl's socket is no different. */
START_TEST(test_another_sends_on_control)
{
	const struct msg_ctl_status ask = {.request = 1};
	pid_t child;
	int control;

	scene_begin(&s, NULL);
	control = control_open(&s);
	child = fork();
	if (child == 0)
		_exit(sock_send_msg(control, &wire_ctl_status, &ask) == 0 ? 0 : 1);
	end_child(child);
	expect_end(control);
	close(control);
	end_empty();
}
END_TEST

/* The client's side of a lease, up to the word to end. leaves: with something of ours unread. */
static void play_reporter(int go, bool leaves)
{
	const struct msg_shut none = {.view = 9};
	struct msg_report report = {.view = 1, .seq = 4};
	char byte;

	viewer_connect(&s, &v);
	viewer_lease(&v, &token, small);
	watch_take(&s, &v, &w);
	watch_ack(&v, &w);
	if (leaves) {
		strcpy((char *)token.body, "broken");
		viewer_ask(&v, &token, (struct msg_open){.view = 2});
	}
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (!leaves) /* more than is read in one go */
		for (unsigned i = 0; i < 40; i++)
			tell(v.fd, &wire_shut, &none);
	report.attach = w.attach.attach;
	tell(v.fd, &wire_report, &report);
	_exit(0);
}

static void expect_provenance_failures(uint64_t n)
{
	const struct msg_ctl_status ask = {.request = 3};
	struct msg_survey survey;
	struct msg_survey_done surveyed = {.pid = 41};
	struct msg_ctl_mux mux;
	int control = control_open(&s);

	tell(control, &wire_ctl_status, &ask);
	expect(s.daemon, &wire_survey, &survey, NULL, 0);
	surveyed.request = survey.request;
	tell(s.daemon, &wire_survey_done, &surveyed);
	expect(control, &wire_ctl_mux, &mux, NULL, 0);
	ck_assert_uint_eq(mux.provenance_failures, n);
	close(control);
}

/* It reports a frame with a wrong tag and is gone before the broker gets to run. */
START_TEST(test_reports_and_ends)
{
	int go[2], status;
	struct msg_ring_go ring_go;
	pid_t child;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	ck_assert_int_eq(pipe(go), 0);
	child = fork();
	if (child == 0)
		play_reporter(go[0], _i == 1);
	expect_want(&s, 0, 1);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	give_take(&p, &g);
	give_mapped(&p, &g);
	expect(p.fd, &wire_ring_go, &ring_go, NULL, 0);
	usleep(20000); /* for the refusal to be there */
	ck_assert_int_eq(kill(s.broker, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(s.broker, &status, WUNTRACED), s.broker);
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	end_child(child);
	ck_assert_int_eq(kill(s.broker, SIGCONT), 0);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_provenance_failures(1);
	close(go[0]);
	close(go[1]);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker-holder");
	TCase *t = tcase_create("broker-holder");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_another_sends, 0, 2);
	tcase_add_test(t, test_another_sends_on_control);
	tcase_add_loop_test(t, test_reports_and_ends, 0, 2);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
