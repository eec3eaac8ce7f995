/*
 * common/token against tests/vectors/token.txt, which another implementation (tests/vectors/capability.py)
 * has written from the manual alone: they agree on every token, and on why one is none.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/token.h"
#include "tests/unit/unit.h"

#define LINES_MAX 96u

/* One vector: the lines of the file. */
static struct {
	char *words[LINES_MAX], *values[LINES_MAX];
	size_t n;
} v;
static unsigned counts[5];

/* The next value of a word, from *at on; NULL: none. */
static const char *next(const char *word, size_t *at)
{
	while (*at < v.n)
		if (!strcmp(v.words[(*at)++], word))
			return v.values[*at - 1];
	return NULL;
}

static const char *value(const char *word)
{
	size_t at = 0;

	return next(word, &at);
}

static size_t bytes(const char *word, uint8_t *ret, size_t size)
{
	const char *hex = value(word);
	size_t len;

	ck_assert_msg(hex != NULL, "%s has no %s", value("vector"), word);
	ck_assert_int_eq(sodium_hex2bin(ret, size, hex, strlen(hex), NULL, &len, NULL), 0);
	return len;
}

/* "\n" stands for a newline. */
static void text_of(char ret[2 * LIMIT_TOKEN])
{
	const char *from = value("text");

	while (from && *from) {
		bool is_newline = from[0] == '\\' && from[1] == 'n';

		*ret++ = is_newline ? '\n' : *from;
		from += is_newline ? 2 : 1;
	}
	*ret = 0;
}

/* ---- what it says, as the file writes it ------------------------------------------------------ */

static void add(char *lines, const char *word, const char *what)
{
	snprintf(lines + strlen(lines), 4096 - strlen(lines), "%s %s\n", word, what);
}

static void add_number(char *lines, const char *word, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	add(lines, word, text);
}

static void say(const struct rights *r, char lines[4096])
{
	char text[64];

	*lines = 0;
	if (r->has_camera) {
		add(lines, "camera", r->camera);
		add_number(lines, "epoch", r->epoch);
	}
	if (r->has_uid)
		add_number(lines, "uid", r->uid);
	if (*r->unit)
		add(lines, "unit", r->unit);
	if (r->has_expiry && r->never_expires)
		add(lines, "expires", "never");
	else if (r->has_expiry)
		add_number(lines, "expires", r->not_after);
	snprintf(text, sizeof(text), "%ux%u", r->max_width, r->max_height);
	if (r->max_width)
		add(lines, "size", text);
	if (r->max_fps)
		add_number(lines, "fps", r->max_fps);
	for (uint32_t i = 0; i < r->n_masks; i++) {
		snprintf(text, sizeof(text), "%u,%u,%ux%u", r->masks[i].x, r->masks[i].y,
			r->masks[i].width, r->masks[i].height);
		add(lines, "mask", text);
	}
	if (r->no_dump)
		add(lines, "no_dump", "yes");
	if (*r->label)
		add(lines, "label", r->label);
	if (r->has_issue)
		add_number(lines, "issue", r->issue);
}

static void check_says(const struct rights *r)
{
	char got[4096], want[4096] = "";
	const char *line;
	size_t at = 0;

	while ((line = next("says", &at)))
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s\n", line);
	say(r, got);
	ck_assert_msg(!strcmp(got, want), "%s says\n%snot\n%s", value("vector"), got, want);
}

/* ---- one vector --------------------------------------------------------------------------------- */

/* The tag after the head and after each caveat. */
static void check_chain(const uint8_t root[KEY_BYTES], const struct token *t)
{
	uint8_t tag[TOKEN_TAG_BYTES];
	char hex[2 * TOKEN_TAG_BYTES + 1];
	size_t at = 0, len = 21;
	const char *want;

	while ((want = next("tag", &at))) {
		ck_assert_uint_le(len, t->body_len);
		ck_assert_int_eq(token_body_tag(root, t->body, len, tag), 0);
		sodium_bin2hex(hex, sizeof(hex), tag, sizeof(tag));
		ck_assert_msg(!strcmp(hex, want), "%s: %s, not %s", value("vector"), hex, want);
		if (len < t->body_len)
			len += 2u + t->body[len + 1];
		else
			len++; /* that was the last */
	}
	ck_assert_uint_eq(len, t->body_len + 1);
	ck_assert_msg(
		(memcmp(tag, t->tag, sizeof(tag)) == 0) == !!strcmp(value("verdict"), "forged"),
		"%s: the token's tag", value("vector"));
}

