/*
 * mux/daemon/policy, policy_keys, policy_file: who has signed, what is said, what it
 * means for a camera, and that it is kept. The vectors are in tests/unit/policy, for others too.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "mux/daemon/policy/policy_drop_disk.h"
#include "mux/daemon/policy/policy_file.h"
#include "mux/daemon/policy/policy_keys.h"
#include "mux/daemon/state/folder.h"
#include "tests/unit/work_folder.h"

#define HEAD                                                                                       \
	"framemux-policy 1\nversion 7\nissued 2026-11-28T12:00:00Z\n"                              \
	"expires 2027-02-28T12:00:00Z\n"
#define EXPIRES 1803816000u /* of HEAD */
#define PIN     "sha256//qHcEMPCDtMsHbdiCFCYYaCbbSXpMTI1ChYB0Kud2zdc="

static struct policy_key keys[POLICY_KEYS_MAX];
static size_t n_keys;
static char work[WORK_FOLDER_BYTES];

static char *read_vector(const char *name, size_t *ret_len)
{
	int folder = open(POLICY_VECTORS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *text = NULL;

	ck_assert_int_ge(folder, 0);
	ck_assert_msg(folder_read(folder, name, POLICY_BYTES_MAX, &text, ret_len) == 0, "%s", name);
	close(folder);
	return text;
}

static void setup(void)
{
	size_t len;
	char *save = NULL, *text;
	const char *why;

	ck_assert_int_ge(sodium_init(), 0);
	text = read_vector("keys.txt", &len);
	n_keys = 0;
	for (char *id = strtok_r(text, " \n", &save); id; id = strtok_r(NULL, " \n", &save)) {
		ck_assert_int_eq(
			policy_key_parse(strtok_r(NULL, " \n", &save), &keys[n_keys], &why), 0);
		ck_assert_str_eq(keys[n_keys++].id, id);
	}
	ck_assert_uint_eq(n_keys, 3);
	free(text);
	snprintf(work, sizeof(work), "%s", "");
	work_folder_begin(work);
}

static void teardown(void)
{
	work_folder_end(work);
}

/* As framemuxd does it: the number of signers, or -errno; *ret_policy only when parsed well. */
static int examine(const char *bytes, size_t len, int quorum, struct policy **ret_policy)
{
	bool has_signed[POLICY_KEYS_MAX];
	char why[POLICY_WHY] = "";
	size_t body = 0;
	int n = policy_split(bytes, len, &body, why), rc = 0;

	if (!n)
		n = policy_keys_count(
			keys, n_keys, bytes, body, bytes + body, len - body, has_signed, why);
	if (n >= quorum)
		rc = policy_parse(bytes, body, ret_policy, why);
	ck_assert(n < 0 || rc < 0 || !*why);
	ck_assert((n >= 0 && rc >= 0) || *why);
	return rc < 0 ? rc : n;
}

/* ---- signatures ---------------------------------------------------------------------- */

static void try_vector(const char *name, const char *signers, const char *state, const char *hash)
{
	uint8_t is[POLICY_HASH_BYTES];
	char hex[2 * POLICY_HASH_BYTES + 1], why[POLICY_WHY];
	struct policy *p = NULL;
	size_t len = 0, body = 0;
	char *bytes = read_vector(name, &len);
	int want = !strcmp(signers, "-") || !strcmp(state, "bad") ? -EBADMSG : atoi(signers);

	ck_assert_msg(examine(bytes, len, 0, &p) == want, "%s", name);
	ck_assert_int_eq(policy_split(bytes, len, &body, why), 0);
	policy_hash(bytes, body, is);
	ck_assert_str_eq(sodium_bin2hex(hex, sizeof(hex), is, sizeof(is)), hash);
	policy_free(p);
	free(bytes);
}

START_TEST(test_vectors)
{
	size_t len, n = 0;
	char *text = read_vector("expected.txt", &len), *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[64], signers[8], state[8], hash[80];

		if (*line == '#')
			continue;
		ck_assert_int_eq(sscanf(line, "%63s %7s %7s %79s", name, signers, state, hash), 4);
		try_vector(name, signers, state, hash);
		n++;
	}
	ck_assert_uint_eq(n, 12);
	free(text);
}
END_TEST

