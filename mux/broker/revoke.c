/* Revocations under way. Owns them; the set of revoked ids is revoked.c's. Runs in the broker. */
#include "mux/broker/revoke.h"

#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/conn.h"
#include "mux/broker/control.h"
#include "mux/broker/erase.h"
#include "mux/broker/tenure.h"
#include "mux/link.h"

#define LIMIT_S 5 /* for framemuxd: to keep the id, to kill and reap a pair */

struct revocation {
	LIST_ENTRY(revocation) link;
	struct broker *broker; /* borrowed */
	struct control *asker; /* borrowed; NULL once it has gone */
	uint32_t request;      /* the asker's number */
	uint32_t keep_request; /* ours to framemuxd */
	uint8_t token[TOKEN_ID_BYTES];
	uint64_t began_ns;
	struct event *limit;             /* owned */
	bool is_erased, is_answered_for; /* the two things to wait for */
	bool is_exposed;                 /* erased, but not for good */
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

static void answer(struct revocation *r, uint32_t status, const char *reason)
{
	if (r->asker)
		control_done(r->asker, r->request, status, r->elapsed_us, reason);
	revocation_free(r);
}

static void answer_if_over(struct revocation *r)
{
	if (!r->is_erased || !r->is_answered_for)
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

static bool has_lease(const struct broker *b, const uint8_t token[TOKEN_ID_BYTES])
{
	const struct tenure *t;

	LIST_FOREACH (t, &b->tenures, in_broker)
		if (!memcmp(t->token, token, TOKEN_ID_BYTES))
			return true;
	return false;
}

static void note_erased(struct revocation *r)
{
	struct totals *totals = &r->broker->totals;

	if (r->is_erased || has_lease(r->broker, r->token))
		return;
	r->is_erased = true;
	r->elapsed_us = (clock_monotonic_ns() - r->began_ns) / NS_PER_US;
	if (r->elapsed_us > totals->revoke_us_max)
		totals->revoke_us_max = r->elapsed_us;
}

void revoke_lease_gone(
	struct broker *b, const uint8_t token[TOKEN_ID_BYTES], uint64_t lease, bool is_exposed)
{
	const struct msg_ctl_ended ended = {.lease = lease};
	struct revocation *r, *next;

	LIST_FOREACH_SAFE (r, &b->revocations, link, next) {
		if (r->is_erased || memcmp(r->token, token, TOKEN_ID_BYTES))
			continue;
		r->is_exposed |= is_exposed;
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
	if (!r)
		return;
	r->is_answered_for = true;
	r->kept_status = status;
	if (status)
		log_error("a revocation could not be recorded: %s",
			strerror((int)(status & INT32_MAX)));
	answer_if_over(r);
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	struct revocation *r = data;

	(void)fd;
	(void)what;
	answer(r, ETIMEDOUT,
		r->is_erased
			? "its leases have ended, but framemuxd did not record it in time"
			: "a camera's decoder could not be ended in time; its frames are erased "
			  "and marked dead");
}

/* Dead marks first, of all of them: erasing takes time. */
static void end_leases(struct broker *b, const uint8_t token[TOKEN_ID_BYTES])
{
	struct tenure *t, *next;

	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->attach && !memcmp(t->token, token, TOKEN_ID_BYTES))
			ring_mark_dead(&t->attach->ring);
	LIST_FOREACH_SAFE (t, &b->tenures, in_broker, next) {
		if (memcmp(t->token, token, TOKEN_ID_BYTES))
			continue;
		if (t->attach)
			erase_hasten(t->attach); /* of one that is ending already */
		tenure_end(t, FRAMEMUX_STATE_REVOKED, "revoked");
	}
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
	if (strlen(id) == 2 * TOKEN_ID_BYTES)
		return sodium_hex2bin(
			ret, TOKEN_ID_BYTES, id, 2 * TOKEN_ID_BYTES, NULL, NULL, NULL);
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

static void ask_to_keep(struct revocation *r)
{
	struct msg_revoked_keep m = {.request = r->keep_request};

	memcpy(m.id, r->token, sizeof(m.id));
	conn_send(r->broker->daemon, &wire_revoked_keep, &m, NULL, 0);
}

int revoke_begin(struct broker *b, struct control *asker, uint32_t request, const char *id)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	struct revocation *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->began_ns = clock_monotonic_ns();
	r->broker = b;
	r->asker = asker;
	r->request = request;
	r->keep_request = ++b->last_request;
	r->limit = evtimer_new(b->base, on_limit, r);
	LIST_INSERT_HEAD(&b->revocations, r, link);
	e = find_token(b, id, r->token);
	if (e == 0 && (!r->limit || evtimer_add(r->limit, &limit) < 0))
		e = -ENOMEM;
	if (e == 0)
		e = revoked_add(&b->revoked, r->token);
	if (e < 0) {
		revocation_free(r);
		return e;
	}
	b->totals.revokes++;
	ask_to_keep(r);
	/* While is_answered_for is false, nothing frees r. */
	end_leases(b, r->token);
	note_erased(r);
	return 0;
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
