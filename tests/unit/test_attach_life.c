/* mux/decode/attach: when an attach begins and ends, which pictures are for it, what the broker hears. */
#include <drm_fourcc.h>
#include <errno.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/sock.h"
#include "tests/unit/attach_scene.h"
#include "unit.h"

static int drop_now(void *data)
{
	(void)data;
	if (sc.n_let_go == 0)
		scene_drop();
	return 0;
}

START_TEST(a_drop_in_the_middle_of_a_round_counts)
{
	struct msg_frame m;

	scene_go();
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, drop_now, NULL), 0);
	ck_assert(!scene_receive(&m));
	ck_assert_uint_eq(sc.let_go.published, 0);
	scene_turn();
}
END_TEST

static int go_now(void *data)
{
	(void)data;
	scene_go();
	return 0;
}

START_TEST(a_go_in_the_middle_of_a_round_waits_for_the_next)
{
	struct msg_frame m;

	sc.frame.came_ns = clock_monotonic_ns();
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, go_now, NULL), 0);
	ck_assert(!scene_receive(&m));
	scene_publish(2);
	ck_assert(scene_receive(&m));
}
END_TEST

/* Held back by the decoder or kept while nobody looked: decoded after the go, but from before it. */
START_TEST(what_came_before_go_is_not_shown)
{
	struct msg_frame m;

	sc.frame.came_ns = clock_monotonic_ns();
	scene_go();
	sc.frame.arrival_ns = clock_monotonic_ns(); /* that of a picture shown before it */
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, scene_nothing, NULL), 0);
	ck_assert(!scene_receive(&m));
	scene_publish(4);
	ck_assert(scene_receive(&m));
	scene_check_counts(1, 0, 0);
}
END_TEST

/* Whoever slept since that was looked at publishes with boot time from before: the client's limit. */
START_TEST(boot_time_is_of_before_a_sleep)
{
	struct msg_frame m;

	scene_go();
	sc.frame.asleep_ns = 5 * NS_PER_S;
	scene_publish(1);
	ck_assert(scene_receive(&m));
	ck_assert_uint_eq(m.publish_boot_ns, m.publish_ns + 5 * NS_PER_S);
}
END_TEST

/* Of units I0 P3 B1 B2 the attach may begin between P3 and B1: then B1 and B2 are left out too. */
START_TEST(an_attach_begins_behind_what_is_reordered)
{
	uint64_t before = clock_monotonic_ns();
	struct msg_frame m;

	scene_go();
	sc.frame.behind_ns = before;
	scene_publish(1);
	scene_publish(2);
	sc.frame.came_ns = before;
	sc.frame.behind_ns = UINT64_MAX;
	ck_assert_int_eq(attach_publish(sc.table, &sc.frame, scene_nothing, NULL), 0);
	ck_assert(!scene_receive(&m));
	scene_publish(4);
	ck_assert(scene_receive(&m));
	scene_publish(5);
	ck_assert(scene_receive(&m));
	scene_check_counts(2, 0, 0);
}
END_TEST

START_TEST(takers_are_who_may_get_frames)
{
	struct image_form wide = sc.frame.image.form;

	wide.width *= 2;
	ck_assert(attach_table_has_takers(sc.table)); /* mapped, not live */
	ck_assert(!attach_table_is_wanted(sc.table));
	scene_go();
	attach_table_set_form(sc.table, 2, &wide); /* the broker will give or keep */
	ck_assert(attach_table_has_takers(sc.table));
	ck_assert(!attach_table_is_wanted(sc.table));
	scene_drop();
	ck_assert(!attach_table_has_takers(sc.table));
}
END_TEST

START_TEST(an_unknown_ring_is_let_go_of)
{
	const struct msg_ring_drop m = {7, 10};

	attach_drop(sc.table, &m);
	ck_assert_uint_eq(sc.n_let_go, 1);
	ck_assert_uint_eq(sc.let_go.attach, 10);
	ck_assert_uint_eq(sc.let_go.published, 0);
}
END_TEST

