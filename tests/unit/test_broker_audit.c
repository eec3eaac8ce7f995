/*
 * The broker and the audit log: nothing begins before its record is written, nothing at all when it
 * cannot be; and what is recorded of a lease is what happened to it. framemuxd is played by the scene.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "framemux.h"
#include "mux/broker/asks.h"
#include "mux/broker/audit_sums.h"
#include "tests/unit/broker_live.h"

static void answer(uint32_t status)
{
	const struct msg_audit_written m = {
		.request = scene_audit.notes[scene_audit.n - 1].request, .status = status};

	tell(s.daemon, &wire_audit_written, &m);
}

static unsigned count(uint32_t event)
{
	unsigned n = 0;

	for (unsigned i = 0; i < scene_audit.n; i++)
		n += scene_audit.notes[i].event == event;
	return n;
}

static void begin_asking(bool is_held)
{
	scene_begin(&s, NULL);
	scene_audit.is_held = is_held;
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
}

static void end_asking(void)
{
	viewer_end(&v);
	end_empty();
}

START_TEST(test_waits_for_its_record)
{
	struct msg_lease lease;

	begin_asking(true);
	viewer_ask(&v, &token, small);
	scene_audit_wait(1);
	ck_assert_uint_eq(scene_audit.notes[0].event, AUDIT_EVENT_OPEN);
	ck_assert_str_eq(scene_audit.notes[0].camera, "porch");
	expect_silence(v.fd, 50);
	expect_silence(s.daemon, 50); /* nobody is asked for its camera */
	answer(0);
	expect(v.fd, &wire_lease, &lease, NULL, 0);
	ck_assert_uint_eq(lease.lease, scene_audit.notes[0].lease);
	expect_state(v.fd, 1, FRAMEMUX_STATE_CONNECTING);
	expect_want(&s, 0, 1);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_cannot_be_recorded)
{
	static const struct {
		uint32_t status;
		const char *words;
	} cases[] = {{ENOSPC, "full"}, {EROFS, "read-only"}, {EIO, "cannot be written"},
		{EUCLEAN, "rolled back"}, {ENOBUFS, "too much waits"}};
	struct msg_state m;

	begin_asking(false);
	scene_audit.status = cases[_i].status;
	viewer_ask(&v, &token, small);
	expect(v.fd, &wire_state, &m, NULL, 0);
	ck_assert_uint_eq(m.state, FRAMEMUX_STATE_REFUSED);
	ck_assert_ptr_nonnull(strstr(m.reason, cases[_i].words));
	expect_silence(s.daemon, 50);
	ck_assert_uint_eq(count(AUDIT_EVENT_CLOSE), 0); /* it never began */
	scene_audit.status = 0;                         /* the next is none the worse for it */
	viewer_lease(&v, &token, (struct msg_open){.view = 2, .width = 64, .height = 64});
	expect_want(&s, 0, 1);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

/* It was asked for and may stand in the log: then so does its end. */
START_TEST(test_goes_while_it_waits)
{
	begin_asking(true);
	viewer_ask(&v, &token, small);
	scene_audit_wait(1);
	viewer_end(&v);
	scene_audit_wait(2);
	ck_assert_uint_eq(scene_audit.notes[1].event, AUDIT_EVENT_CLOSE);
	ck_assert_uint_eq(scene_audit.notes[1].lease, scene_audit.notes[0].lease);
	tell(s.daemon, &wire_audit_written,
		&(struct msg_audit_written){.request = scene_audit.notes[0].request});
	expect_silence(s.daemon, 50);
	end_empty();
}
END_TEST

START_TEST(test_revoked_while_it_waits)
{
	char id[2 * TOKEN_ID_BYTES + 1];
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	begin_asking(true);
	viewer_ask(&v, &token, small);
	scene_audit_wait(1);
	control = control_open(&s);
	token_text(&token, id);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	answer(0); /* of the last note: nobody's */
	expect_silence(v.fd, 50);
	close(control);
	end_asking();
}
END_TEST

static void ask_grant(int control)
{
	struct msg_ctl_grant m = {
		.request = 5, .camera = "porch", .expires_s = 60, .label = "wall"};

	tell(control, &wire_ctl_grant, &m);
}

START_TEST(test_token_waits_for_its_record)
{
	struct msg_ctl_token given;
	struct msg_ctl_done done;
	const struct msg_audit_note *note;
	int control;

	begin_asking(true);
	control = control_open(&s);
	ask_grant(control);
	note = scene_note(AUDIT_EVENT_GRANT);
	ck_assert_str_eq(note->label, "wall");
	ck_assert_uint_eq(note->by_pid, (uint32_t)getpid());
	expect_silence(control, 50);
	answer(_i == 0 ? 0 : ENOSPC);
	if (_i == 0) {
		expect(control, &wire_ctl_token, &given, NULL, 0);
		ck_assert_mem_eq(given.id, note->token, sizeof(given.id));
	}
	expect(control, &wire_ctl_done, &done, NULL, 0);
	ck_assert_uint_eq(done.request, 5);
	ck_assert_uint_eq(done.status, _i == 0 ? 0 : ENOSPC);
	close(control);
	end_asking();
}
END_TEST

/* What the decoder said last is what is recorded, and it adds up. */
START_TEST(test_close_adds_up)
{
	const struct msg_counts counts = {.published = 7, .delivered = 4, .dropped = 1};
	const struct msg_audit_note *note;
	struct msg_counts m = counts;

	begin_live(small);
	if (_i == 1) { /* it dies: what nobody can tell of any more is withheld */
		m.lease = g.give.lease;
		m.attach = g.give.attach;
		tell(p.fd, &wire_counts, &m);
		usleep(20000);
		munmap(g.map, g.bytes);
		close(g.socket);
		pair_end(&s, &p, "killed");
		expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
		viewer_end(&v);
		expect_want(&s, 0, 0);
	} else {
		viewer_end(&v);
		expect_want(&s, 0, 0);
		give_drop(&p, &g);
		pair_end(&s, &p, "");
	}
	note = scene_note(AUDIT_EVENT_CLOSE);
	ck_assert_uint_eq(note->published, _i == 1 ? 7 : 10);
	ck_assert_uint_eq(note->delivered, _i == 1 ? 4 : 5);
	ck_assert_uint_eq(note->published, note->delivered + note->dropped + note->withheld);
	ck_assert_uint_eq(note->generation, 1);
	ck_assert_uint_eq(note->last_generation, 1);
	ck_assert_uint_eq(note->count, 1);
	ck_assert_uint_eq(note->bytes, w.attach.ring_bytes);
	ck_assert(note->first_ms && note->first_ms <= note->last_ms);
	watch_end(&w);
	end_empty();
}
END_TEST

/* framemuxd ends: how the leases ended is said when it hears, but does not speak, any more. */
START_TEST(test_last_words)
{
	begin_live(small);
	ck_assert_int_eq(shutdown(s.daemon, SHUT_WR), 0);
	give_drop(&p, &g);
	ck_assert_str_eq(scene_note(AUDIT_EVENT_CLOSE)->reason, "the mux stops");
	watch_end(&w);
	viewer_end(&v);
	close(p.fd);
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

/* What was asked of framemuxd counts until it answers, though the asker has hung up. */
START_TEST(test_askers_who_leave)
{
	struct msg_survey survey = {0};
	struct msg_audit_ask asked;
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	begin_asking(false);
	for (uint32_t i = 0; i < ASKS_UID_MAX; i++) {
		control = control_open(&s);
		tell(control, &wire_ctl_status, &(struct msg_ctl_status){.request = 1});
		expect(s.daemon, &wire_survey, &survey, NULL, 0);
		close(control);
	}
	control = control_open(&s);
	tell(control, &wire_ctl_status, &(struct msg_ctl_status){.request = 2});
	control_finish(control, &done, &ended); /* by the broker's own word */
	ck_assert_uint_eq(done.status, 0);
	expect_silence(s.daemon, 50);
	tell(s.daemon, &wire_survey_done, &(struct msg_survey_done){.request = survey.request});
	tell(control, &wire_ctl_status, &(struct msg_ctl_status){.request = 3});
	expect(s.daemon, &wire_survey, &survey, NULL, 0);
	close(control);
	for (unsigned i = 0; i < 4; i++) {
		control = control_open(&s);
		tell(control, &wire_ctl_audit, &(struct msg_ctl_audit){.request = 1});
		expect(s.daemon, &wire_audit_ask, &asked, NULL, 0);
		close(control);
	}
	control = control_open(&s);
	tell(control, &wire_ctl_audit, &(struct msg_ctl_audit){.request = 2});
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, EBUSY);
	tell(s.daemon, &wire_audit_told, &(struct msg_audit_told){.request = asked.request});
	expect_silence(control, 20);
	tell(control, &wire_ctl_audit, &(struct msg_ctl_audit){.request = 3});
	expect(s.daemon, &wire_audit_ask, &asked, NULL, 0);
	close(control);
	end_asking();
}
END_TEST

START_TEST(test_sums)
{
	static struct audit_sums sums;
	char camera[LIMIT_NAME];
	uint64_t all = 0;

	memset(&sums, 0, sizeof(sums));
	for (uint32_t uid = 0; uid < 2000; uid++) {
		snprintf(camera, sizeof(camera), "c%u", uid % 3);
		audit_sums_add(&sums, AUDIT_EVENT_REFUSED, uid, camera, "no capability");
		audit_sums_add(&sums, AUDIT_EVENT_REFUSED, uid, camera, "again");
	}
	ck_assert_uint_eq(sums.n, AUDIT_SUMS_ROWS);
	for (size_t i = 0; i < sums.n; i++) {
		ck_assert_uint_eq(sums.rows[i].count, 2);
		ck_assert_str_eq(sums.rows[i].reason, "no capability");
		all += sums.rows[i].count;
	}
	ck_assert_uint_eq(sums.others.uid, UINT32_MAX);
	ck_assert_uint_eq(all + sums.others.count, 4000); /* none is left out */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker-audit");
	TCase *t = tcase_create("broker-audit");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_waits_for_its_record);
	tcase_add_loop_test(t, test_cannot_be_recorded, 0, 5);
	tcase_add_test(t, test_goes_while_it_waits);
	tcase_add_test(t, test_revoked_while_it_waits);
	tcase_add_loop_test(t, test_token_waits_for_its_record, 0, 2);
	tcase_add_loop_test(t, test_close_adds_up, 0, 2);
	tcase_add_test(t, test_last_words);
	tcase_add_test(t, test_askers_who_leave);
	tcase_add_test(t, test_sums);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
