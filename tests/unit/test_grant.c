/* mux/broker/grant: the same grant is the same token, any difference is another; nothing is lost.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "mux/broker/grant.h"
#include "tests/unit/unit.h"

static const uint8_t root[KEY_BYTES] = {1, 2, 3};
static const struct mask two_masks[2] = {{0, 0, 320, 180}, {10, 20, 30, 40}};

static struct msg_broker_grant standing(void)
{
	struct msg_broker_grant g = {.grant = "wall",
		.camera = "porch",
		.uid = 990,
		.max_width = 1280,
		.max_height = 720,
		.max_fps = 15,
		.not_after = 5000000000,
		.dump = 0,
		.label = "kitchen wall"};

	masks_pack(two_masks, 2, g.masks, &g.masks_len);
	return g;
}

static void id_of(const struct msg_broker_grant *g, uint32_t epoch, uint8_t ret[TOKEN_ID_BYTES])
{
	struct rights r;

	ck_assert_int_eq(grant_from_standing(g, epoch, &r), 0);
	grant_standing_id(root, g->grant, &r, g->round, ret);
}

START_TEST(test_standing_id_is_stable)
{
	struct msg_broker_grant a = standing(), b = standing();
	uint8_t x[TOKEN_ID_BYTES], y[TOKEN_ID_BYTES];

	id_of(&a, 1, x);
	id_of(&b, 1, y);
	ck_assert_mem_eq(x, y, sizeof(x));
	id_of(&b, 2, y);
	ck_assert_mem_ne(x, y, sizeof(x));
#define OTHER(change)                                                                              \
	do {                                                                                       \
		b = standing();                                                                    \
		change;                                                                            \
		id_of(&b, 1, y);                                                                   \
		ck_assert_mem_ne(x, y, sizeof(x));                                                 \
	} while (0)
	OTHER(b.grant[0] = 'x');
	OTHER(b.camera[0] = 'x');
	OTHER(b.uid++);
	OTHER(b.unit[0] = 'x');
	OTHER(b.max_width--);
	OTHER(b.max_height--);
	OTHER(b.max_fps--);
	OTHER(b.not_after++);
	OTHER(b.not_after += 1ull << 32);
	OTHER(b.not_after = 0);
	OTHER(b.dump = 1);
	OTHER(b.round++);
	OTHER(b.label[0] = 'x');
	OTHER(masks_pack(two_masks, 1, b.masks, &b.masks_len));
	OTHER(b.masks[0] = 1);
	/* Texts do not run into each other. */
	OTHER((strcpy(b.grant, "wallp"), strcpy(b.camera, "orch")));
}
END_TEST

/* What a token permits is what the grant said, field by field. */
START_TEST(test_minted_rights)
{
	struct msg_broker_grant g = standing();
	struct rights want, got;
	uint8_t id[TOKEN_ID_BYTES], tag[TOKEN_TAG_BYTES];
	struct token t, again;

	strcpy(g.unit, "/system.slice/hub.service");
	ck_assert_int_eq(grant_from_standing(&g, 4, &want), 0);
	grant_standing_id(root, g.grant, &want, 0, id);
	ck_assert_int_eq(grant_mint(root, 7, id, &want, &t), 0);
	ck_assert_int_eq(grant_mint(root, 7, id, &want, &again), 0);
	ck_assert_mem_eq(&t, &again, sizeof(t));
	ck_assert_int_eq(token_body_tag(root, t.body, t.body_len, tag), 0);
	ck_assert_mem_eq(tag, t.tag, sizeof(tag));
	ck_assert_mem_eq(token_body_id(t.body, t.body_len), id, sizeof(id));
	ck_assert_int_eq(token_body_rights(t.body, t.body_len, &got), 0);
	ck_assert_str_eq(got.camera, "porch");
	ck_assert_uint_eq(got.epoch, 4);
	ck_assert(got.has_camera && got.has_uid && got.has_expiry && got.no_dump);
	ck_assert(!got.never_expires);
	ck_assert_uint_eq(got.uid, 990);
	ck_assert_str_eq(got.unit, "/system.slice/hub.service");
	ck_assert_uint_eq(got.not_after, 5000000000);
	ck_assert_uint_eq(got.max_width, 1280);
	ck_assert_uint_eq(got.max_height, 720);
	ck_assert_uint_eq(got.max_fps, 15);
	ck_assert_uint_eq(got.n_masks, 2);
	ck_assert_mem_eq(got.masks, two_masks, sizeof(two_masks));
	ck_assert_str_eq(got.label, "kitchen wall");
	g.not_after = 0;
	g.dump = 1;
	ck_assert_int_eq(grant_from_standing(&g, 4, &want), 0);
	ck_assert_int_eq(grant_mint(root, 7, id, &want, &t), 0);
	ck_assert_int_eq(token_body_rights(t.body, t.body_len, &got), 0);
	ck_assert(got.never_expires && !got.no_dump);
}
END_TEST

START_TEST(test_requests)
{
	struct msg_ctl_grant g = {.camera = "porch", .expires_s = 60};
	struct rights r;

	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), 0);
	ck_assert_uint_eq(r.uid, 1000); /* the caller's */
	ck_assert_uint_eq(r.not_after, 560);
	ck_assert(r.no_dump);
	g.has_uid = 1;
	g.uid = 0;
	g.dump = 1;
	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), 0);
	ck_assert_uint_eq(r.uid, 0);
	ck_assert(!r.no_dump);
	g.expires_s = 0; /* no expiry is no grant */
	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), -EINVAL);
	g.expires_s = UINT64_MAX; /* would wrap round to the past or for ever */
	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), -EINVAL);
	g.never_expires = 1;
	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), 0);
	ck_assert(r.never_expires);
	g.masks_len = 15;
	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), -EINVAL);
}
END_TEST

START_TEST(test_impossible_limits)
{
	static const uint8_t id[TOKEN_ID_BYTES];
	struct msg_ctl_grant g = {.camera = "porch", .expires_s = 60};
	struct rights r;
	struct token t;

	ck_assert_int_eq(grant_from_request(&g, 1, 1000, 4, 500, &r), 0);
#define IMPOSSIBLE(change)                                                                         \
	do {                                                                                       \
		struct rights bad = r;                                                             \
		change;                                                                            \
		ck_assert_int_eq(grant_mint(root, 1, id, &bad, &t), -EINVAL);                      \
	} while (0)
	IMPOSSIBLE(bad.max_width = 640);
	IMPOSSIBLE(bad.max_height = 640);
	IMPOSSIBLE(bad.max_width = bad.max_height = UINT32_MAX);
	IMPOSSIBLE(bad.max_fps = LIMIT_FPS + 1);
	IMPOSSIBLE(bad.uid = UINT32_MAX);
	IMPOSSIBLE(bad.has_uid = false);
	IMPOSSIBLE(bad.has_expiry = false);
	IMPOSSIBLE(bad.camera[0] = 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grant");
	TCase *t = tcase_create("grant");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_test(t, test_standing_id_is_stable);
	tcase_add_test(t, test_minted_rights);
	tcase_add_test(t, test_requests);
	tcase_add_test(t, test_impossible_limits);
	suite_add_tcase(s, t);
	return unit_run(s);
}
