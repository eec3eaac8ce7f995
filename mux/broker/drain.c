/* Whether what was ending is erased. Owns the questions. Runs in the broker. */
#include "mux/broker/drain.h"

#include <errno.h>
#include <stdlib.h>

#include "mux/broker/attach.h"
#include "mux/broker/conn.h"
#include "mux/broker/erase.h"
#include "mux/link/daemon_broker.h"

struct drain {
	LIST_ENTRY(drain) link;
	uint32_t request;
	uint64_t last_attach; /* the newest that was there */
};

static bool is_drained(const struct broker *b, const struct drain *d)
{
	const struct attach *a;

	LIST_FOREACH (a, &b->ending, in_ending)
		if (a->id <= d->last_attach)
			return false;
	return true;
}

void drain_check(struct broker *b)
{
	struct drain *d, *next;

	LIST_FOREACH_SAFE (d, &b->drains, link, next) {
		const struct msg_drained m = {.request = d->request};

		if (!is_drained(b, d))
			continue;
		LIST_REMOVE(d, link);
		free(d);
		conn_send(b->daemon, &wire_drained, &m, NULL, 0);
	}
}

int drain_ask(struct broker *b, uint32_t request)
{
	struct drain *d = calloc(1, sizeof(*d));
	struct attach *a;

	if (!d)
		return -ENOMEM;
	d->request = request;
	d->last_attach = b->last_attach;
	LIST_INSERT_HEAD(&b->drains, d, link);
	LIST_FOREACH (a, &b->ending, in_ending)
		erase_hasten(a);
	drain_check(b);
	return 0;
}

void drain_free_all(struct broker *b)
{
	struct drain *d;

	while ((d = LIST_FIRST(&b->drains))) {
		LIST_REMOVE(d, link);
		free(d);
	}
}
