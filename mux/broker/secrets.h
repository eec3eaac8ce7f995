/* The broker's keys, in memory of locked_alloc(). */
#ifndef FRAMEMUX_BROKER_SECRETS_H
#define FRAMEMUX_BROKER_SECRETS_H

#include "common/identity.h"

struct secrets {
	uint8_t root[KEY_BYTES];  /* of all tokens' chains: with which they are made */
	uint8_t older[KEY_BYTES]; /* the one before it; settings.older_key_id 0: there is none */
	uint8_t k_session[KEY_BYTES]; /* of all frames' tags, of this broker's life */
};

#endif
