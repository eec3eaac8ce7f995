/*
 * What a reload does to a pair. A record is for life: a camera whose record changed gets another
 * pair, which begins when the old one is reaped, and goes on counting generations where that one
 * has stopped. Runs in framemuxd's loop.
 */
#include <stdio.h>
#include <string.h>

#include "mux/daemon/pair/pair_private.h"

#define GONE "the configuration has changed"

static void note_change(struct pair *p)
{
	if (p->word >= WORD_OURS)
		return;
	p->word = WORD_OURS;
	snprintf(p->reason, sizeof(p->reason), "%s", GONE);
}

void pair_retire(struct pair *p)
{
	p->is_retired = true;
	note_change(p);
	pair_stop(p);
}

/* What the camera called itself was compared and, perhaps, not kept yet: not only what is on disk. */
void pair_inherit(struct pair *p, const struct pair *retired)
{
	p->generation = retired->generation;
	p->reconnects = retired->reconnects;
	p->leases = retired->leases;
	if (!fingerprint_applies(p->camera))
		return;
	pair_restore(p, &retired->kept);
	p->print = retired->print;
	p->is_unkept = retired->is_unkept;
	p->digest = retired->digest;
}

void pair_restart(struct pair *p)
{
	if (p->phase != PAIR_BEARING && p->phase != PAIR_RUNNING)
		return; /* the next birth tells the new values anyway */
	p->is_restarting = true;
	note_change(p);
	pair_kill_decode(p);
	pair_end_orderly(p, GOODBYE_MS);
}

bool pair_is_restarting(const struct pair *p)
{
	return p->is_restarting;
}

void pair_adjust(struct pair *p, const struct camera_record *camera)
{
	bool was_warm = p->record.warm;

	memcpy(p->record.vendor, camera->vendor, sizeof(p->record.vendor));
	p->record.warm = camera->warm;
	if (was_warm == camera->warm || p->stopped || p->aborted)
		return;
	if (p->phase == PAIR_REST)
		pair_show_rest(p);
	if (pair_is_wanted(p))
		pair_begin_if_wanted(p);
	else
		pair_want(p, p->leases); /* lingers, or ends its pause */
}
