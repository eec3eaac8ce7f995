/* mux/decode/attach and ring: who owns a slot, and what a client may do. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "tests/unit/attach_scene.h"
#include "unit.h"

START_TEST(nothing_before_go)
{
	struct msg_frame m;

	scene_publish(1);
	ck_assert(!scene_receive(&m));
	scene_go();
	scene_publish(2);
	ck_assert(scene_receive(&m));
	ck_assert_uint_eq(m.seq, 1);
	scene_check_counts(1, 0, 0);
}
END_TEST

START_TEST(a_slot_comes_back_with_its_credit)
{
	struct msg_frame m;

	scene_go();
	for (unsigned i = 1; i <= 20; i++) {
		scene_publish((uint8_t)i);
		ck_assert(scene_receive(&m));
		ck_assert_uint_eq(m.seq, i);
		ck_assert_uint_eq(sc.ring[m.slot * sc.picture.slot_bytes], i);
		scene_credit(m.slot, m.seq, i % 2);
		scene_turn();
	}
	ck_assert_uint_eq(sc.n_fault, 0);
	scene_check_counts(20, 10, 10);
}
END_TEST

START_TEST(what_the_client_holds_is_never_overwritten)
{
	struct msg_frame m[SLOTS], more;
	cleanup_free uint8_t *before = malloc(SLOTS * sc.picture.slot_bytes);

	scene_go();
	for (unsigned i = 0; i < SLOTS; i++) {
		scene_publish((uint8_t)(i + 1));
		ck_assert(scene_receive(&m[i]));
	}
	memcpy(before, sc.ring, SLOTS * sc.picture.slot_bytes);
	for (unsigned i = 0; i < 50; i++)
		scene_publish(99);
	ck_assert(!scene_receive(&more));
	ck_assert_mem_eq(before, sc.ring, SLOTS * sc.picture.slot_bytes);
	scene_credit(m[1].slot, m[1].seq, 1);
	scene_turn();
	scene_publish(77);
	ck_assert(scene_receive(&more));
	ck_assert_uint_eq(more.slot, m[1].slot);
	ck_assert_uint_eq(more.seq, SLOTS + 51);
	scene_check_counts(SLOTS + 51, 1, 50);
}
END_TEST

/* Each of these is a client's fault: told once, and no further frame. */
static void check_fault(void)
{
	struct msg_frame m;

	scene_turn();
	ck_assert_uint_eq(sc.n_fault, 1);
	ck_assert_uint_eq(sc.fault.lease, 7);
	ck_assert_uint_eq(sc.fault.attach, 9);
	ck_assert_uint_gt(strlen(sc.fault.reason), 0);
	while (scene_receive(&m))
		continue;
	scene_publish(3);
	scene_turn();
	ck_assert(!scene_receive(&m));
	ck_assert_uint_eq(sc.n_fault, 1);
	scene_drop();
	ck_assert_uint_eq(sc.n_let_go, 1);
}

START_TEST(an_early_credit_is_a_fault)
{
	scene_go();
	scene_credit(0, 1, 1);
	check_fault();
}
END_TEST

START_TEST(a_double_credit_is_a_fault)
{
	struct msg_frame m;

	scene_go();
	scene_publish(1);
	ck_assert(scene_receive(&m));
	scene_credit(m.slot, m.seq, 1);
	scene_credit(m.slot, m.seq, 1);
	check_fault();
	ck_assert_uint_eq(sc.let_go.delivered, 1);
}
END_TEST

START_TEST(a_forged_credit_is_a_fault)
{
	static const struct {
		uint32_t slot_add, acquired;
		uint64_t seq_add;
	} forged[] = {{0, 1, 1}, {1, 1, 0}, {SLOTS, 1, 0}, {0xffffffffu - 2, 1, 0}, {0, 2, 0},
		{0, 1, UINT64_MAX}};
	struct msg_frame m;

	scene_go();
	scene_publish(1);
	ck_assert(scene_receive(&m));
	scene_credit(m.slot + forged[_i].slot_add, m.seq + forged[_i].seq_add, forged[_i].acquired);
	check_fault();
}
END_TEST

