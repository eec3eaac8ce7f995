/* Requests for leases: verification, caps, memory, in this order. Owns nothing. In the broker. */
#include "mux/broker/open.h"

#include <errno.h>
#include <string.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/revoked.h"
#include "framemux.h"
#include "mux/broker/audit.h"
#include "mux/broker/barred.h"
#include "mux/broker/camera.h"
#include "mux/broker/held.h"
#include "mux/broker/keys.h"
#include "mux/broker/plan.h"
#include "mux/broker/tenure.h"
#include "mux/broker/verify.h"

#define VIEWS_MAX 64u /* of one connection */

static bool is_revoked(
	const void *data, const uint8_t id[TOKEN_ID_BYTES], const struct rights *rights)
{
	const struct broker *b = data;

	return revoked_has(&b->revoked, id) ||
		(cutoffs_kill(&b->cutoffs, rights, b->settings.issue) &&
			!breakage("broker-skip-cutoff"));
}

static const uint8_t *find_root(const void *data, uint32_t key_id)
{
	return keys_find(data, key_id);
}

static bool find_epoch(const void *data, const char *name, uint32_t *ret_epoch)
{
	const struct camera *camera = camera_by_name(data, name);

	if (!camera)
		return false;
	*ret_epoch = camera->epoch;
	return true;
}

/* why_log may say more than the client is told. A flood of refusals does not become one of lines.
 */
static void refuse(struct client *c, const struct msg_open *m, const char *why_log, const char *why)
{
	struct broker *b = c->broker;
	unsigned over;

	b->totals.leases_refused++;
	audit_refused(b, c->uid, camera_by_name(b, m->camera) ? m->camera : "", why_log);
	if (rate_permits(&b->refusals, clock_monotonic_ns(), REFUSAL_LINES, &over)) {
		if (over)
			log_notice("%u more refusals", over);
		log_notice("refused: uid %u pid %u, camera %s: %s", c->uid, c->pid, m->camera,
			why_log);
	}
	client_tell(c, m->view, FRAMEMUX_STATE_REFUSED, why);
}

static enum verdict verify(const struct client *c, const struct msg_open *m, uint64_t now_s,
	struct rights *ret_rights, struct terms *ret_terms, uint8_t ret_id[TOKEN_ID_BYTES])
{
	const struct broker *b = c->broker;
	const struct verify_facts facts = {
		.find_root = find_root,
		.challenge = c->challenge,
		.uid = c->uid,
		.is_barred = barred_has(b, c->uid),
		.now_s = now_s,
		.is_revoked = is_revoked,
		.find_epoch = find_epoch,
		.data = b,
	};
	enum verdict v = verify_capability(&facts, m, ret_rights, ret_id);

	return v == VERDICT_GOOD ? verify_terms(m, ret_rights, ret_terms) : v;
}

/* The memory of an explicit size is charged now; the camera's own size is not known before attach.
 */
static int reserve(struct client *c, const struct terms *terms, uint64_t *ret_bytes)
{
	struct broker *b = c->broker;
	uint64_t bytes;
	int r;

	*ret_bytes = 0;
	if (terms->width == 0)
		return 0;
	r = plan_ring_bytes(terms->fourcc, terms->width, terms->height, terms->slots, &bytes);
	if (r < 0)
		return r;
	bytes += DEAD_PAGE_BYTES;
	r = quota_charge(&b->quota, c->uid, bytes);
	if (r == -EDQUOT && held_check(b))
		r = quota_charge(&b->quota, c->uid, bytes);
	if (r == 0)
		*ret_bytes = bytes;
	return r;
}

/* The camera of the capability; the breakage is a wrong row in a table. */
static struct camera *choose_camera(const struct broker *b, const struct rights *rights)
{
	struct camera *right = camera_by_name(b, rights->camera), *c;

	if (breakage("broker-wrong-camera"))
		LIST_FOREACH (c, &b->cameras, link)
			if (c != right)
				return c;
	return right;
}

static unsigned count_views(const struct client *c)
{
	const struct tenure *t;
	unsigned n = 0;

	LIST_FOREACH (t, &c->tenures, in_client)
		n++;
	return n;
}

static const char *shortage(int r)
{
	switch (r) {
	case -EDQUOT:
		return "the ring memory of this user is used up: close a view, or ask for a "
		       "smaller picture (uid_quota_mb)";
	case -EUSERS:
		return "too many leases of this user: close one first";
	case -EBUSY:
		return "too many leases of this user are being begun at once: try again";
	case -EAGAIN:
		return "too many leases are being begun at once: try again";
	default:
		return "the mux is short of memory";
	}
}

int open_handle(struct client *c, const struct msg_open *m)
{
	struct broker *b = c->broker;
	uint8_t id[TOKEN_ID_BYTES];
	struct rights rights;
	struct terms terms;
	enum verdict v;
	struct tenure_ask ask = {.client = c,
		.rights = &rights,
		.terms = &terms,
		.token = id,
		.view = m->view,
		.is_dump = (m->flags & FRAMEMUX_OPEN_DUMP) != 0,
		.now_s = broker_now_s(b),
		.now_boot_ns = clock_boot_ns()};
	int r;

	if (client_find(c, m->view))
		return -EPROTO;
	v = verify(c, m, ask.now_s, &rights, &terms, id);
	if (v != VERDICT_GOOD) {
		refuse(c, m, verdict_for_log(v), verdict_for_client(v));
		return 0;
	}
	(void)token_body_key_id(m->token, m->token_len, &ask.key_id); /* it is well formed */
	if (count_views(c) >= VIEWS_MAX) {
		refuse(c, m, "too many views",
			"too many views of one connection: close one, or connect again");
		return 0;
	}
	r = reserve(c, &terms, &ask.reserved_bytes);
	ask.camera = choose_camera(b, &rights);
	if (r == 0)
		r = tenure_new(b, &ask);
	if (r < 0) {
		quota_release(&b->quota, c->uid, ask.reserved_bytes);
		refuse(c, m, shortage(r), shortage(r));
	}
	return 0;
}
