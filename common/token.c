/* Tokens: format, chain, narrowing, proof. Pure but for libsodium; broker, library, framemuxctl. */
#include "common/token.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/protocol.h"
#include "common/text.h"

#define TOKEN_VERSION 1u
#define HEAD_BYTES    (1u + 4u + TOKEN_ID_BYTES)
#define CAVEAT_MAX    (2u + 255u)

/* Caveat types; a number is never used again. */
enum caveat {
	CAVEAT_CAMERA = 1, /* u32 epoch | name */
	CAVEAT_UID = 2,    /* u32 */
	CAVEAT_UNIT = 3,   /* text */
	CAVEAT_EXPIRY = 4, /* u64 s since the Unix epoch; all ones: never */
	CAVEAT_SIZE = 5,   /* u32 width | u32 height */
	CAVEAT_FPS = 6,    /* u32 */
	CAVEAT_MASK = 7,   /* u32 x | y | width | height */
	CAVEAT_NO_DUMP = 8,
	CAVEAT_LABEL = 9,  /* text */
	CAVEAT_ISSUE = 10, /* u64, from 1 */
};

/* --- the chain ------------------------------------------------------------------------------- */

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
	chain(root, "framemux token 1", body, HEAD_BYTES, ret);
}

static void chain_caveat(uint8_t tag[TOKEN_TAG_BYTES], const uint8_t *caveat, size_t len)
{
	uint8_t next[TOKEN_TAG_BYTES];

	chain(tag, "framemux caveat 1", caveat, len, next);
	memcpy(tag, next, sizeof(next));
	sodium_memzero(next, sizeof(next));
}

