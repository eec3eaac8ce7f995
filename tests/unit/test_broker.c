/*
 * The broker from outside: leases, attaches, ends, revocation, quotas, misbehaving neighbours.
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

/* --- the usual way -------------------------------------------------------------------------- */

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

/* --- formats -------------------------------------------------------------------------------- */

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

/* --- revocation ----------------------------------------------------------------------------- */

START_TEST(test_revoke)
{
	char id[2 * TOKEN_ID_BYTES + 1];
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	begin_live(small);
	control = control_open(&s);
	if (_i) /* by its lease */
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)w.attach.lease);
	else
		token_text(&token, id);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	control_finish(control, &done, &ended);
	assert_blind(&w); /* before anybody hears that it is done */
	ck_assert_uint_eq(done.request, 77);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_gt(done.elapsed_us, 0);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	/* For good, and for what was narrowed from it. */
	viewer_ask(&v, &token, small);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	ck_assert_int_eq(token_limit_fps(&token, 1), 0);
	viewer_ask(&v, &token, small);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	close(control);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

START_TEST(test_revoke_answers)
{
	static const struct {
		const char *id;
		uint32_t status;
	} wrong[] = {{"", EINVAL}, {"12", EINVAL}, {"0123456789abcdef0", EINVAL},
		{"0123456789abcdeg", EINVAL}, {"0123456789abcdef", ENOENT}};
	static const uint8_t unseen[TOKEN_ID_BYTES] = {0x12, 0x34};
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	scene_begin(&s, NULL);
	control = control_open(&s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ask_revoke(control, wrong[i].id);
		control_finish(control, &done, &ended);
		ck_assert_uint_eq(done.status, wrong[i].status);
	}
	ask_revoke(control, "12340000000000000000000000000000");
	keep_revoked(unseen, 0);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_uint_eq(ended, 0);
	ask_revoke(control, "12340000000000000000000000000000");
	keep_revoked(unseen, ENOSPC); /* not recorded: the caller must know */
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, ENOSPC);
	close(control);
	end_empty();
}
END_TEST

/* The decoder says that it has let go, keeps a map and writes: found out, killed, erased again. */
START_TEST(test_revoke_against_a_lying_decoder)
{
	struct msg_let_go lie;
	struct msg_ring_drop drop;
	struct msg_ctl_done done;
	char id[2 * TOKEN_ID_BYTES + 1];
	unsigned ended;
	int control;

	begin_live(small);
	control = control_open(&s);
	token_text(&token, id);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	expect_want(&s, 0, 0);
	expect(p.fd, &wire_ring_drop, &drop, NULL, 0);
	ck_assert_uint_eq(*w.dead, 1); /* marked before the decoder hears of it */
	lie = (struct msg_let_go){.lease = drop.lease, .attach = drop.attach};
	tell(p.fd, &wire_let_go, &lie);
	usleep(5000);
	memset(g.map, 0xbb, g.bytes);
	expect_kill(&p);
	expect_silence(control, 50); /* not done while somebody can write */
	memset(g.map, 0xcc, g.bytes);
	munmap(g.map, g.bytes);
	close(g.socket);
	pair_end(&s, &p, "killed");
	control_finish(control, &done, &ended);
	assert_blind(&w);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_uint_eq(ended, 1);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	close(control);
	watch_end(&w);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* The pair is dead and reaped, and yet somebody has its map: no revoke may call that the end. */
START_TEST(test_revoke_against_a_writer_that_stays)
{
	struct msg_camera_block block;
	struct msg_ctl_done done;
	char id[2 * TOKEN_ID_BYTES + 1];
	unsigned ended;
	int control;

	begin_live(small);
	control = control_open(&s);
	token_text(&token, id);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	expect_want(&s, 0, 0);
	expect_kill(&p);
	close(g.socket);
	pair_end(&s, &p, "killed");
	expect(s.daemon, &wire_camera_block, &block, NULL, 0);
	ck_assert_mem_eq(block.id, s.camera[0].b, sizeof(block.id));
	ck_assert_ptr_nonnull(strstr(block.reason, "could not be ended"));
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(done.reason, "may still change"));
	ck_assert_uint_eq(ended, 1);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	assert_blind(&w);
	munmap(g.map, g.bytes);
	close(control);
	watch_end(&w);
	viewer_end(&v);
	end_empty();
}
END_TEST

