/* mux/broker/verify: every way to be refused, and that the outcome is exactly what was granted. */
#include <drm_fourcc.h>
#include <sodium.h>
#include <string.h>

#include "framemux.h"
#include "mux/broker/grant.h"
#include "mux/broker/verify.h"
#include "tests/unit/unit.h"

#define NOW   1700000000u
#define OWNER 1000u

static const uint8_t root[KEY_BYTES] = {1, 2, 3};
static const uint8_t id[TOKEN_ID_BYTES] = {0xaa, 0xbb};
static const uint8_t challenge[TOKEN_CHALLENGE_BYTES] = {9};
static bool everything_is_revoked;

static bool is_revoked(
	const void *data, const uint8_t which[TOKEN_ID_BYTES], const struct rights *r)
{
	(void)data;
	ck_assert_mem_eq(which, id, sizeof(id));
	ck_assert_str_eq(r->camera, "porch");
	return everything_is_revoked;
}

static bool find_epoch(const void *data, const char *camera, uint32_t *ret_epoch)
{
	(void)data;
	if (strcmp(camera, "porch"))
		return false;
	*ret_epoch = 3;
	return true;
}

static uint32_t the_key = 7;

static const uint8_t *find_root(const void *data, uint32_t key_id)
{
	(void)data;
	return key_id == the_key ? root : NULL;
}

static const struct verify_facts facts = {
	.find_root = find_root,
	.challenge = challenge,
	.uid = OWNER,
	.now_s = NOW,
	.is_revoked = is_revoked,
	.find_epoch = find_epoch,
};

static const struct rights usual = {
	.camera = "porch",
	.epoch = 3,
	.has_camera = true,
	.has_uid = true,
	.has_expiry = true,
	.uid = OWNER,
	.not_after = NOW + 60,
	.max_width = 640,
	.max_height = 360,
	.max_fps = 10,
	.masks = {{1, 2, 3, 4}},
	.n_masks = 1,
	.label = "wall",
};

static struct token mint(const struct rights *r)
{
	struct token t;

	ck_assert_int_eq(grant_mint(root, 7, id, r, &t), 0);
	return t;
}

static void prove(struct msg_open *o, const struct token *t, const uint8_t *with_challenge)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	memcpy(o->token, t->body, t->body_len);
	o->token_len = (uint16_t)t->body_len;
	memset(o->proof, 0, sizeof(o->proof));
	n = wire_encode(&wire_open, o, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	token_prove(t->tag, with_challenge, buf, (size_t)n, o->proof);
}

static struct msg_open ask(const struct token *t)
{
	struct msg_open o = {.view = 5, .width = 320, .height = 180, .camera = "porch"};

	prove(&o, t, challenge);
	return o;
}

static enum verdict judge(const struct verify_facts *f, const struct msg_open *o)
{
	uint8_t got[TOKEN_ID_BYTES];
	struct rights r;

	return verify_capability(f, o, &r, got);
}

static enum verdict judge_rights(const struct rights *r)
{
	struct token t = mint(r);
	struct msg_open o = ask(&t);

	return judge(&facts, &o);
}

START_TEST(test_good)
{
	struct token t = mint(&usual);
	struct msg_open o = ask(&t);
	uint8_t got[TOKEN_ID_BYTES];
	struct rights r;

	ck_assert_int_eq(verify_capability(&facts, &o, &r, got), VERDICT_GOOD);
	ck_assert_mem_eq(got, id, sizeof(id));
	ck_assert_str_eq(r.camera, "porch");
	ck_assert_uint_eq(r.max_width, 640);
	ck_assert_uint_eq(r.n_masks, 1);
	ck_assert_str_eq(r.label, "wall");
}
END_TEST

START_TEST(test_every_bit_counts)
{
	struct token t = mint(&usual);
	struct msg_open good = ask(&t), o;

	for (size_t i = 0; i < 8u * good.token_len; i++) {
		o = good;
		o.token[i / 8] ^= (uint8_t)(1u << (i % 8));
		ck_assert_int_ne(judge(&facts, &o), VERDICT_GOOD);
	}
	for (size_t i = 0; i < 8u * sizeof(good.proof); i++) {
		o = good;
		o.proof[i / 8] ^= (uint8_t)(1u << (i % 8));
		ck_assert_int_eq(judge(&facts, &o), VERDICT_NOT_PROVEN);
	}
}
END_TEST

/* A proof is for one request: none of its fields can be changed, and no other connection takes it.
 */