/* With as many signatures as are needed no single bit can be another. */
START_TEST(test_each_bit)
{
	size_t len = 0;
	char *bytes = read_vector("good.policy", &len);
	struct policy *p = NULL;

	ck_assert_int_eq(examine(bytes, len, 2, &p), 2);
	policy_free(p);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		p = NULL;
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		ck_assert_msg(examine(bytes, len, 2, &p) < 2, "bit %zu", bit);
		ck_assert_ptr_null(p);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	free(bytes);
}
END_TEST

/* Cut anywhere; put together of two; with one too many lines. */
START_TEST(test_pieces)
{
	size_t len = 0, body = 0, n;
	char *bytes = read_vector("good.policy", &len), why[POLICY_WHY];
	char *many = malloc(POLICY_BYTES_MAX + 200);
	struct policy *p = NULL;

	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_lt(examine(bytes, cut, 2, &p), 2);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(policy_split(bytes, len, &body, why), 0);
	n = (len - body) / 2;
	memcpy(many, bytes, body);
	for (unsigned i = 0; i < POLICY_SIGNATURES_MAX; i++)
		memcpy(many + body + i * n, bytes + body + (i % 2) * n, n);
	ck_assert_int_eq(examine(many, body + POLICY_SIGNATURES_MAX * n, 2, &p), 2);
	policy_free(p);
	memcpy(many + body + POLICY_SIGNATURES_MAX * n, bytes + body, n);
	ck_assert_int_eq(examine(many, body + (POLICY_SIGNATURES_MAX + 1) * n, 2, &p), -EBADMSG);
	memset(many, '\n', POLICY_BYTES_MAX + 1);
	memcpy(many, bytes, body);
	ck_assert_int_eq(policy_split(many, POLICY_BYTES_MAX, &body, why), 0);
	ck_assert_int_eq(policy_split(many, POLICY_BYTES_MAX + 1, &body, why), -EBADMSG);
	free(many);
	free(bytes);
}
END_TEST

START_TEST(test_keys)
{
	static const char *const bad[] = {"", "AAAA", "not base64",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",  /* of small order */
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",  /* the neutral element */
		"x3ZqBT0t2E2GwQ/oC3a6gE1yS0j7hQ1Yl4PR6mSvoPo=x", /* more than a key */
		"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",  /* on no curve */
		"7P///////////////////////////////////////38="}; /* of order two */
	uint8_t minisign[42] = {'E', 'd', 1, 2, 3, 4, 5, 6, 7, 8};
	char text[64];
	struct policy_key k;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why = NULL;
		ck_assert_msg(policy_key_parse(bad[i], &k, &why) == -EINVAL, "%s", bad[i]);
		ck_assert_ptr_nonnull(why);
	}
	memcpy(minisign + 10, keys[1].key, POLICY_KEY_BYTES);
	sodium_bin2base64(
		text, sizeof(text), minisign, sizeof(minisign), sodium_base64_VARIANT_ORIGINAL);
	ck_assert_int_eq(policy_key_parse(text, &k, &why), 0);
	ck_assert_int_eq(memcmp(&k, &keys[1], sizeof(k)), 0);
	minisign[0] = 'X';
	sodium_bin2base64(
		text, sizeof(text), minisign, sizeof(minisign), sodium_base64_VARIANT_ORIGINAL);
	ck_assert_int_eq(policy_key_parse(text, &k, &why), -EINVAL);
}
END_TEST

/* ---- the body ------------------------------------------------------------------------ */

static struct policy *parse(const char *body)
{
	char why[POLICY_WHY] = "";
	struct policy *p = NULL;

