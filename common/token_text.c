/* A token as text: prefix and base64url. Pure but for libsodium; broker, library, framemuxctl. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/token_private.h"

#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

int token_format(const struct token *t, char ret_text[LIMIT_TOKEN])
{
	uint8_t bytes[LIMIT_TOKEN_BODY + TOKEN_TAG_BYTES];
	size_t prefix = strlen(TOKEN_PREFIX), len = t->body_len + TOKEN_TAG_BYTES;
	const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

	if (t->body_len > LIMIT_TOKEN_BODY ||
		prefix + sodium_base64_encoded_len(len, variant) > LIMIT_TOKEN)
		return -E2BIG;
	memcpy(bytes, t->body, t->body_len);
	memcpy(bytes + t->body_len, t->tag, TOKEN_TAG_BYTES);
	memcpy(ret_text, TOKEN_PREFIX, prefix);
	sodium_bin2base64(ret_text + prefix, LIMIT_TOKEN - prefix, bytes, len, variant);
	sodium_memzero(bytes, sizeof(bytes));
	return 0;
}

/* Into ret_bytes, which may hold a part of a token whatever is returned. */
static int decode_text(const char *text, uint8_t *ret_bytes, size_t size, size_t *ret_len)
{
	size_t prefix = strlen(TOKEN_PREFIX), text_len = strlen(text);
	const char *end;

	if (text_len && text[text_len - 1] == '\n')
		text_len--;
	if (text_len >= LIMIT_TOKEN || strncmp(text, TOKEN_PREFIX, prefix))
		return -EBADMSG;
	/* libsodium takes some bytes above 127 for digits. */
	if (strspn(text + prefix, BASE64URL) != text_len - prefix)
		return -EBADMSG;
	if (sodium_base642bin(ret_bytes, size, text + prefix, text_len - prefix, NULL, ret_len,
		    &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0 ||
		end != text + text_len || *ret_len < TOKEN_HEAD_BYTES + TOKEN_TAG_BYTES)
		return -EBADMSG;
	return 0;
}

int token_parse(const char *text, struct token *ret)
{
	uint8_t bytes[LIMIT_TOKEN_BODY + TOKEN_TAG_BYTES];
	struct rights ignored;
	size_t len = 0;
	int r = decode_text(text, bytes, sizeof(bytes), &len);

	if (r == 0) {
		len -= TOKEN_TAG_BYTES;
		/* Well formed is all that can be asked here; an unknown caveat is the mux's to
		 * refuse. */
		r = token_body_rights(bytes, len, &ignored) == -EBADMSG ? -EBADMSG : 0;
	}
	if (r == 0) {
		memset(ret, 0, sizeof(*ret));
		memcpy(ret->body, bytes, len);
		ret->body_len = len;
		memcpy(ret->tag, bytes + len, TOKEN_TAG_BYTES);
	}
	/* Of a bad one, too: it may be a good one with a slip in it. */
	sodium_memzero(bytes, sizeof(bytes));
	return r;
}

void token_id_text(const uint8_t id[TOKEN_ID_BYTES], char ret_text[2 * TOKEN_ID_BYTES + 1])
{
	sodium_bin2hex(ret_text, 2 * TOKEN_ID_BYTES + 1, id, TOKEN_ID_BYTES);
}
