/*
 * The fleet's policy in force. Accepts a bundle or says why not, keeps it on disk, judges cameras by
 * it, notices its expiry. It is framemuxd's alone. Runs in framemuxd's loop.
 */
#ifndef FRAMEMUX_ENFORCE_H
#define FRAMEMUX_ENFORCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mux/daemon/policy/policy_file.h"
#include "mux/daemon/policy/policy_keys.h"

struct enforce;
struct mux;

/* While starting: what was accepted in an earlier life. 0, or -errno and why; -EBADMSG: damaged. */
int enforce_load(struct mux *m, struct enforce **ret, char *ret_why, size_t why_size);

/* There is a loop, a writer thread and an audit log now. 0 or -errno. */
int enforce_begin(struct enforce *e);
void enforce_free(struct enforce *e);

/* Whether the policy keeps this camera from working, and why. */
bool enforce_blocks(struct enforce *e, const struct camera_record *cam, char ret_why[LIMIT_REASON]);

/* Who has brought a bundle. */
struct enforce_asker {
	uint32_t uid, pid; /* pid 0: nobody in person */
	const char *name;  /* of its file; NULL: none */
	void *data;
	/* Once. status: 0, or an errno of the disk; reason: also a warning. */
	void (*done)(void *data, uint32_t status, uint64_t elapsed_us, const char *reason);
};

/*
 * 0: it is in force, and done follows when what it blocks is blind and gone and it is on disk, perhaps
 * before this returns. Or it is refused, with nothing changed, and why:
 *	-EBADMSG       no bundle, or with something in it that is not known
 *	-ENOKEY        there are no policy_keys
 *	-EKEYREJECTED  too few of them have signed it
 *	-ESTALE        older than what was accepted before
 *	-ENOTUNIQ      another one of the same version
 *	-EKEYEXPIRED   expired
 *	-ENOMEM, -EBUSY
 */
int enforce_ask(struct enforce *e, const char *bytes, size_t len, const struct enforce_asker *asker,
	char ret_why[LIMIT_REASON]);

/* Something was brought that cannot even be read: recorded like any refusal. */
void enforce_refuse(struct enforce *e, const struct enforce_asker *asker, const char *why);

/* The mux ends: record the refusals that were only counted so far. NULL: there is none. */
void enforce_flush(struct enforce *e);

/* When the writer thread is gone: the bundle that came behind the last that it wrote. */
void enforce_write_rest(struct enforce *e);

/* It is told nothing any more. */
void enforce_forget(struct enforce *e, const void *data);

/* For whoever wants to see it; NULL: there is none. Valid until the next call of something else. */
const struct policy_bundle *enforce_bundle(const struct enforce *e);
bool enforce_is_kept(const struct enforce *e);
uint64_t enforce_now(struct enforce *e);

/* Which of the keys of now have signed it. */
unsigned enforce_signers(const struct enforce *e, bool ret_signed[POLICY_KEYS_MAX]);

#endif
