/*
 * Counting what anybody can cause: so many rows a minute, and everything else in one more, so that a
 * flood from however many users stays a bounded number of records. Pure code.
 */
#ifndef FRAMEMUX_BROKER_AUDIT_SUMS_H
#define FRAMEMUX_BROKER_AUDIT_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"

#define AUDIT_SUMS_ROWS 16u

struct audit_sum {
	uint32_t event, uid; /* UINT32_MAX: of several */
	char camera[LIMIT_NAME];
	char reason[LIMIT_REASON]; /* of the first */
	uint64_t count;
};

struct audit_sums {
	struct audit_sum rows[AUDIT_SUMS_ROWS];
	size_t n;
	struct audit_sum others; /* count 0: none */
};

void audit_sums_add(
	struct audit_sums *s, uint32_t event, uint32_t uid, const char *camera, const char *reason);

#endif
