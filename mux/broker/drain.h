/*
 * framemuxd's question whether what it has cut off is erased: answered when every attach that was
 * ending at that moment has ended.
 */
#ifndef FRAMEMUX_BROKER_DRAIN_H
#define FRAMEMUX_BROKER_DRAIN_H

#include <stdint.h>

#include "mux/broker/broker.h"

/* 0 or -ENOMEM. */
int drain_ask(struct broker *b, uint32_t request);

/* From erase.c: an attach has ended. */
void drain_check(struct broker *b);

void drain_free_all(struct broker *b);

#endif
