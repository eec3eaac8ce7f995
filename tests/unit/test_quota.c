/* mux/broker/quota and plan: what a uid may hold; geometry and times of an attach. */
#include <drm_fourcc.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "mux/broker/asks.h"
#include "mux/broker/plan.h"
#include "mux/broker/quota.h"
#include "tests/unit/unit.h"

static const struct quota_limits limits = {.uid_bytes = 1000,
	.connections = 5,
	.uid_connections = 3,
	.uid_leases = 2,
	.fds = 1000,
	.uid_fds = 500};

START_TEST(test_asks)
{
	static struct asks a;
	uint32_t n = 0;

	while (asks_begin(&a, ++n, 1) == 0)
		;
	ck_assert_uint_eq(a.n, ASKS_UID_MAX);
	ck_assert_int_eq(asks_begin(&a, n, 1), -EBUSY);
	asks_end(&a, n); /* it was refused: there is nothing to give back */
	ck_assert_int_eq(asks_begin(&a, n, 1), -EBUSY);
	asks_end(&a, 1);
	ck_assert_int_eq(asks_begin(&a, n++, 1), 0);
	for (uint32_t uid = 2; uid <= ASKS_MAX / ASKS_UID_MAX; uid++)
		for (uint32_t i = 0; i < ASKS_UID_MAX; i++)
			ck_assert_int_eq(asks_begin(&a, n++, uid), 0);
	ck_assert_int_eq(asks_begin(&a, n, 100), -EAGAIN);
	asks_end(&a, n - 1);
	ck_assert_int_eq(asks_begin(&a, n++, 100), 0);
	while (n--)
		asks_end(&a, n);
	ck_assert_uint_eq(a.n, 0);
}
END_TEST

START_TEST(test_bytes)
{
	struct quota q;

	quota_init(&q, &limits);
	ck_assert_int_eq(quota_charge(&q, 1, 600), 0);
	ck_assert_int_eq(quota_charge(&q, 1, 401), -EDQUOT);
	ck_assert_int_eq(quota_charge(&q, 1, UINT64_MAX), -EDQUOT);
	ck_assert_int_eq(quota_charge(&q, 1, 400), 0);
	ck_assert_int_eq(quota_charge(&q, 1, 1), -EDQUOT);
	ck_assert_int_eq(quota_charge(&q, 2, 1000), 0); /* another's account */
	/* Held bytes count until they are given back. */
	quota_hold(&q, 1, 600);
	ck_assert_uint_eq(quota_find(&q, 1)->bytes, 1000);
	ck_assert_uint_eq(quota_find(&q, 1)->held_bytes, 600);
	ck_assert_int_eq(quota_charge(&q, 1, 1), -EDQUOT);
	quota_release_held(&q, 1, 600);
	ck_assert_uint_eq(quota_find(&q, 1)->held_bytes, 0);
	ck_assert_int_eq(quota_charge(&q, 1, 600), 0);
	quota_release(&q, 1, 1000);
	ck_assert_ptr_null(quota_find(&q, 1)); /* nothing is kept of who holds nothing */
	quota_release(&q, 1, 1000);
	quota_release(&q, 2, 5000); /* never wraps */
	ck_assert_ptr_null(quota_find(&q, 2));
	ck_assert_int_eq(quota_charge(&q, 3, 1001), -EDQUOT);
	ck_assert_ptr_null(quota_find(&q, 3));
	quota_free(&q);
}
END_TEST

/* Many small rings held cost descriptors, not bytes: they count like leases. */
START_TEST(test_held_count)
{
	struct quota q;

	quota_init(&q, &limits);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(quota_charge(&q, 1, 1), 0);
		quota_hold(&q, 1, 1);
		/* None at all with two held, though there is no lease. */
		ck_assert_int_eq(quota_lease_begin(&q, 1), i == 0 ? 0 : -EUSERS);
		if (i == 0)
			quota_lease_end(&q, 1);
	}
	ck_assert_int_eq(quota_charge(&q, 1, 1), -EDQUOT); /* a lease that goes on must not add */
	ck_assert_int_eq(quota_charge(&q, 2, 1), 0);
	quota_release_held(&q, 1, 1);
	ck_assert_int_eq(quota_charge(&q, 1, 1), 0);
	quota_release_held(&q, 1, 1);
	ck_assert_int_eq(quota_lease_begin(&q, 1), 0);
	quota_release_held(&q, 1, 1);
	quota_release_held(&q, 1, 1); /* one too many does not wrap */
	ck_assert_uint_eq(q.held, 0);
	quota_free(&q);
}
END_TEST

