/* mux/ingest/reorder: every order in, one order out; waiting is bounded in time, number and bytes. */
#include "mux/ingest/reorder.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/bytes.h"
#include "ingest_material.h"
#include "unit.h"

#define OUT_MAX 4096

static struct reorder *reorder;
static struct {
	uint16_t sequence[OUT_MAX];
	size_t n;
	uint64_t arrival_ns;
	int error;
} out;
static uint64_t now;

static int on_packet(void *data, const uint8_t *packet, size_t len, uint64_t arrival_ns)
{
	bool is_whole = len >= 2;

	for (size_t i = 2; i < len; i++)
		is_whole = is_whole && packet[i] == packet[0];
	if (data != &out || !is_whole || out.n == OUT_MAX || arrival_ns < out.arrival_ns)
		ck_abort(); /* each assertion costs: only where it fails */
	out.arrival_ns = arrival_ns;
	out.sequence[out.n++] = get_le16(packet);
	return out.error;
}

static void setup(void)
{
	memset(&out, 0, sizeof(out));
	now = NS_PER_S;
	reorder = reorder_new(on_packet, &out);
	ck_assert_ptr_nonnull(reorder);
}

/* The first wait for those that may have been before them; then it goes on from there. */
static void settle(void)
{
	now += REORDER_WAIT_NS;
	if (reorder_tick(reorder, now) != 0)
		ck_abort();
}

static void teardown(void)
{
	reorder_free(reorder);
}

static int comes_with(uint16_t sequence, size_t len)
{
	uint8_t *packet = malloc(len);
	int r;

	memset(packet, sequence & 0xff, len);
	put_le16(packet, sequence);
	now += NS_PER_US;
	r = reorder_packet(reorder, sequence, packet, len, now);
	free(packet);
	return r;
}

static void comes(uint16_t sequence)
{
	if (comes_with(sequence, 100) != 0)
		ck_abort();
}

