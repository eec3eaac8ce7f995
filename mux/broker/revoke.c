/*
 * Revocations under way. Owns them; the set of revoked ids is common/revoked.c's, that of
 * cutoffs common/cutoff.c's. Runs in the broker.
 */
#include "mux/broker/revoke.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/audit_note.h"
#include "mux/broker/attach.h"
#include "mux/broker/audit.h"
#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/broker/control.h"
#include "mux/broker/erase.h"
#include "mux/broker/keys.h"
#include "mux/broker/standing.h"
#include "mux/broker/tenure.h"
#include "mux/broker/watch.h"
#include "mux/link/daemon_broker.h"

#define LIMIT_S 5 /* for framemuxd: to keep the id, to kill and reap a pair */

/* What is to end: the leases of one token, of a root key's, or all that a cutoff hits. */
struct target {
	uint32_t key_id; /* 0: no key's */
	bool is_cutoff;
	struct cutoff cutoff;
	uint8_t token[TOKEN_ID_BYTES];
};

struct revocation {
	LIST_ENTRY(revocation) link;
	struct broker *broker; /* borrowed */
	struct control *asker; /* borrowed; NULL once it has gone */
	uint32_t request;      /* the asker's number */
	uint32_t keep_request; /* ours to framemuxd; the same for each part */
	unsigned unkept;       /* parts that it has not answered */
	struct target target;
	uint32_t by_uid, by_pid;
	unsigned n_ended;
	uint64_t began_ns;
	struct event *limit; /* owned */
	bool is_struck;      /* every lease that it hits has been told to end */
	bool is_erased;      /* this is waited for, and that nothing is unkept */
	bool is_exposed;     /* erased, but not for good */
	bool is_answered;    /* it took too long; what the disk says is still heard */
	uint32_t kept_status;
	uint64_t elapsed_us;
};

static void revocation_free(struct revocation *r)
{
	LIST_REMOVE(r, link);
	if (r->limit)
		event_free(r->limit);
	free(r);
}

static void note(const struct revocation *r, uint32_t status, const char *reason)
{
	static const char *const whats[] = {"token", "all", "camera", "uid"};
	const struct cutoff *c = &r->target.cutoff;
	struct msg_audit_note m = {.event = AUDIT_EVENT_REVOKE,
		.uid = c->kind == CUTOFF_UID ? c->uid : UINT32_MAX,
		.by_uid = r->by_uid,
		.by_pid = r->by_pid,
		.count = r->n_ended,
		.issue = c->issue,
		.elapsed_us = r->elapsed_us};

	snprintf(m.what, sizeof(m.what), "%s", r->target.key_id ? "key" : whats[c->kind]);
	m.key_id = r->target.key_id;
	memcpy(m.camera, c->camera, sizeof(m.camera));
	memcpy(m.token, r->target.token, sizeof(m.token));
	if (status)
		memcpy(m.reason, reason, strnlen(reason, sizeof(m.reason) - 1));
	audit_note(r->broker, &m);
}

static void tell(struct revocation *r, uint32_t status, const char *reason)
{
	if (r->is_answered)
		return;
	r->is_answered = true;
	note(r, status, reason);
	if (r->asker)
		control_done(r->asker, r->request, status, r->elapsed_us, reason);
	r->asker = NULL;
}

static void answer(struct revocation *r, uint32_t status, const char *reason)
{
	tell(r, status, reason);
	revocation_free(r);
}

static void answer_if_over(struct revocation *r)
{
	if (!r->is_erased || r->unkept)
		return;
	if (r->is_exposed)
		answer(r, ETIMEDOUT,
			"a decoder could not be ended; a ring of its may still change: its camera "
			"is blocked");
	else if (r->kept_status)
		answer(r, r->kept_status,
			"its leases have ended, but the revocation could not be recorded: it would "
			"not outlast a restart");
	else
		answer(r, 0, "");
}

static bool hits(const void *data, const struct tenure *t)
{
	const struct target *target = data;

	if (target->key_id)
		return t->key_id == target->key_id;
	if (target->is_cutoff)
		return cutoff_hits(&target->cutoff, t->camera_name, t->uid);
	return !memcmp(t->token, target->token, TOKEN_ID_BYTES);
}

