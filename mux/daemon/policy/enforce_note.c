/* What is said of policies, to the log and to the audit log. In framemuxd's loop. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/policy/enforce_private.h"

static struct msg_audit_note note_of(const struct enforce_asker *asker, const char *what)
{
	struct msg_audit_note m = {.event = AUDIT_EVENT_POLICY, .uid = UINT32_MAX};

	m.by_uid = asker->uid;
	m.by_pid = asker->pid;
	snprintf(m.what, sizeof(m.what), "%s", what);
	snprintf(m.name, sizeof(m.name), "%s", asker->name ? asker->name : "");
	text_make_plain(m.name, strlen(m.name));
	return m;
}

/* Its hash, so that the log can be held against what somebody says was applied. */
void enforce_note_applied(struct enforce *e, const struct enforce_asker *asker)
{
	const struct policy_bundle *b = enforce_bundle(e);
	struct msg_audit_note m = note_of(asker, "applied");
	bool has_signed[POLICY_KEYS_MAX];
	char hash[2 * POLICY_HASH_BYTES + 1];

	sodium_bin2hex(hash, sizeof(hash), b->hash, sizeof(b->hash));
	m.generation = b->policy->version;
	snprintf(m.reason, sizeof(m.reason), "hash %s, signed by %u of %zu policy_keys", hash,
		enforce_signers(e, has_signed), e->mux->config->n_policy_keys);
	audit_note(e->mux->audit, &m);
	log_notice("policy %" PRIu64 " is in force: %s; %zu cameras are blocked",
		b->policy->version, m.reason, enforce_count(e));
}

void enforce_note_expired(struct enforce *e)
{
	const struct policy_bundle *b = enforce_bundle(e);
	struct msg_audit_note m = note_of(&(struct enforce_asker){0}, "expired");

	m.generation = b->policy->version;
	snprintf(m.reason, sizeof(m.reason),
		"what it permits is over; what it blocks and requires "
		"stays");
	audit_note(e->mux->audit, &m);
	log_warning("policy %" PRIu64 " has expired: %s", b->policy->version, m.reason);
}

/* Bounded, however many come: at once, then once a minute with how many it were. */
void enforce_refuse(struct enforce *e, const struct enforce_asker *asker, const char *why)
{
	struct msg_audit_note m = note_of(asker, "refused");

	snprintf(m.reason, sizeof(m.reason), "%s", why);
	text_make_plain(m.reason, strlen(m.reason));
	if (refusals_may_log(&e->refusals))
		log_warning("a policy is refused%s%s: %s", *m.name ? ", file " : "", m.name, why);
	refusals_note(&e->refusals, &m);
}

void enforce_flush(struct enforce *e)
{
	if (e)
		refusals_flush(&e->refusals);
}
