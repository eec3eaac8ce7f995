/*
 * The root keys: tokens are made with the newest; the one before it is good until it is retired. Whoever
 * asks for a new one is answered when framemuxd has it on disk.
 */
#ifndef FRAMEMUX_BROKER_KEYS_H
#define FRAMEMUX_BROKER_KEYS_H

#include "mux/broker/broker.h"
#include "mux/link/daemon_broker.h"

struct control;

/* From framemuxd: the newest, or the one before it. */
void keys_take(struct broker *b, const struct msg_broker_key *m);

/* The key of this id, KEY_BYTES; NULL: none that is good. */
const uint8_t *keys_find(const struct broker *b, uint32_t key_id);

/* The older one is good for nothing any more; and, once that is on disk, there is none. */
void keys_void_older(struct broker *b);
void keys_forget_older(struct broker *b);

/* Answer with what there is: ids and since when. */
void keys_show(struct control *c, uint32_t request);

/* 0: the answer follows through control.h; -ENOMEM. */
int keys_rotate(struct control *c, uint32_t request);
void keys_rotated(struct broker *b, uint32_t request, uint32_t status);

void keys_forget_asker(struct broker *b, const struct control *asker);
void keys_free_all(struct broker *b);

#endif