/* One that lives has come since, by a right that is newer. */
static bool has_lease(const struct broker *b, const struct target *target)
{
	const struct tenure *t;

	LIST_FOREACH (t, &b->tenures, in_broker)
		if (lease_is_ending(&t->life) && hits(target, t))
			return true;
	return false;
}

static void note_erased(struct revocation *r)
{
	struct totals *totals = &r->broker->totals;

	if (!r->is_struck || r->is_erased || has_lease(r->broker, &r->target))
		return;
	r->is_erased = true;
	r->elapsed_us = (clock_monotonic_ns() - r->began_ns) / NS_PER_US;
	if (r->elapsed_us > totals->revoke_us_max)
		totals->revoke_us_max = r->elapsed_us;
}

void revoke_lease_gone(struct broker *b, const struct tenure *t)
{
	const struct msg_ctl_ended ended = {.lease = t->id};
	struct revocation *r, *next;

	LIST_FOREACH_SAFE (r, &b->revocations, link, next) {
		if (r->is_erased || !hits(&r->target, t))
			continue;
		r->is_exposed |= t->is_exposed;
		r->n_ended++;
		if (r->asker)
			control_record(r->asker, &wire_ctl_ended, &ended);
		note_erased(r);
		answer_if_over(r);
	}
}

void revoke_kept(struct broker *b, uint32_t request, uint32_t status)
{
	struct revocation *r;

	LIST_FOREACH (r, &b->revocations, link)
		if (r->keep_request == request)
			break;
	if (status)
		log_error("a revocation could not be recorded: %s",
			strerror((int)(status & INT32_MAX)));
	if (!r || r->unkept == 0)
		return;
	r->unkept--;
	if (status)
		r->kept_status = status;
	if (!r->unkept && !r->kept_status && r->target.key_id)
		keys_forget_older(b); /* else it can be tried again */
	/* Not before: a number that is not on disk would be given again after a restart. */
	if (!r->unkept && !r->kept_status && r->target.is_cutoff)
		b->settings.issue = cutoffs_next_issue(&b->cutoffs);
	answer_if_over(r);
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	struct revocation *r = data;

	(void)fd;
	(void)what;
	tell(r, ETIMEDOUT,
		r->is_erased
			? "its leases have ended, but framemuxd did not record it in time"
			: "a camera's decoder could not be ended in time; its frames are erased "
			  "and marked dead");
	if (!r->unkept)
		revocation_free(r);
}

static bool is_hex(const char *id)
{
	for (; *id; id++)
		if (!isxdigit((unsigned char)*id))
			return false;
	return true;
}

static int find_token(const struct broker *b, const char *id, uint8_t ret[TOKEN_ID_BYTES])
{
	const struct tenure *t;
	uint64_t lease;

	if (!is_hex(id))
		return -EINVAL;
	if (strlen(id) == 2 * TOKEN_ID_BYTES) {
		sodium_hex2bin(ret, TOKEN_ID_BYTES, id, 2 * TOKEN_ID_BYTES, NULL, NULL, NULL);
		/* No token's; in a record it means that none is named. */
		return sodium_is_zero(ret, TOKEN_ID_BYTES) ? -ENOENT : 0;
	}
	if (strlen(id) != 16)
		return -EINVAL;
	lease = strtoull(id, NULL, 16);
	LIST_FOREACH (t, &b->tenures, in_broker) {
		if (t->id == lease) {
			memcpy(ret, t->token, TOKEN_ID_BYTES);
			return 0;
		}
	}
	return -ENOENT;
}

/* ---- the beginning ------------------------------------------------------------------------- */

static void keep_ids(struct revocation *r, const uint8_t *ids, size_t n)
{
	struct msg_revoked_keep m = {.request = r->keep_request};

	while (n) {
		size_t part = n < REVOKED_KEEP_IDS ? n : REVOKED_KEEP_IDS;

		memcpy(m.ids, ids, part * TOKEN_ID_BYTES);
		m.ids_len = (uint16_t)(part * TOKEN_ID_BYTES);
		r->unkept++;
		conn_send(r->broker->daemon, &wire_revoked_keep, &m, NULL, 0);
		ids += part * TOKEN_ID_BYTES;
		n -= part;
	}
}

