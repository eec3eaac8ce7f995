/* The broker's two keys, on pages of their own that are neither dumped nor swapped out. */
#ifndef FRAMEMUX_BROKER_SECRETS_H
#define FRAMEMUX_BROKER_SECRETS_H

#include "common/identity.h"

struct secrets {
	uint8_t root[KEY_BYTES];      /* of all tokens' chains */
	uint8_t k_session[KEY_BYTES]; /* of all frames' tags, of this broker's life */
};

/* NULL when there is no memory, or when it would be dumped. */
struct secrets *secrets_new(void);
void secrets_free(struct secrets *s);

#endif
