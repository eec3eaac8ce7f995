/* The drop folder's files, for policy_drop.c: whatever may wait for the disk. In the folder's thread. */
#ifndef FRAMEMUX_POLICY_DROP_DISK_H
#define FRAMEMUX_POLICY_DROP_DISK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "common/limits.h"

#define DROP_NAMES_MAX 256u /* files that wait */

/* "NAME.policy", short enough for what is left beside it. */
bool drop_is_meant(const char *name);

struct drop_file {
	char name[NAME_MAX + 1];
	char *bytes; /* owned */
	size_t len;
	dev_t dev; /* which file it was that was read, */
	ino_t ino;
	off_t size; /* and as what */
	struct timespec modified, changed;
};

/*
 * 0; -ENOENT: it has gone; -EAGAIN: somebody is writing to it; or -errno and why it is not read: a
 * link, somebody else's, too large, ...
 * Which file it is is set but for -ENOENT.
 */
int drop_read(int folder, struct drop_file *f, char ret_why[LIMIT_REASON]);

/*
 * Leave the outcome beside it, and take it away, unless there is another in its place by now. 0 or
 * -errno; -EAGAIN: it has changed since it was read, and stays as it is, without an outcome.
 */
int drop_settle(int folder, const struct drop_file *f, bool is_applied, const char *reason);

/* The files that are there, in the order of their names; at most DROP_NAMES_MAX. The number or
 * -errno. */
int drop_list(int folder, char (*ret_names)[NAME_MAX + 1]);

#endif
