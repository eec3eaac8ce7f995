/* Limits, Landlock and a filter for the C library's resolver. Runs in framemux-resolve. */
#include "mux/resolve/confine.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define FILES_MAX  64u
#define CPU_S      5u
#define DATA_BYTES (64ul << 20)
#define DNS_PORT   53u

/* ---- limits -------------------------------------------------------------------------- */

static int limit(int what, rlim_t most)
{
	const struct rlimit l = {most, most};

	return setrlimit((__rlimit_resource_t)what, &l) < 0 ? -errno : 0;
}

static int limit_all(void)
{
	int r = limit(RLIMIT_CORE, 0);

	if (r == 0)
		r = limit(RLIMIT_NPROC, 0);
	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, FILES_MAX);
	if (r == 0)
		r = limit(RLIMIT_CPU, CPU_S);
#ifndef ENABLE_SANITIZERS /* their shadow would be counted */
	if (r == 0)
		r = limit(RLIMIT_DATA, DATA_BYTES);
#endif
	return r;
}

/* ---- Landlock ------------------------------------------------------------------------ */

/* As in later headers than Debian 12's (landlock(7)): ABI 1 has 13 rights, 2, 3 and 5 one more each. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct port_rule {
	uint64_t allowed, port;
};

#define NET_BIND    1u
#define NET_CONNECT 2u
#define RULE_PORT   2

/*
 * nsswitch.conf(5), resolv.conf(5), hosts, gai.conf, the modules that nsswitch.conf names. A file that
 * is a symbolic link is allowed where it leads to, wherever that is.
 */
static const char *const readable[] = {
	"/etc",
	"/usr",
	"/lib",
	"/lib32",
	"/lib64",
	"/libx32",
	"/nix/store",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/nsswitch.conf",
	"/etc/gai.conf",
	"/etc/host.conf",
	"/run/systemd/resolve",
	"/run/systemd/machines",
	"/run/resolvconf",
	"/run/NetworkManager",
	"/run/connman",
	"/run/nscd",
	"/var/lib/misc",
	"/var/db",
	"/dev/urandom",
#ifdef ENABLE_SANITIZERS
	"/proc",
	"/sys",
#endif
};

static struct ruleset handled_by(long abi)
{
	struct ruleset h = {.fs = (1u << 13) - 1};

	if (abi >= 2)
		h.fs |= 1u << 13;
	if (abi >= 3)
		h.fs |= 1u << 14;
	if (abi >= 4)
		h.net = NET_BIND | NET_CONNECT;
	if (abi >= 5)
		h.fs |= 1u << 15;
	if (abi >= 6)
		h.scoped = 3;
	return h;
}

/* What is not there needs no rule. */
static int allow_reading(int rules, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE};
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	rule.parent_fd = fd;
	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		? -errno
		: 0;
}

static int allow_all(int rules, const struct ruleset *handled)
{
	const struct port_rule dns = {NET_CONNECT, DNS_PORT};

	for (size_t i = 0; i < ARRAY_SIZE(readable); i++) {
		int r = allow_reading(rules, readable[i]);

		if (r < 0)
			return r;
	}
	if (handled->net && syscall(SYS_landlock_add_rule, rules, RULE_PORT, &dns, 0) < 0)
		return -errno;
	return 0;
}

/* A kernel without it is known to the log of framemuxd already (missing walls). */
static int restrict_files(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset handled = handled_by(abi);
	cleanup_fd int rules = -1;
	int r;

	if (abi < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	if (rules < 0)
		return -errno;
	r = allow_all(rules, &handled);
	if (r < 0)
		return r;
	return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

/* ---- the filter ---------------------------------------------------------------------- */

/*
 * Beyond what framemuxd and all that it starts may never do (mux/daemon/roles/privilege.c). A list of what is
 * forbidden, since nobody knows what the modules of nsswitch.conf need. With the mux's own uid its
 * files and processes are in reach: no mode is changed and nobody is signalled.
 */
static const int never[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(kill),
	SCMP_SYS(tkill),
	SCMP_SYS(tgkill),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(setpriority),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_setscheduler),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(chown),
	SCMP_SYS(fchown),
	SCMP_SYS(lchown),
	SCMP_SYS(fchownat),
	SCMP_SYS(utime),
	SCMP_SYS(utimes),
	SCMP_SYS(futimesat),
	SCMP_SYS(utimensat),
	SCMP_SYS(setxattr),
	SCMP_SYS(lsetxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(lremovexattr),
	SCMP_SYS(fremovexattr),
	SCMP_SYS(truncate),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(memfd_create),
	SCMP_SYS(listen),
	SCMP_SYS(shmget),
	SCMP_SYS(msgget),
	SCMP_SYS(semget),
	SCMP_SYS(mq_open),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
};

static int add_rules(scmp_filter_ctx filter, bool has_own_uid)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(never); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), never[i], 0);
	if (r == 0) /* another's limits; its own it may ask for */
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
			SCMP_A0(SCMP_CMP_NE, 0));
	if (r == 0 && !has_own_uid)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	return r;
}

static int forbid_calls(bool has_own_uid)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? add_rules(filter, has_own_uid) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int resolve_confine(bool has_own_uid, const char **ret_what)
{
	int r;

	*ret_what = "no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	*ret_what = "limits";
	r = limit_all();
	if (r < 0)
		return r;
	*ret_what = "landlock";
	r = restrict_files();
	if (r < 0)
		return r;
	*ret_what = "seccomp";
	return forbid_calls(has_own_uid);
}
