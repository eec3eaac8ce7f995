/* A reload as the broker sees it, with the test as framemuxd, decoder, client and framemuxctl. */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/camera_state.h"
#include "common/sock.h"
#include "framemux.h"
#include "tests/unit/broker_live.h"

static void end_camera(unsigned camera, bool stays)
{
	struct msg_camera_end m = {.stays = stays, .reason = "changed"};

	memcpy(m.id, s.camera[camera].b, sizeof(m.id));
	tell(s.daemon, &wire_camera_end, &m);
}

static void clear(uint32_t request)
{
	const struct msg_reload_clear m = {.request = request};

	tell(s.daemon, &wire_reload_clear, &m);
}

static void expect_cleared(uint32_t request)
{
	struct msg_reload_cleared m;

	/* The end of a pair's link may be seen before pair_dead, and be told. */
	expect_but_kills(&s, &wire_reload_cleared, &m);
	ck_assert_uint_eq(m.request, request);
}

static void name(unsigned camera, const char *text)
{
	struct msg_broker_camera m = {.epoch = 1};

	memcpy(m.id, s.camera[camera].b, sizeof(m.id));
	snprintf(m.name, sizeof(m.name), "%s", text);
	tell(s.daemon, &wire_broker_camera, &m);
}

static void begin(void)
{
	tell(s.daemon, &wire_reload_begin, &(struct msg_reload_begin){0});
}

static void end(uint32_t cameras, uint32_t tokens)
{
	const struct msg_reload_end m = {.cameras = cameras};
	struct msg_reload_ready ready;
	struct msg_grant_token t;

	tell(s.daemon, &wire_reload_end, &m);
	for (uint32_t i = 0; i < tokens; i++)
		expect(s.daemon, &wire_grant_token, &t, NULL, 0);
	expect(s.daemon, &wire_reload_ready, &ready, NULL, 0);
	ck_assert_uint_eq(ready.grants, tokens);
}

/* Cleared comes after the last pixel and the pair, not before; then the camera is unknown. */
START_TEST(test_camera_goes)
{
	begin_live(small);
	end_camera(0, false);
	clear(7);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	assert_blind(&w);
	watch_end(&w);
	expect_silence(s.daemon, 50); /* the pair lives */
	viewer_ask(&v, &token, (struct msg_open){.view = 2});
	expect_state(v.fd, 2, FRAMEMUX_STATE_REFUSED);
	pair_end(&s, &p, "");
	expect_cleared(7);
	begin();
	name(1, "yard");
	end(1, 0);
	viewer_ask(&v, &token, (struct msg_open){.view = 3});
	expect_state(v.fd, 3, FRAMEMUX_STATE_REFUSED);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* Who comes in between has a lease, and no picture of the old pair. */
START_TEST(test_camera_stays)
{
	begin_live(small);
	end_camera(0, true);
	clear(8);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	watch_end(&w);
	viewer_lease(&v, &token, (struct msg_open){.view = 2, .width = 64, .height = 64});
	expect_want(&s, 0, 1);
	pair_format(&p, 2, 128, 96); /* it still has something to say */
	expect_silence(p.fd, 50);
	pair_end(&s, &p, "");
	expect_cleared(8);
	begin();
	name(1, "yard");
	name(0, "porch");
	end(2, 0);
	pair_begin(&s, 0, 2, &p);
	pair_format(&p, 1, 128, 96);
	attach_all(&s, &p, &v, &g, &w);
	ck_assert_uint_eq(w.attach.generation, 2);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	watch_end(&w);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

START_TEST(test_token_ends)
{
	struct msg_token_end m = {.reason = "its grant has changed"};

	begin_live(small);
	memcpy(m.id, token_body_id(token.body, token.body_len), sizeof(m.id));
	tell(s.daemon, &wire_token_end, &m);
	clear(9);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	assert_blind(&w);
	watch_end(&w);
	expect_cleared(9);
	viewer_ask(&v, &token, (struct msg_open){.view = 2});
	expect_state(v.fd, 2, FRAMEMUX_STATE_REFUSED);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

START_TEST(test_asked_for)
{
	const struct msg_ctl_reload rq = {.request = 4};
	struct msg_reload_ask ask;
	struct msg_reload_done done = {.status = EINVAL, .reason = "wrong"};
	struct msg_ctl_done answer;
	unsigned ended;
	int control;

	scene_begin(&s, NULL);
	control = control_open(&s);
	tell(control, &wire_ctl_reload, &rq);
	expect(s.daemon, &wire_reload_ask, &ask, NULL, 0);
	ck_assert_uint_eq(ask.uid, getuid());
	done.request = ask.request + 1; /* of somebody else */
	tell(s.daemon, &wire_reload_done, &done);
	expect_silence(control, 50);
	done.request = ask.request;
	tell(s.daemon, &wire_reload_done, &done);
	control_finish(control, &answer, &ended);
	ck_assert_uint_eq(answer.request, 4);
	ck_assert_uint_eq(answer.status, EINVAL);
	tell(control, &wire_ctl_reload, &rq); /* and goes before the answer comes */
	expect(s.daemon, &wire_reload_ask, &ask, NULL, 0);
	close(control);
	done.request = ask.request;
	tell(s.daemon, &wire_reload_done, &done);
	end_empty();
}
END_TEST

/* framemuxd is trusted; one that is confused ends the broker, and no row is guessed. */
START_TEST(test_confusion)
{
	scene_begin(&s, NULL);
	begin();
	if (_i == 0)
		name(0, "yard"); /* another's name for an id */
	else
		tell(s.daemon, &wire_reload_end, &(struct msg_reload_end){.cameras = 1});
	expect_end(s.daemon);
	ck_assert_int_ne(scene_end(&s), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker_reload");
	TCase *tc = tcase_create("reload");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_camera_goes);
	tcase_add_test(tc, test_camera_stays);
	tcase_add_test(tc, test_token_ends);
	tcase_add_test(tc, test_asked_for);
	tcase_add_loop_test(tc, test_confusion, 0, 2);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