/* Walk the caveats: *at is advanced; 1 with one, 0 at the end, -EBADMSG when malformed. */
static int next_caveat(
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

static bool head_is_good(const uint8_t *body, size_t len)
{
	return len >= HEAD_BYTES && len <= LIMIT_TOKEN_BODY && body[0] == TOKEN_VERSION;
}

void token_begin(const uint8_t root[KEY_BYTES], uint32_t key_id, const uint8_t id[TOKEN_ID_BYTES],
	struct token *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->body[0] = TOKEN_VERSION;
	put_le32(ret->body + 1, key_id);
	memcpy(ret->body + 5, id, TOKEN_ID_BYTES);
	ret->body_len = HEAD_BYTES;
	chain_head(root, ret->body, ret->tag);
}

int token_body_tag(const uint8_t root[KEY_BYTES], const uint8_t *body, size_t len,
	uint8_t ret_tag[TOKEN_TAG_BYTES])
{
	uint8_t tag[TOKEN_TAG_BYTES];
	const uint8_t *caveat;
	size_t at = HEAD_BYTES, n;
	int r;

	if (!head_is_good(body, len))
		return -EBADMSG;
	chain_head(root, body, tag);
	while ((r = next_caveat(body, len, &at, &caveat, &n)) > 0)
		chain_caveat(tag, caveat, n);
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

	if (!head_is_good(other.body, other.body_len))
		return -EBADMSG;
	put_le32(other.body + 1, key_id);
	r = token_body_tag(root, other.body, other.body_len, other.tag);
	if (r == 0)
		*t = other;
	sodium_memzero(&other, sizeof(other));
	return r;
}

/* --- narrowing ------------------------------------------------------------------------------- */

static int append(struct token *t, enum caveat type, const uint8_t *value, size_t len)
{
	uint8_t *caveat = t->body + t->body_len;

	if (len > 255)
		return -EINVAL;
	if (t->body_len + 2 + len > LIMIT_TOKEN_BODY)
		return -E2BIG;
	caveat[0] = (uint8_t)type;
	caveat[1] = (uint8_t)len;
	memcpy(caveat + 2, value, len);
	chain_caveat(t->tag, caveat, 2 + len);
	t->body_len += 2 + len;
	return 0;
}

static int append_text(struct token *t, enum caveat type, const char *text, size_t limit)
{
	size_t len = strlen(text);

	if (len == 0 || len >= limit || !text_is_plain(text, len))
		return -EINVAL;
	return append(t, type, (const uint8_t *)text, len);
}

int token_limit_camera(struct token *t, const char *name, uint32_t epoch)
{
	uint8_t value[4 + LIMIT_NAME];
	size_t len = strlen(name);

	if (len == 0 || len >= LIMIT_NAME || !text_is_plain(name, len))
		return -EINVAL;
	put_le32(value, epoch);
	memcpy(value + 4, name, len);
	return append(t, CAVEAT_CAMERA, value, 4 + len);
}

int token_limit_uid(struct token *t, uint32_t uid)
{
	uint8_t value[4];

	if (uid == UINT32_MAX) /* (uid_t)-1 is nobody's */
		return -EINVAL;
	put_le32(value, uid);
	return append(t, CAVEAT_UID, value, sizeof(value));
}

/* As the kernel writes them: absolute, without empty parts, "." and "..". */
bool token_unit_is_path(const char *unit)
{
	size_t len = strlen(unit);
	const char *part = unit;

	if (*unit != '/' || len >= LIMIT_UNIT || !text_is_plain(unit, len))
		return false;
	if (len == 1)
		return true; /* of a machine, or a container, without a service manager */
	while (part) {
		size_t n = strcspn(++part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
			(n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part = strchr(part, '/');
	}
	return true;
}

int token_limit_unit(struct token *t, const char *unit)
{
	if (!token_unit_is_path(unit))
		return -EINVAL;
	return append_text(t, CAVEAT_UNIT, unit, LIMIT_UNIT);
}

int token_limit_expiry(struct token *t, uint64_t not_after)
{
	uint8_t value[8];

	put_le64(value, not_after);
	return append(t, CAVEAT_EXPIRY, value, sizeof(value));
}

int token_limit_size(struct token *t, uint32_t width, uint32_t height)
{
	uint8_t value[8];

	if (width == 0 || height == 0 || width > LIMIT_SIDE || height > LIMIT_SIDE)
		return -EINVAL;
	put_le32(value, width);
	put_le32(value + 4, height);
	return append(t, CAVEAT_SIZE, value, sizeof(value));
}

int token_limit_fps(struct token *t, uint32_t fps)
{
	uint8_t value[4];

	if (fps == 0 || fps > LIMIT_FPS)
		return -EINVAL;
	put_le32(value, fps);
	return append(t, CAVEAT_FPS, value, sizeof(value));
}

static bool mask_is_good(const struct mask *m)
{
	return m->width > 0 && m->height > 0 && m->x < LIMIT_SIDE && m->y < LIMIT_SIDE &&
		m->width <= LIMIT_SIDE && m->height <= LIMIT_SIDE;
}

int token_limit_mask(struct token *t, const struct mask *m)
{
	uint8_t value[WIRE_MASK_BYTES];

	if (!mask_is_good(m))
		return -EINVAL;
	put_le32(value, m->x);
	put_le32(value + 4, m->y);
	put_le32(value + 8, m->width);
	put_le32(value + 12, m->height);
	return append(t, CAVEAT_MASK, value, sizeof(value));
}

int token_limit_no_dump(struct token *t)
{
	return append(t, CAVEAT_NO_DUMP, (const uint8_t *)"", 0);
}

int token_limit_label(struct token *t, const char *label)
{
	return append_text(t, CAVEAT_LABEL, label, LIMIT_LABEL);
}

int token_limit_issue(struct token *t, uint64_t issue)
{
	uint8_t value[8];

	if (issue == 0)
		return -EINVAL;
	put_le64(value, issue);
	return append(t, CAVEAT_ISSUE, value, sizeof(value));
}

/* --- what it permits ------------------------------------------------------------------------- */

static uint32_t tighter(uint32_t a, uint32_t b)
{
	return a == 0 || b < a ? b : a;
}

/* Text of a caveat into a fixed field. Two different ones contradict each other. */
static int take_text(char *ret, size_t size, const uint8_t *v, size_t n)
{
	char text[LIMIT_UNIT] = {0};

	if (n == 0 || n >= size || n >= sizeof(text) || !text_is_plain(v, n))
		return -EACCES;
	memcpy(text, v, n);
	if (*ret && strcmp(ret, text))
		return -EACCES;
	memcpy(ret, text, size < sizeof(text) ? size : sizeof(text));
	return 0;
}

static int take_camera(struct rights *ret, const uint8_t *v, size_t n)
{
	uint32_t epoch;

	if (n < 5)
		return -EACCES;
	epoch = get_le32(v);
	if (ret->has_camera && ret->epoch != epoch)
		return -EACCES;
	ret->has_camera = true;
	ret->epoch = epoch;
	return take_text(ret->camera, sizeof(ret->camera), v + 4, n - 4);
}

static int take_uid(struct rights *ret, uint32_t uid)
{
	if (uid == UINT32_MAX || (ret->has_uid && ret->uid != uid))
		return -EACCES;
	ret->has_uid = true;
	ret->uid = uid;
	return 0;
}

static void take_expiry(struct rights *ret, uint64_t not_after)
{
	if (!ret->has_expiry || not_after < ret->not_after)
		ret->not_after = not_after;
	ret->has_expiry = true;
	ret->never_expires = ret->not_after == UINT64_MAX;
}

static int take_size(struct rights *ret, uint32_t width, uint32_t height)
{
	if (width == 0 || height == 0)
		return -EACCES;
	ret->max_width = tighter(ret->max_width, width);
	ret->max_height = tighter(ret->max_height, height);
	return 0;
}

static int take_fps(struct rights *ret, uint32_t fps)
{
	if (fps == 0)
		return -EACCES;
	ret->max_fps = tighter(ret->max_fps, fps);
	return 0;
}

static int take_mask(struct rights *ret, const uint8_t *v)
{
	struct mask m = {get_le32(v), get_le32(v + 4), get_le32(v + 8), get_le32(v + 12)};

	if (ret->n_masks == LIMIT_MASKS || !mask_is_good(&m))
		return -EACCES;
	ret->masks[ret->n_masks++] = m;
	return 0;
}

/* The newest label is the most telling one: a label limits nothing. */
static int take_label(struct rights *ret, const uint8_t *v, size_t n)
{
	memset(ret->label, 0, sizeof(ret->label));
	return take_text(ret->label, sizeof(ret->label), v, n);
}

/* The older number is the one that more cutoffs kill. */
static int take_issue(struct rights *ret, uint64_t issue)
{
	if (issue == 0)
		return -EACCES;
	if (!ret->has_issue || issue < ret->issue)
		ret->issue = issue;
	ret->has_issue = true;
	return 0;
}

static int take_caveat(struct rights *ret, unsigned type, const uint8_t *v, size_t n)
{
	switch (type) {
	case CAVEAT_CAMERA:
		return take_camera(ret, v, n);
	case CAVEAT_UID:
		return n == 4 ? take_uid(ret, get_le32(v)) : -EACCES;
	case CAVEAT_UNIT:
		return take_text(ret->unit, sizeof(ret->unit), v, n);
	case CAVEAT_EXPIRY:
		if (n != 8)
			return -EACCES;
		take_expiry(ret, get_le64(v));
		return 0;
	case CAVEAT_SIZE:
		return n == 8 ? take_size(ret, get_le32(v), get_le32(v + 4)) : -EACCES;
	case CAVEAT_FPS:
		return n == 4 ? take_fps(ret, get_le32(v)) : -EACCES;
	case CAVEAT_MASK:
		return n == WIRE_MASK_BYTES ? take_mask(ret, v) : -EACCES;
	case CAVEAT_NO_DUMP:
		ret->no_dump = true;
		return n == 0 ? 0 : -EACCES;
	case CAVEAT_LABEL:
		return take_label(ret, v, n);
	case CAVEAT_ISSUE:
		return n == 8 ? take_issue(ret, get_le64(v)) : -EACCES;
	default:
		return -EACCES; /* what we do not understand might have narrowed */
	}
}

int token_body_rights(const uint8_t *body, size_t len, struct rights *ret)
{
	struct rights rights = {0};
	const uint8_t *caveat;
	size_t at = HEAD_BYTES, n;
	int r;

	if (!head_is_good(body, len))
		return -EBADMSG;
	while ((r = next_caveat(body, len, &at, &caveat, &n)) > 0) {
		r = take_caveat(&rights, caveat[0], caveat + 2, n - 2);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret = rights;
	return 0;
}

/* --- text ------------------------------------------------------------------------------------ */

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
		end != text + text_len || *ret_len < HEAD_BYTES + TOKEN_TAG_BYTES)
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

const uint8_t *token_body_id(const uint8_t *body, size_t len)
{
	return head_is_good(body, len) ? body + 5 : NULL;
}

int token_body_key_id(const uint8_t *body, size_t len, uint32_t *ret_key_id)
{
	if (!head_is_good(body, len))
		return -EBADMSG;
	*ret_key_id = get_le32(body + 1);
	return 0;
}

void token_id_text(const uint8_t id[TOKEN_ID_BYTES], char ret_text[2 * TOKEN_ID_BYTES + 1])
{
	sodium_bin2hex(ret_text, 2 * TOKEN_ID_BYTES + 1, id, TOKEN_ID_BYTES);
}

int mask_parse(const char *text, struct mask *ret)
{
	struct mask m;
	int end = 0;

	/* %u takes signs and blanks; a mask has digits, commas and an x only. */
	if (strspn(text, "0123456789,x") != strlen(text) || strlen(text) > 23 ||
		sscanf(text, "%5u,%5u,%5ux%5u%n", &m.x, &m.y, &m.width, &m.height, &end) != 4 ||
		text[end] || !mask_is_good(&m))
		return -EINVAL;
	*ret = m;
	return 0;
}

void masks_pack(const struct mask *masks, uint32_t n, uint8_t *ret_blob, uint16_t *ret_len)
{
	for (uint32_t i = 0; i < n; i++) {
		put_le32(ret_blob + i * WIRE_MASK_BYTES, masks[i].x);
		put_le32(ret_blob + i * WIRE_MASK_BYTES + 4, masks[i].y);
		put_le32(ret_blob + i * WIRE_MASK_BYTES + 8, masks[i].width);
		put_le32(ret_blob + i * WIRE_MASK_BYTES + 12, masks[i].height);
	}
	*ret_len = (uint16_t)(n * WIRE_MASK_BYTES);
}

int masks_unpack(const uint8_t *blob, uint16_t len, struct mask *ret_masks, uint32_t *ret_n)
{
	uint32_t n = len / WIRE_MASK_BYTES;

	if (len % WIRE_MASK_BYTES || n > LIMIT_MASKS)
		return -EPROTO;
	for (uint32_t i = 0; i < n; i++, blob += WIRE_MASK_BYTES) {
		ret_masks[i] = (struct mask){get_le32(blob), get_le32(blob + 4), get_le32(blob + 8),
			get_le32(blob + 12)};
		if (!mask_is_good(&ret_masks[i]))
			return -EPROTO;
	}
	*ret_n = n;
	return 0;
}
