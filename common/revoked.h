/* The set of token ids that were revoked, in this life of the mux or an earlier one. Pure code. */
#ifndef FRAMEMUX_REVOKED_H
#define FRAMEMUX_REVOKED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/token.h"

struct revoked {
	uint8_t (*ids)[TOKEN_ID_BYTES]; /* owned; sorted */
	size_t n, room;
};

void revoked_free(struct revoked *s);

/* For so many more: none of these fails then. 0 or -ENOMEM. */
int revoked_make_room(struct revoked *s, size_t more);

/* Many at once, as a start does. 0, or -ENOMEM and none of them. */
int revoked_add_all(struct revoked *s, const uint8_t *ids, size_t n);

/* 0 (also when it is there already) or -ENOMEM. */
int revoked_add(struct revoked *s, const uint8_t id[TOKEN_ID_BYTES]);
bool revoked_has(const struct revoked *s, const uint8_t id[TOKEN_ID_BYTES]);

#endif