/* A decoder that is stopped: nothing comes from it, and after 20 ms it is not waited for. */
START_TEST(test_revoke_against_a_stopped_decoder)
{
	struct msg_ctl_done done;
	char id[2 * TOKEN_ID_BYTES + 1];
	uint64_t began;
	unsigned ended;
	int control;

	begin_live(small);
	control = control_open(&s);
	token_text(&token, id);
	began = clock_monotonic_ns();
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	expect_want(&s, 0, 0);
	expect_kill(&p);
	ck_assert_uint_ge(clock_monotonic_ns() - began, 15 * NS_PER_MS);
	ck_assert_uint_eq(*w.dead, 1);
	munmap(g.map, g.bytes);                 /* as the kernel does for the dead */
	control_finish(control, &done, &ended); /* no word from framemuxd needed */
	ck_assert_uint_eq(done.status, 0);
	assert_blind(&w);
	close(g.socket);
	close(control);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	pair_end(&s, &p, "killed");
	watch_end(&w);
	viewer_end(&v);
	end_empty();
}
END_TEST

/*
 * A decoder that is busy for a while costs nobody else his camera when a client closes its view;
 * when a right is revoked meanwhile, it is not waited for any more.
 */
START_TEST(test_busy_decoder)
{
	const struct msg_shut shut = {.view = 1};
	char id[2 * TOKEN_ID_BYTES + 1];
	struct msg_ctl_done done;
	struct msg_ring_drop drop;
	unsigned ended;
	int control;

	begin_live(small);
	control = control_open(&s);
	tell(v.fd, &wire_shut, &shut);
	expect_want(&s, 0, 0);
	expect_silence(s.daemon, 100);
	if (_i == 0) {
		give_drop(&p, &g);
		expect_silence(s.daemon, 50);
	} else {
		token_text(&token, id);
		ask_revoke(control, id);
		keep_revoked(token_body_id(token.body, token.body_len), 0);
		expect_kill(&p);
		expect(p.fd, &wire_ring_drop, &drop, NULL, 0);
		munmap(g.map, g.bytes);
		close(g.socket);
		control_finish(control, &done, &ended);
		ck_assert_uint_eq(done.status, 0);
		ck_assert_uint_eq(ended, 1);
		ck_assert_uint_lt(done.elapsed_us, 120000);
		assert_blind(&w);
	}
	close(control);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* The client reads nothing, the control connection goes: it is revoked all the same. */
START_TEST(test_revoke_goes_on_alone)
{
	char id[2 * TOKEN_ID_BYTES + 1];
	int control;

	begin_live(small);
	control = control_open(&s);
	token_text(&token, id);
	ask_revoke(control, id);
	close(control);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	assert_blind(&w);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* --- misbehaviour --------------------------------------------------------------------------- */

START_TEST(test_decoder_does_not_map)
{
	struct msg_ring_mapped lie;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	viewer_lease(&v, &token, small);
	expect_want(&s, 0, 1);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	give_take(&p, &g);
	munmap(g.map, g.bytes);
	close(g.socket);
	if (_i) { /* says that it has, and has not */
		lie = (struct msg_ring_mapped){.lease = g.give.lease, .attach = g.give.attach};
		tell(p.fd, &wire_ring_mapped, &lie);
	}
	expect_kill(&p);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_decoder_breaks_protocol)
{
	static const struct msg_format bad[] = {
		{.serial = 2, .width = 0, .height = 5, .sar_num = 1, .sar_den = 1},
		{.serial = 2, .width = 16384, .height = 16384, .sar_num = 1, .sar_den = 1},
		{.serial = 1,
			.width = 64,
			.height = 64,
			.sar_num = 1,
			.sar_den = 1}, /* not newer */
	};
	const struct msg_hello stranger = {.magic = 1};

	begin_live(small);
	if (_i < 3)
		tell(p.fd, &wire_format, &bad[_i]);
	else if (_i == 3)
		tell(p.fd, &wire_hello, &stranger);
	else
		ck_assert_int_eq(send(p.fd, "", 0, 0), 0);
	expect_kill(&p);
	ck_assert_uint_eq(*w.dead, 1);
	munmap(g.map, g.bytes);
	close(g.socket);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	assert_blind(&w);
	watch_end(&w);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_decoder_floods)
{
	struct msg_counts m;
	uint64_t until = clock_monotonic_ns() + 10 * NS_PER_S;

	begin_live(small);
	m = (struct msg_counts){.lease = g.give.lease, .attach = g.give.attach};
	while (sock_send_msg(p.fd, &wire_counts, &m) != -EPIPE)
		ck_assert_uint_lt(clock_monotonic_ns(), until);
	expect_kill(&p);
	munmap(g.map, g.bytes);
	close(g.socket);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	watch_end(&w);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

/* Another camera's decoder names this one's attach: nothing happens to it. */
START_TEST(test_decoder_names_anothers_attach)
{
	struct msg_let_go m;
	struct msg_client_fault fault;
	struct pair other;

	begin_live(small);
	pair_begin(&s, 1, 1, &other);
	m = (struct msg_let_go){.lease = g.give.lease, .attach = g.give.attach};
	fault = (struct msg_client_fault){.lease = g.give.lease, .attach = g.give.attach};
	tell(other.fd, &wire_let_go, &m);
	tell(other.fd, &wire_client_fault, &fault);
	expect_silence(v.fd, 50);
	ck_assert_uint_eq(*w.dead, 0);
	pair_end(&s, &other, "");
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

static void send_raw(const char *bytes, size_t len)
{
	ck_assert_int_eq(send(v.fd, bytes, len, 0), (ssize_t)len);
}

/* Only the one that misbehaves is dropped; another goes on. */
START_TEST(test_client_breaks_protocol)
{
	const struct msg_hello old = {.magic = PROTOCOL_MAGIC, .version = 0},
			       odd = {.magic = 1, .version = 1};
	const struct msg_attached unasked = {.view = 1, .attach = 5}, none = {.view = 1};
	static char big[LIMIT_MESSAGE + 1];
	struct viewer bystander;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &bystander);
	if (_i < 3)
		ck_assert_int_eq(sock_connect(s.clients_path, &v.fd), 0);
	else
		viewer_connect(&s, &v);
	switch (_i) {
	case 0:
		tell(v.fd, &wire_hello, &old);
		break;
	case 1:
		tell(v.fd, &wire_hello, &odd);
		break;
	case 2:
		viewer_ask(&v, &token, small); /* before hello */
		break;
	case 3:
		send_raw("", 0);
		break;
	case 4:
		send_raw("x", 1);
		break;
	case 5:
		send_raw(big, sizeof(big));
		break;
	case 6:
		tell(v.fd, &wire_attached, &unasked);
		break;
	default:
		tell(v.fd, &wire_attached, &none);
		break;
	}
	expect_end(v.fd);
	viewer_lease(&bystander, &token, small);
	viewer_end(&v);
	viewer_end(&bystander);
	end_empty();
}
END_TEST

/* Descriptors sent along do not arrive; the message does. */
START_TEST(test_client_sends_descriptors)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	struct msg_welcome welcome;
	uint8_t buf[64];
	ssize_t n = wire_encode(&wire_hello, &hello, buf, sizeof(buf));
	int fds[4] = {0, 1, 2, 0}, r;

	scene_begin(&s, NULL);
	ck_assert_int_eq(sock_connect(s.clients_path, &v.fd), 0);
	r = sock_send(v.fd, buf, (size_t)n, fds, 4);
	if (r == 0) { /* else the kernel refuses already (SO_PASSRIGHTS) */
		expect(v.fd, &wire_welcome, &welcome, NULL, 0);
		ck_assert_int_le(scene_broker_fds(&s), s.idle_fds + 2);
	}
	viewer_end(&v);
	end_empty();
}
END_TEST

START_TEST(test_client_reports_and_faults)
{
	struct msg_report report;
	struct msg_ctl_status ask = {.request = 3};
	struct msg_ctl_mux mux;
	int control;

	begin_live(small);
	report = (struct msg_report){.view = 1, .attach = w.attach.attach, .seq = 4};
	tell(v.fd, &wire_report, &report);
	tell(v.fd, &wire_report, &report); /* counts once */
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_STALE);
	watch_end(&w);
	for (unsigned i = 0; i < 2; i++) { /* two more in a row, and that was it */
		struct msg_client_fault fault;

		attach_all(&s, &p, &v, &g, &w);
		fault = (struct msg_client_fault){
			.lease = g.give.lease, .attach = g.give.attach, .reason = "credit"};
		tell(p.fd, &wire_client_fault, &fault);
		if (i == 1)
			expect_want(&s, 0, 0);
		give_drop(&p, &g);
		expect_state(v.fd, 1, i == 0 ? FRAMEMUX_STATE_STALE : FRAMEMUX_STATE_REVOKED);
		watch_end(&w);
	}
	control = control_open(&s);
	tell(control, &wire_ctl_status, &ask);
	expect(control, &wire_ctl_mux, &mux, NULL, 0); /* without framemuxd's answer, after 1 s */
	ck_assert_uint_eq(mux.provenance_failures, 1);
	ck_assert_uint_eq(mux.leases_opened, 1);
	close(control);
	viewer_end(&v);
	{
		struct msg_survey survey;

		expect(s.daemon, &wire_survey, &survey, NULL, 0);
	}
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* Somebody connects, greets, leaves its socket to us, and ends: it is nobody's socket then. */
START_TEST(test_process_end_ends_its_connection)
{
	int pair[2], fds[SOCK_FDS_MAX], status;
	size_t n = 0;
	pid_t child;
	char byte;

	scene_begin(&s, NULL);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	child = fork();
	if (child == 0) {
		viewer_connect(&s, &v);
		_exit(sock_send(pair[1], "x", 1, &v.fd, 1) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(sock_recv(pair[0], &byte, 1, fds, &n), 1);
	ck_assert_uint_eq(n, 1);
	expect_end(fds[0]);
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);
	end_empty();
}
END_TEST

/* --- memory --------------------------------------------------------------------------------- */

/* What is mapped after the end stays charged, and only that. */
START_TEST(test_held_memory)
{
	const struct msg_shut shut = {.view = 1};
	struct msg_open big = {.view = 2, .width = 2048, .height = 2048}; /* 4 x 6 MB */

	scene_begin(&s, &(struct scene_setup){.quota_mb = 32});
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	big.view = 1;
	viewer_lease(&v, &token, big);
	expect_want(&s, 0, 1);
	attach_all(&s, &p, &v, &g, &w);
	tell(v.fd, &wire_shut, &shut);
	expect_want(&s, 0, 0);
	give_drop(&p, &g);
	big.view = 2;
	usleep(50000);
	viewer_ask(&v, &token, big);
	expect_state(v.fd, 2, FRAMEMUX_STATE_REFUSED);
	assert_blind(&w);
	watch_end(&w);
	viewer_lease(&v, &token, big); /* noticed at once, not only by the clock */
	expect_want(&s, 0, 1);
	give_take(&p, &g);
	munmap(g.map, g.bytes);
	close(g.socket);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	pair_end(&s, &p, "");
	end_empty();
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

/* --- framemuxd, framemuxctl ----------------------------------------------------------------- */

/* framemuxd is gone and the decoder does nothing: erased, told, ended, in bounded time. */
START_TEST(test_framemuxd_dies)
{
	uint64_t began;

	begin_live(small);
	began = clock_monotonic_ns();
	ck_assert_int_eq(scene_end(&s), 0);
	ck_assert_uint_le(clock_monotonic_ns() - began, 2 * NS_PER_S);
	assert_blind(&w);
	expect_end(v.fd);
	munmap(g.map, g.bytes);
	close(g.socket);
	close(p.fd);
	watch_end(&w);
	viewer_end(&v);
}
END_TEST

START_TEST(test_framemuxd_breaks_invariants)
{
	struct msg_pair_born born = {.generation = 2};
	struct msg_broker_admin late = {.uid = 1};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	begin_live(small);
	memcpy(born.id, s.camera[0].b, sizeof(born.id));
	n = wire_encode(&wire_pair_born, &born, buf, sizeof(buf));
	if (_i == 0) /* a second pair of one camera */
		ck_assert_int_eq(sock_send(s.daemon, buf, (size_t)n, &p.fd, 1), 0);
	else /* setup after the setup */
		tell(s.daemon, &wire_broker_admin, &late);
	munmap(g.map, g.bytes);
	expect_state(v.fd, 1, FRAMEMUX_STATE_CLOSED);
	expect_end(v.fd);
	assert_blind(&w);
	ck_assert_int_eq(scene_end(&s), 70);
	close(g.socket);
	close(p.fd);
	watch_end(&w);
	viewer_end(&v);
}
END_TEST

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
	tcase_add_loop_test(t, test_revoke, 0, 2);
	tcase_add_test(t, test_revoke_answers);
	tcase_add_test(t, test_revoke_against_a_lying_decoder);
	tcase_add_test(t, test_revoke_against_a_writer_that_stays);
	tcase_add_test(t, test_revoke_against_a_stopped_decoder);
	tcase_add_loop_test(t, test_busy_decoder, 0, 2);
	tcase_add_test(t, test_revoke_goes_on_alone);
	tcase_add_loop_test(t, test_decoder_does_not_map, 0, 2);
	tcase_add_loop_test(t, test_decoder_breaks_protocol, 0, 5);
	tcase_add_test(t, test_decoder_floods);
	tcase_add_test(t, test_decoder_names_anothers_attach);
	tcase_add_loop_test(t, test_client_breaks_protocol, 0, 8);
	tcase_add_test(t, test_client_sends_descriptors);
	tcase_add_test(t, test_client_reports_and_faults);
	tcase_add_test(t, test_process_end_ends_its_connection);
	tcase_add_test(t, test_held_memory);
	tcase_add_test(t, test_own_size_above_quota);
	tcase_add_test(t, test_framemuxd_dies);
	tcase_add_loop_test(t, test_framemuxd_breaks_invariants, 0, 2);
	tcase_add_test(t, test_grant);
	tcase_add_test(t, test_control_rights);
	tcase_add_test(t, test_standing_tokens);
	tcase_add_test(t, test_status);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