START_TEST(a_form_has_to_be_fit)
{
	struct image_form wide = sc.frame.image.form, tall = wide;
	struct msg_ring_keep keep = {7, 9, 2};
	struct msg_frame m;

	wide.width *= 2;
	tall.height *= 2;
	scene_go();
	attach_table_set_form(sc.table, 2, &wide);
	ck_assert(!attach_table_is_wanted(sc.table));
	scene_publish(1);
	ck_assert(!scene_receive(&m));
	attach_keep(sc.table, &keep);
	scene_publish(2);
	ck_assert(scene_receive(&m));
	ck_assert_uint_eq(m.seq, 1);
	/* Neither what it was made for nor what it was kept for has to be asked about again. */
	attach_table_set_form(sc.table, 3, &sc.frame.image.form);
	ck_assert(attach_table_is_wanted(sc.table));
	attach_table_set_form(sc.table, 4, &wide);
	ck_assert(attach_table_is_wanted(sc.table));
	/* An answer is for the serial that it names, not for the newest. */
	attach_table_set_form(sc.table, 5, &tall);
	attach_keep(sc.table, &keep);
	ck_assert(!attach_table_is_wanted(sc.table));
	/* And not for one that is forgotten. */
	keep.serial = 5;
	for (uint32_t serial = 6; serial < 40; serial++)
		attach_table_set_form(sc.table, serial, serial % 2 ? &wide : &sc.frame.image.form);
	attach_keep(sc.table, &keep);
	attach_table_set_form(sc.table, 40, &tall);
	ck_assert(!attach_table_is_wanted(sc.table));
}
END_TEST

/* More forms than are remembered: the oldest has to be asked about again. */
START_TEST(forms_are_forgotten)
{
	struct image_form form = sc.frame.image.form;

	scene_go();
	for (uint32_t serial = 2; serial < 7; serial++) {
		const struct msg_ring_keep keep = {7, 9, serial};

		form.width = SIDE + serial;
		attach_table_set_form(sc.table, serial, &form);
		attach_keep(sc.table, &keep);
		ck_assert(attach_table_is_wanted(sc.table));
	}
	form.width = SIDE + 2;
	attach_table_set_form(sc.table, 7, &form);
	ck_assert(!attach_table_is_wanted(sc.table));
	form.width = SIDE + 5;
	attach_table_set_form(sc.table, 8, &form);
	ck_assert(attach_table_is_wanted(sc.table));
}
END_TEST

START_TEST(pacing_is_for_each_attach)
{
	struct msg_ring_give slow = sc.give;
	struct msg_frame m;
	int client = -1, ring = sc.ring_fd;
	unsigned frames = 0;
	uint8_t buf[256];

	slow.attach = 10;
	slow.max_fps = 5;
	ck_assert_uint_eq(scene_give(&slow, SLOTS * sc.picture.slot_bytes, &client), 0);
	close(sc.ring_fd);
	sc.ring_fd = ring;
	scene_go();
	attach_go(sc.table, &(struct msg_ring_go){7, 10});
	for (unsigned i = 0; i < 25; i++) {
		scene_publish(1);
		ck_assert(scene_receive(&m));
		scene_credit(m.slot, m.seq, 1);
		while (sock_recv(client, buf, sizeof(buf), NULL, NULL) > 0) {
			const struct msg_credit c = {(uint32_t)(frames % SLOTS), 0, frames + 1};

			ck_assert_int_eq(sock_send_msg(client, &wire_credit, &c), 0);
			frames++;
		}
		scene_turn();
	}
	ck_assert_uint_eq(frames, 5);
	ck_assert_uint_eq(sc.n_fault, 0);
	close(client);
}
END_TEST

START_TEST(counts_are_told_when_they_change)
{
	scene_go();
	attach_table_beat(sc.table);
	ck_assert_uint_eq(sc.n_counts, 0);
	scene_publish(1);
	attach_table_beat(sc.table);
	attach_table_beat(sc.table);
	ck_assert_uint_eq(sc.n_counts, 1);
	ck_assert_uint_eq(sc.counts.published, 1);
}
END_TEST

/* Killed before the next beat, the record must not say that nothing was seen. */
START_TEST(the_first_delivered_is_told_at_once)
{
	struct msg_frame m;

	scene_go();
	for (unsigned i = 1; i <= 3; i++) {
		scene_publish(3);
		ck_assert(scene_receive(&m));
		scene_credit(m.slot, m.seq, i > 1);
		scene_turn();
		ck_assert_uint_eq(sc.n_counts, i > 1);
	}
	ck_assert_uint_eq(sc.counts.delivered, 1);
}
END_TEST

