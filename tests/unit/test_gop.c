/* mux/decode/gop: what goes in comes out, up to its bounds. */
#include "mux/decode/gop.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/link/stream.h"
#include "unit.h"

static int add(struct gop *g, const void *data, size_t len, uint32_t flags, uint64_t pts_ns)
{
	const struct gop_unit u = {{pts_ns, pts_ns + 1, pts_ns + 2}, flags, data, len};

	return gop_add(g, &u);
}

static void check_padding(const struct gop_unit *u)
{
	static const uint8_t zero[GOP_PADDING];

	ck_assert_mem_eq(u->data + u->len, zero, sizeof(zero));
}

START_TEST(units_come_out_as_they_went_in)
{
	struct gop *g = gop_new();
	struct gop_unit u;
	uint8_t data[3000];

	for (unsigned i = 0; i < 500; i++) { /* over several sizes of its memory */
		memset(data, (int)i, sizeof(data));
		ck_assert_int_eq(add(g, data, 1 + i * 5, i == 0 ? STREAM_UNIT_KEY : 0, i), 0);
	}
	ck_assert_uint_eq(gop_count(g), 500);
	for (unsigned i = 0; i < 500; i++) {
		gop_get(g, i, &u);
		memset(data, (int)i, sizeof(data));
		ck_assert_uint_eq(u.len, 1 + i * 5);
		ck_assert_mem_eq(u.data, data, u.len);
		ck_assert_uint_eq(u.flags, i == 0 ? STREAM_UNIT_KEY : 0);
		ck_assert_uint_eq(u.times.pts_ns, i);
		ck_assert_uint_eq(u.times.arrival_ns, i + 1);
		ck_assert_uint_eq(u.times.capture_ns, i + 2);
		check_padding(&u);
	}
	gop_free(g);
}
END_TEST

START_TEST(a_new_group_leaves_nothing_of_the_old)
{
	struct gop *g = gop_new();
	struct gop_unit u;
	uint8_t data[1000];

	memset(data, 0xff, sizeof(data));
	ck_assert_int_eq(add(g, data, sizeof(data), STREAM_UNIT_KEY, 1), 0);
	gop_clear(g);
	ck_assert_uint_eq(gop_count(g), 0);
	ck_assert_int_eq(add(g, "x", 1, STREAM_UNIT_KEY, 2), 0);
	ck_assert_uint_eq(gop_count(g), 1);
	gop_get(g, 0, &u);
	ck_assert_uint_eq(u.len, 1);
	check_padding(&u); /* where the old one's bytes were */
	gop_free(g);
}
END_TEST

START_TEST(it_holds_so_many_units)
{
	struct gop *g = gop_new();

	for (unsigned i = 0; i < GOP_UNITS_MAX; i++)
		ck_assert_int_eq(add(g, "x", 1, 0, i), 0);
	ck_assert_int_eq(add(g, "x", 1, 0, 0), -ENOSPC);
	ck_assert_uint_eq(gop_count(g), GOP_UNITS_MAX);
	gop_clear(g);
	ck_assert_int_eq(add(g, "x", 1, 0, 0), 0);
	gop_free(g);
}
END_TEST

START_TEST(it_holds_so_many_bytes)
{
	cleanup_free uint8_t *data = calloc(1, GOP_BYTES_MAX);
	struct gop *g = gop_new();

	ck_assert_int_eq(add(g, data, GOP_BYTES_MAX, 0, 0), -ENOSPC);
	ck_assert_int_eq(add(g, data, SIZE_MAX, 0, 0), -ENOSPC);
	ck_assert_int_eq(add(g, data, GOP_BYTES_MAX / 2, 0, 0), 0);
	ck_assert_int_eq(add(g, data, GOP_BYTES_MAX / 2, 0, 0), -ENOSPC);
	ck_assert_int_eq(add(g, data, GOP_BYTES_MAX / 2 - 2 * GOP_PADDING, 0, 0), 0);
	ck_assert_int_eq(add(g, data, 1, 0, 0), -ENOSPC);
	ck_assert_uint_eq(gop_count(g), 2);
	gop_free(g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gop");
	TCase *t = tcase_create("gop");

	tcase_add_test(t, units_come_out_as_they_went_in);
	tcase_add_test(t, a_new_group_leaves_nothing_of_the_old);
	tcase_add_test(t, it_holds_so_many_units);
	tcase_add_test(t, it_holds_so_many_bytes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
