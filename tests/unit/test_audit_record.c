/*
 * The lines of the audit log: how they are written, read and chained; and that whatever is done to a
 * log is found. The vectors are those of framemux-audit(7).
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/audit_walk.h"
#include "tests/unit/unit.h"

#define LOG_MAX 65536
#define BATCHES 4
#define T0_MS   1795873108123ull /* 2026-11-28T13:38:28.123Z */

/* Of the seed 000102...1f; computed by another implementation (hashlib, and Ed25519 as in RFC 8032). */

#define VECTOR_CHAIN_1 "8ee87462036d02015afd94d9313871b27444a4565b121a96a4acc9fe6492d48e"
#define VECTOR_CHAIN_2 "bc9a2809bb1dbc314eb9ad0984e402b96d8fb5d8ab5e468a2648e3eb1989c0a8"
#define VECTOR_NEXT    "9ae41b7c06658f8ec455df8976b167b1736639fcd708082082ecd766cadc0283"
#define VECTOR_CHAIN_3 "cc853e79166c53aa6c25be2cfcacb4f78c116815ac7def861c77b8c41148baf6"
#define VECTOR_SIG                                                                                 \
	"3d4ed8b7a8f16932681a4480f67442773a57d645ca4ec87f83f58d5d06f4810f"                         \
	"b19812a74aa9cb2a2a485cbb9d47754938cceed1eee814ce7b5ac0da57c8a608"

static char text[LOG_MAX];
static size_t len;
static uint8_t seed[AUDIT_SEED_BYTES];
static struct audit_head head;
static uint64_t seals;

static void add(const char *line, size_t n)
{
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(len + n, sizeof(text));
	memcpy(text + len, line, n);
	len += n;
}

static void add_record(const char *event, const char *camera)
{
	struct audit_body body;
	char line[AUDIT_LINE_MAX];

	audit_body_begin(&body, event);
	audit_body_text(&body, "camera", camera);
	audit_body_number(&body, "uid", 1000);
	add(line, audit_line_write(&head, T0_MS + head.n, body.text, line));
}

static void add_seal(void)
{
	char line[AUDIT_LINE_MAX];

	add(line, audit_seal_write(&head, T0_MS + head.n, ++seals, seed, line));
}

static void add_segment(void)
{
	uint8_t key[AUDIT_KEY_BYTES];
	struct audit_body body;
	char line[AUDIT_LINE_MAX];

	audit_seed_public(seed, key);
	audit_body_begin(&body, "segment");
	audit_body_number(&body, "segment", 1);
	audit_body_number(&body, "seal", seals + 1);
	audit_body_hex(&body, "before", head.chain, sizeof(head.chain));
	audit_body_hex(&body, "key", key, sizeof(key));
	add(line, audit_line_write(&head, T0_MS, body.text, line));
}

static void make_log(void)
{
	memset(&head, 0, sizeof(head));
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	seals = len = 0;
	add_segment();
	add_record("open", "porch");
	add_seal();
	for (int i = 1; i < BATCHES; i++) {
		add_record("alive", "porch");
		add_record("close", "yard");
		add_seal();
	}
}

static enum audit_fault walk(const char *bytes, size_t n, struct audit_walk *w)
{
	size_t at, sealed = 0;

	audit_walk_begin(w);
	return audit_walk_text(w, bytes, n, &at, &sealed);
}

START_TEST(test_whole)
{
	struct audit_walk w;

	make_log();
	ck_assert_int_eq(walk(text, len, &w), AUDIT_WHOLE);
	ck_assert_uint_eq(w.head.n, head.n);
	ck_assert_mem_eq(w.head.chain, head.chain, sizeof(head.chain));
	ck_assert_uint_eq(w.sealed_n, head.n);
	ck_assert_uint_eq(w.first_n, 1);
	ck_assert_uint_eq(w.last_ms, T0_MS + head.n - 1);
}
END_TEST

/* Byte for byte what framemux-audit(7) shows; computed once by another implementation. */
START_TEST(test_vectors)
{
	static const char first[] =
		"{\"n\":1,\"time\":\"2026-11-28T13:38:28.123Z\",\"event\":\"segment\",\"segment\":"
		"1,"
		"\"seal\":1,\"before\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\",\"key\":"
		"\"03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8\",\"chain\":"
		"\"" VECTOR_CHAIN_1 "\"}\n";
	static const char third[] = "{\"n\":3,\"time\":\"2026-11-28T13:38:28.125Z\",\"event\":"
				    "\"seal\",\"seal\":1,\"next\":"
				    "\"" VECTOR_NEXT "\",\"chain\":\"" VECTOR_CHAIN_3
				    "\",\"sig\":\"" VECTOR_SIG "\"}\n";
	const char *second;

	make_log();
	ck_assert_mem_eq(text, first, sizeof(first) - 1);
	second = text + sizeof(first) - 1;
	ck_assert_ptr_nonnull(strstr(second, "\"chain\":\"" VECTOR_CHAIN_2 "\"}\n"));
	ck_assert_mem_eq(strchr(second, '\n') + 1, third, sizeof(third) - 1);
}
END_TEST

/* Each bit of each byte. */
START_TEST(test_flipped)
{
	struct audit_walk w;

	make_log();
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			ck_assert_msg(
				walk(text, len, &w) != AUDIT_WHOLE, "byte %zu, bit %u", i, bit);
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	}
}
END_TEST

static size_t line_at(size_t i, size_t *ret_len)
{
	size_t at = 0;

	for (; i; i--)
		at = (size_t)(strchr(text + at, '\n') - text) + 1;
	*ret_len = (size_t)(strchr(text + at, '\n') - text) + 1 - at;
	return at;
}

