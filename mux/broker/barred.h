/* The users whom the kill switch has cut off. Owns the list; what it is kept on is framemuxd's. */
#ifndef FRAMEMUX_BROKER_BARRED_H
#define FRAMEMUX_BROKER_BARRED_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/broker/broker.h"

/* On ends the user's leases. 0, -E2BIG, -ENOMEM. */
int barred_set(struct broker *b, uint32_t uid, bool is_on);
bool barred_has(const struct broker *b, uint32_t uid);
void barred_free(struct broker *b);

#endif
