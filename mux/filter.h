/*
 * Which system calls a role may make from now on: an allow list (seccomp(2), through libseccomp);
 * any other call kills the process with SIGSYS. Each role has its list in its own folder
 * (mux/broker/filter.c, mux/ingest/filter.c, mux/decode/filter.c), each entry with its reason.
 */
#ifndef FRAMEMUX_FILTER_H
#define FRAMEMUX_FILTER_H

#include <seccomp.h>
#include <stddef.h>

#define FILTER_ARGS_MAX 3u

/* One call, with conditions on its arguments that must all hold. Two rules for one call: either. */
struct filter_rule {
	int call; /* SCMP_SYS(...); one that this architecture lacks adds nothing */
	const char *why;
	unsigned n_args;
	struct scmp_arg_cmp args[FILTER_ARGS_MAX];
};

/* Conditions, by the argument's place. Descriptors, flags and commands are 32 bits wide. */
#define FILTER_IS(place, value)   SCMP_CMP32(place, SCMP_CMP_EQ, (uint32_t)(value))
#define FILTER_LACKS(place, bits) SCMP_CMP32(place, SCMP_CMP_MASKED_EQ, (uint32_t)(bits), 0)
#define FILTER_HAS(place, bits)                                                                    \
	SCMP_CMP32(place, SCMP_CMP_MASKED_EQ, (uint32_t)(bits), (uint32_t)(bits))
#define FILTER_ABOVE(place, value) SCMP_CMP64(place, SCMP_CMP_GT, (uint32_t)(value))
#define FILTER_NULL(place)        SCMP_CMP64(place, SCMP_CMP_EQ, 0)

/*
 * Load the rules, and those that every role needs: memory that cannot become executable, time, the
 * log, the end. 0, or -errno.
 */
int filter_load(const struct filter_rule *rules, size_t n);

#endif
