/*
 * Faults on purpose. Linked with --wrap, every system call and allocation that our own objects make
 * passes through here; the n-th of one role, counted while a test has it armed, fails once. What
 * libevent and libsodium do inside themselves is not reached: their calls fail as a whole
 * (event_new, event_add).
 *
 * The counters are in memory that all processes of a test share.
 */
#ifndef FRAMEMUX_TESTS_FAULT_SHIM_H
#define FRAMEMUX_TESTS_FAULT_SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAULT_FD     60 /* of the shared memory, in programs that a test starts */
#define FAULT_FRAMES 8

enum fault_role {
	FAULT_NOBODY,
	FAULT_BROKER,
	FAULT_DECODE,
	FAULT_CLIENT,
	FAULT_DAEMON,
	FAULT_ROLES,
};

/* What a role owns now: must be as before when everything has ended. */
struct fault_balance {
	atomic_long blocks; /* of memory */
	atomic_long events; /* of libevent */
};

struct fault_page {
	atomic_uint role; /* whose calls count; FAULT_NOBODY: the test is not at that point */
	atomic_uint count;
	unsigned fail_at; /* 0: only count */
	unsigned variant; /* which of the call's errors */
	/* What was made to fail. */
	atomic_uint hits;
	char call[32];
	int error;
	unsigned n_variants;
	void *where[FAULT_FRAMES];
	struct fault_balance balance[FAULT_ROLES];
	atomic_uint unsealed; /* rings that reached a client and were not as they must be */
	/* The broker's time, so that a test need not wait. */
	atomic_bool hurry; /* what is tried again in a second is at once */
	atomic_ullong boot_skip_ns;
};

extern struct fault_page *fault_page;

/* In the test: makes the page, which its children inherit on FAULT_FD. */
void fault_begin(void);
/* In a program that the test started: 0 or -errno. */
int fault_join(enum fault_role role);

/* Who this process is from now on; a client's calls are those between two of these. */
void fault_set_role(enum fault_role role);

/* The same for a broker: SIGUSR2 tells it that boot_skip_ns has changed. */
void fault_begin_broker(void);

/* Called with every descriptor of a file that comes to a client. */
extern void (*fault_on_file)(int fd);

/* The n-th call of role fails from now on, n > 0; or all are only counted. */
void fault_arm(enum fault_role role, unsigned n, unsigned variant);
/* No more; the number of calls there were. */
unsigned fault_disarm(void);
bool fault_was_hit(void);

/* "fallocate: No space left on device, at 0x1234 0x5678", for addr2line. */
const char *fault_text(void);

#endif
