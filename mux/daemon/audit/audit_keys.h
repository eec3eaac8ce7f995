/*
 * How far the audit log has got and the seed that signs what comes next: the file "head" beside the
 * log, which framemuxd alone can read. Two places in it are written in turn, so that one is whole at
 * any moment; what the other held is overwritten, or an earlier seed could be read there. Runs in
 * the writer thread, and at the start.
 */
#ifndef FRAMEMUX_AUDIT_KEYS_H
#define FRAMEMUX_AUDIT_KEYS_H

#include "common/audit_record.h"

/* In memory of locked_alloc() alone. */
struct audit_keys {
	struct audit_head head;
	uint64_t seal;                  /* number of the next seal */
	uint8_t seed[AUDIT_SEED_BYTES]; /* that signs it */
	uint32_t segment;               /* the file that is written */
	uint64_t bytes;                 /* of it, sealed; 0: it does not exist yet */
};

#define AUDIT_HEAD_FILE "head"

/* A log's very first state: an own random seed. */
void audit_keys_fresh(struct audit_keys *s);

/* The same, but numbers and chain go on from head. */
void audit_keys_renew(struct audit_keys *s, const struct audit_head *head, uint64_t seal);

/* The state after so many more seals. */
void audit_keys_evolve(struct audit_keys *s, uint64_t seals);

/* -ENOENT: there is none; -EBADMSG: none that is whole. */
int audit_keys_load(int folder, struct audit_keys *ret);

/* Make the file, with s in it, durably; and open it for audit_keys_save. */
int audit_keys_create(int folder, const struct audit_keys *s, int *ret_fd);
int audit_keys_open(int folder, int *ret_fd);

/* Durable when it returns 0. */
int audit_keys_save(int fd, const struct audit_keys *s);

#endif
