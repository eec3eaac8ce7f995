/* The role programs, and as whom they run. */
#ifndef FRAMEMUX_ROLES_H
#define FRAMEMUX_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/limits.h"
#include "mux/daemon/roles/child.h"
#include "mux/daemon/roles/uids.h"

#define ROLES_MISSING 512u

struct roles {
	char folder[LIMIT_PATH]; /* ROLEDIR, or $FRAMEMUX_ROLEDIR: to run from a build tree */
	bool privileged;         /* root: every role gets a uid of its own */
	struct uids uids;
	uid_t broker_uid, resolver_uid;    /* 0: ours */
	uint32_t broker_walls, pair_walls; /* what can be raised here: WALL_BIT()s */
	char missing[ROLES_MISSING];       /* what cannot, in words, "" if nothing */
};

/* Look for the programs. 0, or -errno and which one is missing. */
int roles_find(struct roles *ret, char *ret_why, size_t why_size);

/*
 * Find out, once, which walls this kernel has for them, and take their uids. 0, or -errno and why:
 * then there is a wall missing that a guarantee needs.
 */
int roles_wall_in(struct roles *r, int state_folder, char *ret_why, size_t why_size);

/* For a camera's pair, for good. 0: ours, or no uid is left (-EAGAIN). */
int roles_take_uid(struct roles *r, uid_t *ret);

/*
 * Start broker, ingest or decode with spec's descriptors, to raise these walls and to become uid.
 * name: the camera's, for ps(1) and for the lines of its log; NULL: the broker, which logs by itself.
 * program, args, log_as and own_pids of spec are set here.
 */
int role_start(const struct roles *r, struct event_base *base, const char *role, uint32_t walls,
	uid_t uid, const char *name, struct child_spec *spec, child_exit_fn *on_exit, void *data,
	struct child **ret);

/* Start the resolver for this name of a host, as its uid. */
int resolver_start(const struct roles *r, struct event_base *base, const char *host,
	struct child_spec *spec, child_exit_fn *on_exit, void *data, struct child **ret);

#endif
