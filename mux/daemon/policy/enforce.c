/*
 * Three bundles at most: what is on disk, what is being written, and what was accepted since and is to
 * come there. All are in force: what is new blocks at once, and only when it is on disk is anything lifted that the
 * others block. So no crash and no failing disk leaves a camera running that a restart would show as
 * blocked, or the other way round.
 *
 * A policy that was accepted is not lifted by the configuration: without policy_keys, or with other
 * ones, nothing new is accepted, and what is in force stays so.
 */
#include "mux/daemon/policy/enforce.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/policy/enforce_private.h"

/* ---- judging ------------------------------------------------------------------------- */

const struct policy_bundle *enforce_bundle(const struct enforce *e)
{
	return e->coming ? e->coming : e->kept;
}

bool enforce_is_kept(const struct enforce *e)
{
	return !e->coming;
}

uint64_t enforce_now(struct enforce *e)
{
	uint64_t now_s = mux_now_s(e->mux);
	uint64_t least_s = clock_mark_now_s(&e->issued, clock_boot_ns());

	if (breakage("policy-no-clock"))
		return clock_unix_s();
	return now_s > least_s ? now_s : least_s;
}

static void raise_issued(struct enforce *e, const struct policy_bundle *b)
{
	uint64_t boot_ns = clock_boot_ns();

	if (b->policy->issued_s > clock_mark_now_s(&e->issued, boot_ns))
		e->issued = (struct clock_mark){b->policy->issued_s, boot_ns};
}

bool enforce_blocks(struct enforce *e, const struct camera_record *cam, char ret_why[LIMIT_REASON])
{
	uint64_t now = enforce_now(e);

	return (e->coming && policy_blocks(e->coming->policy, cam, now, ret_why)) ||
		(e->stale && policy_blocks(e->stale->policy, cam, now, ret_why)) ||
		(e->kept && policy_blocks(e->kept->policy, cam, now, ret_why));
}

static bool concerns(const struct cut *c, const struct camera_record *cam)
{
	char why[LIMIT_REASON];

	return enforce_blocks(((const struct request *)c)->enforce, cam, why);
}

size_t enforce_count(struct enforce *e)
{
	const struct pair_host *h = &e->mux->pair_host;
	char why[LIMIT_REASON];
	size_t n = 0;

	for (size_t i = 0; i < h->n_pairs; i++)
		n += enforce_blocks(e, pair_camera(h->pairs[i]), why);
	return n;
}

static int signers_of(const struct enforce *e, const struct policy_bundle *b,
	bool ret_signed[POLICY_KEYS_MAX], char ret_why[LIMIT_REASON])
{
	const struct config *c = e->mux->config;

	return policy_keys_count(c->policy_keys, c->n_policy_keys, b->bytes, b->body_len,
		b->bytes + b->body_len, b->len - b->body_len, ret_signed, ret_why);
}

unsigned enforce_signers(const struct enforce *e, bool ret_signed[POLICY_KEYS_MAX])
{
	const struct policy_bundle *b = enforce_bundle(e);
	char why[LIMIT_REASON];
	int n = b ? signers_of(e, b, ret_signed, why) : 0;

	return n > 0 ? (unsigned)n : 0;
}

/* ---- accepting ----------------------------------------------------------------------- */

static int refuse(int error, char why[LIMIT_REASON], const char *what)
{
	snprintf(why, LIMIT_REASON, "%s", what);
	return error;
}

/* Whoever cannot vouch for it has nothing in it read. */
static int check_signatures(
	const struct enforce *e, const struct policy_bundle *b, char why[LIMIT_REASON])
{
	const struct config *c = e->mux->config;
	bool has_signed[POLICY_KEYS_MAX];
	int n;

	if (!c->n_policy_keys)
		return refuse(-ENOKEY, why,
			"there are no policy_keys in the configuration: no policy is accepted");
	n = signers_of(e, b, has_signed, why);
	if (n < 0)
		return n;
	if ((unsigned)n >= c->policy_quorum)
		return 0;
	snprintf(why, LIMIT_REASON,
		"under-signed: by %d of the %zu policy_keys, and %" PRIu32 " are needed", n,
		c->n_policy_keys, c->policy_quorum);
	return -EKEYREJECTED;
}