START_TEST(test_proof_is_bound)
{
	static const uint8_t other[TOKEN_CHALLENGE_BYTES] = {10};
	struct verify_facts elsewhere = facts;
	struct token t = mint(&usual);
	struct msg_open good = ask(&t), o;

	elsewhere.challenge = other;
	ck_assert_int_eq(judge(&elsewhere, &good), VERDICT_NOT_PROVEN);
#define CHANGED(field, value)                                                                      \
	do {                                                                                       \
		o = good;                                                                          \
		o.field = (value);                                                                 \
		ck_assert_int_eq(judge(&facts, &o), VERDICT_NOT_PROVEN);                           \
	} while (0)
	CHANGED(view, 6);
	CHANGED(width, 640);
	CHANGED(height, 360);
	CHANGED(fourcc, DRM_FORMAT_XRGB8888);
	CHANGED(fps, 1);
	CHANGED(slots, 3);
	CHANGED(flags, FRAMEMUX_OPEN_DUMP);
	CHANGED(camera[0], 'P');
	/* The next caveat cut off, or one more than was proved. */
	CHANGED(token_len, (uint16_t)(good.token_len - 2));
	o = good;
	o.token[o.token_len++] = 8;
	o.token[o.token_len++] = 0;
	ck_assert_int_eq(judge(&facts, &o), VERDICT_NOT_PROVEN);
}
END_TEST

START_TEST(test_blobs)
{
	struct msg_open o = {.view = 1, .camera = "porch"};

	for (unsigned i = 0; i < 20000; i++) {
		o.token_len = (uint16_t)randombytes_uniform(LIMIT_TOKEN_BODY + 1);
		randombytes_buf(o.token, o.token_len);
		if (o.token_len && i % 2)
			o.token[0] = 1; /* the version */
		randombytes_buf(o.proof, sizeof(o.proof));
		ck_assert_int_ne(judge(&facts, &o), VERDICT_GOOD);
	}
}
END_TEST

START_TEST(test_refusals)
{
	struct verify_facts f;
	struct rights r;
	struct token t = mint(&usual);
	struct msg_open o = ask(&t);

	f = facts;
	the_key = 8;
	ck_assert_int_eq(judge(&f, &o), VERDICT_OTHER_KEY);
	the_key = 7;
	f = facts;
	f.uid = OWNER + 1;
	ck_assert_int_eq(judge(&f, &o), VERDICT_OTHER_USER);
	f = facts;
	f.now_s = usual.not_after - 1;
	ck_assert_int_eq(judge(&f, &o), VERDICT_GOOD);
	f.now_s = usual.not_after;
	ck_assert_int_eq(judge(&f, &o), VERDICT_EXPIRED);
	everything_is_revoked = true;
	ck_assert_int_eq(judge(&facts, &o), VERDICT_KILLED);
	everything_is_revoked = false;
	r = usual;
	r.epoch = 2;
	ck_assert_int_eq(judge_rights(&r), VERDICT_NO_CAMERA);
	r = usual;
	strcpy(r.unit, "/system.slice/x.service");
	ck_assert_int_eq(judge_rights(&r), VERDICT_GOOD); /* is another's to find out: unit.c */
	r = usual;
	r.never_expires = true;
	ck_assert_int_eq(judge_rights(&r), VERDICT_GOOD);
}
END_TEST

START_TEST(test_other_camera)
{
	struct rights r = usual;
	struct token t;
	struct msg_open o;

	/* The token decides: asked for by another name it is nothing, whichever of both exists. */
	strcpy(r.camera, "yard");
	t = mint(&r);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_OTHER_CAMERA);
	strcpy(o.camera, "yard");
	prove(&o, &t, challenge);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_NO_CAMERA);
	t = mint(&usual);
	o = ask(&t);
	strcpy(o.camera, "yard");
	prove(&o, &t, challenge);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_OTHER_CAMERA);
}
END_TEST

/* Chains that only the holder of the root key, or a narrowing owner, can make. */
START_TEST(test_caveats)
{
	static const uint8_t unknown[] = {200, 1, 0};
	struct token t;
	struct msg_open o;

	token_begin(root, 7, id, &t); /* all three mandatory ones missing, then one by one */
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_CAVEATS);
	ck_assert_int_eq(token_limit_camera(&t, "porch", 3), 0);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_CAVEATS);
	ck_assert_int_eq(token_limit_uid(&t, OWNER), 0);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_CAVEATS);
	ck_assert_int_eq(token_limit_expiry(&t, NOW + 9), 0);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_GOOD);
	/* Narrowed further: good; to somebody else: never. */
	ck_assert_int_eq(token_limit_fps(&t, 1), 0);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_GOOD);
	ck_assert_int_eq(token_limit_uid(&t, OWNER + 1), 0);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_CAVEATS);
	/* A genuine chain with a caveat that nobody knows. */
	t = mint(&usual);
	memcpy(t.body + t.body_len, unknown, sizeof(unknown));
	t.body_len += sizeof(unknown);
	ck_assert_int_eq(token_body_tag(root, t.body, t.body_len, t.tag), 0);
	o = ask(&t);
	ck_assert_int_eq(judge(&facts, &o), VERDICT_CAVEATS);
}
END_TEST

/* Nobody learns from a refusal whether a camera exists. */
START_TEST(test_silence)
{
	static const enum verdict alike[] = {VERDICT_MALFORMED, VERDICT_OTHER_KEY,
		VERDICT_NOT_PROVEN, VERDICT_CAVEATS, VERDICT_OTHER_CAMERA, VERDICT_NO_CAMERA};

	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
		ck_assert_str_eq(verdict_for_client(alike[i]), "no capability for this camera");
		ck_assert_str_ne(verdict_for_log(alike[i]), verdict_for_client(alike[i]));
	}
	for (enum verdict v = VERDICT_GOOD; v <= VERDICT_SLOTS; v++)
		ck_assert_ptr_nonnull(verdict_for_log(v));
}
END_TEST

