/*
 * Revocation: the token's id is put among the revoked for good, every lease of it ends by the one
 * path, and framemuxctl hears when the last pixel is erased and the id is on disk.
 */
#ifndef FRAMEMUX_BROKER_REVOKE_H
#define FRAMEMUX_BROKER_REVOKE_H

#include "common/token.h"
#include "mux/broker/broker.h"

struct control;

/*
 * id: 32 hexadecimal digits of a token, or 16 of a lease. 0: the answer follows through control.h;
 * -EINVAL: neither; -ENOENT: no such lease; -ENOMEM: nothing was revoked.
 */
int revoke_begin(struct broker *b, struct control *asker, uint32_t request, const char *id);

/* From tenure.c: a lease is over and gone; is_exposed: but somebody can write a ring of its still. */
void revoke_lease_gone(
	struct broker *b, const uint8_t token[TOKEN_ID_BYTES], uint64_t lease, bool is_exposed);

/* From framemuxd: the id is on disk, or not. */
void revoke_kept(struct broker *b, uint32_t request, uint32_t status);

/* The asker has gone; the revocation goes on. */
void revoke_forget_asker(struct broker *b, const struct control *asker);

void revoke_free_all(struct broker *b);

#endif
