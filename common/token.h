/*
 * Tokens: macaroon-style capabilities. A token is a key id, an identifier and a chain of caveats;
 * each caveat can only narrow. Its chain tag is
 *
 *	tag_0 = BLAKE2b-256(key = root, "framemux token 1" | version | key id | id)
 *	tag_n = BLAKE2b-256(key = tag_{n-1}, "framemux caveat 1" | caveat n)
 *
 * so that whoever holds a token can append a caveat, and nobody can take one away. The tag never
 * travels: a client proves that it has it against the connection's challenge. Pure code: no
 * descriptors, no clock. token.c has the chain, token_limit.c the narrowing, token_rights.c what all
 * caveats together permit, token_text.c the token as text. The idea: Birgisson et al., "Macaroons", NDSS 2014.
 */
#ifndef FRAMEMUX_TOKEN_H
#define FRAMEMUX_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"
#include "common/limits.h"
#include "common/mask.h"

#define TOKEN_PREFIX          "fmx1_"
#define TOKEN_ID_BYTES        16u
#define TOKEN_TAG_BYTES       32u
#define TOKEN_CHALLENGE_BYTES 32u
#define TOKEN_PROOF_BYTES     32u

/*
 * A token in memory. body is what travels: u8 version | u32 key id | id | caveats, each
 * u8 type | u8 length | value.
 */
struct token {
	uint8_t body[LIMIT_TOKEN_BODY];
	size_t body_len;
	uint8_t tag[TOKEN_TAG_BYTES]; /* secret */
};

/* What a token permits once all caveats are taken together. Absent: not limited. */
struct rights {
	char camera[LIMIT_NAME];
	uint32_t epoch;
	bool has_camera, has_uid, has_expiry, no_dump;
	bool never_expires; /* has_expiry with the value "never" */
	bool has_issue;
	uint64_t issue; /* the number under which it was minted: common/cutoff.h */
	uint32_t uid;
	char unit[LIMIT_UNIT];          /* "" : any */
	uint64_t not_after;             /* s since the Unix epoch */
	uint32_t max_width, max_height; /* 0: no limit */
	uint32_t max_fps;               /* 0: no limit */
	struct mask masks[LIMIT_MASKS];
	uint32_t n_masks;
	char label[LIMIT_LABEL];
};

/* Whether a unit's name is one: the absolute path of a cgroup, "/system.slice/hub.service". */
bool token_unit_is_path(const char *unit);

/* A fresh token without caveats. */
void token_begin(const uint8_t root[KEY_BYTES], uint32_t key_id, const uint8_t id[TOKEN_ID_BYTES],
	struct token *ret);

/*
 * Append caveats. 0, -EINVAL for a value no token may have, -E2BIG when body or text would grow
 * over its limit; the token is untouched then.
 */
int token_limit_camera(struct token *t, const char *name, uint32_t epoch);
int token_limit_uid(struct token *t, uint32_t uid);
int token_limit_unit(struct token *t, const char *unit);     /* a cgroup's path */
int token_limit_expiry(struct token *t, uint64_t not_after); /* UINT64_MAX: never */
int token_limit_size(struct token *t, uint32_t width, uint32_t height);
int token_limit_fps(struct token *t, uint32_t fps);
int token_limit_mask(struct token *t, const struct mask *m);
int token_limit_no_dump(struct token *t);
int token_limit_label(struct token *t, const char *label);
int token_limit_issue(struct token *t, uint64_t issue);

/* As text: prefix and base64url without padding, NUL-terminated. ret_text holds LIMIT_TOKEN bytes.
 */
int token_format(const struct token *t, char ret_text[LIMIT_TOKEN]);

/* From text (one line; a trailing newline is permitted). -EBADMSG if it is no token. */
int token_parse(const char *text, struct token *ret);

/* The id of a body, or NULL when the body is not well formed. */
const uint8_t *token_body_id(const uint8_t *body, size_t len);
int token_body_key_id(const uint8_t *body, size_t len, uint32_t *ret_key_id);

/*
 * All caveats of a body taken together: the intersection. -EBADMSG when malformed, -EACCES for an
 * unknown caveat or caveats that contradict each other (two cameras, two uids).
 */
int token_body_rights(const uint8_t *body, size_t len, struct rights *ret);

/* The chain tag of a body under a root key. 0 or -EBADMSG. */
int token_body_tag(const uint8_t root[KEY_BYTES], const uint8_t *body, size_t len,
	uint8_t ret_tag[TOKEN_TAG_BYTES]);

/* The same token, id and caveats, under another root key. 0 or -EBADMSG. Who has that key only. */
int token_rekey(struct token *t, const uint8_t root[KEY_BYTES], uint32_t key_id);

/*
 * The proof of possession: BLAKE2b-256(key = tag, "framemux proof 1" | challenge | request),
 * where request are the bytes of the open message that the proof covers.
 */
void token_prove(const uint8_t tag[TOKEN_TAG_BYTES], const uint8_t challenge[TOKEN_CHALLENGE_BYTES],
	const uint8_t *request, size_t request_len, uint8_t ret_proof[TOKEN_PROOF_BYTES]);

/* The id as 32 hexadecimal digits. */
void token_id_text(const uint8_t id[TOKEN_ID_BYTES], char ret_text[2 * TOKEN_ID_BYTES + 1]);

#endif
