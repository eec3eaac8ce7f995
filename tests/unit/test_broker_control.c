/*
 * The broker from outside: what framemuxctl asks, standing tokens, status.
 * Every test ends with the broker holding as many descriptors as it began with, and exit status 0.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/camera_state.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "framemux.h"
#include "tests/unit/broker_live.h"
#include "tests/unit/unit.h"

START_TEST(test_grant)
{
	struct msg_ctl_grant grant = {.request = 5,
		.camera = "porch",
		.expires_s = 60,
		.max_width = 64,
		.max_height = 64,
		.label = "test"};
	struct msg_ctl_token answer;
	struct msg_ctl_done done;
	struct token granted;
	unsigned ended;
	int control;

	if (getuid() != 0)
		return; /* only root and admins may */
	scene_begin(&s, NULL);
	control = control_open(&s);
	tell(control, &wire_ctl_grant, &grant);
	expect(control, &wire_ctl_token, &answer, NULL, 0);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_int_eq(token_parse(answer.token, &granted), 0);
	ck_assert_mem_eq(token_body_id(granted.body, granted.body_len), answer.id, TOKEN_ID_BYTES);
	viewer_connect(&s, &v);
	viewer_ask(&v, &granted, (struct msg_open){.view = 1, .width = 65, .height = 64});
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	viewer_ask(&v, &granted, (struct msg_open){.view = 1, .flags = FRAMEMUX_OPEN_DUMP});
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	viewer_lease(&v, &granted, small);
	viewer_end(&v);
	strcpy(grant.camera, "nowhere");
	tell(control, &wire_ctl_grant, &grant);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, ENOENT);
	strcpy(grant.camera, "porch");
	grant.expires_s = 0;
	tell(control, &wire_ctl_grant, &grant);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, EINVAL);
	close(control);
	end_empty();
}
END_TEST

/* Who is neither root nor an admin reads, and changes nothing. */
START_TEST(test_control_rights)
{
	int status;
	pid_t child;

	if (getuid() != 0)
		return;
	scene_begin(&s, NULL);
	child = fork();
	if (child == 0) {
		struct msg_ctl_grant grant = {.camera = "porch", .expires_s = 60};
		struct msg_ctl_status ask = {.request = 1};
		struct msg_ctl_done done;
		unsigned ended;
		int control;

		if (setuid(65534) < 0)
			_exit(1);
		control = control_open(&s);
		tell(control, &wire_ctl_grant, &grant);
		control_finish(control, &done, &ended);
		if (done.status != EACCES)
			_exit(2);
		ask_revoke(control, "12340000000000000000000000000000");
		control_finish(control, &done, &ended);
		if (done.status != EACCES)
			_exit(3);
		tell(control, &wire_ctl_status, &ask);
		control_finish(control, &done, &ended);
		_exit(done.status == 0 ? 0 : 4);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	end_empty();
}
END_TEST

START_TEST(test_standing_tokens)
{
	const struct msg_broker_grant grant = {
		.grant = "wall", .camera = "porch", .uid = getuid(), .dump = 1};
	struct msg_grant_token first, again, renewed;
	struct token t;

	scene_begin(&s, &(struct scene_setup){.grant = &grant, .ret_token = &first});
	ck_assert_uint_eq(s.ready.grants, 1);
	ck_assert_str_eq(first.grant, "wall");
	ck_assert_int_eq(token_parse(first.token, &t), 0);
	viewer_connect(&s, &v);
	viewer_lease(&v, &t, small);
	viewer_end(&v);
	end_empty();
	/* After a restart it is the same; after a revocation it is another, and the old one is
	 * dead. */
	scene_begin(&s, &(struct scene_setup){.grant = &grant, .ret_token = &again});
	ck_assert_str_eq(first.token, again.token);
	end_empty();
	scene_begin(&s,
		&(struct scene_setup){.grant = &grant,
			.ret_token = &renewed,
			.revoked = token_body_id(t.body, t.body_len)});
	ck_assert_str_ne(first.token, renewed.token);
	viewer_connect(&s, &v);
	viewer_ask(&v, &t, small);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	ck_assert_int_eq(token_parse(renewed.token, &t), 0);
	viewer_lease(&v, &t, small);
	viewer_end(&v);
	end_empty();
}
END_TEST

START_TEST(test_status)
{
	struct msg_ctl_status ask = {.request = 9};
	struct msg_survey survey;
	struct msg_survey_camera seen = {.state = CAMERA_LIVE, .codec = "h264", .decode_pid = 42};
	struct msg_survey_done surveyed = {.pid = 41, .missing_walls = "some"};
	struct msg_ctl_mux mux;
	struct msg_ctl_camera camera;
	struct msg_ctl_lease lease;
	struct msg_ctl_uid uid;
	struct msg_ctl_done done;
	struct msg_counts counts;
	int control;

	begin_live(small);
	counts = (struct msg_counts){.lease = g.give.lease,
		.attach = g.give.attach,
		.published = 10,
		.delivered = 6,
		.dropped = 1};
	tell(p.fd, &wire_counts, &counts);
	counts.delivered = 11; /* more than there were: not believed */
	tell(p.fd, &wire_counts, &counts);
	usleep(20000);
	control = control_open(&s);
	tell(control, &wire_ctl_status, &ask);
	expect(s.daemon, &wire_survey, &survey, NULL, 0);
	seen.request = surveyed.request = survey.request;
	memcpy(seen.id, s.camera[1].b, sizeof(seen.id));
	tell(s.daemon, &wire_survey_camera, &seen);
	tell(s.daemon, &wire_survey_done, &surveyed);
	expect(control, &wire_ctl_mux, &mux, NULL, 0);
	ck_assert_uint_eq(mux.pid, 41);
	ck_assert_str_eq(mux.missing_walls, "some");
	expect(control, &wire_ctl_camera, &camera, NULL, 0);
	ck_assert_str_eq(camera.name, "porch"); /* in the configuration's order */
	ck_assert_uint_eq(camera.width, 128);   /* from what the broker knows itself */
	expect(control, &wire_ctl_camera, &camera, NULL, 0);
	ck_assert_str_eq(camera.name, "yard");
	ck_assert_str_eq(camera.codec, "h264");
	ck_assert_uint_eq(camera.decode_pid, 42);
	expect(control, &wire_ctl_lease, &lease, NULL, 0);
	ck_assert_uint_eq(lease.id, w.attach.lease);
	ck_assert_uint_eq(lease.state, FRAMEMUX_STATE_LIVE);
	ck_assert_uint_eq(lease.bytes, w.attach.ring_bytes);
	ck_assert_uint_eq(lease.published, 10);
	ck_assert_uint_eq(lease.delivered, 6);
	ck_assert_uint_eq(lease.dropped, 1);
	ck_assert_uint_eq(lease.pid, (uint32_t)getpid());
	expect(control, &wire_ctl_uid, &uid, NULL, 0);
	ck_assert_uint_eq(uid.leases, 1);
	ck_assert_uint_eq(uid.bytes, w.attach.ring_bytes + DEAD_PAGE_BYTES);
	ck_assert_uint_eq(uid.held_bytes, 0);
	expect(control, &wire_ctl_done, &done, NULL, 0);
	ck_assert_uint_eq(done.request, 9);
	close(control);
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker control");
	TCase *t = tcase_create("broker control");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_grant);
	tcase_add_test(t, test_control_rights);
	tcase_add_test(t, test_standing_tokens);
	tcase_add_test(t, test_status);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