/* Each line removed, repeated, exchanged with the next. */
START_TEST(test_lines)
{
	char other[LOG_MAX];
	struct audit_walk w;

	make_log();
	text[len] = 0;
	for (size_t i = 0; i < head.n; i++) {
		size_t n, next_n, at = line_at(i, &n);

		memcpy(other, text, at);
		memcpy(other + at, text + at + n, len - at - n);
		/* Without its last line it is a log that is not sealed to its end. */
		if (walk(other, len - n, &w) == AUDIT_WHOLE)
			ck_assert(w.head.n == head.n - 1 && w.sealed_n < w.head.n);
		memcpy(other, text, at + n);
		memcpy(other + at + n, text + at, len - at);
		ck_assert_int_ne(walk(other, len + n, &w), AUDIT_WHOLE);
		if (i + 1 == head.n)
			continue;
		(void)line_at(i + 1, &next_n);
		memcpy(other, text, len);
		memcpy(other + at, text + at + n, next_n);
		memcpy(other + at + next_n, text + at, n);
		ck_assert_int_ne(walk(other, len, &w), AUDIT_WHOLE);
	}
}
END_TEST

/* Cut anywhere: never a log that is sealed to its end and as long as it was. */
START_TEST(test_cut)
{
	struct audit_walk w;

	make_log();
	for (size_t n = 0; n < len; n++) {
		enum audit_fault fault = walk(text, n, &w);

		if (fault == AUDIT_WHOLE)
			ck_assert_uint_lt(w.head.n, head.n);
		else
			ck_assert_int_eq(fault, AUDIT_NO_LINE);
	}
}
END_TEST

/*
 * Who has today's seed writes an old record anew, with every chain after it: no seal of before can be
 * made, neither with that seed nor with one that he invents.
 */
START_TEST(test_written_anew)
{
	uint8_t today[AUDIT_SEED_BYTES];
	struct audit_walk w;

	for (int invented = 0; invented < 2; invented++) {
		make_log();
		memcpy(today, seed, sizeof(today));
		memset(&head, 0, sizeof(head));
		for (size_t i = 0; i < sizeof(seed); i++)
			seed[i] = (uint8_t)i;
		seals = len = 0;
		add_segment();
		add_record("open", "yard"); /* it was porch */
		if (invented)
			randombytes_buf(seed, sizeof(seed));
		else
			memcpy(seed, today, sizeof(seed));
		add_seal();
		ck_assert_int_eq(walk(text, len, &w), AUDIT_FORGED);
	}
}
END_TEST

/* A number changed, and all that follows from it made to fit, but for what takes the key. */
START_TEST(test_renumbered)
{
	struct audit_walk w;

	make_log();
	memset(&head, 0, sizeof(head));
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	seals = len = 0;
	add_segment();
	head.n++; /* one left out */
	add_record("open", "porch");
	add_seal();
	ck_assert_int_eq(walk(text, len, &w), AUDIT_MISSING);
}
END_TEST

START_TEST(test_body)
{
	struct audit_body b;
	char longest[600];

	audit_body_begin(&b, "open");
	audit_body_text(&b, "label", "a \"b\" \\ \n \x1b[31m \xff,\"uid\":0");
	audit_body_bool(&b, "dump", true);
	ck_assert_str_eq(b.text,
		"\"event\":\"open\",\"label\":\"a \\\"b\\\" \\\\ ? ?[31m "
		"?,\\\"uid\\\":0\",\"dump\":true");
	memset(longest, '"', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	for (int i = 0; i < 5; i++)
		audit_body_text(&b, "x", longest);
	ck_assert(b.is_cut);
	ck_assert_uint_lt(b.len, AUDIT_BODY_MAX);
	ck_assert_int_eq(b.text[b.len - 1], '"'); /* a whole member at its end */
	ck_assert_int_ne(b.text[b.len - 2], '\\');
}
END_TEST

START_TEST(test_members)
{
	const char *line = "{\"n\":1,\"label\":\"x,\\\"uid\\\":7\",\"uid\":8,\"key\":\"00ff\"}";
	uint64_t v;
	uint8_t key[2];

	ck_assert(audit_member_number(line, strlen(line), "uid", &v) && v == 8);
	ck_assert(!audit_member_number(line, strlen(line), "pid", &v));
	ck_assert(audit_member_hex(line, strlen(line), "key", key, 2) && key[1] == 0xff);
	ck_assert(!audit_member_hex(line, strlen(line), "key", key, 1));
}
END_TEST

START_TEST(test_marks)
{
	struct audit_mark m = {.head = {.n = 12}, .seal = 5}, again;
	char out[AUDIT_MARK_TEXT], in_log[AUDIT_MARK_TEXT + 64];
	uint64_t ms;

	memset(m.head.chain, 0xab, sizeof(m.head.chain));
	memset(m.key, 0xcd, sizeof(m.key));
	audit_mark_text(&m, T0_MS, out);
	snprintf(in_log, sizeof(in_log), "Nov 28 host framemuxd[1]: framemuxd: %s\n", out);
	ck_assert_int_eq(audit_mark_parse(in_log, &again, &ms), 0);
	ck_assert_mem_eq(&m, &again, sizeof(m));
	ck_assert_uint_eq(ms, T0_MS);
	out[strlen(out) - 1] = 0;
	ck_assert_int_lt(audit_mark_parse(out, &again, &ms), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_record");
	TCase *tc = tcase_create("audit_record");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_whole);
	tcase_add_test(tc, test_vectors);
	tcase_add_test(tc, test_flipped);
	tcase_add_test(tc, test_lines);
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_written_anew);
	tcase_add_test(tc, test_renumbered);
	tcase_add_test(tc, test_body);
	tcase_add_test(tc, test_members);
	tcase_add_test(tc, test_marks);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
