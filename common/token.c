/* A token's body and its chain of tags; the proof. Pure but for libsodium; broker, library, framemuxctl. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/bytes.h"
#include "common/token_private.h"

static void chain(const uint8_t key[32], const char *domain, const uint8_t *data, size_t len,
	uint8_t ret[TOKEN_TAG_BYTES])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, key, 32, TOKEN_TAG_BYTES);
	crypto_generichash_update(&st, (const uint8_t *)domain, strlen(domain) + 1);
	crypto_generichash_update(&st, data, len);
	crypto_generichash_final(&st, ret, TOKEN_TAG_BYTES);
	sodium_memzero(&st, sizeof(st));
}

/* The head is authenticated whole, the version included. */
static void chain_head(
	const uint8_t root[KEY_BYTES], const uint8_t *body, uint8_t ret[TOKEN_TAG_BYTES])
{
	chain(root, "framemux token 1", body, TOKEN_HEAD_BYTES, ret);
}

void token_chain_caveat(uint8_t tag[TOKEN_TAG_BYTES], const uint8_t *caveat, size_t len)
{
	uint8_t next[TOKEN_TAG_BYTES];

	chain(tag, "framemux caveat 1", caveat, len, next);
	memcpy(tag, next, sizeof(next));
	sodium_memzero(next, sizeof(next));
}

int token_next_caveat(
	const uint8_t *body, size_t len, size_t *at, const uint8_t **ret, size_t *ret_len)
{
	size_t n;

	if (*at == len)
		return 0;
	if (len - *at < 2)
		return -EBADMSG;
	n = 2u + body[*at + 1];
	if (len - *at < n)
		return -EBADMSG;
	*ret = body + *at;
	*ret_len = n;
	*at += n;
	return 1;
}

bool token_head_is_good(const uint8_t *body, size_t len)
{
	return len >= TOKEN_HEAD_BYTES && len <= LIMIT_TOKEN_BODY && body[0] == TOKEN_VERSION;
}

void token_begin(const uint8_t root[KEY_BYTES], uint32_t key_id, const uint8_t id[TOKEN_ID_BYTES],
	struct token *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->body[0] = TOKEN_VERSION;
	put_le32(ret->body + 1, key_id);
	memcpy(ret->body + 5, id, TOKEN_ID_BYTES);
	ret->body_len = TOKEN_HEAD_BYTES;
	chain_head(root, ret->body, ret->tag);
}

int token_body_tag(const uint8_t root[KEY_BYTES], const uint8_t *body, size_t len,
	uint8_t ret_tag[TOKEN_TAG_BYTES])
{
	uint8_t tag[TOKEN_TAG_BYTES];
	const uint8_t *caveat;
	size_t at = TOKEN_HEAD_BYTES, n;
	int r;

	if (!token_head_is_good(body, len))
		return -EBADMSG;
	chain_head(root, body, tag);
	while ((r = token_next_caveat(body, len, &at, &caveat, &n)) > 0)
		token_chain_caveat(tag, caveat, n);
	if (r == 0)
		memcpy(ret_tag, tag, sizeof(tag));
	sodium_memzero(tag, sizeof(tag));
	return r;
}

void token_prove(const uint8_t tag[TOKEN_TAG_BYTES], const uint8_t challenge[TOKEN_CHALLENGE_BYTES],
	const uint8_t *request, size_t request_len, uint8_t ret_proof[TOKEN_PROOF_BYTES])
{
	static const char domain[] = "framemux proof 1";
	crypto_generichash_state st;

	crypto_generichash_init(&st, tag, TOKEN_TAG_BYTES, TOKEN_PROOF_BYTES);
	crypto_generichash_update(&st, (const uint8_t *)domain, sizeof(domain));
	crypto_generichash_update(&st, challenge, TOKEN_CHALLENGE_BYTES);
	crypto_generichash_update(&st, request, request_len);
	crypto_generichash_final(&st, ret_proof, TOKEN_PROOF_BYTES);
	sodium_memzero(&st, sizeof(st));
}

int token_rekey(struct token *t, const uint8_t root[KEY_BYTES], uint32_t key_id)
{
	struct token other = *t;
	int r;

	if (!token_head_is_good(other.body, other.body_len))
		return -EBADMSG;
	put_le32(other.body + 1, key_id);
	r = token_body_tag(root, other.body, other.body_len, other.tag);
	if (r == 0)
		*t = other;
	sodium_memzero(&other, sizeof(other));
	return r;
}

const uint8_t *token_body_id(const uint8_t *body, size_t len)
{
	return token_head_is_good(body, len) ? body + 5 : NULL;
}

int token_body_key_id(const uint8_t *body, size_t len, uint32_t *ret_key_id)
{
	if (!token_head_is_good(body, len))
		return -EBADMSG;
	*ret_key_id = get_le32(body + 1);
	return 0;
}
