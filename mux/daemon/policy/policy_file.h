/*
 * What the state folder keeps of the fleet's policy: "policy", the bundle in force, which is also the
 * floor below which no other is accepted. In framemuxd: while starting, and from the writer thread.
 */
#ifndef FRAMEMUX_POLICY_FILE_H
#define FRAMEMUX_POLICY_FILE_H

#include <stddef.h>

#include "mux/daemon/policy/policy.h"

#define POLICY_FILE "policy"

/* A bundle that was accepted. */
struct policy_bundle {
	char *bytes; /* owned; as it came */
	size_t len, body_len;
	uint8_t hash[POLICY_HASH_BYTES]; /* of the body */
	struct policy *policy;           /* owned */
};

/* Of bytes that are not trusted yet: policy is NULL, for policy_parse. 0, -EBADMSG, -ENOMEM and why. */
int policy_bundle_make(
	const char *bytes, size_t len, struct policy_bundle **ret, char ret_why[POLICY_WHY]);
void policy_bundle_free(struct policy_bundle *b);

/* *ret is NULL where there is none. 0, or -errno and why; -EBADMSG: damaged. */
int policy_file_load(int folder, struct policy_bundle **ret, char *ret_why, size_t why_size);

/* Waits for the disk. */
int policy_file_keep(int folder, const struct policy_bundle *b);

#endif