/* Whatever they are for: one uid's are limited, and so are all together. */
START_TEST(test_descriptors)
{
	const struct quota_limits few = {.uid_bytes = 1000,
		.connections = 100,
		.uid_connections = 100,
		.uid_leases = 100,
		.fds = 2 * QUOTA_FDS_CONNECTION + QUOTA_FDS_LEASE + QUOTA_FDS_HELD,
		.uid_fds = QUOTA_FDS_CONNECTION + QUOTA_FDS_LEASE};
	struct quota q;

	quota_init(&q, &few);
	ck_assert_int_eq(quota_connect(&q, 1), 0);
	ck_assert_int_eq(quota_lease_begin(&q, 1), 0);
	ck_assert_int_eq(quota_connect(&q, 1), -EUSERS);
	ck_assert_int_eq(quota_lease_begin(&q, 1), -EUSERS);
	ck_assert_int_eq(quota_charge(&q, 1, 1), -EDQUOT);
	ck_assert_int_eq(quota_connect(&q, 2), 0);
	ck_assert_int_eq(quota_lease_begin(&q, 2), -EUSERS); /* of all together too few are left */
	ck_assert_int_eq(quota_charge(&q, 2, 1), 0);
	quota_hold(&q, 2, 1);
	ck_assert_int_eq(quota_connect(&q, 3), -EUSERS);
	ck_assert_ptr_null(quota_find(&q, 3));
	quota_lease_end(&q, 1);
	ck_assert_int_eq(quota_connect(&q, 3), 0);
	quota_disconnect(&q, 3);
	quota_release_held(&q, 2, 1);
	ck_assert_int_eq(quota_lease_begin(&q, 2), 0);
	ck_assert_uint_eq(q.leases, 1);
	quota_free(&q);
}
END_TEST

START_TEST(test_connections_and_leases)
{
	struct quota q;

	quota_init(&q, &limits);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(quota_connect(&q, 1), 0);
	ck_assert_int_eq(quota_connect(&q, 1), -EUSERS);
	ck_assert_int_eq(quota_connect(&q, 2), 0);
	ck_assert_int_eq(quota_connect(&q, 2), 0);
	ck_assert_int_eq(quota_connect(&q, 3), -EUSERS); /* everybody's */
	quota_disconnect(&q, 1);
	ck_assert_int_eq(quota_connect(&q, 3), 0);
	ck_assert_int_eq(quota_lease_begin(&q, 1), 0);
	ck_assert_int_eq(quota_lease_begin(&q, 1), 0);
	ck_assert_int_eq(quota_lease_begin(&q, 1), -EUSERS);
	ck_assert_int_eq(quota_lease_begin(&q, 2), 0);
	quota_lease_end(&q, 1);
	ck_assert_int_eq(quota_lease_begin(&q, 1), 0);
	for (unsigned uid = 1; uid <= 3; uid++) {
		for (unsigned i = 0; i < 9; i++) { /* more often than it was taken */
			quota_disconnect(&q, uid);
			quota_lease_end(&q, uid);
		}
		ck_assert_ptr_null(quota_find(&q, uid));
	}
	ck_assert_uint_eq(q.connections, 0);
	quota_free(&q);
}
END_TEST

static const struct msg_format hd = {.serial = 1,
	.width = 1920,
	.height = 1080,
	.sar_num = 1,
	.sar_den = 1,
	.color_encoding = 1,
	.color_range = 0,
	.fps_milli = 30000};
static const struct terms own = {.fourcc = DRM_FORMAT_NV12, .slots = 4, .tag_mode = TAG_SAMPLED};

START_TEST(test_plans)
{
	struct terms t = own;
	struct plan p;

	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.picture.width, 1920);
	ck_assert_uint_eq(p.picture.height, 1080);
	ck_assert_uint_eq(p.ring_bytes, 4 * p.picture.slot_bytes);
	ck_assert_uint_eq(p.color_encoding, 1);
	t.max_width = 640;
	t.max_height = 640;
	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.picture.width, 640);
	ck_assert_uint_eq(p.picture.height, 360);
	t.width = 600;
	t.height = 600;
	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.picture.width, 600);
	ck_assert_uint_eq(p.picture.height, 600);
	t = own;
	t.max_width = t.max_height = 1; /* rounding up to 2 would be above the limit */
	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), -EINVAL);
	t = own;
	t.slots = LIMIT_SLOTS_MAX + 1;
	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), -EINVAL);
}
END_TEST