	ck_assert_msg(policy_parse(body, strlen(body), &p, why) == 0, "%s: %s", body, why);
	return p;
}

static const struct {
	const char *body, *why;
} bad[] = {
	{"framemux-policy 1\n", "missing"},
	{"framemux-policy 1\nversion 7\nissued 2026-11-28T12:00:00Z\n", "missing"},
	{HEAD "version 8\n", "line 5: it is there twice"},
	{HEAD "fleet a\nfleet b\n", "line 6: it is there twice"},
	{HEAD "fleet\n", "line 5"},
	{HEAD "block everything\n", "line 5: this framemux does not know"},
	{HEAD "block vendor\n", "does not know"},
	{HEAD "block vendor a b\n", "does not know"},
	{HEAD "forbid vendor a\n", "does not know"},
	{HEAD "block vendor a b c\n", "one blank apart"},
	{HEAD "block  vendor a\n", "one blank apart"},
	{HEAD "block vendor a \n", "one blank apart"},
	{HEAD " block vendor a\n", "one blank apart"},
	{HEAD "block vendor \"a\n", "one blank apart"},
	{HEAD "\"block\" vendor a\n", "not the first"},
	{HEAD "\"fleet\" a\n", "not the first"},
	{HEAD "block vendor \"a\"b\n", "one blank apart"},
	{HEAD "block vendor \"\"\n", "one blank apart"},
	{HEAD "block vendor \"a\\\"b\"\n", "one blank apart"},
	{HEAD "block vendor a,b\n", "one blank apart"},
	{HEAD "block\tvendor a\n", "no plain text"},
	{HEAD "block vendor \"\xff\"\n", "no plain text"},
	{HEAD "block vendor " PIN PIN "\n", "at most 63"},
	{HEAD "block pin sha256//AAAA\n", "a pin is"},
	{HEAD "block pin " PIN "A\n", "a pin is"},
	{HEAD "require nothing\n", "does not know"},
	{HEAD "permit vendor a\n", "does not know"},
	{"framemux-policy 1\nversion 0\n", "from 1 on"},
	{"framemux-policy 1\nversion 18446744073709551616\n", "from 1 on"},
	{"framemux-policy 1\nissued 2026-02-30T12:00:00Z\n", "a time is"},
	{"framemux-policy 1\nissued 2026-11-28T12:00:00+01:00\n", "a time is"},
	{"framemux-policy 1\nissued never\n", "a time is"},
	{"framemux-policy 1\nversion 1\nissued 2026-11-28T12:00:00Z\nexpires "
	 "2026-11-28T12:00:00Z\n",
		"before it is issued"},
};

START_TEST(test_refused)
{
	char why[POLICY_WHY] = "", line[700];
	struct policy *p = NULL;

	ck_assert_int_eq(policy_parse(bad[_i].body, strlen(bad[_i].body), &p, why), -EBADMSG);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s: %s", bad[_i].body, why);
	memset(line, '#', sizeof(line));
	memcpy(line, HEAD, strlen(HEAD));
	line[strlen(HEAD) + 511] = '\n';
	ck_assert_int_eq(policy_parse(line, strlen(HEAD) + 512, &p, why), 0);
	policy_free(p);
	p = NULL;
	line[strlen(HEAD) + 511] = '#';
	line[strlen(HEAD) + 512] = '\n';
	ck_assert_int_eq(policy_parse(line, strlen(HEAD) + 513, &p, why), -EBADMSG);
	ck_assert_ptr_null(p);
}
END_TEST

