/*
 * What each uid holds: connections, leases, ring memory. Pure arithmetic; nothing is allocated for
 * a client before it was charged here, since a memory limit that a memfd hits is an OOM kill and
 * never an error. Memory stays charged to its uid until nobody has it any more, after a revoke too.
 */
#ifndef FRAMEMUX_BROKER_QUOTA_H
#define FRAMEMUX_BROKER_QUOTA_H

#include <stdint.h>
#include <sys/queue.h>

/* Descriptors of the broker that each may cost at the most. */
#define QUOTA_FDS_CONNECTION 2u /* socket, pidfd */
#define QUOTA_FDS_LEASE      9u /* an attach on its way: the ring's four, the dead page's two, the pin, \
				 * sockets */
#define QUOTA_FDS_HELD 3u       /* the probes, the pin */

struct quota_limits {
	uint64_t uid_bytes;
	uint32_t connections, uid_connections;
	uint32_t uid_leases; /* with the ended rings that the uid still maps: these cost too */
	uint32_t fds, uid_fds;
};

struct quota_uid {
	LIST_ENTRY(quota_uid) link;
	uint32_t uid;
	uint32_t connections, leases;
	uint64_t bytes; /* charged, held_bytes included */
	uint32_t held;
	uint64_t held_bytes; /* of attaches that have ended, while somebody still maps them */
};

struct quota {
	struct quota_limits limits;
	uint32_t connections; /* of all uids */
	uint32_t leases, held;
	LIST_HEAD(, quota_uid) uids;
};

void quota_init(struct quota *q, const struct quota_limits *limits);
void quota_free(struct quota *q);

/* 0; -EUSERS above a limit (everybody's or the uid's); -ENOMEM. Each is undone by its counterpart.
 */
int quota_connect(struct quota *q, uint32_t uid);
void quota_disconnect(struct quota *q, uint32_t uid);
int quota_lease_begin(struct quota *q, uint32_t uid);
void quota_lease_end(struct quota *q, uint32_t uid);

/* For one ring of a lease: 0, -EDQUOT, -ENOMEM. Held rings beyond a limit are one too. */
int quota_charge(struct quota *q, uint32_t uid, uint64_t bytes);
void quota_release(struct quota *q, uint32_t uid, uint64_t bytes);

/* Charged bytes become held ones; and then they are given back. */
void quota_hold(struct quota *q, uint32_t uid, uint64_t bytes);
void quota_release_held(struct quota *q, uint32_t uid, uint64_t bytes);

/* NULL when the uid holds nothing. */
const struct quota_uid *quota_find(const struct quota *q, uint32_t uid);

#endif
