/* Loads a role's allow list, together with what all of them need. Runs in broker, ingest, decode. */
#include "mux/filter.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"

/* RLIMIT_DATA counts private memory that is no stack: neither shared memory without a file, nor what
 * grows downwards like a stack, may be had. */
#define NO_EXEC   FILTER_LACKS(2, PROT_EXEC)
#define PRIVATE   FILTER_LACKS(3, MAP_SHARED | MAP_GROWSDOWN)
#define OF_A_FILE FILTER_LACKS(3, MAP_ANONYMOUS | MAP_GROWSDOWN)

static const struct filter_rule everyone[] = {
	/* Memory. Nothing becomes executable. */
	{SCMP_SYS(brk), "malloc", 0, {{0}}},
	{SCMP_SYS(mmap), "malloc; what the memory limit counts", 2, {NO_EXEC, PRIVATE}},
	{SCMP_SYS(mmap), "rings, a device's buffers, files", 2, {NO_EXEC, OF_A_FILE}},
	{SCMP_SYS(mmap2), "the same on 32 bits", 2, {NO_EXEC, PRIVATE}},
	{SCMP_SYS(mmap2), "the same on 32 bits", 2, {NO_EXEC, OF_A_FILE}},
	{SCMP_SYS(mprotect), "malloc, rings, secrets", 1, {NO_EXEC}},
	{SCMP_SYS(munmap), "free, rings", 0, {{0}}},
	{SCMP_SYS(mremap), "realloc", 0, {{0}}},
	{SCMP_SYS(madvise), "free, rings", 0, {{0}}},
	{SCMP_SYS(prlimit64), "its own memory limit, once", 2,
		{FILTER_IS(0, 0), FILTER_IS(1, RLIMIT_DATA)}},
	/* Time; where the vDSO has none. */
	{SCMP_SYS(clock_gettime), "ages, deadlines", 0, {{0}}},
	{SCMP_SYS(clock_gettime64), "the same on 32 bits", 0, {{0}}},
	/* Waiting, and what interrupts it. */
	{SCMP_SYS(poll), "the loop, an empty message", 0, {{0}}},
	{SCMP_SYS(ppoll), "the loop", 0, {{0}}},
	{SCMP_SYS(ppoll_time64), "the same on 32 bits", 0, {{0}}},
	{SCMP_SYS(futex), "locks of the C library", 0, {{0}}},
	{SCMP_SYS(futex_time64), "the same on 32 bits", 0, {{0}}},
	{SCMP_SYS(restart_syscall), "a wait after SIGSTOP", 0, {{0}}},
	{SCMP_SYS(rt_sigreturn), "framemuxd has died", 0, {{0}}},
	{SCMP_SYS(alarm), "how long to outlive it", 0, {{0}}},
	{SCMP_SYS(setitimer), "the same; the watchdog", 0, {{0}}},
	/* The log, and the end. */
	{SCMP_SYS(write), "stderr", 1, {FILTER_IS(0, STDERR_FILENO)}},
	{SCMP_SYS(close), "whatever it was given", 0, {{0}}},
	{SCMP_SYS(getrandom), "libsodium, GnuTLS, malloc", 0, {{0}}},
	{SCMP_SYS(exit), "the end", 0, {{0}}},
	{SCMP_SYS(exit_group), "the end", 0, {{0}}},
};

#ifdef ENABLE_SANITIZERS
/* What the sanitizers' runtimes do besides; such a build cannot be installed. */
static const struct filter_rule sanitizers[] = {
	{SCMP_SYS(rt_sigaction), "their handlers", 0, {{0}}},
	{SCMP_SYS(rt_sigprocmask), "leak check", 0, {{0}}},
	{SCMP_SYS(sigaltstack), "their stack", 0, {{0}}},
	{SCMP_SYS(sched_yield), "their locks", 0, {{0}}},
	{SCMP_SYS(gettid), "reports", 0, {{0}}},
	{SCMP_SYS(getpid), "reports", 0, {{0}}},
	{SCMP_SYS(tgkill), "abort", 0, {{0}}},
	{SCMP_SYS(openat), "/proc/self/maps", 0, {{0}}},
	{SCMP_SYS(open), "/proc/self/maps", 0, {{0}}},
	{SCMP_SYS(readlink), "/proc/self/exe", 0, {{0}}},
	{SCMP_SYS(read), "/proc/self/maps", 0, {{0}}},
	{SCMP_SYS(write), "reports", 0, {{0}}},
	{SCMP_SYS(newfstatat), "/proc/self/maps", 0, {{0}}},
	{SCMP_SYS(stat), "/proc/self/maps", 0, {{0}}},
	{SCMP_SYS(fstat), "/proc/self/maps", 0, {{0}}},
	{SCMP_SYS(dup), "reports", 0, {{0}}},
	{SCMP_SYS(pipe), "is this address readable?", 0, {{0}}},
	{SCMP_SYS(pipe2), "is this address readable?", 0, {{0}}},
	{SCMP_SYS(prctl), "thread names", 0, {{0}}},
	{SCMP_SYS(getrlimit), "the stack's size", 0, {{0}}},
	{SCMP_SYS(prlimit64), "the stack's size", 0, {{0}}},
	{SCMP_SYS(sysinfo), "reports", 0, {{0}}},
	{SCMP_SYS(clone), "leak check", 0, {{0}}},
	{SCMP_SYS(wait4), "leak check", 0, {{0}}},
	{SCMP_SYS(mmap), "shadow", 0, {{0}}},
};
#endif

static int add(scmp_filter_ctx filter, const struct filter_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct filter_rule *rule = &rules[i];
		int r;

		r = seccomp_rule_add_array(
			filter, SCMP_ACT_ALLOW, rule->call, rule->n_args, rule->args);
		if (r < 0)
			return r;
	}
	return 0;
}

int filter_load(const struct filter_rule *rules, size_t n)
{
	scmp_filter_ctx filter;
	int r;

	if (breakage("role-no-filter"))
		return 0;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	r = add(filter, everyone, ARRAY_SIZE(everyone));
	if (r == 0)
		r = add(filter, rules, n);
#ifdef ENABLE_SANITIZERS
	if (r == 0)
		r = add(filter, sanitizers, ARRAY_SIZE(sanitizers));
#endif
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