START_TEST(test_read)
{
	struct policy *p =
		parse(HEAD "fleet \"my fleet\"\n\n# x\nblock model \"A B\" c-1\nrequire tls\n");

	ck_assert_uint_eq(p->version, 7);
	ck_assert_uint_eq(p->expires_s, EXPIRES);
	ck_assert_str_eq(p->fleet, "my fleet");
	ck_assert_uint_eq(p->n, 2);
	ck_assert_int_eq(p->statements[0].kind, POLICY_BLOCK_MODEL);
	ck_assert_str_eq(p->statements[0].vendor, "A B");
	ck_assert_str_eq(p->statements[0].model, "c-1");
	ck_assert(!policy_is_expired(p, EXPIRES - 1));
	ck_assert(policy_is_expired(p, EXPIRES));
	policy_free(p);
	p = parse("framemux-policy 1\nexpires never\nissued 2026-11-28T12:00:00Z\n"
		  "version 18446744073709551615\n");
	ck_assert_uint_eq(p->version, UINT64_MAX);
	ck_assert(!policy_is_expired(p, UINT64_MAX - 1));
	policy_free(p);
}
END_TEST

START_TEST(test_many_statements)
{
	char *text = calloc(1, POLICY_BYTES_MAX), why[POLICY_WHY];
	struct policy *p = NULL;

	strcpy(text, HEAD);
	for (unsigned i = 0; i < POLICY_STATEMENTS_MAX; i++)
		strcat(text, "require tls\n");
	p = parse(text);
	ck_assert_uint_eq(p->n, POLICY_STATEMENTS_MAX);
	policy_free(p);
	strcat(text, "require tls\n");
	ck_assert_int_eq(policy_parse(text, strlen(text), &p, why), -EBADMSG);
	free(text);
}
END_TEST

/* ---- judging ------------------------------------------------------------------------- */

/* A camera on the network in the clear without a pin, but for what is said of it. */
enum { TLS = 1, PINNED = 2, NO_FINGERPRINT = 4, BASIC = 8, LOCAL = 16 };

static const struct {
	const char *statements;
	const char *vendor, *model;
	unsigned camera;
	const char *why, *why_expired; /* NULL: it works */
} judged[] = {
	{"", "acme", "one", 0, NULL, NULL},
	{"block vendor acme\n", "acme", "one", 0, "policy 7 blocks vendor \"acme\"",
		"policy 7 blocks vendor \"acme\""},
	{"block vendor ACME\n", "acme", "", LOCAL, "blocks vendor \"acme\"", "blocks vendor"},
	{"block vendor acme\n", "acme2", "one", 0, NULL, NULL},
	{"block vendor acme\n", "", "", 0, NULL, NULL},
	{"block model acme one\n", "acme", "One", 0, "blocks model \"acme\" \"One\"", "blocks"},
	{"block model acme one\n", "acme", "two", 0, NULL, NULL},
	{"block model acme one\n", "other", "one", 0, NULL, NULL},
	{"block pin " PIN "\n", "", "", TLS | PINNED, "blocks its tls_pin", "blocks its"},
	{"block pin " PIN "\n", "", "", TLS, NULL, NULL},
	{"require tls\n", "", "", 0, "requires TLS", "requires TLS"},
	{"require tls\n", "", "", TLS, NULL, NULL},
	{"require tls\nrequire pin\nrequire fingerprint\n", "", "", LOCAL, NULL, NULL},
	{"require pin\n", "", "", TLS, "requires a tls_pin", "requires"},
	{"require pin\n", "", "", TLS | PINNED, NULL, NULL},
	{"require fingerprint\n", "", "", NO_FINGERPRINT, "requires a fingerprint", "requires"},
	{"require fingerprint\n", "", "", NO_FINGERPRINT | PINNED, NULL, NULL},
	{"require fingerprint\n", "", "", 0, NULL, NULL},
	{"require digest\n", "", "", TLS | BASIC, "requires auth", "requires"},
	{"require digest\n", "", "", TLS, NULL, NULL},
	/* exceptions: from a blocked vendor and from what is required, as long as it is valid */
	{"block vendor acme\npermit model acme one\n", "acme", "one", 0, NULL, "blocks vendor"},
	{"block vendor acme\npermit model acme one\n", "acme", "two", 0, "blocks", "blocks"},
	{"block vendor acme\npermit model acme ONE\n", "acme", "one", 0, "blocks", "blocks"},
	{"permit model acme one\nrequire tls\n", "acme", "one", 0, NULL, "requires TLS"},
	{"permit model acme one\nblock model acme one\n", "acme", "one", 0, "blocks model",
		"blocks model"},
	{"permit model acme one\nblock pin " PIN "\n", "acme", "one", TLS | PINNED, "tls_pin",
		"tls_pin"},
};

