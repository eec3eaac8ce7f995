/* The inside of a token's body, for token*.c alone. */
#ifndef FRAMEMUX_TOKEN_PRIVATE_H
#define FRAMEMUX_TOKEN_PRIVATE_H

#include "common/token.h"

#define TOKEN_VERSION    1u
#define TOKEN_HEAD_BYTES (1u + 4u + TOKEN_ID_BYTES) /* version, key id, id */

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

bool token_head_is_good(const uint8_t *body, size_t len);

/* Walk the caveats: *at is advanced; 1 with one, 0 at the end, -EBADMSG when malformed. */
int token_next_caveat(
	const uint8_t *body, size_t len, size_t *at, const uint8_t **ret, size_t *ret_len);

/* The tag behind one more caveat. */
void token_chain_caveat(uint8_t tag[TOKEN_TAG_BYTES], const uint8_t *caveat, size_t len);

#endif
