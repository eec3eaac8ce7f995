/* The role programs, and as whom they run. */
#ifndef FRAMEMUX_ROLES_H
#define FRAMEMUX_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/limits.h"
#include "mux/daemon/child.h"

struct roles {
	char folder[LIMIT_PATH]; /* ROLEDIR, or $FRAMEMUX_ROLEDIR: to run from a build tree */
	bool privileged;         /* root: the resolver becomes nobody */
	uid_t nobody_uid;
	gid_t nobody_gid;
};

/* Look for the programs. 0, or -errno and which one is missing. */
int roles_find(struct roles *ret, char *ret_why, size_t why_size);

/*
 * Start the role ("ingest") with spec's descriptors and user; its argv is its own name and one
 * argument. program and args of spec are set here.
 */
int role_start(const struct roles *r, struct event_base *base, const char *role,
	const char *argument, struct child_spec *spec, child_exit_fn *on_exit, void *data,
	struct child **ret);

#endif
