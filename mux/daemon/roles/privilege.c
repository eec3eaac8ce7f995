/*
 * The privileges of framemuxd, all of them. Started by root it keeps the capabilities below and no
 * other; started by anybody else it has none. What it starts can have no more (bounding set), and the
 * roles give up even these before they hear a word (mux/walls.c).
 */
#include "mux/daemon/roles/privilege.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

static const struct {
	unsigned cap;
	const char *why;
} kept[] = {
	{CAP_SETUID, "a uid for each role"},
	{CAP_SETGID, "its group; no supplementary groups"},
	{CAP_SETPCAP, "roles empty their bounding set"},
	{CAP_SYS_ADMIN, "namespaces for the roles"},
	{CAP_KILL, "roles have other uids"},
	{CAP_CHOWN, "token files belong to their users, the control socket to admin_group"},
	{CAP_FOWNER, "the mode of these"},
	{CAP_DAC_OVERRIDE, "devices, folders and secrets that are somebody else's"},
	{CAP_IPC_LOCK, "keys are not swapped out, whatever RLIMIT_MEMLOCK says"},
};

/* Reaching into other processes or the kernel, and ways around the file permissions of the above. */
static const int never[] = {
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(process_madvise),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(personality),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(reboot),
	SCMP_SYS(syslog),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(fanotify_init),
};

static int keep_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t keep = 0;

	if (geteuid() == 0)
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			keep |= UINT64_C(1) << kept[i].cap;
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep >> cap &
			    1)) /* refused without CAP_SETPCAP: then there are none to keep */
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static int forbid_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

#ifdef ENABLE_SANITIZERS /* the leak check stops the process with ptrace(2) */
	const size_t first = 1;
#else
	const size_t first = 0;
#endif
	for (size_t i = first; r == 0 && i < ARRAY_SIZE(never); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), never[i], 0);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int privilege_reduce(const char **ret_what)
{
	const struct rlimit no_core = {0, 0};
	int r;

	*ret_what = "no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*ret_what = "no core";
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	*ret_what = "capabilities";
	r = keep_capabilities();
	if (r < 0)
		return r;
	*ret_what = "seccomp";
	return forbid_calls();
}
