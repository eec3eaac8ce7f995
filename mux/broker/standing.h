/* Standing grants: collected while framemuxd describes the configuration, then minted and sent. */
#ifndef FRAMEMUX_BROKER_STANDING_H
#define FRAMEMUX_BROKER_STANDING_H

#include "mux/broker/broker.h"
#include "mux/link/daemon_broker.h"

/* 0; -EINVAL for an unknown camera or a limit that no token can have; -ENOMEM. */
int standing_add(struct broker *b, const struct msg_broker_grant *m);

/* Send every token to framemuxd and forget the grants. 0 and how many, or -errno. */
int standing_mint_all(struct broker *b, uint32_t *ret_n);

/*
 * Put the tokens that a cutoff hits among the revoked; their ids as they go to framemuxd. All or,
 * with -ENOMEM, none. The caller frees.
 */
int standing_cut(struct broker *b, const struct cutoff *c, uint8_t **ret_ids, size_t *ret_n);

/* This token is dead; forget that there was one. */
void standing_forget(struct broker *b, const uint8_t id[TOKEN_ID_BYTES]);

void standing_free_all(struct broker *b);

#endif
