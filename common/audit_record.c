/* Lines of the audit log. Owns nothing, no clock, no descriptor. */
#include "common/audit_record.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/bytes.h"
#include "common/text.h"
#include "common/utc.h"

/* Personalisation of BLAKE2b (RFC 7693), and what a signature begins with: 16 bytes each. */
#define PERSON_CHAIN "framemux chain 1"
#define PERSON_SEED  "framemux seed  1"
#define SEAL_PREFIX  "framemux seal  1"
#define PERSON_BYTES 16u

#define CHAIN_NAME ",\"chain\":\""
#define SIG_NAME   "\",\"sig\":\""
#define LINE_END   "\"}"

/* ---- members ------------------------------------------------------------------------- */

static void put(struct audit_body *b, const char *text, size_t len)
{
	if (b->is_cut || len >= sizeof(b->text) - b->len) {
		b->is_cut = true;
		return;
	}
	memcpy(b->text + b->len, text, len);
	b->len += len;
	b->text[b->len] = 0;
}

static void put_name(struct audit_body *b, const char *name)
{
	put(b, ",\"", 2);
	put(b, name, strlen(name));
	put(b, "\":", 2);
}

/* All of a member or nothing, so that what was cut is still JSON. */
static void undo_if_cut(struct audit_body *b, size_t len)
{
	if (!b->is_cut)
		return;
	b->len = len;
	b->text[len] = 0;
}

void audit_body_begin(struct audit_body *b, const char *event)
{
	b->len = 0;
	b->is_cut = false;
	put(b, "\"event\":\"", 9);
	put(b, event, strlen(event));
	put(b, "\"", 1);
}

void audit_body_text(struct audit_body *b, const char *name, const char *value)
{
	char plain[1024];
	size_t was = b->len, len = strnlen(value, sizeof(plain) - 1);

	memcpy(plain, value, len);
	text_make_plain(plain, len);
	put_name(b, name);
	put(b, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (plain[i] == '"' || plain[i] == '\\')
			put(b, "\\", 1);
		put(b, plain + i, 1);
	}
	put(b, "\"", 1);
	undo_if_cut(b, was);
}

