/* common/token: tokens can be narrowed by anyone and widened by nobody. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/token.h"
#include "tests/unit/unit.h"

static const uint8_t root[KEY_BYTES] = "an example root key for testing";
static const uint8_t id[TOKEN_ID_BYTES] = "0123456789abcde";

static struct token sample(void)
{
	struct token t;

	token_begin(root, 1, id, &t);
	ck_assert_int_eq(token_limit_camera(&t, "porch", 3), 0);
	ck_assert_int_eq(token_limit_uid(&t, 990), 0);
	ck_assert_int_eq(token_limit_expiry(&t, 2000000000), 0);
	return t;
}

/* The tag that the mux computes for a body is the one that the token's holder has. */
static bool is_genuine(const struct token *t)
{
	uint8_t tag[TOKEN_TAG_BYTES];

	return token_body_tag(root, t->body, t->body_len, tag) == 0 &&
		memcmp(tag, t->tag, sizeof(tag)) == 0;
}

START_TEST(test_text_round_trip)
{
	struct token t = sample(), u;
	char text[LIMIT_TOKEN], line[LIMIT_TOKEN + 1];

	ck_assert_int_eq(token_format(&t, text), 0);
	ck_assert_int_eq(strncmp(text, "fmx1_", 5), 0);
	ck_assert_int_eq(token_parse(text, &u), 0);
	ck_assert_mem_eq(u.body, t.body, t.body_len);
	ck_assert_uint_eq(u.body_len, t.body_len);
	ck_assert(is_genuine(&u));
	snprintf(line, sizeof(line), "%s\n", text);
	ck_assert_int_eq(token_parse(line, &u), 0);
	snprintf(line, sizeof(line), "%s ", text);
	ck_assert_int_eq(token_parse(line, &u), -EBADMSG);
	ck_assert_int_eq(token_parse(text + 1, &u), -EBADMSG);
	strcpy(line, text);
	line[strlen(line) - 20] = '\xb3'; /* no digit, though libsodium takes it for one */
	ck_assert_int_eq(token_parse(line, &u), -EBADMSG);
	ck_assert_int_eq(token_parse("", &u), -EBADMSG);
	ck_assert_int_eq(token_parse("fmx1_", &u), -EBADMSG);
}
END_TEST

/* The linker puts this in the place of the real one (--wrap): what was wiped last of such a size. */
static uint8_t wiped[LIMIT_TOKEN_BODY + TOKEN_TAG_BYTES];

void __real_sodium_memzero(void *p, size_t n);
void __wrap_sodium_memzero(void *p, size_t n);

void __wrap_sodium_memzero(void *p, size_t n)
{
	if (n == sizeof(wiped))
		memcpy(wiped, p, n);
	__real_sodium_memzero(p, n);
}

static bool parse_wipes(const char *text, int result, const uint8_t tag[TOKEN_TAG_BYTES])
{
	struct token t;

	memset(wiped, 0, sizeof(wiped)); /* what token_format left there */
	return token_parse(text, &t) == result &&
		memmem(wiped, sizeof(wiped), tag, TOKEN_TAG_BYTES) != NULL;
}

/* A token that is malformed may be a good one with a slip of the pen in it. */
START_TEST(test_no_tag_is_left_behind)
{
	struct token t = sample(), bad = t;
	char text[LIMIT_TOKEN + 8];

	ck_assert_int_eq(token_format(&t, text), 0);
	ck_assert(parse_wipes(text, 0, t.tag));
	bad.body[bad.body_len - 9] = 200; /* the last caveat is longer than the body */
	ck_assert_int_eq(token_format(&bad, text), 0);
	ck_assert(parse_wipes(text, -EBADMSG, t.tag));
	ck_assert_int_eq(token_format(&t, text), 0);
	strcat(text, "A"); /* no base64 ends like that */
	ck_assert(parse_wipes(text, -EBADMSG, t.tag));
}
END_TEST

START_TEST(test_rights_intersect)
{
	struct token t = sample();
	struct rights r;

	ck_assert_int_eq(token_limit_size(&t, 1280, 720), 0);
	ck_assert_int_eq(token_limit_size(&t, 640, 1080), 0);
	ck_assert_int_eq(token_limit_fps(&t, 15), 0);
	ck_assert_int_eq(token_limit_fps(&t, 30), 0);
	ck_assert_int_eq(token_limit_expiry(&t, 1900000000), 0);
	ck_assert_int_eq(token_limit_expiry(&t, UINT64_MAX), 0);
	ck_assert_int_eq(token_limit_no_dump(&t), 0);
	ck_assert(is_genuine(&t));
	ck_assert_int_eq(token_body_rights(t.body, t.body_len, &r), 0);
	ck_assert_str_eq(r.camera, "porch");
	ck_assert_uint_eq(r.epoch, 3);
	ck_assert_uint_eq(r.uid, 990);
	ck_assert_uint_eq(r.max_width, 640);
	ck_assert_uint_eq(r.max_height, 720);
	ck_assert_uint_eq(r.max_fps, 15);
	ck_assert_uint_eq(r.not_after, 1900000000);
	ck_assert(!r.never_expires && r.no_dump);
}
END_TEST