static void check_proof(const struct token *t)
{
	uint8_t challenge[TOKEN_CHALLENGE_BYTES], message[256], want[TOKEN_PROOF_BYTES];
	uint8_t proof[TOKEN_PROOF_BYTES];
	size_t len;

	ck_assert_uint_eq(bytes("challenge", challenge, sizeof(challenge)), sizeof(challenge));
	len = bytes("message", message, sizeof(message));
	ck_assert_uint_eq(bytes("proof", want, sizeof(want)), sizeof(want));
	token_prove(t->tag, challenge, message, len, proof);
	ck_assert_mem_eq(proof, want, sizeof(want));
}

static void check_token(const char *text, const char *verdict)
{
	uint8_t root[KEY_BYTES], body[LIMIT_TOKEN_BODY], id[TOKEN_ID_BYTES];
	char again[LIMIT_TOKEN];
	struct rights r;
	struct token t;
	uint32_t key_id;
	int rc;

	ck_assert_msg(token_parse(text, &t) == 0, "%s is no token", value("vector"));
	ck_assert_uint_eq(bytes("root", root, sizeof(root)), sizeof(root));
	ck_assert_uint_eq(bytes("body", body, sizeof(body)), t.body_len);
	ck_assert_mem_eq(body, t.body, t.body_len);
	ck_assert_uint_eq(bytes("id", id, sizeof(id)), sizeof(id));
	ck_assert_mem_eq(token_body_id(body, t.body_len), id, sizeof(id));
	ck_assert_int_eq(token_body_key_id(body, t.body_len, &key_id), 0);
	ck_assert_uint_eq(key_id, strtoul(value("key"), NULL, 10));
	ck_assert_int_eq(token_format(&t, again), 0);
	ck_assert_str_eq(again, text);
	check_chain(root, &t);
	rc = token_body_rights(body, t.body_len, &r);
	if (!strcmp(verdict, "contradiction")) {
		ck_assert_msg(rc == -EACCES, "%s: %d", value("vector"), rc);
		return;
	}
	ck_assert_msg(rc == 0, "%s: %d", value("vector"), rc);
	if (strcmp(verdict, "forged") == 0)
		return;
	ck_assert_msg((r.has_camera && r.has_uid && r.has_expiry) == !strcmp(verdict, "good"), "%s",
		value("vector"));
	check_says(&r);
	if (value("proof"))
		check_proof(&t);
}

static void check(void)
{
	static const char *const verdicts[] = {
		"good", "incomplete", "contradiction", "malformed", "forged"};
	const char *verdict = value("verdict");
	char text[2 * LIMIT_TOKEN];
	struct token t;

	ck_assert_ptr_nonnull(verdict);
	text_of(text);
	for (size_t i = 0; i < 5; i++)
		counts[i] += !strcmp(verdict, verdicts[i]);
	if (!strcmp(verdict, "malformed"))
		ck_assert_msg(token_parse(text, &t) == -EBADMSG, "%s is a token", value("vector"));
	else
		check_token(text, verdict);
}

START_TEST(test_vectors)
{
	char line[2 * LIMIT_TOKEN + 64], *lines[LINES_MAX];
	FILE *f = fopen(VECTORS, "re");
	size_t len;

	ck_assert_msg(f != NULL, "no " VECTORS);
	v.n = 0;
	while (fgets(line, sizeof(line), f)) {
		len = strcspn(line, "\n");
		ck_assert_int_eq(line[len], '\n');
		line[len] = 0;
		if (!*line || *line == '#')
			continue;
		if (!strncmp(line, "vector ", 7) && v.n) {
			check();
			while (v.n)
				free(lines[--v.n]);
		}
		ck_assert_uint_lt(v.n, LINES_MAX);
		lines[v.n] = strdup(line);
		v.words[v.n] = strtok(lines[v.n], " ");
		v.values[v.n] = lines[v.n] + strlen(lines[v.n]);
		if (strlen(v.words[v.n]) < len)
			v.values[v.n]++;
		v.n++;
	}
	check();
	while (v.n)
		free(lines[--v.n]);
	fclose(f);
	/* A file that lost its end would agree with anybody. */
	ck_assert(counts[0] >= 17 && counts[1] >= 5 && counts[2] >= 25 && counts[3] >= 17 &&
		counts[4] >= 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vectors");
	TCase *t = tcase_create("vectors");

	tcase_add_test(t, test_vectors);
	suite_add_tcase(s, t);
	return unit_run(s);
}
