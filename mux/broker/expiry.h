/* Leases expire on the boot clock: one timer for the whole broker, set to the earliest. */
#ifndef FRAMEMUX_BROKER_EXPIRY_H
#define FRAMEMUX_BROKER_EXPIRY_H

#include "mux/broker/broker.h"

int expiry_init(struct broker *b);
void expiry_free(struct broker *b);

/* A lease has come. */
void expiry_arm(struct broker *b);

#endif
