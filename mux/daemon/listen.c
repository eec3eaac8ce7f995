/* Opens the listening sockets. Runs in framemuxd while starting. */
#include "mux/daemon/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/number.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "mux/daemon/state/folder.h"

#define LISTEN_FDS_START 3 /* sd_listen_fds(3) */
#define LISTEN_FDS_LIMIT 16
#define CLIENT_MODE      0666
#define CONTROL_MODE     0660

/* A listening SEQPACKET socket, made ours: not inherited, never blocking. */
static bool adopt(int fd)
{
	int type = 0, listening = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET)
		return false;
	len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening)
		return false;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return false;
	sock_refuse_fds(fd);
	return true;
}

static int take_handed_over(struct listening *l, char *why, size_t size)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	char list[256], *save = NULL, *name;
	uint64_t for_pid, n;

	if (!pid || !count || number_parse(pid, 1, INT32_MAX, &for_pid) < 0 ||
		for_pid != (uint64_t)getpid())
		return 0;
	if (number_parse(count, 0, LISTEN_FDS_LIMIT, &n) < 0) {
		snprintf(why, size, "LISTEN_FDS is no number up to %u", LISTEN_FDS_LIMIT);
		return -EINVAL;
	}
	if (n && !names) {
		snprintf(why, size,
			"sockets were handed over without names: LISTEN_FDNAMES has to be "
			"\"client\" and \"control\", in their order, with a colon between them");
		return -EINVAL;
	}
	snprintf(list, sizeof(list), "%s", names ? names : "");
	name = strtok_r(list, ":", &save);
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + (int)n; fd++) {
		int *slot = !name                  ? NULL
			: !strcmp(name, "client")  ? &l->clients_fd
			: !strcmp(name, "control") ? &l->control_fd
						   : NULL;

		if (!slot || *slot >= 0 || !adopt(fd)) {
			snprintf(why, size,
				"the socket \"%s\" that was handed over is none of client and "
				"control, "
				"or does not listen for SEQPACKET",
				name ? name : "");
			return -EINVAL;
		}
		*slot = fd;
		name = strtok_r(NULL, ":", &save);
	}
	return 0;
}

static int make(const char *path, unsigned mode, int *ret_fd, char *why, size_t size)
{
	char folder[CONFIG_SOCKET_BYTES], reason[256];
	cleanup_fd int dir = -1;
	int rc = folder_of(path, folder, sizeof(folder));

	if (!rc)
		rc = folder_open(folder, 0755, &dir, reason, sizeof(reason));
	if (rc < 0) {
		snprintf(why, size, "%.100s: %.200s", folder, reason);
		return rc;
	}
	rc = sock_listen(path, mode, ret_fd);
	if (rc == -EADDRINUSE)
		snprintf(why, size, "%s: another process is listening there", path);
	else if (rc == -ENOTSOCK)
		snprintf(why, size, "%s: something that is not a socket has this name", path);
	else if (rc == -EPERM)
		snprintf(why, size, "%s: another user's socket has this name", path);
	else if (rc < 0)
		snprintf(why, size, "%s: %s", path, strerror(-rc));
	return rc;
}

static bool is_open_to_all(const char path[sizeof(((struct sockaddr_un *)0)->sun_path)])
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct stat st;

	snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, path);
	return stat(name, &st) < 0 || st.st_mode & S_IWOTH;
}

/* Where the control socket is bound, which may be another place than the configuration says. */
static int make_kill(struct listening *l, char *why, size_t size)
{
	struct sockaddr_un where = {0};
	socklen_t len = sizeof(where);
	int rc;

	if (getsockname(l->control_fd, (struct sockaddr *)&where, &len) < 0 ||
		len <= sizeof(sa_family_t) || !where.sun_path[0]) {
		snprintf(why, size, "the control socket that was handed over has no path");
		return -EINVAL;
	}
	if (snprintf(l->kill_path, sizeof(l->kill_path), "%.*s" KILL_SUFFIX,
		    (int)sizeof(where.sun_path), where.sun_path) >= (int)sizeof(l->kill_path)) {
		snprintf(why, size, "%.*s: the path is too long by the %zu bytes of " KILL_SUFFIX,
			(int)sizeof(where.sun_path), where.sun_path, strlen(KILL_SUFFIX));
		l->kill_path[0] = 0;
		return -ENAMETOOLONG;
	}
	/* Its mode is all that keeps strangers from looking; ours has the right one. */
	if (!l->made_control && is_open_to_all(where.sun_path)) {
		snprintf(why, size,
			"everybody may use the control socket that was handed over: give it mode "
			"0660 "
			"(systemd: SocketMode=0660)");
		l->kill_path[0] = 0;
		return -EPERM;
	}
	rc = make(l->kill_path, CONTROL_MODE, &l->kill_fd, why, size);
	if (rc < 0)
		l->kill_path[0] = 0; /* not ours to remove */
	return rc;
}

static int give(const char *path, gid_t gid)
{
	return fchownat(AT_FDCWD, path, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Root gives it to admin_group; a mux without privileges does if it may, or keeps its own group. */
static void give_to_group(const struct config *c, const struct listening *l)
{
	const struct group *gr = getgrnam(c->admin_group);

	if (gr &&
		((l->made_control && give(c->control_socket, gr->gr_gid) < 0) ||
			give(l->kill_path, gr->gr_gid) < 0))
		gr = NULL;
	if (!gr && geteuid() == 0)
		log_warning("there is no group %s: only root may use the control socket",
			c->admin_group);
}

int listen_open(const struct config *c, struct listening *ret, char *ret_why, size_t why_size)
{
	int rc;

	*ret = (struct listening){.clients_fd = -1, .control_fd = -1, .kill_fd = -1};
	rc = take_handed_over(ret, ret_why, why_size);
	if (!rc && ret->clients_fd < 0) {
		rc = make(c->socket, CLIENT_MODE, &ret->clients_fd, ret_why, why_size);
		ret->made_clients = rc == 0;
	}
	if (!rc && ret->control_fd < 0) {
		rc = make(c->control_socket, CONTROL_MODE, &ret->control_fd, ret_why, why_size);
		ret->made_control = rc == 0;
	}
	if (!rc)
		rc = make_kill(ret, ret_why, why_size);
	if (rc < 0) {
		listen_close(c, ret);
		return rc;
	}
	give_to_group(c, ret);
	return 0;
}

int listen_give_to(const struct config *c, const struct listening *l, gid_t gid)
{
	int rc = give(l->kill_path, gid);

	if (rc < 0)
		return rc;
	return l->made_control ? give(c->control_socket, gid) : -EOPNOTSUPP;
}

void listen_close(const struct config *c, struct listening *l)
{
	if (l->made_clients)
		unlink(c->socket);
	if (l->made_control)
		unlink(c->control_socket);
	if (l->kill_path[0])
		unlink(l->kill_path);
	cleanup_close(&l->clients_fd);
	cleanup_close(&l->control_fd);
	cleanup_close(&l->kill_fd);
	*l = (struct listening){.clients_fd = -1, .control_fd = -1, .kill_fd = -1};
}
