/* Finds and starts the role programs. Runs in framemuxd. */
#include "mux/daemon/roles/roles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <config.h>

#include "common/cleanup.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "mux/walls.h"

static int program_path(const struct roles *r, const char *role, char *path, size_t size)
{
	int n = snprintf(path, size, "%s/framemux-%s", r->folder, role);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int roles_find(struct roles *ret, char *ret_why, size_t why_size)
{
	static const char *const names[] = {"broker", "ingest", "decode", "resolve"};
	const char *folder = secure_getenv("FRAMEMUX_ROLEDIR");
	int n;

	*ret = (struct roles){.privileged = geteuid() == 0};
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

static void note_missing(struct roles *r, const char *name)
{
	size_t len = strlen(r->missing);

	snprintf(r->missing + len, sizeof(r->missing) - len, "%s%s", len ? " " : "", name);
}

static void note_all_missing(struct roles *r)
{
	const uint32_t pair = WALLS_PAIR & ~r->pair_walls;

	for (unsigned w = 0; w < WALLS; w++)
		if (pair & WALL_BIT(w))
			note_missing(r, wall_name(w));
	if (WALLS_BROKER & ~(r->broker_walls | pair))
		note_missing(r, "broker-namespaces");
	if (!sock_can_refuse_fds())
		note_missing(r, "passrights");
	if (!memfd_has_exec_seal())
		note_missing(r, "exec-seals");
}

int roles_wall_in(struct roles *r, int state_folder, char *ret_why, size_t why_size)
{
	int rc = uids_open(&r->uids, state_folder, ret_why, why_size);
	const char *wall = "";

	if (rc < 0)
		return rc;
	r->broker_uid = uids_take(&r->uids);
	r->resolver_uid = uids_take(&r->uids);
	rc = walls_probe(r->broker_uid, &r->broker_walls, &r->pair_walls, &wall);
	if (rc < 0) {
		snprintf(ret_why, why_size,
			"cannot find out which walls it has here (%s): %s; with fewer than there "
			"are "
			"it does not start%s",
			wall[0] ? wall : "none was tried", strerror(-rc),
			rc == -ENOSPC ? ". Where there are to be no namespaces, set "
					"user.max_user_namespaces to 0 (sysctl.d(5))"
				      : "");
		return rc;
	}
	note_all_missing(r);
	if (!(r->pair_walls & WALL_BIT(WALL_SECCOMP))) {
		snprintf(ret_why, why_size,
			"this kernel has no seccomp filters (CONFIG_SECCOMP_FILTER): a decoder "
			"that was "
			"taken over could hand on its clients' rings");
		return -ENOTSUP;
	}
	if (r->privileged && !(r->pair_walls & WALL_BIT(WALL_UID))) {
		snprintf(ret_why, why_size,
			"started by root, but it cannot give its roles uids of their own (%u to "
			"%u): "
			"CAP_SETUID and CAP_SETGID are needed, and a user namespace that has these "
			"uids",
			ROLE_UID_FIRST, ROLE_UID_LAST);
		return -EPERM;
	}
	return 0;
}

int roles_take_uid(struct roles *r, uid_t *ret)
{
	*ret = uids_take(&r->uids);
	return *ret == 0 && r->privileged ? -EAGAIN : 0;
}

int role_start(const struct roles *r, struct event_base *base, const char *role, uint32_t walls,
	uid_t uid, const char *name, struct child_spec *spec, child_exit_fn *on_exit, void *data,
	struct child **ret)
{
	char path[LIMIT_PATH + 32], text[WALLS_TEXT], who[LIMIT_NAME + 16];
	int rc = program_path(r, role, path, sizeof(path));

	if (rc < 0)
		return rc;
	walls_write(walls, uid, text);
	spec->program = path;
	spec->args[0] = strrchr(path, '/') + 1;
	spec->args[1] = text;
	spec->args[2] = name;
	spec->args[3] = NULL;
	if (name) {
		snprintf(who, sizeof(who), "%s %s", role, name);
		spec->log_as = who;
	}
	spec->own_pids = r->privileged && walls & WALL_BIT(WALL_PID);
	return child_start(base, spec, on_exit, data, ret);
}

int resolver_start(const struct roles *r, struct event_base *base, const char *host,
	struct child_spec *spec, child_exit_fn *on_exit, void *data, struct child **ret)
{
	char path[LIMIT_PATH + 32];
	int rc = program_path(r, "resolve", path, sizeof(path));

	if (rc < 0)
		return rc;
	spec->program = path;
	spec->args[0] = strrchr(path, '/') + 1;
	spec->args[1] = host;
	spec->args[2] = r->privileged ? "apart" : "shared"; /* its uid from ours */
	spec->args[3] = NULL;
	spec->log_as = "resolve";
	spec->drop = r->privileged;
	spec->uid = spec->gid = r->resolver_uid;
	return child_start(base, spec, on_exit, data, ret);
}
