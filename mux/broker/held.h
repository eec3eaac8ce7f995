/*
 * Memory of ended attaches that somebody still has: erased, but charged to its uid until the kernel
 * says that nobody is left. Looked at once a second, and before a uid is refused for its quota.
 */
#ifndef FRAMEMUX_BROKER_HELD_H
#define FRAMEMUX_BROKER_HELD_H

#include "mux/broker/broker.h"
#include "mux/broker/ring.h"

int held_init(struct broker *b);

/* The record of a ring, made before there is one. NULL: no memory. */
struct held *held_new(void);
/* One that was not needed; NULL is fine. */
void held_free(struct held *h);

/* Takes over the record, what is left of the ring, and the charge. */
void held_add(struct broker *b, struct held *h, uint32_t uid, uint64_t bytes, struct ring_rest rest);

/* Look now; true if something was given back. */
bool held_check(struct broker *b);

void held_free_all(struct broker *b);

#endif
