/* Ended rings under watch. Owns what is left of them. Runs in the broker. */
#include "mux/broker/held.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "common/log.h"

#define CHECK_S 1

struct held {
	LIST_ENTRY(held) link;
	uint32_t uid;
	uint64_t bytes;
	struct ring_rest rest; /* owned */
};

static void drop(struct held *h)
{
	LIST_REMOVE(h, link);
	ring_rest_close(&h->rest);
	free(h);
}

static void arm(struct broker *b)
{
	const struct timeval soon = {.tv_sec = CHECK_S};

	if (!LIST_EMPTY(&b->held) && !evtimer_pending(b->held_timer, NULL))
		if (evtimer_add(b->held_timer, &soon) < 0)
			broker_fail(b, "no timer for rings that somebody still maps");
}

bool held_check(struct broker *b)
{
	struct held *h, *next;
	bool any = false;

	LIST_FOREACH_SAFE (h, &b->held, link, next) {
		if (!ring_rest_is_free(&h->rest))
			continue;
		quota_release_held(&b->quota, h->uid, h->bytes);
		drop(h);
		any = true;
	}
	return any;
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	held_check(data);
	arm(data);
}

int held_init(struct broker *b)
{
	b->held_timer = evtimer_new(b->base, on_timer, b);
	return b->held_timer ? 0 : -ENOMEM;
}

struct held *held_new(void)
{
	return malloc(sizeof(struct held));
}

void held_free(struct held *h)
{
	free(h);
}

void held_add(struct broker *b, struct held *h, uint32_t uid, uint64_t bytes, struct ring_rest rest)
{
	if (ring_rest_is_free(&rest)) {
		ring_rest_close(&rest);
		quota_release(&b->quota, uid, bytes);
		held_free(h);
		return;
	}
	quota_hold(&b->quota, uid, bytes);
	*h = (struct held){.uid = uid, .bytes = bytes, .rest = rest};
	LIST_INSERT_HEAD(&b->held, h, link);
	arm(b);
}

void held_free_all(struct broker *b)
{
	struct held *h, *next;

	LIST_FOREACH_SAFE (h, &b->held, link, next)
		drop(h);
	if (b->held_timer)
		event_free(b->held_timer);
	b->held_timer = NULL;
}
