/*
 * The folder into which whoever updates the hub drops policies: NAME.policy is read, applied or
 * refused, and taken away; NAME.policy.applied or NAME.policy.refused says which, and why. Watched by
 * the kernel's word, never polled. Runs in framemuxd's loop; what may wait for the disk is in
 * policy_drop_disk.c.
 */
#ifndef FRAMEMUX_POLICY_DROP_H
#define FRAMEMUX_POLICY_DROP_H

#include <stddef.h>

struct mux;
struct policy_drop;

/* *ret is NULL where the configuration names no folder. What is there is read soon. 0, or -errno and
 * why. */
int policy_drop_new(struct mux *m, struct policy_drop **ret, char *ret_why, size_t why_size);
void policy_drop_free(struct policy_drop *d);

#endif