void audit_body_number(struct audit_body *b, const char *name, uint64_t value)
{
	char text[24];
	size_t was = b->len;

	put_name(b, name);
	put(b, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
	undo_if_cut(b, was);
}

void audit_body_hex(struct audit_body *b, const char *name, const uint8_t *bytes, size_t n)
{
	char text[2 * AUDIT_SIG_BYTES + 1];
	size_t was = b->len;

	if (n > AUDIT_SIG_BYTES)
		n = AUDIT_SIG_BYTES;
	sodium_bin2hex(text, sizeof(text), bytes, n);
	put_name(b, name);
	put(b, "\"", 1);
	put(b, text, 2 * n);
	put(b, "\"", 1);
	undo_if_cut(b, was);
}

void audit_body_bool(struct audit_body *b, const char *name, bool value)
{
	size_t was = b->len;

	put_name(b, name);
	put(b, value ? "true" : "false", value ? 4 : 5);
	undo_if_cut(b, was);
}

/* ---- chain and seal ------------------------------------------------------------------ */

static void chain_hash(const uint8_t before[AUDIT_HASH_BYTES], const char *line, size_t len,
	uint8_t ret[AUDIT_HASH_BYTES])
{
	crypto_generichash_blake2b_state st;

	crypto_generichash_blake2b_init_salt_personal(
		&st, NULL, 0, AUDIT_HASH_BYTES, NULL, (const uint8_t *)PERSON_CHAIN);
	crypto_generichash_blake2b_update(&st, before, AUDIT_HASH_BYTES);
	crypto_generichash_blake2b_update(&st, (const uint8_t *)line, len);
	crypto_generichash_blake2b_final(&st, ret, AUDIT_HASH_BYTES);
}

static size_t begin_line(
	const struct audit_head *head, uint64_t unix_ms, const char *body, char *line)
{
	char time[UTC_TEXT_MAX];
	int n;

	utc_text_ms(unix_ms, time);
	n = snprintf(line, AUDIT_LINE_MAX, "{\"n\":%" PRIu64 ",\"time\":\"%s\",%s", head->n + 1,
		time, body);
	return n > 0 && (size_t)n < AUDIT_BODY_MAX + 128u ? (size_t)n : 0;
}

/* The chain behind what is hashed; head moves on. The new length. */
static size_t add_chain(struct audit_head *head, char *line, size_t len)
{
	struct audit_head next = {.n = head->n + 1};
	char hex[AUDIT_HASH_HEX];

	chain_hash(head->chain, line, len, next.chain);
	sodium_bin2hex(hex, sizeof(hex), next.chain, sizeof(next.chain));
	len += (size_t)snprintf(line + len, AUDIT_LINE_MAX - len, CHAIN_NAME "%s", hex);
	*head = next;
	return len;
}

size_t audit_line_write(
	struct audit_head *head, uint64_t unix_ms, const char *body, char ret_line[AUDIT_LINE_MAX])
{
	size_t len = begin_line(head, unix_ms, body, ret_line);

	if (!len)
		return 0;
	len = add_chain(head, ret_line, len);
	len += (size_t)snprintf(ret_line + len, AUDIT_LINE_MAX - len, LINE_END "\n");
	return len;
}

void audit_seed_next(uint8_t seed[AUDIT_SEED_BYTES])
{
	uint8_t next[AUDIT_SEED_BYTES];

	crypto_generichash_blake2b_salt_personal(next, sizeof(next), NULL, 0, seed,
		AUDIT_SEED_BYTES, NULL, (const uint8_t *)PERSON_SEED);
	memcpy(seed, next, AUDIT_SEED_BYTES);
	sodium_memzero(next, sizeof(next));
}

void audit_seed_public(const uint8_t seed[AUDIT_SEED_BYTES], uint8_t ret_key[AUDIT_KEY_BYTES])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(ret_key, secret, seed);
	sodium_memzero(secret, sizeof(secret));
}

static void signed_text(
	const struct audit_head *head, uint8_t ret[PERSON_BYTES + 8u + AUDIT_HASH_BYTES])
{
	memcpy(ret, SEAL_PREFIX, PERSON_BYTES);
	put_le64(ret + PERSON_BYTES, head->n);
	memcpy(ret + PERSON_BYTES + 8, head->chain, AUDIT_HASH_BYTES);
}

static void sign_head(const struct audit_head *head, const uint8_t seed[AUDIT_SEED_BYTES],
	uint8_t ret_sig[AUDIT_SIG_BYTES])
{
	uint8_t text[PERSON_BYTES + 8u + AUDIT_HASH_BYTES], key[AUDIT_KEY_BYTES];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];

	signed_text(head, text);
	crypto_sign_seed_keypair(key, secret, seed);
	crypto_sign_detached(ret_sig, NULL, text, sizeof(text), secret);
	sodium_memzero(secret, sizeof(secret));
}

size_t audit_seal_write(struct audit_head *head, uint64_t unix_ms, uint64_t seal,
	uint8_t seed[AUDIT_SEED_BYTES], char ret_line[AUDIT_LINE_MAX])
{
	uint8_t next[AUDIT_SEED_BYTES], next_key[AUDIT_KEY_BYTES], sig[AUDIT_SIG_BYTES];
	char hex[2 * AUDIT_SIG_BYTES + 1];
	struct audit_body body;
	size_t len;

	memcpy(next, seed, sizeof(next));
	audit_seed_next(next);
	audit_seed_public(next, next_key);
	audit_body_begin(&body, "seal");
	audit_body_number(&body, "seal", seal);
	audit_body_hex(&body, "next", next_key, sizeof(next_key));
	len = begin_line(head, unix_ms, body.text, ret_line);
	len = add_chain(head, ret_line, len);
	sign_head(head, seed, sig);
	sodium_bin2hex(hex, sizeof(hex), sig, sizeof(sig));
	len += (size_t)snprintf(
		ret_line + len, AUDIT_LINE_MAX - len, SIG_NAME "%s" LINE_END "\n", hex);
	memcpy(seed, next, AUDIT_SEED_BYTES);
	sodium_memzero(next, sizeof(next));
	return len;
}

