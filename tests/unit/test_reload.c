/* mux/daemon/reload_diff: which difference means what, and in which words. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "mux/daemon/reload/reload_diff.h"
#include "tests/unit/unit.h"

static struct camera_record make(const char *name, const char *url, uint32_t epoch)
{
	struct config_camera cam = {.transport = TRANSPORT_TCP, .fingerprint = true};
	struct camera_record r;
	const char *why;

	snprintf(cam.name, sizeof(cam.name), "%s", name);
	ck_assert_int_eq(url_parse(url, &cam.source, &why), 0);
	camera_record_make(&cam, epoch, &r);
	return r;
}

static struct camera_record base(void)
{
	return make("porch", "rtsp://127.0.0.1/a", 1);
}

#define EXPECT(change, difference, keys)                                                           \
	do {                                                                                       \
		struct camera_record a = base(), b = base();                                       \
		char detail[LIMIT_CHANGE];                                                         \
                                                                                                   \
		change;                                                                            \
		ck_assert_int_eq(reload_compare(&a, &b, detail), difference);                      \
		ck_assert_str_eq(detail, keys);                                                    \
	} while (0)

START_TEST(test_each_key)
{
	EXPECT((void)0, CAMERA_SAME, "");
	EXPECT(b = make("porch", "rtsp://127.0.0.1/b", 2), CAMERA_CHANGED, "url");
	EXPECT(b = make("porch", "rtsp://127.0.0.1/a", 2), CAMERA_CHANGED, ""); /* gone and back */
	EXPECT(strcpy(b.username, "u"), CAMERA_CHANGED, "username");
	EXPECT(b.password = "p", CAMERA_CHANGED, "password");
	EXPECT(a.password = "p", CAMERA_CHANGED, "password");
	EXPECT((a.password = "p", b.password = "q"), CAMERA_CHANGED, "password");
	EXPECT(b.basic = true, CAMERA_CHANGED, "auth");
	EXPECT(b.transport = TRANSPORT_UDP, CAMERA_CHANGED, "transport");
	EXPECT(b.may_switch = true, CAMERA_CHANGED, "transport");
	EXPECT(b.has_pin = true, CAMERA_CHANGED, "tls_pin");
	EXPECT((a.has_pin = b.has_pin = true, b.tls_pin[31] = 1), CAMERA_CHANGED, "tls_pin");
	EXPECT(strcpy(b.tls_ca, "/ca"), CAMERA_CHANGED, "tls_ca");
	EXPECT(b.fingerprint = false, CAMERA_CHANGED, "fingerprint");
	EXPECT(strcpy(b.model, "m"), CAMERA_CHANGED, "model");
	EXPECT(b.n_masks = 1, CAMERA_CHANGED, "mask");
	EXPECT((a.n_masks = b.n_masks = 1, b.masks[0].width = 1), CAMERA_CHANGED, "mask");
	EXPECT(b.memory_mb = 1, CAMERA_CHANGED, "memory_mb");
	EXPECT(b.max_pixels = 1, CAMERA_CHANGED, "max_picture");
	EXPECT(b.patience_s = 1, CAMERA_CHANGED, "patience");
	EXPECT(b.warm = true, CAMERA_ADJUSTED, "standby");
	EXPECT(strcpy(b.vendor, "v"), CAMERA_ADJUSTED, "vendor");
	EXPECT((b.warm = true, b.patience_s = 1), CAMERA_CHANGED, "patience, standby");
}
END_TEST

static void expect_change(const struct reload_diff *d, size_t i, const char *kind, const char *name,
	const char *what, const char *detail)
{
	ck_assert_uint_lt(i, d->n);
	ck_assert_str_eq(d->changes[i].kind, kind);
	ck_assert_str_eq(d->changes[i].name, name);
	ck_assert_str_eq(d->changes[i].what, what);
	ck_assert_str_eq(d->changes[i].detail, detail);
}

START_TEST(test_cameras)
{
	const struct camera_record a = make("a", "test:a?size=64x64&fps=5", 1);
	const struct camera_record b = make("b", "test:b?size=64x64&fps=5", 1);
	const struct camera_record c = make("c", "test:c?size=64x64&fps=5", 1);
	const struct camera_record *old[] = {&a, &b, &c};
	const struct camera_record same[] = {c, a, b};
	const struct camera_record now[] = {c, make("b", "test:x?size=64x64&fps=5", 2),
		make("d", "test:a?size=64x64&fps=5", 1)};
	struct reload_diff d = {0};

	ck_assert_int_eq(reload_diff_cameras(&d, old, 3, same, 3), 0);
	ck_assert_uint_eq(d.n, 0); /* another order is no difference */
	ck_assert_int_eq(reload_diff_cameras(&d, old, 3, now, 3), 0);
	ck_assert_uint_eq(d.n, 3);
	expect_change(&d, 0, "camera", "b", "changed", "url; epoch 2: older tokens are refused");
	expect_change(&d, 1, "camera", "d", "added", "");
	expect_change(&d, 2, "camera", "a", "removed", ""); /* renamed is removed and added */
	reload_diff_free(&d);
}
END_TEST

START_TEST(test_settings)
{
	struct config old = {.socket = "/a",
		.control_socket = "/b",
		.state_dir = "/c",
		.admin_group = "g",
		.admins = {1, 2},
		.n_admins = 2,
		.stale_after_ms = 1000,
		.linger_s = 5,
		.uid_quota_mb = 256};
	struct config now = old;
	struct reload_diff d = {0};

	now.admins[0] = 2;
	now.admins[1] = 1;
	ck_assert_int_eq(reload_diff_settings(&d, &old, &now), 0);
	ck_assert_uint_eq(d.n, 0);
	strcpy(now.socket, "/x");
	strcpy(now.state_dir, "/y");
	now.linger_s = 0;
	now.n_admins = 1;
	ck_assert_int_eq(reload_diff_settings(&d, &old, &now), 0);
	ck_assert_uint_eq(d.n, 4);
	expect_change(&d, 0, "setting", "socket", "needs a restart", "/a to /x");
	expect_change(&d, 1, "setting", "state_dir", "needs a restart", "/c to /y");
	expect_change(&d, 2, "setting", "linger", "changed", "5 to 0");
	expect_change(&d, 3, "setting", "admins", "changed", "");
	reload_diff_free(&d);
	reload_keep_fixed(&old, &now);
	ck_assert_int_eq(reload_diff_settings(&d, &old, &now), 0);
	ck_assert_uint_eq(d.n, 2); /* the rest is in force */
	reload_diff_free(&d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	TCase *tc = tcase_create("reload");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_test(tc, test_each_key);
	tcase_add_test(tc, test_cameras);
	tcase_add_test(tc, test_settings);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
