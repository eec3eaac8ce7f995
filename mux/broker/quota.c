/* Accounts by uid. Owns the accounts; knows no clock and no descriptor. Runs in the broker. */
#include "mux/broker/quota.h"

#include <errno.h>
#include <stdbool.h>
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

static uint32_t fds(uint32_t connections, uint32_t leases, uint32_t held)
{
	return connections * QUOTA_FDS_CONNECTION + leases * QUOTA_FDS_LEASE +
		held * QUOTA_FDS_HELD;
}

/* Whether so many descriptors more are within the limits. */
static bool has_fds(const struct quota *q, const struct quota_uid *u, uint32_t more)
{
	return fds(q->connections, q->leases, q->held) + more <= q->limits.fds &&
		fds(u->connections, u->leases, u->held) + more <= q->limits.uid_fds;
}

int quota_connect(struct quota *q, uint32_t uid)
{
	struct quota_uid *u;

	if (q->connections >= q->limits.connections)
		return -EUSERS;
	u = find_or_make(q, uid);
	if (!u)
		return -ENOMEM;
	if (u->connections >= q->limits.uid_connections || !has_fds(q, u, QUOTA_FDS_CONNECTION)) {
		forget_if_idle(u);
		return -EUSERS;
	}
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
	if (u->leases + u->held >= q->limits.uid_leases || !has_fds(q, u, QUOTA_FDS_LEASE)) {
		forget_if_idle(u);
		return -EUSERS;
	}
	u->leases++;
	q->leases++;
	return 0;
}

void quota_lease_end(struct quota *q, uint32_t uid)
{
	struct quota_uid *u = find(q, uid);

	if (!u || u->leases == 0)
		return;
	u->leases--;
	q->leases--;
	forget_if_idle(u);
}

int quota_charge(struct quota *q, uint32_t uid, uint64_t bytes)
{
	struct quota_uid *u = find_or_make(q, uid);

	if (!u)
		return -ENOMEM;
	if (u->leases + u->held > q->limits.uid_leases || !has_fds(q, u, QUOTA_FDS_HELD) ||
		u->bytes > q->limits.uid_bytes || bytes > q->limits.uid_bytes - u->bytes) {
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
	q->held++;
	u->held_bytes += bytes;
}

void quota_release_held(struct quota *q, uint32_t uid, uint64_t bytes)
{
	struct quota_uid *u = find(q, uid);

	if (u && u->held > 0) {
		u->held--;
		q->held--;
		u->held_bytes = less(u->held_bytes, bytes);
	}
	quota_release(q, uid, bytes);
}
