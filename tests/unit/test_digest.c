/* mux/daemon/digest: the RFCs' own examples, and what is not signed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "mux/daemon/pair/digest.h"
#include "tests/unit/unit.h"

static const uint8_t random_bytes[DIGEST_CNONCE_BYTES] = {0xab, 0xcd};
static const struct digest_owner owner = {"viewer", "secret", "rtsp://h/live/main"};

/* RFC 2617 section 3.5 and RFC 7616 section 3.9.1. */
START_TEST(test_rfc_examples)
{
	struct digest_input in = {.algorithm = DIGEST_MD5,
		.qop = true,
		.username = "Mufasa",
		.password = "Circle Of Life",
		.realm = "testrealm@host.com",
		.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		.cnonce = "0a4f113b",
		.method = "GET",
		.uri = "/dir/index.html",
		.nc = 1};
	char hex[DIGEST_HEX_MAX];

	ck_assert_int_eq(digest_response(&in, hex), 0);
	ck_assert_str_eq(hex, "6629fae49393a05397450978507c4ef1");
	in.password = "Circle of Life";
	in.realm = "http-auth@example.org";
	in.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
	in.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
	ck_assert_int_eq(digest_response(&in, hex), 0);
	ck_assert_str_eq(hex, "8ca523f5e9506fed4657c9700eebdbec");
	in.algorithm = DIGEST_SHA256;
	ck_assert_int_eq(digest_response(&in, hex), 0);
	ck_assert_str_eq(hex, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
	in.algorithm = 9;
	ck_assert_int_eq(digest_response(&in, hex), -EINVAL);
}
END_TEST

/* RFC 2069's form, and MD5-sess, computed with another implementation (Python's hashlib). */
START_TEST(test_other_forms)
{
	struct digest_input in = {.algorithm = DIGEST_MD5,
		.username = "admin",
		.password = "pw",
		.realm = "IP Camera",
		.nonce = "abc",
		.cnonce = "00ff",
		.method = "DESCRIBE",
		.uri = "rtsp://h/a",
		.nc = 2};
	char hex[DIGEST_HEX_MAX];

	ck_assert_int_eq(digest_response(&in, hex), 0);
	ck_assert_str_eq(hex, "91141843b351bea0fa887284ef0486ed");
	in.algorithm = DIGEST_MD5_SESS;
	in.qop = true;
	ck_assert_int_eq(digest_response(&in, hex), 0);
	ck_assert_str_eq(hex, "136ba9cc1cce51f53dfe8dbeca0fdd10");
}
END_TEST

static struct msg_digest_ask ask_of(const char *realm, const char *nonce, const char *uri)
{
	struct msg_digest_ask ask = {
		.request = 5, .algorithm = DIGEST_MD5, .method = RTSP_DESCRIBE, .qop = 1};

	snprintf(ask.realm, sizeof(ask.realm), "%s", realm);
	snprintf(ask.nonce, sizeof(ask.nonce), "%s", nonce);
	snprintf(ask.uri, sizeof(ask.uri), "%s", uri);
	return ask;
}

START_TEST(test_header)
{
	struct digest_memory memory = {0};
	struct msg_digest_ask ask = ask_of("a \"b\" \\", "n1", "rtsp://h/live/main");
	struct msg_digest_answer answer;

	digest_answer(&memory, &owner, &ask, 1, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, 0);
	ck_assert_uint_eq(answer.request, 5);
	ck_assert_ptr_nonnull(strstr(answer.authorization,
		"Digest username=\"viewer\", "
		"realm=\"a \\\"b\\\" \\\\\", nonce=\"n1\", "
		"uri=\"rtsp://h/live/main\", response=\""));
	ck_assert_ptr_nonnull(strstr(answer.authorization,
		"\", cnonce=\"abcd0000000000000000000000000000\", qop=auth, nc=00000001"));
	ck_assert_ptr_null(strstr(answer.authorization, "algorithm"));
	ck_assert_ptr_null(strstr(answer.authorization, "opaque"));
	ck_assert_ptr_null(strstr(answer.authorization, "secret"));
	ask.named_algorithm = 1;
	snprintf(ask.opaque, sizeof(ask.opaque), "o");
	digest_answer(&memory, &owner, &ask, 2, random_bytes, &answer);
	ck_assert_ptr_nonnull(strstr(answer.authorization, "nc=00000002, opaque=\"o\""));
	ck_assert_ptr_nonnull(strstr(answer.authorization, ", algorithm=MD5,"));
	snprintf(ask.nonce, sizeof(ask.nonce), "n2");
	ask.algorithm = DIGEST_SHA256;
	digest_answer(&memory, &owner, &ask, 3, random_bytes, &answer);
	ck_assert_ptr_nonnull(strstr(answer.authorization, "nc=00000001"));
	ck_assert_ptr_nonnull(strstr(answer.authorization, ", algorithm=SHA-256,"));
	ask.qop = 0;
	snprintf(ask.nonce, sizeof(ask.nonce), "n3");
	digest_answer(&memory, &owner, &ask, 4, random_bytes, &answer);
	ck_assert_ptr_null(strstr(answer.authorization, "cnonce"));
	ck_assert_ptr_null(strstr(answer.authorization, "nc="));
	ask.algorithm = DIGEST_MD5_SESS;
	snprintf(ask.nonce, sizeof(ask.nonce), "n4");
	digest_answer(&memory, &owner, &ask, 5, random_bytes, &answer);
	ck_assert_ptr_nonnull(strstr(answer.authorization, "cnonce"));
}
END_TEST

/* The answer's response is the one of the same input. */
START_TEST(test_header_is_right)
{
	struct digest_memory memory = {0};
	struct msg_digest_ask ask = ask_of("r", "n", "rtsp://h/live/main/trackID=1");
	struct digest_input in = {.algorithm = DIGEST_MD5,
		.qop = true,
		.username = "viewer",
		.password = "secret",
		.realm = "r",
		.nonce = "n",
		.cnonce = "abcd0000000000000000000000000000",
		.method = "SETUP",
		.uri = "rtsp://h/live/main/trackID=1",
		.nc = 1};
	struct msg_digest_answer answer;
	char hex[DIGEST_HEX_MAX];

	ask.method = RTSP_SETUP;
	digest_answer(&memory, &owner, &ask, 1, random_bytes, &answer);
	ck_assert_int_eq(digest_response(&in, hex), 0);
	ck_assert_ptr_nonnull(strstr(answer.authorization, hex));
}
END_TEST

static void refused(struct digest_memory *memory, const struct digest_owner *who,
	const struct msg_digest_ask *ask, int error)
{
	struct msg_digest_answer answer;

	digest_answer(memory, who, ask, 1, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, (unsigned)error);
	ck_assert_str_eq(answer.authorization, "");
	ck_assert_str_ne(answer.reason, "");
	ck_assert_uint_eq(answer.request, ask->request);
}

START_TEST(test_refusals)
{
	static const struct digest_owner nobody = {"", NULL, "rtsp://h/live/main"};
	struct digest_memory memory = {0};
	struct msg_digest_ask good = ask_of("r", "n", "rtsp://h/live/main"), ask = good;
	struct msg_digest_answer answer;

	refused(&memory, &nobody, &good, EACCES);
	ask.method = 99;
	refused(&memory, &owner, &ask, EINVAL);
	ask = good;
	ask.algorithm = 0;
	refused(&memory, &owner, &ask, EINVAL);
	ask = good;
	ask.qop = 2;
	refused(&memory, &owner, &ask, EINVAL);
	ask = ask_of("r", "n", "rtsp://other/live/main");
	refused(&memory, &owner, &ask, EPERM);
	ask = ask_of("r", "n", "rtsp://h/admin");
	refused(&memory, &owner, &ask, EPERM);
	ask = ask_of("r", "n", "*");
	refused(&memory, &owner, &ask, EPERM);
	ask.method = RTSP_OPTIONS;
	digest_answer(&memory, &owner, &ask, 1, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, 0);
	/* from now on its realm is known: another camera's challenge, relayed, is refused */
	ask = ask_of("r2", "n", "rtsp://h/live/main");
	refused(&memory, &owner, &ask, EPERM);
	digest_answer(&memory, &owner, &good, 1, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, 0);
}
END_TEST

START_TEST(test_too_long)
{
	struct digest_memory memory = {0};
	struct msg_digest_ask ask = ask_of("", "", "");
	struct msg_digest_answer answer;
	char url[LIMIT_PATH];
	struct digest_owner long_owner = {"viewer", "secret", url};

	memset(url, 'a', sizeof(url) - 1);
	url[sizeof(url) - 1] = 0;
	memcpy(url, "rtsp://h/", 9);
	memcpy(ask.uri, url, sizeof(url));
	memset(ask.realm, '"', sizeof(ask.realm) - 1);
	memset(ask.nonce, '"', sizeof(ask.nonce) - 1);
	memset(ask.opaque, '"', sizeof(ask.opaque) - 1);
	digest_answer(&memory, &long_owner, &ask, 1, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, EMSGSIZE);
	ck_assert_str_eq(answer.authorization, "");
}
END_TEST

START_TEST(test_rate)
{
	struct digest_memory memory = {0};
	struct msg_digest_ask ask = ask_of("r", "n", "rtsp://h/live/main");
	struct msg_digest_answer answer;
	unsigned good = 0;

	for (unsigned i = 0; i < 100; i++) { /* one every half second from t = 1 s on */
		digest_answer(&memory, &owner, &ask, (i + 2) * NS_PER_S / 2, random_bytes, &answer);
		good += answer.status == 0;
		ck_assert(answer.status == 0 || answer.status == EAGAIN);
	}
	ck_assert_uint_eq(good, DIGEST_PER_MINUTE);
	digest_answer(&memory, &owner, &ask, 61 * NS_PER_S, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, 0);
	digest_answer(&memory, &owner, &ask, 61 * NS_PER_S, random_bytes, &answer);
	ck_assert_uint_eq(answer.status, EAGAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tc = tcase_create("digest");

	tcase_add_test(tc, test_rfc_examples);
	tcase_add_test(tc, test_other_forms);
	tcase_add_test(tc, test_header);
	tcase_add_test(tc, test_header_is_right);
	tcase_add_test(tc, test_refusals);
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_rate);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