static void assert_out(size_t n, const uint16_t *sequence)
{
	ck_assert_uint_eq(out.n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(out.sequence[i], sequence[i]);
}
#define ASSERT_OUT(...)                                                                            \
	do {                                                                                       \
		static const uint16_t want[] = {__VA_ARGS__};                                      \
		assert_out(sizeof(want) / sizeof(want[0]), want);                                  \
	} while (0)

START_TEST(in_order_nothing_waits)
{
	comes(65529);
	ck_assert_uint_eq(out.n, 0);
	settle();
	ck_assert_uint_eq(out.n, 1);
	out.n = 0;
	for (unsigned i = 65530; i < 65545; i++) {
		comes((uint16_t)i);
		ck_assert_uint_eq(out.n, i - 65530 + 1);
		ck_assert_uint_eq(reorder_deadline(reorder), UINT64_MAX);
	}
	ASSERT_OUT(65530, 65531, 65532, 65533, 65534, 65535, 0, 1, 2, 3, 4, 5, 6, 7, 8);
}
END_TEST

START_TEST(swapped_late_and_again)
{
	comes(65534);
	settle();
	comes(0);
	comes(0);
	ASSERT_OUT(65534);
	comes(65535);
	comes(65535);
	comes(65534);
	comes(1);
	ASSERT_OUT(65534, 65535, 0, 1);
}
END_TEST

START_TEST(a_gap_is_waited_for_and_no_longer)
{
	uint64_t due;

	comes(10);
	settle();
	comes(12);
	due = now + REORDER_WAIT_NS;
	comes(13);
	comes(15);
	ck_assert_uint_eq(reorder_deadline(reorder), due);
	ck_assert_int_eq(reorder_tick(reorder, due - 1), 0);
	ASSERT_OUT(10);
	ck_assert_int_eq(reorder_tick(reorder, due), 0);
	ASSERT_OUT(10, 12, 13); /* 14 has its own time */
	comes(11);
	comes(14);
	ASSERT_OUT(10, 12, 13, 14, 15);
	ck_assert_uint_eq(reorder_deadline(reorder), UINT64_MAX);
}
END_TEST

START_TEST(as_many_wait_as_there_is_room_for)
{
	comes(0);
	settle();
	for (uint16_t i = 2; i <= REORDER_PACKETS; i++)
		comes(i);
	ck_assert_uint_eq(out.n, 1);
	comes(1); /* in the last moment */
	ck_assert_uint_eq(out.n, REORDER_PACKETS + 1);
	for (uint16_t i = 2; i <= REORDER_PACKETS + 1; i++)
		comes((uint16_t)(REORDER_PACKETS + i));
	/* One too many: what is missing is given up. */
	ck_assert_uint_eq(out.n, 2 * REORDER_PACKETS + 1);
}
END_TEST

START_TEST(bytes_are_limited)
{
	comes(0);
	settle();
	ck_assert_int_eq(comes_with(2, REORDER_BYTES / 2), 0);
	ck_assert_int_eq(comes_with(3, REORDER_BYTES / 2), 0);
	ASSERT_OUT(0);
	comes(4); /* no room: 1 is given up */
	ASSERT_OUT(0, 2, 3, 4);
	ck_assert_int_eq(comes_with(5, REORDER_BYTES / 2), 0);
	ck_assert_int_eq(comes_with(7, REORDER_BYTES), 0);
	comes(6); /* what is missing needs no room */
	ASSERT_OUT(0, 2, 3, 4, 5, 6, 7);
}
END_TEST

START_TEST(far_ahead_and_anew)
{
	comes(100);
	settle();
	comes(102);
	comes(2000);
	ASSERT_OUT(100, 102, 2000);
	comes(2002);
	ck_assert_int_eq(reorder_restart(reorder), 0);
	comes(8);
	comes(7);
	ASSERT_OUT(100, 102, 2000, 2002);
	settle();
	comes(9);
	ASSERT_OUT(100, 102, 2000, 2002, 7, 8, 9);
}
END_TEST

START_TEST(the_takers_error_comes_back)
{
	comes(0);
	settle();
	comes(2);
	out.error = -EPIPE;
	ck_assert_int_eq(comes_with(1, 100), -EPIPE);
	ck_assert_int_eq(comes_with(3, 100), 0);
	ck_assert_int_eq(reorder_tick(reorder, now + REORDER_WAIT_NS + NS_PER_S), -EPIPE);
}
END_TEST

/* Any order within the window comes out sorted and whole. */
START_TEST(shuffled_within_the_window)
{
	uint32_t state = 4711;

	for (unsigned round = 0; round < 50; round++) {
		uint16_t order[1024], first = (uint16_t)material_random(&state);

		for (size_t i = 0; i < 1024; i++)
			order[i] = (uint16_t)(first + i);
		for (size_t i = 0; i < 1024; i++) {
			size_t with = i / 32 * 32 + material_random(&state) % 32;
			uint16_t swap = order[i];

			order[i] = order[with];
			order[with] = swap;
		}
		out.n = 0;
		ck_assert_int_eq(reorder_restart(reorder), 0);
		for (size_t i = 0; i < 1024; i++) {
			comes(order[i]);
			if (material_random(&state) % 8 == 0)
				comes(order[i]);
		}
		ck_assert_int_eq(reorder_restart(reorder), 0);
		ck_assert_uint_eq(out.n, 1024);
		for (size_t i = 0; i < 1024; i++)
			if (out.sequence[i] != (uint16_t)(first + i))
				ck_abort();
	}
}
END_TEST

/* Whatever comes: never backwards, never twice, never more waiting than there may. */
START_TEST(loss_and_rubbish)
{
	uint32_t state = 815;
	uint16_t sequence = 0;
	bool seen = false;
	uint16_t last = 0;

	for (unsigned i = 0; i < 100000; i++) {
		uint32_t dice = material_random(&state);

		sequence++;
		if (dice % 10 < 3)
			continue;
		comes(dice % 50 == 7 ? (uint16_t)(sequence + material_random(&state) % 3000)
				     : (uint16_t)(sequence - dice % 5));
		now += material_random(&state) % (20 * NS_PER_MS);
		if (reorder_tick(reorder, now) != 0 || reorder_deadline(reorder) <= now)
			ck_abort();
		for (size_t k = 0; k < out.n; k++) {
			if (seen && (int16_t)(out.sequence[k] - last) <= 0)
				ck_abort();
			last = out.sequence[k];
			seen = true;
		}
		if (out.n)
			sequence = last;
		out.n = 0;
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest reorder");
	TCase *t = tcase_create("reorder");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, in_order_nothing_waits);
	tcase_add_test(t, swapped_late_and_again);
	tcase_add_test(t, a_gap_is_waited_for_and_no_longer);
	tcase_add_test(t, as_many_wait_as_there_is_room_for);
	tcase_add_test(t, bytes_are_limited);
	tcase_add_test(t, far_ahead_and_anew);
	tcase_add_test(t, the_takers_error_comes_back);
	tcase_add_test(t, shuffled_within_the_window);
	tcase_add_test(t, loss_and_rubbish);
	suite_add_tcase(s, t);
	return unit_run(s);
}
