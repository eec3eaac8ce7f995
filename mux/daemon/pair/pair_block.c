/*
 * Who a camera is: what it calls itself is compared with what it called itself before, and one that
 * is not who it was is blocked. And what the kill switch or a fleet's policy cuts off. Runs in
 * framemuxd's loop.
 *
 * What a camera says at first contact counts at once, for as long as framemuxd runs: a realm that is
 * not remembered before it is signed could be another camera's. It is kept on disk only when the
 * camera has shown a picture: what never worked (another device's address, a server that has since
 * been replaced) is forgotten by a restart. A block is kept at once, with what it was compared to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "mux/audit_note.h"
#include "mux/daemon/pair/pair_private.h"

void pair_block(struct pair *p, const char *reason, bool lasts)
{
	if (p->block[0])
		return;
	snprintf(p->block, sizeof(p->block), "%s", reason);
	if (lasts) {
		p->kept.print = p->print;
		p->is_unkept = false;
		memcpy(p->kept.block, p->block, sizeof(p->kept.block));
		p->host->keep(p->host->self);
	}
	/* The broker ends the leases at once; it does not wait until both processes are reaped. */
	pair_set_state(p, CAMERA_BLOCKED, p->block);
	if (lasts)
		log_warning("camera %s: if that is right: framemuxctl accept --camera %s",
			p->camera->name, p->camera->name);
	pair_fail(p, WORD_OURS, p->block);
}

/* Whether it is who it was; if so, a challenge that comes late is kept as well. */
static bool settle(struct pair *p, int rc, const char *reason)
{
	if (rc < 0) {
		pair_block(p, reason, true);
		return false;
	}
	if (p->state == CAMERA_LIVE)
		pair_keep_identity(p);
	return true;
}

bool pair_identify_realm(struct pair *p, const char *realm)
{
	char reason[LIMIT_REASON];

	if (p->block[0])
		return false;
	if (!fingerprint_applies(p->camera))
		return true;
	p->is_unkept |= !p->print.has_realm;
	return settle(p, fingerprint_take_realm(&p->print, realm, reason), reason);
}

bool pair_identify(struct pair *p, const struct msg_identity *identity)
{
	char reason[LIMIT_REASON];

	if (p->block[0])
		return false;
	if (!fingerprint_applies(p->camera))
		return true;
	p->is_unkept |= !p->print.has_identity;
	return settle(p, fingerprint_take_identity(&p->print, identity, reason), reason);
}

void pair_keep_identity(struct pair *p)
{
	if (!p->is_unkept)
		return;
	p->is_unkept = false;
	p->kept.print = p->print;
	p->host->keep(p->host->self);
}

const struct fingerprint_record *pair_record(const struct pair *p)
{
	return &p->kept;
}

void pair_restore(struct pair *p, const struct fingerprint_record *kept)
{
	p->kept = *kept;
	p->print = kept->print;
	p->digest.has_realm = kept->print.has_realm;
	memcpy(p->digest.realm, kept->print.realm, sizeof(p->digest.realm));
	memcpy(p->block, kept->block, sizeof(p->block));
	pair_init_state(p);
	if (p->block[0])
		log_warning("camera %s: blocked: %s", p->camera->name, p->block);
}

void pair_accept(struct pair *p)
{
	bool was_blocked = p->block[0];

	p->kept.print = p->print = (struct fingerprint){0};
	p->is_unkept = false;
	p->digest.has_realm = false;
	p->kept.block[0] = p->block[0] = 0;
	p->host->keep(p->host->self);
	if (!was_blocked)
		return;
	p->pause = (struct pause){0};
	if (p->phase == PAIR_REST)
		pair_show_rest(p);
	pair_begin_if_wanted(p);
}

/* ---- cut off by framemuxd's owner: the kill switch, a policy --------------------------- */

/* What it has come to, whoever asked for it: a vendor's camera, one that a reload has brought. */
static void note_cut(
	const struct pair *p, enum audit_event event, const char *what, const char *reason)
{
	struct msg_audit_note m = {.event = event, .epoch = p->camera->epoch, .uid = UINT32_MAX};

	memcpy(m.camera, p->camera->name, sizeof(m.camera));
	snprintf(m.what, sizeof(m.what), "%s", what);
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	p->host->note(p->host->self, &m);
}

/* The broker may not know the camera yet, or there is none: it is told when it serves. */
static bool change_quietly(struct pair *p)
{
	if (p->is_served)
		return false;
	pair_init_state(p);
	p->is_untold = true;
	return true;
}

/*
 * The broker ends the leases when it hears of it; the pair dies whether it does or not. Only after
 * the broker's own death decode is left to erase what it has, which is all that is left to it.
 */
static void cut_off(struct pair *p, const char *why, bool is_new)
{
	if (change_quietly(p)) {
		if (is_new)
			log_warning("camera %s: %s", p->camera->name, why);
		return;
	}
	pair_show_rest(p);
	if (!is_new || p->stopped || p->aborted)
		return;
	pair_fail(p, WORD_OURS, why);
	if (p->phase == PAIR_PAUSE) /* it was waiting for its next life */
		pair_end_orderly(p, GOODBYE_MS);
}

static void let_live(struct pair *p)
{
	p->pause = (struct pause){0};
	if (change_quietly(p))
		return;
	if (p->phase == PAIR_REST)
		pair_show_rest(p);
	pair_begin_if_wanted(p);
}

void pair_disable(struct pair *p, const char *why)
{
	bool is_new = !p->disabled[0];

	snprintf(p->disabled, sizeof(p->disabled), "%s", why);
	if (is_new)
		note_cut(p, AUDIT_EVENT_DISABLE, "in force", why);
	cut_off(p, p->disabled, is_new);
}

void pair_enable(struct pair *p)
{
	if (!p->disabled[0])
		return;
	p->disabled[0] = 0;
	note_cut(p, AUDIT_EVENT_ENABLE, "lifted", "");
	let_live(p);
}

void pair_forbid(struct pair *p, const char *why)
{
	bool is_new = !p->forbidden[0];

	snprintf(p->forbidden, sizeof(p->forbidden), "%s", why);
	if (is_new)
		note_cut(p, AUDIT_EVENT_POLICY, "in force", why);
	cut_off(p, p->forbidden, is_new);
}

void pair_allow(struct pair *p)
{
	if (!p->forbidden[0])
		return;
	p->forbidden[0] = 0;
	note_cut(p, AUDIT_EVENT_POLICY, "lifted", "");
	let_live(p);
}
