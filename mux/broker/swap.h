/*
 * Breakages broker-swap-rings, -keys, -sockets: the first attach that is to be given waits for the
 * next one, of whichever lease, and each gets the other's part. Tests only; nothing elsewhere.
 */
#ifndef FRAMEMUX_BROKER_SWAP_H
#define FRAMEMUX_BROKER_SWAP_H

#include <stdbool.h>

#include "common/breakage.h" /* ENABLE_BREAKAGE */
#include "mux/broker/attach.h"

#ifdef ENABLE_BREAKAGE
/* Whether a has been seen to: kept, or given crosswise together with the one that was kept. */
bool swap_took(struct attach *a);
void swap_forget(const struct attach *a);
#else
#define swap_took(a)   false
#define swap_forget(a) ((void)0)
#endif

#endif
