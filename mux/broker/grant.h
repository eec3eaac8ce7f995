/*
 * Minting tokens: of standing grants, whose id follows from what they say, so that an unchanged one
 * keeps its token over restarts, and of framemuxctl grant, whose id is random. Pure code.
 */
#ifndef FRAMEMUX_BROKER_GRANT_H
#define FRAMEMUX_BROKER_GRANT_H

#include "common/protocol.h"
#include "common/token.h"
#include "mux/link/daemon_broker.h"

/* -EINVAL when a value is one that no token may have. */
int grant_from_standing(const struct msg_broker_grant *g, uint32_t epoch, struct rights *ret);

/*
 * caller: the uid that the token is for unless the request names one. issue: common/cutoff.h.
 * -EINVAL also without expiry.
 */
int grant_from_request(const struct msg_ctl_grant *g, uint32_t epoch, uint32_t caller,
	uint64_t issue, uint64_t now_s, struct rights *ret);

/* The id of a standing grant's token. grant: its name; round: how often its token was killed. */
void grant_standing_id(const uint8_t root[KEY_BYTES], const char *grant,
	const struct rights *rights, uint32_t round, uint8_t ret_id[TOKEN_ID_BYTES]);

/* A token with exactly these rights. 0, -EINVAL, -E2BIG. */
int grant_mint(const uint8_t root[KEY_BYTES], uint32_t key_id, const uint8_t id[TOKEN_ID_BYTES],
	const struct rights *rights, struct token *ret);

#endif
