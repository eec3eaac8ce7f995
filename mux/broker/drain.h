/*
 * framemuxd's question whether what it has cut off is erased: answered when every attach that was
 * ending at that moment has ended. And the users that it has cut off.
 */
#ifndef FRAMEMUX_BROKER_DRAIN_H
#define FRAMEMUX_BROKER_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/broker/broker.h"

/* 0 or -ENOMEM. */
int drain_ask(struct broker *b, uint32_t request);

/* From erase.c: an attach has ended. */
void drain_check(struct broker *b);

/* The kill switch for a user, on or off: on ends its leases. 0 or -ENOMEM. */
int drain_user(struct broker *b, uint32_t uid, bool is_off);
bool drain_is_off(const struct broker *b, uint32_t uid);

void drain_free_all(struct broker *b);

#endif