static void keep_cutoff(struct revocation *r)
{
	const struct cutoff *c = &r->target.cutoff;
	struct msg_cutoff_keep m = {
		.request = r->keep_request, .kind = c->kind, .uid = c->uid, .issue = c->issue};

	memcpy(m.camera, c->camera, sizeof(m.camera));
	r->unkept++;
	conn_send(r->broker->daemon, &wire_cutoff_keep, &m, NULL, 0);
}

static int revoke_token(struct revocation *r)
{
	int e = revoked_add(&r->broker->revoked, r->target.token);

	if (e == 0)
		keep_ids(r, r->target.token, 1);
	return e;
}

static int revoke_all(struct revocation *r)
{
	cleanup_free uint8_t *ids = NULL;
	struct broker *b = r->broker;
	size_t n;
	int e = cutoffs_add(&b->cutoffs, &r->target.cutoff);

	if (e == 0)
		e = standing_cut(b, &r->target.cutoff, &ids, &n);
	if (e < 0)
		return e;
	keep_ids(r, ids, n);
	keep_cutoff(r);
	return 0;
}

static int find_target(struct broker *b, const struct msg_ctl_revoke *ask, struct target *ret)
{
	struct cutoff *c = &ret->cutoff;

	*ret = (struct target){.is_cutoff = ask->cutoff != 0};
	if (!ask->cutoff)
		return find_token(b, ask->id, ret->token);
	*c = (struct cutoff){.kind = ask->cutoff, .uid = ask->uid, .issue = b->settings.issue};
	if (c->kind != CUTOFF_CAMERA)
		return 0; /* its values are checked where it is added */
	memcpy(c->camera, ask->camera, sizeof(c->camera));
	return camera_by_name(b, c->camera) ? 0 : -ENOENT;
}

/* What a revocation does first, and at once. */
static int strike(struct revocation *r)
{
	struct broker *b = r->broker;
	const struct msg_key_retire m = {.request = r->keep_request, .key_id = r->target.key_id};

	if (!r->target.key_id)
		return r->target.is_cutoff ? revoke_all(r) : revoke_token(r);
	keys_void_older(b);
	r->unkept++;
	conn_send(b->daemon, &wire_key_retire, &m, NULL, 0);
	return 0;
}

/* id: as it was asked for; NULL: a key's. */
static int begin(struct broker *b, struct control *asker, uint32_t request,
	const struct target *target, const char *id, const char *reason)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	struct revocation *r = calloc(1, sizeof(*r));
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->began_ns = clock_monotonic_ns();
	r->broker = b;
	r->asker = asker;
	r->request = request;
	r->by_uid = asker->uid;
	r->by_pid = asker->pid;
	r->keep_request = ++b->last_request;
	r->target = *target;
	r->limit = evtimer_new(b->base, on_limit, r);
	LIST_INSERT_HEAD(&b->revocations, r, link);
	if (!r->limit || evtimer_add(r->limit, &limit) < 0)
		e = -ENOMEM;
	if (e == 0)
		e = strike(r);
	if (e < 0) {
		revocation_free(r);
		return e;
	}
	b->totals.revokes++;
	watch_revoked(asker, &r->target.cutoff, id);
	/* While something is unkept, nothing frees r. */
	tenure_end_those(b, hits, &r->target, false, reason);
	r->is_struck = true;
	note_erased(r);
	return 0;
}

int revoke_begin(struct broker *b, struct control *asker, const struct msg_ctl_revoke *ask)
{
	struct target target;
	int e = find_target(b, ask, &target);

	return e < 0 ? e : begin(b, asker, ask->request, &target, ask->id, "revoked");
}

int revoke_begin_key(struct broker *b, struct control *asker, uint32_t request)
{
	const struct target target = {.key_id = b->settings.older_key_id};

	if (!target.key_id)
		return -ENOENT;
	return begin(b, asker, request, &target, NULL, "the key of its token was retired");
}

void revoke_forget_asker(struct broker *b, const struct control *asker)
{
	struct revocation *r;

	LIST_FOREACH (r, &b->revocations, link)
		if (r->asker == asker)
			r->asker = NULL;
}

void revoke_free_all(struct broker *b)
{
	struct revocation *r, *next;

	LIST_FOREACH_SAFE (r, &b->revocations, link, next)
		revocation_free(r);
}
