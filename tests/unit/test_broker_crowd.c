/*
 * The broker when many things happen at once, or one neighbour does one thing without end: nobody
 * else may pay for it.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "framemux.h"
#include "mux/broker/quota.h"
#include "tests/unit/broker_live.h"

#define VIEWS 64u /* of one connection: as many as there may be */

static void expect_drop(const struct given *which)
{
	struct msg_ring_drop drop;

	expect(p.fd, &wire_ring_drop, &drop, NULL, 0);
	ck_assert_uint_eq(drop.attach, which->give.attach);
}

static void revoke_token(int control)
{
	char id[2 * TOKEN_ID_BYTES + 1];

	token_text(&token, id);
	ask_revoke(control, id);
	keep_revoked(token_body_id(token.body, token.body_len), 0);
}

/* It has let go, and its word is late: the kernel's is enough, and nobody is killed. */
START_TEST(test_let_go_is_not_read_yet)
{
	struct msg_let_go late;
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	begin_live(small);
	control = control_open(&s);
	revoke_token(control);
	expect_want(&s, 0, 0);
	expect_drop(&g);
	munmap(g.map, g.bytes);
	close(g.socket);
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_uint_eq(ended, 1);
	assert_blind(&w);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REVOKED);
	late = (struct msg_let_go){.lease = g.give.lease, .attach = g.give.attach};
	tell(p.fd, &wire_let_go, &late);
	expect_silence(s.daemon, 50); /* no kill, neither for the ring nor for the late word */
	close(control);
	watch_end(&w);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* One token with many leases is revoked, and the decoder does its part: it lives. */
START_TEST(test_many_end_at_once)
{
	static struct given gs[VIEWS];
	static struct watched ws[VIEWS];
	struct msg_open o = {.width = 640, .height = 360};
	struct msg_ctl_done done;
	unsigned ended;
	int control;

	scene_begin(&s, &(struct scene_setup){.quota_mb = 256});
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	for (unsigned i = 0; i < VIEWS; i++) {
		o.view = i + 1;
		viewer_lease(&v, &token, o);
		expect_want(&s, 0, i + 1);
		attach_all(&s, &p, &v, &gs[i], &ws[i]);
	}
	control = control_open(&s);
	revoke_token(control);
	for (unsigned i = VIEWS; i > 0; i--)
		give_drop(&p, &gs[i - 1]); /* the newest first, as the broker goes */
	control_finish(control, &done, &ended);
	ck_assert_uint_eq(done.status, 0);
	ck_assert_uint_eq(ended, VIEWS);
	for (unsigned i = 0; i < VIEWS; i++) {
		assert_blind(&ws[i]);
		watch_end(&ws[i]);
		expect_want(&s, 0, VIEWS - 1 - i);
	}
	expect_silence(s.daemon, 50);
	close(control);
	viewer_end(&v);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* What we ask a decoder is no flood of its own, however often clients make us ask. */
START_TEST(test_leases_in_a_loop)
{
	const struct msg_shut shut = {.view = 1};
	const unsigned cycles = 600;
	struct msg_counts counts;

	begin_live(small);
	for (unsigned i = 0; i < cycles; i++) {
		counts = (struct msg_counts){.lease = g.give.lease, .attach = g.give.attach};
		tell(p.fd, &wire_counts, &counts);
		tell(v.fd, &wire_shut, &shut);
		expect_want(&s, 0, 0);
		give_drop(&p, &g);
		watch_end(&w);
		viewer_lease(&v, &token, small);
		expect_want(&s, 0, 1);
		attach_all(&s, &p, &v, &g, &w);
	}
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

/* To let go unasked would mean another ring, and another: it ends with the first. */
START_TEST(test_unasked_let_go)
{
	struct msg_let_go m;

	begin_live(small);
	munmap(g.map, g.bytes);
	close(g.socket);
	m = (struct msg_let_go){.lease = g.give.lease, .attach = g.give.attach};
	tell(p.fd, &wire_let_go, &m);
	expect_kill(&p);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	assert_blind(&w);
	watch_end(&w);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

/* --- what one uid may keep ------------------------------------------------------------------ */

/* Rings that are kept after their leases, tiny ones: they count, until they are given back. */
START_TEST(test_held_rings)
{
	enum { MOST = 512 };
	const struct msg_shut shut = {.view = 1};
	const struct msg_open tiny = {.view = 1, .width = 16, .height = 16, .slots = 2};
	static int kept[MOST];
	int fds, n = 0;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	for (; n < MOST; n++) {
		viewer_lease(&v, &token, tiny);
		expect_want(&s, 0, 1);
		attach_all(&s, &p, &v, &g, &w);
		tell(v.fd, &wire_shut, &shut);
		expect_want(&s, 0, 0);
		give_drop(&p, &g);
		kept[n] = dup(w.ring_fd);
		watch_end(&w);
	}
	usleep(50000);
	viewer_ask(&v, &token, tiny);
	expect_state(v.fd, 1, FRAMEMUX_STATE_REFUSED);
	fds = scene_broker_fds(&s);
	ck_assert_int_le(fds, s.idle_fds + (int)QUOTA_FDS_HELD * MOST + 8);
	close(kept[--n]);
	viewer_lease(&v, &token, tiny); /* noticed at once */
	expect_want(&s, 0, 1);
	give_take(&p, &g);
	munmap(g.map, g.bytes);
	close(g.socket);
	while (n > 0)
		close(kept[--n]);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

#define READERS 64

/* One who may only read keeps as many control connections as it gets: 8. */
static int play_reader(int ready, int go)
{
	struct msg_ctl_done done;
	unsigned refused = 0, ended;
	int fd[READERS];
	char byte = 'x';

	if (setuid(65534) < 0)
		return 1;
	for (unsigned i = 0; i < READERS; i++) {
		if (sock_connect(s.control_path, &fd[i]) < 0)
			return 2;
		if (i < 8)
			continue;
		control_finish(fd[i], &done, &ended);
		refused += done.status == EUSERS && strstr(done.reason, "end one of them");
	}
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		return 3;
	return refused == READERS - 8 ? 0 : 4;
}

START_TEST(test_readers_do_not_crowd_out_root)
{
	int ready[2], go[2], control, status;
	struct msg_ctl_done done;
	unsigned ended;
	pid_t child;
	char byte;

	if (getuid() != 0)
		return;
	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	child = fork();
	if (child == 0)
		_exit(play_reader(ready[1], go[0]));
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	for (unsigned i = 0; i < 2 * READERS; i++) { /* root is never too many */
		control = control_open(&s);
		if (i < 2 * READERS - 1)
			continue;
		revoke_token(control);
		control_finish(control, &done, &ended);
		ck_assert_uint_eq(done.status, 0);
	}
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(scene_end(&s), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker-crowd");
	TCase *t = tcase_create("broker-crowd");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_let_go_is_not_read_yet);
	tcase_add_test(t, test_many_end_at_once);
	tcase_add_test(t, test_leases_in_a_loop);
	tcase_add_test(t, test_unasked_let_go);
	tcase_add_test(t, test_held_rings);
	tcase_add_test(t, test_readers_do_not_crowd_out_root);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