START_TEST(test_contradictions_deny)
{
	struct token camera = sample(), uid = sample(), epoch = sample(), unknown = sample();
	struct rights r;

	token_limit_camera(&camera, "garden", 3);
	ck_assert_int_eq(token_body_rights(camera.body, camera.body_len, &r), -EACCES);
	token_limit_camera(&epoch, "porch", 4);
	ck_assert_int_eq(token_body_rights(epoch.body, epoch.body_len, &r), -EACCES);
	token_limit_uid(&uid, 0);
	ck_assert_int_eq(token_body_rights(uid.body, uid.body_len, &r), -EACCES);
	unknown.body[unknown.body_len++] = 200;
	unknown.body[unknown.body_len++] = 0;
	ck_assert_int_eq(token_body_rights(unknown.body, unknown.body_len, &r), -EACCES);
	unknown.body[unknown.body_len - 1] = 9; /* longer than what is left */
	ck_assert_int_eq(token_body_rights(unknown.body, unknown.body_len, &r), -EBADMSG);
}
END_TEST

START_TEST(test_no_bit_can_change)
{
	struct token t = sample();

	for (size_t bit = 0; bit < t.body_len * 8; bit++) {
		struct token u = t;

		u.body[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(!is_genuine(&u), "bit %zu changed unseen", bit);
	}
}
END_TEST

START_TEST(test_caveats_cannot_go)
{
	struct token t = sample(), u = t;
	size_t before = t.body_len;

	token_limit_fps(&t, 5);
	u = t;
	u.body_len = before; /* stripped, with the tag of the longer one */
	ck_assert(!is_genuine(&u));
	u = t; /* the last two exchanged */
	memcpy(u.body + before - 10, t.body + before, t.body_len - before);
	memcpy(u.body + before - 10 + (t.body_len - before), t.body + before - 10, 10);
	ck_assert(!is_genuine(&u));
}
END_TEST

START_TEST(test_blobs_are_never_accepted)
{
	uint8_t body[128], tag[TOKEN_TAG_BYTES];
	struct rights r;

	for (int i = 0; i < 300000; i++) {
		size_t len = randombytes_uniform(sizeof(body));

		randombytes_buf(body, len);
		if (i & 1 && len)
			body[0] = 1;
		if (token_body_rights(body, len, &r) == 0 &&
			token_body_tag(root, body, len, tag) == 0)
			ck_assert(!(r.has_camera && r.has_uid && r.has_expiry));
	}
}
END_TEST

START_TEST(test_proof_is_of_this_challenge)
{
	struct token t = sample();
	uint8_t challenge[32] = {1}, a[32], b[32];

	token_prove(t.tag, challenge, (const uint8_t *)"open", 4, a);
	challenge[31] = 1;
	token_prove(t.tag, challenge, (const uint8_t *)"open", 4, b);
	ck_assert_mem_ne(a, b, 32);
	challenge[31] = 0;
	token_prove(t.tag, challenge, (const uint8_t *)"opem", 4, b);
	ck_assert_mem_ne(a, b, 32);
	token_prove(t.tag, challenge, (const uint8_t *)"open", 4, b);
	ck_assert_mem_eq(a, b, 32);
}
END_TEST

START_TEST(test_limits_hold)
{
	struct token t = sample();
	char text[LIMIT_TOKEN], name[LIMIT_NAME + 1];
	struct mask m = {0, 0, 16, 16};
	int r = 0;

	memset(name, 'a', LIMIT_NAME);
	name[LIMIT_NAME] = 0;
	ck_assert_int_eq(token_limit_camera(&t, name, 1), -EINVAL);
	ck_assert_int_eq(token_limit_uid(&t, UINT32_MAX), -EINVAL);
	ck_assert_int_eq(token_limit_size(&t, 0, 10), -EINVAL);
	ck_assert_int_eq(token_limit_fps(&t, 0), -EINVAL);
	ck_assert_int_eq(token_limit_label(&t, "two\nlines"), -EINVAL);
	while (r == 0)
		r = token_limit_mask(&t, &m);
	ck_assert_int_eq(r, -E2BIG);
	ck_assert(is_genuine(&t));
	ck_assert_int_eq(token_format(&t, text), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_text_round_trip);
	tcase_add_test(t, test_no_tag_is_left_behind);
	tcase_add_test(t, test_rights_intersect);
	tcase_add_test(t, test_contradictions_deny);
	tcase_add_test(t, test_no_bit_can_change);
	tcase_add_test(t, test_caveats_cannot_go);
	tcase_add_test(t, test_blobs_are_never_accepted);
	tcase_add_test(t, test_proof_is_of_this_challenge);
	tcase_add_test(t, test_limits_hold);
	suite_add_tcase(s, t);
	return unit_run(s);
}