/* ---- reading ------------------------------------------------------------------------- */

/* Where in a line one is. */
struct cursor {
	const char *at, *end;
};

static bool skip(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* As it is written: without a leading zero. */
static bool take_number(struct cursor *c, uint64_t *ret)
{
	const char *first = c->at;
	uint64_t v = 0;

	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
		unsigned digit = (unsigned)(*c->at - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (c->at == first || (*first == '0' && c->at - first > 1))
		return false;
	*ret = v;
	return true;
}

/* In lower case: of two ways to write a line only one is ours. */
static bool take_hex(struct cursor *c, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < 2 * n; i++, c->at++) {
		unsigned digit;

		if (c->at >= c->end)
			return false;
		if (*c->at >= '0' && *c->at <= '9')
			digit = (unsigned)(*c->at - '0');
		else if (*c->at >= 'a' && *c->at <= 'f')
			digit = (unsigned)(*c->at - 'a') + 10;
		else
			return false;
		ret[i / 2] = (uint8_t)(i % 2 ? ret[i / 2] << 4 | digit : digit);
	}
	return true;
}

static bool parse_begin(struct cursor *c, struct audit_line *l)
{
	if (!skip(c, "{\"n\":") || !take_number(c, &l->n) || l->n == 0 ||
		!skip(c, ",\"time\":\"") || (size_t)(c->end - c->at) < UTC_MS_LEN ||
		utc_parse(c->at, UTC_MS_LEN, &l->unix_ms) < 0)
		return false;
	c->at += UTC_MS_LEN;
	if (!skip(c, "\",\"event\":\""))
		return false;
	l->event = c->at;
	while (c->at < c->end && ((*c->at >= 'a' && *c->at <= 'z') || *c->at == '_'))
		c->at++;
	l->event_len = (size_t)(c->at - l->event);
	return l->event_len && skip(c, "\"");
}

static bool parse_seal(struct cursor *c, struct audit_line *l)
{
	return skip(c, ",\"seal\":") && take_number(c, &l->seal) && skip(c, ",\"next\":\"") &&
		take_hex(c, l->next, sizeof(l->next)) && skip(c, "\"");
}

/* The chain has a fixed length from the end, so that no member's text can pass for it. */
static bool parse_end(struct cursor *c, const char *line, size_t len, struct audit_line *l)
{
	size_t tail = strlen(CHAIN_NAME) + 2 * AUDIT_HASH_BYTES + strlen(LINE_END);

	if (l->is_seal)
		tail += strlen(SIG_NAME) + 2 * AUDIT_SIG_BYTES;
	if (len < tail || line + len - tail < c->at || (l->is_seal && line + len - tail != c->at))
		return false;
	c->at = line + len - tail;
	l->hashed_len = len - tail;
	if (!skip(c, CHAIN_NAME) || !take_hex(c, l->chain, sizeof(l->chain)))
		return false;
	if (l->is_seal && (!skip(c, SIG_NAME) || !take_hex(c, l->sig, sizeof(l->sig))))
		return false;
	return skip(c, LINE_END) && c->at == c->end;
}

int audit_line_parse(const char *line, size_t len, struct audit_line *ret)
{
	struct cursor c = {line, line + len};
	struct audit_line l = {0};

	if (len >= AUDIT_LINE_MAX || !parse_begin(&c, &l))
		return -EBADMSG;
	l.is_seal = audit_line_is(&l, "seal");
	if ((l.is_seal && !parse_seal(&c, &l)) || !parse_end(&c, line, len, &l))
		return -EBADMSG;
	*ret = l;
	return 0;
}

bool audit_line_is(const struct audit_line *l, const char *event)
{
	return strlen(event) == l->event_len && !memcmp(l->event, event, l->event_len);
}

bool audit_line_continues(
	const struct audit_line *l, const char *line, const uint8_t before[AUDIT_HASH_BYTES])
{
	uint8_t chain[AUDIT_HASH_BYTES];

	chain_hash(before, line, l->hashed_len, chain);
	return !memcmp(chain, l->chain, sizeof(chain));
}

bool audit_seal_is_by(const struct audit_line *l, const uint8_t key[AUDIT_KEY_BYTES])
{
	struct audit_head head = {.n = l->n};
	uint8_t text[PERSON_BYTES + 8u + AUDIT_HASH_BYTES];

	memcpy(head.chain, l->chain, sizeof(head.chain));
	signed_text(&head, text);
	return crypto_sign_verify_detached(l->sig, text, sizeof(text), key) == 0;
}

/* Behind `,"NAME":`; a quote inside a text is escaped, so that no value can hold that. */
static bool find_member(const char *line, size_t len, const char *name, struct cursor *ret)
{
	char pattern[48];
	int n = snprintf(pattern, sizeof(pattern), ",\"%s\":", name);
	const char *found = memmem(line, len, pattern, (size_t)n);

	if (!found)
		return false;
	*ret = (struct cursor){found + n, line + len};
	return true;
}

bool audit_member_number(const char *line, size_t len, const char *name, uint64_t *ret)
{
	struct cursor c;

	return find_member(line, len, name, &c) && take_number(&c, ret);
}

bool audit_member_hex(const char *line, size_t len, const char *name, uint8_t *ret, size_t n)
{
	struct cursor c;

	return find_member(line, len, name, &c) && skip(&c, "\"") && take_hex(&c, ret, n) &&
		skip(&c, "\"");
}

/* ---- marks --------------------------------------------------------------------------- */

#define MARK_BEGIN "framemux-audit 1 record="

void audit_mark_text(const struct audit_mark *m, uint64_t unix_ms, char ret[AUDIT_MARK_TEXT])
{
	char chain[AUDIT_HASH_HEX], key[2 * AUDIT_KEY_BYTES + 1], time[UTC_TEXT_MAX];

	sodium_bin2hex(chain, sizeof(chain), m->head.chain, sizeof(m->head.chain));
	sodium_bin2hex(key, sizeof(key), m->key, sizeof(m->key));
	utc_text_ms(unix_ms, time);
	snprintf(ret, AUDIT_MARK_TEXT,
		MARK_BEGIN "%" PRIu64 " seal=%" PRIu64 " chain=%s key=%s time=%s", m->head.n,
		m->seal, chain, key, time);
}

int audit_mark_parse(const char *text, struct audit_mark *ret, uint64_t *ret_ms)
{
	const char *begin = strstr(text, MARK_BEGIN);
	struct audit_mark m;
	struct cursor c;

	if (!begin)
		return -EINVAL;
	c = (struct cursor){begin, begin + strlen(begin)};
	if (!skip(&c, MARK_BEGIN) || !take_number(&c, &m.head.n) || !skip(&c, " seal=") ||
		!take_number(&c, &m.seal) || !skip(&c, " chain=") ||
		!take_hex(&c, m.head.chain, sizeof(m.head.chain)) || !skip(&c, " key=") ||
		!take_hex(&c, m.key, sizeof(m.key)) || !skip(&c, " time=") ||
		(size_t)(c.end - c.at) < UTC_MS_LEN || utc_parse(c.at, UTC_MS_LEN, ret_ms) < 0)
		return -EINVAL;
	*ret = m;
	return 0;
}
