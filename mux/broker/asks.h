/*
 * What has been asked of framemuxd for others and is not answered yet, by uid. A request counts until
 * its answer has come, whether or not anybody still waits for it: framemuxd answers each, and one that
 * asks, gives up and asks again must not heap up answers on the link to the broker. Pure code.
 */
#ifndef FRAMEMUX_BROKER_ASKS_H
#define FRAMEMUX_BROKER_ASKS_H

#include <stdint.h>

#define ASKS_MAX 4096u
#define ASKS_UID_MAX                                                                               \
	(ASKS_MAX / 8) /* as many as a uid may have leases: they may all begin at once */

struct ask {
	uint32_t request, uid;
};

struct asks {
	uint32_t n;
	struct ask list[ASKS_MAX];
};

/* Whether uid may have one more: 0; -EBUSY: it has max_uid; -EAGAIN: all have max between them. */
int asks_permit(const struct asks *a, uint32_t uid, uint32_t max_uid, uint32_t max);

/* 0, or as asks_permit with ASKS_UID_MAX and ASKS_MAX. */
int asks_begin(struct asks *a, uint32_t request, uint32_t uid);

/* It is answered; nothing for one that was not asked. */
void asks_end(struct asks *a, uint32_t request);

#endif
