/*
 * Revocation: of a token, by putting its id among the revoked for good, or of all tokens issued so
 * far for a camera, to a uid, or whatsoever, by a cutoff and the ids of standing grants. Every lease
 * that it hits ends by the one path, and framemuxctl hears when the last pixel is erased and all of
 * it is on disk.
 */
#ifndef FRAMEMUX_BROKER_REVOKE_H
#define FRAMEMUX_BROKER_REVOKE_H

#include "common/token.h"
#include "mux/broker/broker.h"

struct control;
struct msg_ctl_revoke;
struct tenure;

/*
 * 0: the answer follows through control.h; -EINVAL: the id is none, or no such kind; -ENOENT: no
 * such lease or camera; -ENOSPC: too many cutoffs; -ENOMEM: not all of it, if any, was revoked, and nothing is on disk.
 */
int revoke_begin(struct broker *b, struct control *asker, const struct msg_ctl_revoke *ask);

/* The same of the older root key and all its tokens. -ENOENT: there is one key only; -ENOMEM. */
int revoke_begin_key(struct broker *b, struct control *asker, uint32_t request);

/* From tenure.c: a lease is over, and in no list any more. */
void revoke_lease_gone(struct broker *b, const struct tenure *t);

/* From framemuxd: a part of it is on disk, or not. */
void revoke_kept(struct broker *b, uint32_t request, uint32_t status);

/* The asker has gone; the revocation goes on. */
void revoke_forget_asker(struct broker *b, const struct control *asker);

void revoke_free_all(struct broker *b);

#endif
