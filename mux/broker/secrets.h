/* The broker's two keys, in memory of locked_alloc(). */
#ifndef FRAMEMUX_BROKER_SECRETS_H
#define FRAMEMUX_BROKER_SECRETS_H

#include "common/identity.h"

struct secrets {
	uint8_t root[KEY_BYTES];      /* of all tokens' chains */
	uint8_t k_session[KEY_BYTES]; /* of all frames' tags, of this broker's life */
};

#endif
