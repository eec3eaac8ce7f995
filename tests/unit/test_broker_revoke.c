/*
 * The broker from outside: revocation, whatever the decoder does; what a client keeps of it.
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

int main(void)
{
	Suite *suite = suite_create("broker revoke");
	TCase *t = tcase_create("broker revoke");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_revoke, 0, 2);
	tcase_add_test(t, test_revoke_answers);
	tcase_add_test(t, test_revoke_against_a_lying_decoder);
	tcase_add_test(t, test_revoke_against_a_writer_that_stays);
	tcase_add_test(t, test_revoke_against_a_stopped_decoder);
	tcase_add_loop_test(t, test_busy_decoder, 0, 2);
	tcase_add_test(t, test_revoke_goes_on_alone);
	tcase_add_test(t, test_held_memory);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