/* *ret_again: it is the very one that is in force. */
static int check_floor(
	struct enforce *e, const struct policy_bundle *b, bool *ret_again, char why[LIMIT_REASON])
{
	const struct policy_bundle *is = enforce_bundle(e);
	uint64_t now = enforce_now(e);
	char expired[UTC_TEXT_MAX], today[UTC_TEXT_MAX];

	*ret_again = is && b->policy->version == is->policy->version &&
		!memcmp(b->hash, is->hash, sizeof(b->hash));
	if (*ret_again)
		return 0;
	if (is && b->policy->version < is->policy->version && !breakage("policy-no-floor")) {
		snprintf(why, LIMIT_REASON,
			"rollback: it is version %" PRIu64 ", and %" PRIu64 " was accepted before",
			b->policy->version, is->policy->version);
		return -ESTALE;
	}
	if (is && b->policy->version == is->policy->version) {
		snprintf(why, LIMIT_REASON,
			"equivocation: another policy with version %" PRIu64 " was accepted before",
			b->policy->version);
		return -ENOTUNIQ;
	}
	if (!policy_is_expired(b->policy, now))
		return 0;
	policy_time_text(b->policy->expires_s, expired);
	policy_time_text(now, today);
	snprintf(why, LIMIT_REASON, "expired: at %s, and it is %s at least", expired, today);
	return -EKEYEXPIRED;
}

/* ---- who waits ----------------------------------------------------------------------- */

static void request_free(struct request *r)
{
	LIST_REMOVE(r, link);
	free(r);
}

static const char *say(enum cut_end end)
{
	switch (end) {
	case CUT_NOT_KEPT:
		return "it is in force, but could not be recorded: it would not outlast a restart, "
		       "and nothing is lifted";
	case CUT_DISK_LATE:
		return "it is in force, but the disk has not recorded it yet";
	default:
		return cut_what_is_late(end);
	}
}

/* Whatever the disk's fault is, to the asker it is one of writing. */
static void on_ended(struct cut *c, enum cut_end end)
{
	struct request *r = (struct request *)c;
	const struct enforce_asker asker = r->asker;
	uint64_t us = cut_elapsed_us(c);
	uint32_t status = end == CUT_DISK_LATE ? ETIMEDOUT : end == CUT_NOT_KEPT ? EIO : 0;

	request_free(r);
	if (asker.done)
		asker.done(asker.data, status, us, say(end));
}

static int request_new(struct enforce *e, const struct enforce_asker *asker, struct request **ret)
{
	struct request *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->enforce = e;
	r->asker = *asker;
	r->cut = (struct cut){.is_on = true, .concerns = concerns, .ended = on_ended};
	rc = cut_begin(e->mux->cuts, &r->cut);
	if (rc < 0) {
		free(r);
		return rc;
	}
	LIST_INSERT_HEAD(&e->requests, r, link);
	*ret = r;
	return 0;
}

void enforce_forget(struct enforce *e, const void *data)
{
	struct request *r;

	LIST_FOREACH (r, &e->requests, link)
		if (r->asker.data == data)
			r->asker.done = NULL;
}

/* ---- asking -------------------------------------------------------------------------- */

static void put_in_force(struct enforce *e, struct policy_bundle *b, struct request *r)
{
	raise_issued(e, b);
	enforce_replace_coming(e, b);
	e->changes++;
	enforce_note_applied(e, &r->asker);
	cuts_apply(e->mux->cuts);
	enforce_time_changed(e);
}