START_TEST(test_stale_limit)
{
	struct msg_format slow = hd;
	struct terms t = own;
	struct plan p;

	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.stale_ns, NS_PER_S);
	t.fps = 1;
	ck_assert_int_eq(plan_make(&t, &hd, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.stale_ns, 3 * NS_PER_S);
	t.fps = 0;
	slow.fps_milli = 2000;
	ck_assert_int_eq(plan_make(&t, &slow, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.stale_ns, 3 * NS_PER_S / 2);
	slow.fps_milli = 1; /* a camera is not believed without bound */
	ck_assert_int_eq(plan_make(&t, &slow, NS_PER_S, &p), 0);
	ck_assert_uint_eq(p.stale_ns, 10 * NS_PER_S);
}
END_TEST

START_TEST(test_kept)
{
	struct msg_format f = hd;
	struct terms t = own;
	struct plan a, b;

	t.width = 640;
	t.height = 360;
	ck_assert_int_eq(plan_make(&t, &f, NS_PER_S, &a), 0);
	f.width = 1280;
	f.height = 720;
	f.fps_milli = 20000;
	ck_assert_int_eq(plan_make(&t, &f, NS_PER_S, &b), 0);
	ck_assert(plan_is_kept(&a, &b));
#define OTHER(member, value)                                                                       \
	do {                                                                                       \
		f = hd;                                                                            \
		f.member = (value);                                                                \
		ck_assert_int_eq(plan_make(&t, &f, NS_PER_S, &b), 0);                              \
		ck_assert(!plan_is_kept(&a, &b));                                                  \
	} while (0)
	OTHER(fps_milli, 1000); /* another limit to being stale */
	OTHER(color_encoding, 0);
	OTHER(color_range, 1);
	OTHER(sar_num, 2);
	OTHER(sar_den, 2);
	ck_assert_int_eq(plan_make(&own, &hd, NS_PER_S, &b), 0);
	ck_assert(!plan_is_kept(&a, &b));
}
END_TEST

START_TEST(test_formats)
{
	struct msg_format f;

	ck_assert(format_is_sane(&hd));
#define INSANE(member, value)                                                                      \
	do {                                                                                       \
		f = hd;                                                                            \
		f.member = (value);                                                                \
		ck_assert(!format_is_sane(&f));                                                    \
	} while (0)
	INSANE(width, 0);
	INSANE(height, 0);
	INSANE(width, LIMIT_SIDE + 1);
	INSANE(height, UINT32_MAX);
	INSANE(sar_num, 0);
	INSANE(sar_den, 0);
	INSANE(sar_den, UINT32_MAX);
	INSANE(color_encoding, 3);
	INSANE(color_range, 2);
	INSANE(fps_milli, UINT32_MAX);
	f = hd;
	f.width = f.height = LIMIT_SIDE;
	ck_assert(!format_is_sane(&f));
}
END_TEST

START_TEST(test_ring_bytes)
{
	uint64_t bytes;

	ck_assert_int_eq(plan_ring_bytes(DRM_FORMAT_XRGB8888, LIMIT_SIDE, 4352, 16, &bytes), 0);
	ck_assert_uint_ge(bytes, 16ull * LIMIT_SIDE * 4352 * 4);
	ck_assert_int_eq(plan_ring_bytes(DRM_FORMAT_XRGB8888, 16, 16, 1, &bytes), -EINVAL);
	ck_assert_int_eq(plan_ring_bytes(DRM_FORMAT_XRGB8888, 16, 16, UINT32_MAX, &bytes), -EINVAL);
	ck_assert_int_eq(plan_ring_bytes(0, 16, 16, 4, &bytes), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("quota");
	TCase *t = tcase_create("quota");

	tcase_add_test(t, test_asks);
	tcase_add_test(t, test_bytes);
	tcase_add_test(t, test_held_count);
	tcase_add_test(t, test_descriptors);
	tcase_add_test(t, test_connections_and_leases);
	tcase_add_test(t, test_plans);
	tcase_add_test(t, test_stale_limit);
	tcase_add_test(t, test_kept);
	tcase_add_test(t, test_formats);
	tcase_add_test(t, test_ring_bytes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
