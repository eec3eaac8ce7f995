/* Raises the walls of mux/walls.h. Runs in broker, ingest and decode, and once in a child of
 * framemuxd to try. */
#include "mux/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"

/* Debian 12's headers are older than these. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define NAMESPACES                                                                                 \
	(WALL_BIT(WALL_MOUNT) | WALL_BIT(WALL_NET) | WALL_BIT(WALL_IPC) | WALL_BIT(WALL_UTS) |     \
		WALL_BIT(WALL_CGROUP) | WALL_BIT(WALL_USER) | WALL_BIT(WALL_PID))

static const uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;

static const struct {
	const char *name;
	int clone_flag;    /* 0: not a namespace */
	const char *limit; /* of their number, namespaces(7) */
} walls[WALLS] = {
	[WALL_SECCOMP] = {"seccomp", 0, NULL},
	[WALL_UID] = {"uids", 0, NULL},
	[WALL_MOUNT] = {"mount-namespace", CLONE_NEWNS, "/proc/sys/user/max_mnt_namespaces"},
	[WALL_NET] = {"net-namespace", CLONE_NEWNET, "/proc/sys/user/max_net_namespaces"},
	[WALL_IPC] = {"ipc-namespace", CLONE_NEWIPC, "/proc/sys/user/max_ipc_namespaces"},
	[WALL_UTS] = {"uts-namespace", CLONE_NEWUTS, "/proc/sys/user/max_uts_namespaces"},
	[WALL_CGROUP] = {"cgroup-namespace", CLONE_NEWCGROUP,
		"/proc/sys/user/max_cgroup_namespaces"},
	[WALL_PID] = {"pid-namespace", CLONE_NEWPID, "/proc/sys/user/max_pid_namespaces"},
	[WALL_USER] = {"user-namespace", 0, "/proc/sys/user/max_user_namespaces"},
	[WALL_LANDLOCK] = {"landlock", 0, NULL},
	[WALL_MDWE] = {"mdwe", 0, NULL},
};

const char *wall_name(enum wall w)
{
	return w < WALLS ? walls[w].name : "?";
}

void walls_write(uint32_t bits, uid_t uid, char ret[WALLS_TEXT])
{
	snprintf(ret, WALLS_TEXT, "%x:%u", bits, uid);
}

int walls_read(const char *text, uint32_t *ret_bits, uid_t *ret_uid)
{
	char end;

	return sscanf(text, "%x:%u%c", ret_bits, ret_uid, &end) == 2 ? 0 : -EINVAL;
}

/* ---- each wall ----------------------------------------------------------------------- */

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

/*
 * An empty folder becomes the root, and everything else goes. /proc only lends its name as a place to
 * mount on: it is there on every system that framemux runs on.
 */
static int empty_root(void)
{
	const unsigned long still = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", "/proc", "tmpfs", still, "size=4k,nr_inodes=1,mode=0555") < 0 ||
		chdir("/proc") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
		umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return result(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | still, NULL));
}

/* Groups first, while there is still the right to. */
static int take_uid(uid_t uid)
{
	if (uid == 0)
		return -EINVAL;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* Without the right to (not root, no user namespace) there is nothing in it worth having:
 * no_new_privs keeps exec from giving any of it. */
static void empty_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	empty_bounding_set(); /* that of the new user namespace */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return result((int)syscall(SYS_capset, &head, none));
}

/*
 * Every right of Landlock's ABI 1 to 6 that this kernel knows is handled, none is allowed. A kernel refuses bits
 * that it does not know and ignores trailing zeros (landlock_create_ruleset(2)).
 */
static int landlock_all(void)
{
	/* As in later headers than Debian 12's: rights by ABI 1, 2, 3 and 5; TCP by 4; scopes by 6. */
	struct {
		uint64_t fs, net, scoped;
	} handled = {0};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	cleanup_fd int fd = -1;

	if (abi < 0)
		return -errno;
	handled.fs = (1u << 13) - 1;
	if (abi >= 2)
		handled.fs |= 1u << 13;
	if (abi >= 3)
		handled.fs |= 1u << 14;
	if (abi >= 4)
		handled.net = 3;
	if (abi >= 5)
		handled.fs |= 1u << 15;
	if (abi >= 6)
		handled.scoped = 3;
	fd = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (fd < 0)
		return -errno;
	return result((int)syscall(SYS_landlock_restrict_self, fd, 0));
}

/* ---- all of them --------------------------------------------------------------------- */

static int raise_one(enum wall w, uid_t uid)
{
	switch (w) {
	case WALL_UID:
		return take_uid(uid);
	case WALL_USER:
		return result(unshare(CLONE_NEWUSER));
	case WALL_MOUNT:
		return unshare(CLONE_NEWNS) < 0 ? -errno : empty_root();
	case WALL_LANDLOCK:
		return landlock_all();
	case WALL_MDWE:
		return result(prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0));
	case WALL_SECCOMP: /* raised by filter_load(); here only: is it there? */
		return result((int)syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill_process));
	case WALL_PID: /* by framemuxd, at birth; here only: would it be permitted? */
	case WALL_NET:
	case WALL_IPC:
	case WALL_UTS:
	case WALL_CGROUP:
		return result(unshare(walls[w].clone_flag));
	default:
		return -EINVAL;
	}
}

/* Whoever is not root has the rights for its namespaces from its user namespace, which comes first;
 * root has them from the start, and loses them with its uid. */
