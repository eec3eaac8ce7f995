/* Verifies the signatures of policies. Pure code, in framemuxd. */
#include "mux/daemon/policy/policy_keys.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "mux/daemon/policy/policy.h"

/* minisign: two letters and a number of eight bytes come before a key or a signature. */
#define MINISIGN_HEAD 10u
#define PREHASH_BYTES 64u
#define SIG_BYTES     crypto_sign_BYTES
#define SIG_TEXT_MAX  128u

int policy_base64(const char *text, size_t len, uint8_t *ret, size_t size, size_t *ret_len)
{
	const char *end = NULL;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] > 0x7f)
			return -EINVAL;
	if (sodium_base642bin(ret, size, text, len, NULL, ret_len, &end,
		    sodium_base64_VARIANT_ORIGINAL) < 0 ||
		end != text + len)
		return -EINVAL;
	return 0;
}

int policy_key_parse(const char *text, struct policy_key *ret, const char **ret_why)
{
	uint8_t bytes[MINISIGN_HEAD + POLICY_KEY_BYTES], hash[POLICY_HASH_BYTES];
	const uint8_t *key = bytes;
	size_t len = 0;

	*ret_why = "a key is the 44 characters of an Ed25519 public key in base64";
	if (policy_base64(text, strlen(text), bytes, sizeof(bytes), &len) < 0)
		return -EINVAL;
	if (len == sizeof(bytes) && bytes[0] == 'E' && bytes[1] == 'd')
		key = bytes + MINISIGN_HEAD;
	else if (len != POLICY_KEY_BYTES)
		return -EINVAL;
	*ret_why = "that is no key: no secret belongs to it, or anybody's";
	if (!crypto_core_ed25519_is_valid_point(key))
		return -EINVAL;
	memcpy(ret->key, key, sizeof(ret->key));
	crypto_generichash(hash, sizeof(hash), key, POLICY_KEY_BYTES, NULL, 0);
	sodium_bin2hex(ret->id, sizeof(ret->id), hash, (POLICY_KEY_ID - 1) / 2);
	return 0;
}

/* ---- signatures ---------------------------------------------------------------------- */

struct signature {
	char id[POLICY_KEY_ID];
	uint8_t sig[SIG_BYTES];
	bool is_prehashed; /* minisign's usual form: of the BLAKE2b of what is signed */
};

/* "KEYID BASE64", without its end. */
static bool parse(const char *text, size_t len, struct signature *ret)
{
	uint8_t bytes[MINISIGN_HEAD + SIG_BYTES];
	size_t id_len = POLICY_KEY_ID - 1, n = 0;

	if (len <= POLICY_KEY_ID || text[id_len] != ' ')
		return false;
	memcpy(ret->id, text, id_len);
	ret->id[id_len] = 0;
	if (strspn(ret->id, "0123456789abcdef") != id_len)
		return false;
	text += POLICY_KEY_ID;
	len -= POLICY_KEY_ID;
	if (policy_base64(text, len, bytes, sizeof(bytes), &n) < 0)
		return false;
	ret->is_prehashed = n == sizeof(bytes) && !memcmp(bytes, "ED", 2);
	if (n != SIG_BYTES && !ret->is_prehashed && (n != sizeof(bytes) || memcmp(bytes, "Ed", 2)))
		return false;
	memcpy(ret->sig, bytes + n - SIG_BYTES, SIG_BYTES);
	return true;
}

/* What is signed, in one piece. */
struct message {
	uint8_t *bytes; /* owned */
	size_t len;
	uint8_t hash[PREHASH_BYTES];
};

static int make_message(const char *body, size_t len, struct message *ret)
{
	ret->len = sizeof(POLICY_DOMAIN) + len;
	ret->bytes = malloc(ret->len);
	if (!ret->bytes)
		return -ENOMEM;
	memcpy(ret->bytes, POLICY_DOMAIN, sizeof(POLICY_DOMAIN));
	memcpy(ret->bytes + sizeof(POLICY_DOMAIN), body, len);
	crypto_generichash(ret->hash, sizeof(ret->hash), ret->bytes, ret->len, NULL, 0);
	return 0;
}

static bool is_by(const struct signature *s, const struct policy_key *k, const struct message *m)
{
	if (strcmp(s->id, k->id) != 0)
		return false;
	return crypto_sign_verify_detached(s->sig, s->is_prehashed ? m->hash : m->bytes,
		       s->is_prehashed ? sizeof(m->hash) : m->len, k->key) == 0;
}

static int count_line(const struct policy_key *keys, size_t n_keys, const struct message *m,
	const char *line, size_t len, bool ret_signed[POLICY_KEYS_MAX])
{
	size_t word = strlen(POLICY_SIGNATURE_WORD);
	struct signature s;

	if (len <= word || memcmp(line, POLICY_SIGNATURE_WORD, word) != 0 ||
		!parse(line + word, len - word, &s))
		return -EBADMSG;
	for (size_t i = 0; i < n_keys; i++)
		if (is_by(&s, &keys[i], m))
			ret_signed[i] = true; /* once, however often it signs */
	return 0;
}

int policy_keys_count(const struct policy_key *keys, size_t n_keys, const char *body,
	size_t body_len, const char *tail, size_t tail_len, bool ret_signed[POLICY_KEYS_MAX],
	char ret_why[LIMIT_REASON])
{
	const char *end = tail + tail_len;
	struct message m = {0};
	unsigned n_lines = 0;
	int rc = make_message(body, body_len, &m), n = 0;

	memset(ret_signed, 0, POLICY_KEYS_MAX * sizeof(*ret_signed));
	for (const char *at = tail; !rc && at < end; n_lines++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));

		if (!eol || (size_t)(eol - at) > SIG_TEXT_MAX + 32 ||
			n_lines == POLICY_SIGNATURES_MAX)
			rc = -EBADMSG;
		else
			rc = count_line(keys, n_keys, &m, at, (size_t)(eol - at), ret_signed);
		at = eol ? eol + 1 : end;
	}
	free(m.bytes);
	if (rc == -ENOMEM)
		snprintf(ret_why, LIMIT_REASON, "framemuxd is short of memory");
	else if (rc < 0)
		snprintf(ret_why, LIMIT_REASON,
			"signature %u is none: \"signature KEYID BASE64\", at most 64, nothing "
			"after",
			n_lines);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n_keys; i++)
		n += ret_signed[i];
	if (breakage("policy-one-signature"))
		n = n ? (int)n_keys : 0;
	return n;
}