START_TEST(test_judged)
{
	struct camera_record cam = {.kind = judged[_i].camera & LOCAL ? INGEST_V4L2 : INGEST_RTSP,
		.tls = judged[_i].camera & TLS,
		.has_pin = judged[_i].camera & PINNED,
		.fingerprint = !(judged[_i].camera & NO_FINGERPRINT),
		.basic = judged[_i].camera & BASIC};
	char body[1024], why[LIMIT_REASON];
	struct policy *p;

	snprintf(cam.vendor, sizeof(cam.vendor), "%s", judged[_i].vendor);
	snprintf(cam.model, sizeof(cam.model), "%s", judged[_i].model);
	ck_assert_int_eq(sodium_base642bin(cam.tls_pin, sizeof(cam.tls_pin), PIN + 8,
				 strlen(PIN) - 8, NULL, NULL, NULL, sodium_base64_VARIANT_ORIGINAL),
		0);
	snprintf(body, sizeof(body), HEAD "%s", judged[_i].statements);
	p = parse(body);
	for (int is_expired = 0; is_expired < 2; is_expired++) {
		const char *want = is_expired ? judged[_i].why_expired : judged[_i].why;

		*why = 0;
		ck_assert_msg(policy_blocks(p, &cam, EXPIRES - !is_expired, why) == (want != NULL),
			"%s: %s", body, why);
		ck_assert_msg(!want || strstr(why, want), "%s: %s", body, why);
	}
	policy_free(p);
}
END_TEST

/* ---- time ---------------------------------------------------------------------------- */

START_TEST(test_times)
{
	static const char *const texts[] = {"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2025-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00z",
		"2026-1-01T00:00:00Z", "1969-12-31T23:59:59Z", "", "never"};
	char text[UTC_TEXT_MAX];
	uint64_t s = 5;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(policy_time_parse(texts[i], &s) == -EINVAL, "%s", texts[i]);
	ck_assert_uint_eq(s, 5);
	ck_assert_int_eq(policy_time_parse("2024-02-29T23:59:59Z", &s), 0);
	ck_assert_uint_eq(s, 1709251199);
	policy_time_text(s, text);
	ck_assert_str_eq(text, "2024-02-29T23:59:59Z");
	policy_time_text(POLICY_NEVER, text);
	ck_assert_str_eq(text, "never");
}
END_TEST

/* ---- files --------------------------------------------------------------------------- */

static int load(int folder, struct policy_bundle **ret)
{
	char why[512] = "";
	int rc = policy_file_load(folder, ret, why, sizeof(why));

	ck_assert(rc == 0 || *why);
	return rc;
}

START_TEST(test_kept)
{
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	struct policy_bundle *b = NULL, *again = NULL;
	size_t len = 0;
	char *bytes = read_vector("good.policy", &len), why[POLICY_WHY];

	ck_assert_int_eq(load(folder, &again), 0);
	ck_assert_ptr_null(again);
	ck_assert_int_eq(policy_bundle_make(bytes, len, &b, why), 0);
	ck_assert_int_eq(policy_file_keep(folder, b), 0);
	ck_assert_int_eq(load(folder, &again), 0);
	ck_assert_uint_eq(again->len, len);
	ck_assert_int_eq(memcmp(again->bytes, bytes, len), 0);
	ck_assert_uint_eq(again->policy->version, 7);
	policy_bundle_free(again);
	fd = open(POLICY_FILE, O_RDWR | O_CLOEXEC);
	for (size_t at = 0; at < b->body_len + 60;
		at += 7) { /* damaged anywhere but in signatures */
		char was, is;

		ck_assert_int_eq(pread(fd, &was, 1, (off_t)at), 1);
		is = (char)(was ^ 1);
		ck_assert_int_eq(pwrite(fd, &is, 1, (off_t)at), 1);
		ck_assert_msg(load(folder, &again) == -EBADMSG, "byte %zu", at);
		ck_assert_int_eq(pwrite(fd, &was, 1, (off_t)at), 1);
	}
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(load(folder, &again), -EBADMSG);
	ck_assert_int_eq(unlink(POLICY_FILE), 0);
	close(fd);
	policy_bundle_free(b);
	free(bytes);
	close(folder);
}
END_TEST