static enum verdict terms_of(struct msg_open o, const struct rights *r)
{
	struct terms t;

	return verify_terms(&o, r, &t);
}

START_TEST(test_terms_refused)
{
	const struct rights free = {0}, *u = &usual;
	struct rights no_dump = usual;

	no_dump.no_dump = true;
	ck_assert_int_eq(terms_of((struct msg_open){.width = 640, .height = 360}, u), VERDICT_GOOD);
	ck_assert_int_eq(
		terms_of((struct msg_open){.width = 641, .height = 360}, u), VERDICT_TOO_LARGE);
	ck_assert_int_eq(
		terms_of((struct msg_open){.width = 640, .height = 361}, u), VERDICT_TOO_LARGE);
	ck_assert_int_eq(terms_of((struct msg_open){.width = 640}, u), VERDICT_SIZE);
	ck_assert_int_eq(terms_of((struct msg_open){.height = 360}, u), VERDICT_SIZE);
	ck_assert_int_eq(
		terms_of((struct msg_open){.width = UINT32_MAX, .height = UINT32_MAX}, &free),
		VERDICT_SIZE);
	ck_assert_int_eq(
		terms_of((struct msg_open){.width = LIMIT_SIDE, .height = LIMIT_SIDE}, &free),
		VERDICT_SIZE);
	ck_assert_int_eq(terms_of((struct msg_open){.width = LIMIT_SIDE + 1, .height = 2}, &free),
		VERDICT_SIZE);
	ck_assert_int_eq(terms_of((struct msg_open){.fourcc = 0x12345678}, u), VERDICT_FOURCC);
	ck_assert_int_eq(terms_of((struct msg_open){.slots = 1}, u), VERDICT_SLOTS);
	ck_assert_int_eq(
		terms_of((struct msg_open){.slots = LIMIT_SLOTS_MAX + 1}, u), VERDICT_SLOTS);
	ck_assert_int_eq(terms_of((struct msg_open){.slots = UINT32_MAX}, u), VERDICT_SLOTS);
	ck_assert_int_eq(terms_of((struct msg_open){.flags = 1u << 31}, u), VERDICT_FLAGS);
	ck_assert_int_eq(terms_of((struct msg_open){.flags = FRAMEMUX_OPEN_DUMP}, u), VERDICT_GOOD);
	ck_assert_int_eq(terms_of((struct msg_open){.flags = FRAMEMUX_OPEN_DUMP}, &no_dump),
		VERDICT_NO_DUMP);
	ck_assert_int_eq(terms_of((struct msg_open){0}, &no_dump), VERDICT_GOOD);
}
END_TEST

START_TEST(test_terms)
{
	const struct rights free = {0};
	struct msg_open o = {.fps = 30};
	struct terms t;

	ck_assert_int_eq(verify_terms(&o, &usual, &t), VERDICT_GOOD);
	ck_assert_uint_eq(t.fourcc, DRM_FORMAT_NV12);
	ck_assert_uint_eq(t.slots, LIMIT_SLOTS_DEFAULT);
	ck_assert_uint_eq(t.fps, 10); /* the capability's */
	ck_assert_int_eq(t.tag_mode, TAG_SAMPLED);
	ck_assert_uint_eq(t.max_width, 640);
	ck_assert_uint_eq(t.n_masks, 1);
	ck_assert_uint_eq(t.masks[0].height, 4);
	o = (struct msg_open){.fps = 5, .slots = 2, .flags = FRAMEMUX_OPEN_VERIFY_FULL};
	ck_assert_int_eq(verify_terms(&o, &usual, &t), VERDICT_GOOD);
	ck_assert_uint_eq(t.fps, 5); /* the request's */
	ck_assert_uint_eq(t.slots, 2);
	ck_assert_int_eq(t.tag_mode, TAG_FULL);
	o = (struct msg_open){0};
	ck_assert_int_eq(verify_terms(&o, &usual, &t), VERDICT_GOOD);
	ck_assert_uint_eq(t.fps, 10);
	ck_assert_int_eq(verify_terms(&o, &free, &t), VERDICT_GOOD);
	ck_assert_uint_eq(t.fps, 0);
	o.fps = UINT32_MAX;
	ck_assert_int_eq(verify_terms(&o, &free, &t), VERDICT_GOOD);
	ck_assert_uint_eq(t.fps, LIMIT_FPS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("verify");
	TCase *t = tcase_create("verify");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_every_bit_counts);
	tcase_add_test(t, test_proof_is_bound);
	tcase_add_test(t, test_blobs);
	tcase_add_test(t, test_refusals);
	tcase_add_test(t, test_other_camera);
	tcase_add_test(t, test_caveats);
	tcase_add_test(t, test_silence);
	tcase_add_test(t, test_terms_refused);
	tcase_add_test(t, test_terms);
	suite_add_tcase(s, t);
	return unit_run(s);
}