/* Signatures first: until enough of them are found good nothing in the body is read. */
static int examine(struct enforce *e, const char *bytes, size_t len, struct policy_bundle **ret,
	bool *ret_again, char why[LIMIT_REASON])
{
	struct policy_bundle *b = NULL;
	int rc = policy_bundle_make(bytes, len, &b, why);

	if (!rc)
		rc = check_signatures(e, b, why);
	if (!rc)
		rc = policy_parse(b->bytes, b->body_len, &b->policy, why);
	if (!rc)
		rc = check_floor(e, b, ret_again, why);
	if (rc < 0)
		policy_bundle_free(b);
	else
		*ret = b;
	return rc;
}

int enforce_ask(struct enforce *e, const char *bytes, size_t len, const struct enforce_asker *asker,
	char ret_why[LIMIT_REASON])
{
	struct policy_bundle *b = NULL;
	struct request *r = NULL;
	bool is_again = false;
	int rc = examine(e, bytes, len, &b, &is_again, ret_why);

	if (rc < 0) {
		enforce_refuse(e, asker, ret_why);
		return rc;
	}
	rc = request_new(e, asker, &r);
	if (rc < 0) {
		policy_bundle_free(b);
		return refuse(rc, ret_why, "framemuxd is short of memory, or too many wait");
	}
	if (is_again)
		policy_bundle_free(b);
	else
		put_in_force(e, b, r);
	r->asker.name = NULL; /* the caller's */
	r->change = e->changes;
	cut_drain(&r->cut);
	if (!e->coming)
		cut_kept(&r->cut, 0);
	else if (!is_again ||
		!e->is_writing) /* the disk has refused it, perhaps, and may not now */
		enforce_keep(e);
	cuts_look(e->mux->cuts);
	return 0;
}

/* ---- life and death ------------------------------------------------------------------ */

int enforce_load(struct mux *m, struct enforce **ret, char *ret_why, size_t why_size)
{
	struct enforce *e = calloc(1, sizeof(*e));
	int rc;

	if (!e) {
		snprintf(ret_why, why_size, POLICY_FILE ": out of memory");
		return -ENOMEM;
	}
	e->mux = m;
	e->due_fd = e->jump_fd = -1;
	LIST_INIT(&e->requests);
	rc = policy_file_load(state_folder(m->state), &e->kept, ret_why, why_size);
	if (rc < 0) {
		enforce_free(e);
		return rc;
	}
	if (e->kept)
		raise_issued(e, e->kept);
	*ret = e;
	return 0;
}

int enforce_begin(struct enforce *e)
{
	const struct config *c = e->mux->config;
	bool has_signed[POLICY_KEYS_MAX];
	int rc = refusals_begin(&e->refusals, e->mux);

	if (!rc)
		rc = enforce_keep_begin(e);
	if (rc < 0)
		return rc;
	if (e->kept)
		log_notice("policy %" PRIu64 " is in force; %zu cameras are blocked by it",
			e->kept->policy->version, enforce_count(e));
	if (e->kept && (!c->n_policy_keys || enforce_signers(e, has_signed) < c->policy_quorum))
		log_warning("policy %" PRIu64 " was signed by other keys than the policy_keys of "
			    "now; it stays in force until a newer one is applied",
			e->kept->policy->version);
	return enforce_time_begin(e);
}

void enforce_free(struct enforce *e)
{
	if (!e)
		return;
	while (!LIST_EMPTY(&e->requests)) {
		cut_forget(&LIST_FIRST(&e->requests)->cut);
		request_free(LIST_FIRST(&e->requests));
	}
	enforce_time_end(e);
	enforce_keep_end(e);
	refusals_end(&e->refusals);
	if (e->is_writing) /* the writer thread has not let go of one: the process ends now */
		return;
	policy_bundle_free(e->kept);
	policy_bundle_free(e->coming);
	policy_bundle_free(e->stale);
	free(e);
}
