/* Finds and starts the role programs. Runs in framemuxd. */
#include "mux/daemon/roles.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define NOBODY_ID 65534u /* where there is no user of that name */

static int program_path(const struct roles *r, const char *role, char *path, size_t size)
{
	int n = snprintf(path, size, "%s/framemux-%s", r->folder, role);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int roles_find(struct roles *ret, char *ret_why, size_t why_size)
{
	static const char *const names[] = {"broker", "ingest", "decode", "resolve"};
	const char *folder = secure_getenv("FRAMEMUX_ROLEDIR");
	struct passwd *nobody = getpwnam("nobody");
	int n;

	*ret = (struct roles){.privileged = geteuid() == 0,
		.nobody_uid = nobody ? nobody->pw_uid : NOBODY_ID,
		.nobody_gid = nobody ? nobody->pw_gid : NOBODY_ID};
	n = snprintf(ret->folder, sizeof(ret->folder), "%s", folder && *folder ? folder : ROLEDIR);
	if (n < 0 || (size_t)n >= sizeof(ret->folder)) {
		snprintf(ret_why, why_size, "FRAMEMUX_ROLEDIR is too long");
		return -ENAMETOOLONG;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[LIMIT_PATH + 32];
		int rc = program_path(ret, names[i], path, sizeof(path));

		if (!rc && access(path, X_OK) < 0)
			rc = -errno;
		if (rc < 0) {
			snprintf(ret_why, why_size, "cannot run %s: %s", path, strerror(-rc));
			return rc;
		}
	}
	return 0;
}

int role_start(const struct roles *r, struct event_base *base, const char *role,
	const char *argument, struct child_spec *spec, child_exit_fn *on_exit, void *data,
	struct child **ret)
{
	char path[LIMIT_PATH + 32];
	int rc = program_path(r, role, path, sizeof(path));

	if (rc < 0)
		return rc;
	spec->program = path;
	spec->args[0] = strrchr(path, '/') + 1;
	spec->args[1] = argument;
	spec->args[2] = NULL;
	return child_start(base, spec, on_exit, data, ret);
}