/* A client gives its last frame back and goes, with another one unread: a send notices it first. */
static void go_with_a_frame_unread(void)
{
	struct msg_frame m;

	scene_go();
	scene_publish(3);
	ck_assert(scene_receive(&m));
	scene_publish(4);
	scene_credit(m.slot, m.seq, 1);
	close(sc.client);
	sc.client = -1;
}

START_TEST(last_credits_count_when_a_frame_finds_the_client_gone)
{
	go_with_a_frame_unread();
	scene_publish(5);
	scene_publish(6);
	ck_assert_uint_eq(sc.n_fault, 1);
	scene_check_counts(3, 1, 1);
}
END_TEST

START_TEST(last_credits_count_when_a_beat_finds_the_client_gone)
{
	go_with_a_frame_unread();
	attach_table_beat(sc.table);
	attach_table_beat(sc.table);
	ck_assert_uint_eq(sc.n_fault, 1);
	scene_check_counts(2, 1, 0);
}
END_TEST

START_TEST(a_ring_that_is_not_ours_is_refused)
{
	struct msg_ring_give m = sc.give;
	uint64_t bytes = SLOTS * sc.picture.slot_bytes;

	m.attach = 20;
	m.id[0] ^= 1;
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), EREMCHG);
	m = sc.give;
	m.attach = 20;
	m.generation++;
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), EREMCHG);
	m = sc.give; /* twice the same */
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), EEXIST);
	m.attach = 20;
	ck_assert_uint_eq(scene_give(&m, bytes + 4096, NULL), EINVAL);
	ck_assert_uint_eq(scene_give(&m, bytes - 4096, NULL), EINVAL);
	m.slots = 1;
	ck_assert_uint_eq(scene_give(&m, sc.picture.slot_bytes, NULL), EINVAL);
	m.slots = 17;
	ck_assert_uint_eq(scene_give(&m, 17 * sc.picture.slot_bytes, NULL), EINVAL);
	m.slots = SLOTS;
	m.width = 0;
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), EINVAL);
	m.width = SIDE;
	m.fourcc = DRM_FORMAT_YUYV;
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), EINVAL);
	m.fourcc = sc.give.fourcc;
	m.tag_mode = 3;
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), EINVAL);
	m.tag_mode = TAG_FULL;
	m.masks_len = 15;
	ck_assert_uint_ne(scene_give(&m, bytes, NULL), 0);
	m.masks_len = 0;
	ck_assert_uint_eq(scene_give(&m, bytes, NULL), 0);
}
END_TEST

START_TEST(erase_leaves_zeros)
{
	scene_go();
	scene_publish(200);
	ck_assert_uint_eq(sc.ring[0], 200);
	attach_table_erase(sc.table);
	for (uint64_t i = 0; i < SLOTS * sc.picture.slot_bytes; i++)
		ck_assert_uint_eq(sc.ring[i], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("attach_life");
	TCase *t = tcase_create("attach_life");

	tcase_add_checked_fixture(t, scene_setup, scene_teardown);
	tcase_add_test(t, boot_time_is_of_before_a_sleep);
	tcase_add_test(t, a_drop_in_the_middle_of_a_round_counts);
	tcase_add_test(t, a_go_in_the_middle_of_a_round_waits_for_the_next);
	tcase_add_test(t, what_came_before_go_is_not_shown);
	tcase_add_test(t, an_attach_begins_behind_what_is_reordered);
	tcase_add_test(t, takers_are_who_may_get_frames);
	tcase_add_test(t, an_unknown_ring_is_let_go_of);
	tcase_add_test(t, a_form_has_to_be_fit);
	tcase_add_test(t, forms_are_forgotten);
	tcase_add_test(t, pacing_is_for_each_attach);
	tcase_add_test(t, counts_are_told_when_they_change);
	tcase_add_test(t, the_first_delivered_is_told_at_once);
	tcase_add_test(t, last_credits_count_when_a_frame_finds_the_client_gone);
	tcase_add_test(t, last_credits_count_when_a_beat_finds_the_client_gone);
	tcase_add_test(t, a_ring_that_is_not_ours_is_refused);
	tcase_add_test(t, erase_leaves_zeros);
	suite_add_tcase(s, t);
	return unit_run(s);
}
