/*
 * The broker from outside: leases, their states and ends, attaches, formats.
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

/* --- the usual way ----------------------------------------------------------------------------- */

START_TEST(test_lease_and_shut)
{
	const struct msg_shut shut = {.view = 1};

	begin_live(small);
	ck_assert_uint_eq(w.attach.width, 64);
	ck_assert_uint_eq(w.attach.generation, 1);
	ck_assert_str_eq(w.attach.camera, "porch");
	ck_assert_uint_eq(w.attach.stale_ns, NS_PER_S);
	tell(v.fd, &wire_shut, &shut);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_silence(v.fd, 50); /* who shuts a view hears no more of it */
	assert_blind(&w);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

START_TEST(test_client_dies)
{
	begin_live(own);
	ck_assert_uint_eq(w.attach.width, 128);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	pair_end(&s, &p, "");
	usleep(20000);
	assert_blind(&w); /* what it mapped, or passed on, shows nothing more */
	watch_end(&w);
	end_empty();
}
END_TEST

START_TEST(test_camera_goes_dark_and_comes_back)
{
	uint64_t first;

	begin_live(small);
	first = w.attach.attach;
	camera_says(&s, 0, CAMERA_STALE, "no new frame");
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_STALE);
	assert_blind(&w);
	watch_end(&w);
	camera_says(&s, 0, CAMERA_LIVE, "");
	attach_all(&s, &p, &v, &g, &w);
	ck_assert_uint_gt(w.attach.attach, first); /* never the same ring again */
	munmap(g.map, g.bytes);
	close(g.socket);
	pair_end(&s, &p, "the camera has gone");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	assert_blind(&w);
	watch_end(&w);
	pair_begin(&s, 0, 2, &p);
	pair_format(&p, 1, 128, 96);
	attach_all(&s, &p, &v, &g, &w);
	ck_assert_uint_eq(w.attach.generation, 2);
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

/* A slow lease is not dark when the camera is, but when its own limit is over. */
START_TEST(test_slow_lease_goes_dark_later)
{
	struct msg_open slow = small;
	uint64_t began;

	slow.fps = 2; /* 1.5 s */
	begin_live(slow);
	ck_assert_uint_eq(w.attach.stale_ns, 3 * NS_PER_S / 2);
	began = clock_monotonic_ns();
	camera_says(&s, 0, CAMERA_STALE, "no new frame");
	give_drop(&p, &g);
	ck_assert_uint_ge(clock_monotonic_ns() - began, NS_PER_S / 3);
	expect_state(v.fd, 1, FRAMEMUX_STATE_STALE);
	watch_end(&w);
	end_live();
}
END_TEST

START_TEST(test_disabled_is_final)
{
	begin_live(small);
	camera_says(&s, 0, CAMERA_DISABLED, "kill switch");
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* The next message to the client: that the camera is blocked, in words that tell it from a right
 * that ended. */
static void expect_blocked(uint32_t view)
{
	struct msg_state state;

	expect(v.fd, &wire_state, &state, NULL, 0);
	ck_assert_uint_eq(state.view, view);
	ck_assert_uint_eq(state.state, FRAMEMUX_STATE_REVOKED);
	ck_assert_str_eq(state.reason, "the camera is blocked: its server changed");
}

START_TEST(test_blocked_is_final)
{
	begin_live(small);
	camera_says(&s, 0, CAMERA_BLOCKED, "its server changed");
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_blocked(1);
	assert_blind(&w);
	watch_end(&w);
	pair_end(&s, &p, "");
	viewer_lease(
		&v, &token, (struct msg_open){.view = 2}); /* who comes later hears it at once */
	expect_want(&s, 0, 1);
	expect_blocked(2);
	expect_want(&s, 0, 0);
	camera_says(&s, 0, CAMERA_IDLE, ""); /* accepted */
	viewer_lease(&v, &token, (struct msg_open){.view = 3});
	expect_want(&s, 0, 1);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_accept)
{
	struct msg_ctl_accept rq = {.request = 5};
	struct msg_camera_accept asked;
	struct msg_camera_accepted done = {0};
	struct msg_ctl_done answer;
	unsigned ended;
	int control;

	scene_begin(&s, NULL);
	control = control_open(&s);
	snprintf(rq.camera, sizeof(rq.camera), "nothing");
	tell(control, &wire_ctl_accept, &rq);
	control_finish(control, &answer, &ended);
	ck_assert_uint_eq(answer.status, ENOENT);
	snprintf(rq.camera, sizeof(rq.camera), "yard");
	for (uint32_t status = 0; status <= ENOSPC; status += ENOSPC) {
		tell(control, &wire_ctl_accept, &rq);
		expect(s.daemon, &wire_camera_accept, &asked, NULL, 0);
		ck_assert_mem_eq(asked.id, s.camera[1].b, CAMERA_ID_BYTES);
		done.request = asked.request + 1; /* of somebody else */
		tell(s.daemon, &wire_camera_accepted, &done);
		expect_silence(control, 50);
		done.request = asked.request;
		done.status = status;
		tell(s.daemon, &wire_camera_accepted, &done);
		control_finish(control, &answer, &ended);
		ck_assert_uint_eq(answer.request, 5);
		ck_assert_uint_eq(answer.status, status);
	}
	/* the asker goes before the answer comes */
	tell(control, &wire_ctl_accept, &rq);
	expect(s.daemon, &wire_camera_accept, &asked, NULL, 0);
	close(control);
	done.request = asked.request;
	tell(s.daemon, &wire_camera_accepted, &done);
	end_empty();
}
END_TEST

START_TEST(test_expiry)
{
	uint64_t began = clock_monotonic_ns();

	scene_begin(&s, NULL);
	token_for(&s, 0, clock_unix_s() + 2, &token);
	viewer_connect(&s, &v);
	viewer_lease(&v, &token, small);
	expect_want(&s, 0, 1);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	attach_all(&s, &p, &v, &g, &w);
	give_drop(&p, &g);
	ck_assert_uint_ge(clock_monotonic_ns() - began, NS_PER_S);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	viewer_ask(&v, &token, (struct msg_open){.view = 2});
	expect_state(v.fd, 2, FRAMEMUX_STATE_REFUSED);
	watch_end(&w);
	expect_want(&s, 0, 0);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* The clock is set back: what had expired has. Who is let in has what is left by the floor. */
START_TEST(test_clock_floor)
{
	const uint64_t then = clock_unix_s() + 86400;
	struct msg_broker_clock clock = {.real_s = then, .boot_ns = clock_boot_ns()};
	struct token short_one, long_one;
	struct msg_ctl_grant rq = {.request = 1, .camera = "porch", .expires_s = 60};
	struct msg_ctl_token answer;
	int control;

	scene_begin(&s, NULL);
	token_for(&s, 0, then, &short_one);
	token_for(&s, 0, then + 100, &long_one);
	viewer_connect(&s, &v);
	viewer_lease(&v, &short_one, (struct msg_open){.view = 1});
	expect_want(&s, 0, 1);
	tell(s.daemon, &wire_broker_clock, &clock);
	camera_says(&s, 0, CAMERA_LOST, "");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST); /* it goes on, and the clock has been told */
	viewer_ask(&v, &short_one, (struct msg_open){.view = 2});
	expect_state(v.fd, 2, FRAMEMUX_STATE_REFUSED);
	viewer_lease(&v, &long_one, (struct msg_open){.view = 3});
	expect_want(&s, 0, 2);
	control = control_open(&s);
	tell(control, &wire_ctl_grant, &rq);
	expect(control, &wire_ctl_token, &answer, NULL, 0);
	ck_assert_uint_ge(answer.not_after, clock.real_s + 60);
	close(control);
	viewer_end(&v);
	expect_want(&s, 0, 1);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_refused)
{
	static const uint32_t sizes[][2] = {{0, 64}, {64, 0}, {LIMIT_SIDE, LIMIT_SIDE},
		{UINT32_MAX, UINT32_MAX}, {LIMIT_SIDE, 4352}}; /* the last: above 64 MB */
	struct msg_open o = {.view = 1};
	struct token other;

	scene_begin(&s, NULL);
	viewer_connect(&s, &v);
	token_for(&s, 0, UINT64_MAX, &token);
	token_for(&s, 1, UINT64_MAX, &other);
	viewer_ask(&v, &other, o); /* camera "porch" with yard's token */
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	strcpy(o.camera, "nowhere");
	viewer_ask(&v, &token, o);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	token.tag[0] ^= 1;
	viewer_ask(&v, &token, own);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	token.tag[0] ^= 1;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		viewer_ask(&v, &token,
			(struct msg_open){.view = 1, .width = sizes[i][0], .height = sizes[i][1]});
		expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	}
	expect_silence(s.daemon, 20); /* nobody was asked for a camera */
	viewer_end(&v);
	end_empty();
}
END_TEST

START_TEST(test_views_and_turns)
{
	struct given g2;
	struct watched w2;
	struct msg_open o = small;
	struct msg_ring_go go;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	viewer_lease(&v, &token, o);
	expect_want(&s, 0, 1);
	o.view = 2;
	viewer_lease(&v, &token, o);
	expect_want(&s, 0, 2);
	give_take(&p, &g);
	give_take(&p, &g2);
	ck_assert_uint_ne(g.give.lease, g2.give.lease);
	give_mapped(&p, &g);
	give_mapped(&p, &g2);
	watch_take(&s, &v, &w);
	expect_silence(v.fd, 50); /* one unacknowledged attach at a time */
	expect(p.fd, &wire_ring_go, &go, NULL, 0);
	expect_silence(p.fd, 10);
	watch_ack(&v, &w);
	watch_take(&s, &v, &w2);
	expect(p.fd, &wire_ring_go, &go, NULL, 0);
	watch_ack(&v, &w2);
	/* Each its own memory. */
	memset(g.map, 0x11, g.bytes);
	memset(g2.map, 0x22, g2.bytes);
	ck_assert_uint_eq(w.map[0], w.attach.attach == g.give.attach ? 0x11 : 0x22);
	ck_assert_uint_ne(w.map[0], w2.map[0]);
	ck_assert_mem_ne(w.attach.k_attach, w2.attach.k_attach, KEY_BYTES);
	munmap(g.map, g.bytes);
	munmap(g2.map, g2.bytes);
	close(g.socket);
	close(g2.socket);
	watch_end(&w);
	watch_end(&w2);
	/* A number in use, once more: a broken client. */
	viewer_ask(&v, &token, o);
	expect_end(v.fd);
	viewer_end(&v);
	pair_end(&s, &p, "");
	expect_want(&s, 0, 1);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_too_many_views)
{
	struct msg_open o = own;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	for (o.view = 1; o.view <= 64; o.view++)
		viewer_lease(&v, &token, o);
	viewer_ask(&v, &token, o);
	expect_state(v.fd, o.view, FRAMEMUX_STATE_REFUSED);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* --- formats ----------------------------------------------------------------------------------- */

START_TEST(test_format_changes_own_size)
{
	struct msg_ring_keep keep;
	uint64_t began;

	begin_live(own);
	pair_format(&p, 2, 64, 48);
	give_drop(&p, &g);
	watch_end(&w);
	attach_all(&s, &p, &v, &g, &w);
	ck_assert_uint_eq(w.attach.width, 64);
	ck_assert_uint_eq(g.give.serial, 2);
	/* The second within a second waits; what alternates meanwhile costs nothing. */
	began = clock_monotonic_ns();
	for (uint32_t serial = 3; serial < 20; serial++) {
		pair_format(&p, serial, serial % 2 ? 128 : 64, serial % 2 ? 96 : 48);
		if (serial % 2 == 0)
			expect(p.fd, &wire_ring_keep, &keep, NULL, 0);
	}
	give_drop(&p, &g);
	ck_assert_uint_ge(clock_monotonic_ns() - began, 8 * NS_PER_S / 10);
	watch_end(&w);
	attach_all(&s, &p, &v, &g, &w);
	ck_assert_uint_eq(w.attach.width, 128);
	ck_assert_uint_eq(g.give.serial, 19);
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

START_TEST(test_format_keeps_fixed_size)
{
	struct msg_format colour = {.serial = 3,
		.width = 64,
		.height = 48,
		.sar_num = 1,
		.sar_den = 1,
		.color_encoding = 1};
	struct msg_ring_keep keep;

	begin_live(small);
	pair_format(&p, 2, 640, 480);
	expect(p.fd, &wire_ring_keep, &keep, NULL, 0);
	ck_assert_uint_eq(keep.attach, g.give.attach);
	ck_assert_uint_eq(keep.serial, 2);
	tell(p.fd, &wire_format, &colour); /* what the client was told of colour is wrong now */
	give_drop(&p, &g);
	watch_end(&w);
	attach_all(&s, &p, &v, &g, &w);
	ck_assert_uint_eq(w.attach.color_encoding, 1);
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

/* The camera's own size is charged when it is known: too much is a refusal, after CONNECTING. */
START_TEST(test_own_size_above_quota)
{
	scene_begin(&s, &(struct scene_setup){.quota_mb = 1});
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	viewer_lease(&v, &token, own);
	expect_want(&s, 0, 1);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 1920, 1080);
	expect_want(&s, 0, 0);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	expect_silence(p.fd, 20);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker");
	TCase *t = tcase_create("broker");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_lease_and_shut);
	tcase_add_test(t, test_client_dies);
	tcase_add_test(t, test_camera_goes_dark_and_comes_back);
	tcase_add_test(t, test_slow_lease_goes_dark_later);
	tcase_add_test(t, test_disabled_is_final);
	tcase_add_test(t, test_blocked_is_final);
	tcase_add_test(t, test_accept);
	tcase_add_test(t, test_expiry);
	tcase_add_test(t, test_clock_floor);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_views_and_turns);
	tcase_add_test(t, test_too_many_views);
	tcase_add_test(t, test_format_changes_own_size);
	tcase_add_test(t, test_format_keeps_fixed_size);
	tcase_add_test(t, test_own_size_above_quota);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