static const enum wall as_root[] = {WALL_NET, WALL_IPC, WALL_UTS, WALL_CGROUP, WALL_MOUNT, WALL_UID,
	WALL_USER};
static const enum wall as_user[] = {WALL_USER, WALL_NET, WALL_IPC, WALL_UTS, WALL_CGROUP,
	WALL_MOUNT};
static const enum wall after[] = {WALL_LANDLOCK, WALL_MDWE};

_Static_assert(ARRAY_SIZE(as_root) + ARRAY_SIZE(after) + 2 == WALLS, "each wall is raised");

static int raise_all(const enum wall *list, size_t n, uint32_t bits, uid_t uid,
	const char **ret_what)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		if (!(bits & WALL_BIT(list[i])))
			continue;
		*ret_what = wall_name(list[i]);
		r = raise_one(list[i], uid);
		if (r < 0)
			return r;
	}
	return 0;
}

int walls_raise(uint32_t bits, uid_t uid, const char **ret_what)
{
	int r;

	if (breakage("role-no-walls"))
		return 0;
	*ret_what = "no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	empty_bounding_set();
	if (geteuid() == 0)
		r = raise_all(as_root, ARRAY_SIZE(as_root), bits, uid, ret_what);
	else
		r = raise_all(as_user, ARRAY_SIZE(as_user), bits, uid, ret_what);
	if (r < 0)
		return r;
	*ret_what = "capabilities";
	r = drop_capabilities();
	return r < 0 ? r : raise_all(after, ARRAY_SIZE(after), bits, uid, ret_what);
}

/* ---- which of them there are --------------------------------------------------------- */

#define PROBES        6u  /* a shortage may pass */
#define FIRST_WAIT_MS 10u /* then twice as long each time: 310 ms in all */

/* What a child found out. */
struct finding {
	uint32_t found;
	int32_t wall, error; /* a wall of which it could not be; error 0: none */
};

struct trial {
	uid_t uid;
	uint32_t forbidden; /* walls of which the kernel's configuration permits none */
	struct finding f;
};

/* Says nothing about what the kernel can do. */
static bool is_shortage(int r)
{
	return r == -ENOMEM || r == -ENOSPC || r == -EAGAIN || r == -EMFILE || r == -ENFILE ||
		r == -EINTR;
}

static bool is_zero(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[8];

	return fd >= 0 && read(fd, text, sizeof(text)) >= 2 && text[0] == '0' && text[1] == '\n';
}

/* First of all: later there is no /proc. */
static uint32_t forbidden_walls(void)
{
	uint32_t bits = 0;

	for (unsigned w = 0; w < WALLS; w++)
		if (walls[w].limit && is_zero(walls[w].limit))
			bits |= WALL_BIT(w);
	return bits;
}

static void try_each(struct trial *t, const enum wall *list, size_t n)
{
	for (size_t i = 0; i < n && t->f.error == 0; i++) {
		int r = raise_one(list[i], t->uid);

		if (r == 0)
			t->f.found |= WALL_BIT(list[i]);
		else if (r == -ENOSPC && t->forbidden & WALL_BIT(list[i]))
			continue;
		else if (is_shortage(r))
			t->f = (struct finding){.wall = (int32_t)list[i], .error = r};
	}
}

static struct finding try_all(uid_t uid)
{
	static const enum wall first[] = {WALL_SECCOMP}, birth[] = {WALL_PID};
	struct trial t = {.uid = uid, .forbidden = forbidden_walls()};

	try_each(&t, first, 1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return (struct finding){0};
	if (geteuid() == 0) {
		try_each(&t, birth, 1);
		try_each(&t, as_root, ARRAY_SIZE(as_root));
	} else {
		try_each(&t, as_user, 1);
		if (t.f.found & WALL_BIT(WALL_USER))
			try_each(&t, as_user + 1, ARRAY_SIZE(as_user) - 1);
	}
	try_each(&t, after, ARRAY_SIZE(after));
	return t.f;
}

static int probe(uid_t uid, struct finding *ret)
{
	cleanup_fd int reader = -1;
	struct finding f;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	reader = ends[0];
	pid = fork();
	if (pid == 0) {
		f = try_all(uid);
		_exit(write(ends[1], &f, sizeof(f)) == sizeof(f) ? 0 : 1);
	}
	close(ends[1]);
	if (pid < 0)
		return -EAGAIN;
	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0 ||
		TEMP_FAILURE_RETRY(read(reader, &f, sizeof(f))) != sizeof(f))
		return -EIO;
	*ret = f;
	return f.error;
}

int walls_probe(uid_t uid, uint32_t *ret_broker, uint32_t *ret_pair, const char **ret_what)
{
	struct finding f = {0};
	int r = -EAGAIN;

	for (unsigned i = 0, ms = FIRST_WAIT_MS; i < PROBES && is_shortage(r); i++) {
		if (i > 0) {
			const struct timespec pause = {.tv_nsec = (long)(ms * NS_PER_MS)};

			(void)nanosleep(&pause, NULL);
			ms *= 2;
		}
		f = (struct finding){0};
		r = probe(uid, &f);
	}
	if (r < 0) {
		*ret_what = f.error ? wall_name((enum wall)f.wall) : "";
		return r;
	}
	*ret_broker = f.found & (geteuid() == 0 ? WALLS_BROKER : WALLS_BROKER & ~NAMESPACES);
	*ret_pair = f.found & WALLS_PAIR;
	return 0;
}