START_TEST(garbage_is_a_fault)
{
	static const uint8_t bytes[300];
	static const size_t sizes[] = {1, 4, 19, 21, 64, 65, 300, 0};

	scene_go();
	ck_assert_int_eq(send(sc.client, bytes, sizes[_i], MSG_NOSIGNAL), (ssize_t)sizes[_i]);
	check_fault();
}
END_TEST

START_TEST(credits_before_go_are_a_fault)
{
	scene_credit(0, 0, 0);
	check_fault();
}
END_TEST

START_TEST(descriptors_on_the_lease_socket_do_not_arrive)
{
	const struct msg_credit m = {0, 0, 99};
	uint8_t buf[64];
	ssize_t n = wire_encode(&wire_credit, &m, buf, sizeof(buf));
	int fd = sc.ring_fd, before;

	scene_go();
	ck_assert_int_gt(n, 0);
	(void)sock_send(
		sc.client, buf, (size_t)n, &fd, 1); /* refused, or the descriptor is dropped */
	before = unit_count_fds();
	scene_turn();
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(a_client_that_goes_away_costs_nothing)
{
	struct pollfd p[ATTACHES_MAX];

	scene_go();
	scene_publish(1);
	close(sc.client);
	sc.client = -1;
	scene_turn();
	scene_publish(2);
	ck_assert_uint_eq(sc.n_fault, 1); /* told once: the broker may not see it elsewhere */
	ck_assert_uint_eq(attach_table_poll(sc.table, p), 1);
	ck_assert_int_eq(p[0].fd, -1); /* no spinning on POLLHUP */
	scene_check_counts(1, 0, 0);
}
END_TEST

START_TEST(a_client_that_never_reads_blocks_nobody)
{
	scene_go();
	for (unsigned i = 0; i < 5000; i++) /* far more than its socket holds */
		attach_table_beat(sc.table);
	scene_publish(1);
	scene_check_counts(1, 0, 1); /* no room for the message: the slot stays ours */
	ck_assert_uint_eq(sc.n_fault, 0);
}
END_TEST

START_TEST(a_flood_is_read_in_portions)
{
	struct pollfd fds[ATTACHES_MAX];
	size_t n;

	scene_go();
	scene_publish(1);
	for (unsigned i = 0; i < 100; i++)
		scene_credit(0, 1, 1); /* the second is a fault; the rest is not even read */
	n = attach_table_poll(sc.table, fds);
	poll(fds, n, 0);
	attach_table_read(sc.table, fds, n);
	ck_assert_uint_eq(sc.n_fault, 1);
	scene_turn();
	ck_assert_uint_eq(sc.n_fault, 1);
}
END_TEST

START_TEST(let_go_is_at_once_and_leaves_no_writer)
{
	int probe;

	scene_go();
	scene_publish(1);
	ck_assert_int_eq(memfd_reopen(sc.ring_fd, O_RDONLY, &probe), 0);
	ck_assert(!memfd_has_no_writer(probe));
	scene_drop();
	ck_assert_uint_eq(sc.n_let_go, 1);
	ck_assert(memfd_has_no_writer(probe));
	scene_publish(2);
	scene_turn();
	close(probe);
}
END_TEST

/* The drop comes while a frame is on its way to the attaches, and is for the next one. */

int main(void)
{
	Suite *s = suite_create("attach");
	TCase *t = tcase_create("attach");

	tcase_add_checked_fixture(t, scene_setup, scene_teardown);
	tcase_add_test(t, nothing_before_go);
	tcase_add_test(t, a_slot_comes_back_with_its_credit);
	tcase_add_test(t, what_the_client_holds_is_never_overwritten);
	tcase_add_test(t, an_early_credit_is_a_fault);
	tcase_add_test(t, a_double_credit_is_a_fault);
	tcase_add_loop_test(t, a_forged_credit_is_a_fault, 0, 6);
	tcase_add_loop_test(t, garbage_is_a_fault, 0, 8);
	tcase_add_test(t, credits_before_go_are_a_fault);
	tcase_add_test(t, descriptors_on_the_lease_socket_do_not_arrive);
	tcase_add_test(t, a_client_that_goes_away_costs_nothing);
	tcase_add_test(t, a_client_that_never_reads_blocks_nobody);
	tcase_add_test(t, a_flood_is_read_in_portions);
	tcase_add_test(t, let_go_is_at_once_and_leaves_no_writer);
	suite_add_tcase(s, t);
	return unit_run(s);
}