START_TEST(test_which_files_are_meant)
{
	char name[NAME_MAX + 2];

	ck_assert(drop_is_meant("x.policy"));
	ck_assert(!drop_is_meant(".policy"));
	ck_assert(!drop_is_meant(".x.policy"));
	ck_assert(!drop_is_meant("x.policy.applied"));
	ck_assert(!drop_is_meant("x.policy.part"));
	ck_assert(!drop_is_meant("policy"));
	memset(name, 'x', sizeof(name));
	memcpy(name + NAME_MAX - 7, ".policy", 8);
	ck_assert(!drop_is_meant(name));
}
END_TEST

/* ---- the drop folder ----------------------------------------------------------------- */

static void write_drop(const char *text)
{
	int fd = open("x.policy", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int read_and_settle(int folder, void (*between)(const struct drop_file *f))
{
	struct drop_file f = {.name = "x.policy"};
	char why[LIMIT_REASON];
	int rc;

	write_drop("what is read");
	ck_assert_int_eq(drop_read(folder, &f, why), 0);
	if (between)
		between(&f);
	rc = drop_settle(folder, &f, true, "it is in force");
	free(f.bytes);
	return rc;
}

static void write_more(const struct drop_file *f)
{
	(void)f;
	write_drop("what has come since");
}

/* The clock of a file system has ticks. */
static void write_as_much(const struct drop_file *f)
{
	struct stat st;

	do {
		write_drop("what is new!");
		ck_assert_int_eq(stat("x.policy", &st), 0);
	} while (!memcmp(&st.st_mtim, &f->modified, sizeof(st.st_mtim)));
}

static void change_mode(const struct drop_file *f)
{
	struct stat st;

	do {
		ck_assert_int_eq(chmod("x.policy", 0600), 0);
		ck_assert_int_eq(stat("x.policy", &st), 0);
	} while (!memcmp(&st.st_ctim, &f->changed, sizeof(st.st_ctim)));
}

/* A file that was written to since it was read is not taken away unread. */
START_TEST(test_rewritten)
{
	void (*const between[])(const struct drop_file *f) = {
		write_more, write_as_much, change_mode};
	int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(between); i++) {
		ck_assert_int_eq(read_and_settle(folder, between[i]), -EAGAIN);
		ck_assert_int_eq(access("x.policy", F_OK), 0);
		ck_assert_int_ne(access("x.policy.applied", F_OK), 0);
	}
	ck_assert_int_eq(read_and_settle(folder, NULL), 0);
	ck_assert_int_ne(access("x.policy", F_OK), 0);
	ck_assert_int_eq(access("x.policy.applied", F_OK), 0);
	close(folder);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_vectors);
	tcase_add_test(t, test_each_bit);
	tcase_add_test(t, test_pieces);
	tcase_add_test(t, test_keys);
	tcase_add_loop_test(t, test_refused, 0, ARRAY_SIZE(bad));
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_many_statements);
	tcase_add_loop_test(t, test_judged, 0, ARRAY_SIZE(judged));
	tcase_add_test(t, test_times);
	tcase_add_test(t, test_kept);
	tcase_add_test(t, test_which_files_are_meant);
	tcase_add_test(t, test_rewritten);
	suite_add_tcase(s, t);
	return unit_run(s);
}
