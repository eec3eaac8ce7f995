/* What the kill switch wants of the broker. Owns the questions and the list of users. */
#include "mux/broker/drain.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/conn.h"
#include "mux/broker/erase.h"
#include "mux/broker/tenure.h"
#include "mux/link.h"

#define USERS_MAX 65536u
#define REASON    "revoked: the kill switch is on for this user"

struct drain {
	LIST_ENTRY(drain) link;
	uint32_t request;
	uint64_t last_attach; /* the newest that was there */
};

/* ---- what is erased -------------------------------------------------------------------- */

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

/* ---- users ----------------------------------------------------------------------------- */

static uint32_t *find(const struct broker *b, uint32_t uid)
{
	for (size_t i = 0; i < b->n_off; i++)
		if (b->off[i] == uid)
			return &b->off[i];
	return NULL;
}

bool drain_is_off(const struct broker *b, uint32_t uid)
{
	return find(b, uid) != NULL;
}

/* Dead marks first, of all of them: erasing takes time. */
static void end_leases(struct broker *b, uint32_t uid)
{
	struct tenure *t, *next;

	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->attach && t->uid == uid)
			ring_mark_dead(&t->attach->ring);
	LIST_FOREACH_SAFE (t, &b->tenures, in_broker, next)
		if (t->uid == uid)
			tenure_end(t, FRAMEMUX_STATE_REVOKED, REASON);
}

int drain_user(struct broker *b, uint32_t uid, bool is_off)
{
	uint32_t *known = find(b, uid), *off;

	if (known && !is_off)
		*known = b->off[--b->n_off];
	if (known || !is_off)
		return 0;
	if (b->n_off >= USERS_MAX)
		return -E2BIG;
	off = reallocarray(b->off, b->n_off + 1, sizeof(*off));
	if (!off)
		return -ENOMEM;
	b->off = off;
	off[b->n_off++] = uid;
	log_notice("uid %u is cut off", uid);
	end_leases(b, uid);
	return 0;
}

void drain_free_all(struct broker *b)
{
	struct drain *d;

	while ((d = LIST_FIRST(&b->drains))) {
		LIST_REMOVE(d, link);
		free(d);
	}
	free(b->off);
	b->off = NULL;
	b->n_off = 0;
}
