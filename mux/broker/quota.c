/* Accounts by uid. Owns the accounts; knows no clock and no descriptor. Runs in the broker. */
#include "mux/broker/quota.h"

#include <errno.h>
#include <stdlib.h>

void quota_init(struct quota *q, const struct quota_limits *limits)
{
	*q = (struct quota){.limits = *limits};
	LIST_INIT(&q->uids);
}

void quota_free(struct quota *q)
{
	struct quota_uid *u;

	while ((u = LIST_FIRST(&q->uids))) {
		LIST_REMOVE(u, link);
		free(u);
	}
}

static struct quota_uid *find(const struct quota *q, uint32_t uid)
{
	struct quota_uid *u;

	LIST_FOREACH (u, &q->uids, link)
		if (u->uid == uid)
			return u;
	return NULL;
}

const struct quota_uid *quota_find(const struct quota *q, uint32_t uid)
{
	return find(q, uid);
}

static struct quota_uid *find_or_make(struct quota *q, uint32_t uid)
{
	struct quota_uid *u = find(q, uid);

	if (u)
		return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	LIST_INSERT_HEAD(&q->uids, u, link);
	return u;
}

static void forget_if_idle(struct quota_uid *u)
{
	if (u->connections || u->leases || u->bytes)
		return;
	LIST_REMOVE(u, link);
	free(u);
}

/* More given back than taken is a bug of ours: better an account that stays too high than one that
 * wraps round. */
static uint64_t less(uint64_t from, uint64_t n)
{
	return n < from ? from - n : 0;
}

int quota_connect(struct quota *q, uint32_t uid)
{
	struct quota_uid *u;

	if (q->connections >= q->limits.connections)
		return -EUSERS;
	u = find_or_make(q, uid);
	if (!u)
		return -ENOMEM;
	if (u->connections >= q->limits.uid_connections)
		return -EUSERS;
	u->connections++;
	q->connections++;
	return 0;
}

void quota_disconnect(struct quota *q, uint32_t uid)
{
	struct quota_uid *u = find(q, uid);

	if (!u || u->connections == 0)
		return;
	u->connections--;
	q->connections--;
	forget_if_idle(u);
}

int quota_lease_begin(struct quota *q, uint32_t uid)
{
	struct quota_uid *u = find_or_make(q, uid);

	if (!u)
		return -ENOMEM;
	if (u->leases >= q->limits.uid_leases)
		return -EUSERS;
	u->leases++;
	return 0;
}

void quota_lease_end(struct quota *q, uint32_t uid)
{
	struct quota_uid *u = find(q, uid);

	if (!u || u->leases == 0)
		return;
	u->leases--;
	forget_if_idle(u);
}

int quota_charge(struct quota *q, uint32_t uid, uint64_t bytes)
{
	struct quota_uid *u = find_or_make(q, uid);

	if (!u)
		return -ENOMEM;
	if (u->held >= q->limits.uid_held || u->bytes > q->limits.uid_bytes ||
		bytes > q->limits.uid_bytes - u->bytes) {
		forget_if_idle(u);
		return -EDQUOT;
	}
	u->bytes += bytes;
	return 0;
}

void quota_release(struct quota *q, uint32_t uid, uint64_t bytes)
{
	struct quota_uid *u = find(q, uid);

	if (!u)
		return;
	u->bytes = less(u->bytes, bytes);
	forget_if_idle(u);
}

void quota_hold(struct quota *q, uint32_t uid, uint64_t bytes)
{
	struct quota_uid *u = find(q, uid);

	if (!u)
		return;
	u->held++;
	u->held_bytes += bytes;
}

void quota_release_held(struct quota *q, uint32_t uid, uint64_t bytes)
{
	struct quota_uid *u = find(q, uid);

	if (u) {
		u->held = (uint32_t)less(u->held, 1);
		u->held_bytes = less(u->held_bytes, bytes);
	}
	quota_release(q, uid, bytes);
}
