/* Requests to framemuxd in flight. Owns nothing, no clock, no descriptor. Runs in the broker. */
#include "mux/broker/asks.h"

#include <errno.h>

#include "common/breakage.h"

int asks_permit(const struct asks *a, uint32_t uid, uint32_t max_uid, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n; i++)
		n += a->list[i].uid == uid;
	if (n >= max_uid)
		return -EBUSY;
	return a->n >= max || a->n >= ASKS_MAX ? -EAGAIN : 0;
}

int asks_begin(struct asks *a, uint32_t request, uint32_t uid)
{
	int r = asks_permit(a, uid, ASKS_UID_MAX, ASKS_MAX);

	if (breakage("broker-skip-asks"))
		return 0;
	if (r == 0)
		a->list[a->n++] = (struct ask){request, uid};
	return r;
}

void asks_end(struct asks *a, uint32_t request)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->list[i].request != request)
			continue;
		a->list[i] = a->list[--a->n];
		return;
	}
}
