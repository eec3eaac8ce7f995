/* The broker's side of the link to a decoder. Owns the link; borrows its attaches. In the broker.
 */
#include "mux/broker/decoder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/attach.h"
#include "mux/broker/erase.h"
#include "mux/broker/plan.h"
#include "mux/broker/tenure.h"

#define OUTBOX_MAX 1024u /* a ring_give and a ring_go for each of many leases at once */

/* In a second: running counts at 4 Hz for each attach, answers, formats; more is a flood. */
#define MESSAGES_BASE       400u
#define MESSAGES_PER_ATTACH 16u

/* Beyond that, what we ask for: clients decide how often, so it cannot be the decoder's flood. */
#define ANSWERS_TO_GIVE 3u    /* ring_mapped, a first counts, client_fault */
#define ANSWERS_TO_DROP 1u    /* let_go */
#define OWED_MAX        4096u /* one that saves them up floods no more than so many */

static unsigned count_attaches(const struct decoder *d)
{
	const struct attach *a;
	unsigned n = 0;

	LIST_FOREACH (a, &d->attaches, in_decoder)
		n++;
	return n;
}

/*
 * A message about an attach that has ended meanwhile is late, not wrong: NULL, and it is ignored.
 * Another decoder's attaches cannot be named.
 */
static struct attach *find(const struct decoder *d, uint64_t lease, uint64_t id)
{
	struct attach *a;

	LIST_FOREACH (a, &d->attaches, in_decoder)
		if (a->id == id && a->tenure->id == lease)
			return a;
	return NULL;
}

/* --- the conversation ----------------------------------------------------------------------- */

static int admit(struct decoder *d)
{
	unsigned limit = MESSAGES_BASE + MESSAGES_PER_ATTACH * count_attaches(d);

	if (d->is_condemned)
		return -ECANCELED;
	if (rate_permits(&d->messages, clock_monotonic_ns(), limit, NULL))
		return 0;
	if (d->owed == 0)
		return -EPROTO;
	d->owed--;
	return 0;
}

static unsigned answers_to(const struct wire_message *m)
{
	if (m == &wire_ring_give)
		return ANSWERS_TO_GIVE;
	return m == &wire_ring_drop ? ANSWERS_TO_DROP : 0;
}

static int handle_format(void *self, const void *msg, int *fds)
{
	struct decoder *d = self;
	const struct msg_format *m = msg;
	int r = admit(d);

	(void)fds;
	if (r < 0)
		return r;
	if (!format_is_sane(m) || m->serial <= d->format.serial)
		return -EPROTO;
	d->format = *m;
	log_debug("camera %s: format %u is %ux%u", d->camera->name, m->serial, m->width, m->height);
	camera_format_changed(d->camera);
	return 0;
}

static int handle_ring_mapped(void *self, const void *msg, int *fds)
{
	struct decoder *d = self;
	const struct msg_ring_mapped *m = msg;
	struct attach *a = find(d, m->lease, m->attach);
	int r = admit(d);

	(void)fds;
	if (r == 0 && a)
		attach_mapped(a, m->status);
	return r;
}

static int handle_let_go(void *self, const void *msg, int *fds)
{
	struct decoder *d = self;
	const struct msg_let_go *m = msg;
	struct attach *a = find(d, m->lease, m->attach);
	int r = admit(d);

	(void)fds;
	if (r == 0 && a) {
		attach_count(a, m->published, m->delivered, m->dropped);
		erase_let_go(a);
	}
	return r;
}

static int handle_client_fault(void *self, const void *msg, int *fds)
{
	struct decoder *d = self;
	const struct msg_client_fault *m = msg;
	struct attach *a = find(d, m->lease, m->attach);
	int r = admit(d);

	(void)fds;
	if (r == 0 && a && a->phase != ATTACH_ENDING)
		tenure_fault(a->tenure, m->reason);
	return r;
}

static int handle_counts(void *self, const void *msg, int *fds)
{
	struct decoder *d = self;
	const struct msg_counts *m = msg;
	struct attach *a = find(d, m->lease, m->attach);
	int r = admit(d);

	(void)fds;
	if (r == 0 && a)
		attach_count(a, m->published, m->delivered, m->dropped);
	return r;
}

const struct wire_rule decoder_rules[] = {
	{&wire_format, DECODER_TALKING, 0, handle_format},
	{&wire_ring_mapped, DECODER_TALKING, 0, handle_ring_mapped},
	{&wire_let_go, DECODER_TALKING, 0, handle_let_go},
	{&wire_client_fault, DECODER_TALKING, 0, handle_client_fault},
	{&wire_counts, DECODER_TALKING, 0, handle_counts},
};
const size_t decoder_n_rules = ARRAY_SIZE(decoder_rules);

/* --- life and death ------------------------------------------------------------------------- */

/* All of them before the first is erased: that takes time. */
static void mark_dead(struct decoder *d)
{
	struct attach *a;

	LIST_FOREACH (a, &d->attaches, in_decoder)
		ring_mark_dead(&a->ring);
}

static void end_attaches(struct decoder *d, const char *reason)
{
	struct attach *a, *next;

	LIST_FOREACH_SAFE (a, &d->attaches, in_decoder, next)
		tenure_darken(a->tenure, FRAMEMUX_STATE_LOST, reason);
}

/* Nothing of this pair is to be seen any more, and it is to end. */
static void condemn(struct decoder *d, const char *reason)
{
	struct msg_pair_kill m = {.generation = d->generation};

	if (d->is_condemned)
		return;
	d->is_condemned = true;
	mark_dead(d);
	memcpy(m.id, d->camera->id.b, sizeof(m.id));
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	conn_send(d->camera->broker->daemon, &wire_pair_kill, &m, NULL, 0);
	end_attaches(d, reason);
}

static void on_gone(void *self, int error)
{
	struct decoder *d = self;
	struct conn *conn = take_ptr(d->conn);

	/* Closed first: descriptors that still waited in its outbox would count as writers. */
	conn_free(conn);
	/* Most often it is dead and framemuxd knows; one that only hung up has to be killed. */
	if (error == -EPIPE)
		condemn(d, "the camera's decoder has gone");
	else
		decoder_kill(d, "the decoder broke the protocol of its link");
	end_attaches(d, "the camera's decoder has gone");
}

static const struct conn_kind kind = {
	.rules = decoder_rules,
	.n_rules = ARRAY_SIZE(decoder_rules),
	.outbox_max = OUTBOX_MAX,
	.gone = on_gone,
};

int decoder_new(struct camera *c, uint64_t generation, int fd, struct decoder **ret)
{
	struct decoder *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->camera = c;
	d->generation = generation;
	LIST_INIT(&d->attaches);
	r = conn_new(c->broker->base, fd, &kind, d, DECODER_TALKING, &d->conn);
	if (r < 0) {
		free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void decoder_free(struct decoder *d, const char *reason)
{
	struct attach *a;

	if (!d)
		return;
	conn_free(d->conn);
	mark_dead(d);
	while ((a = LIST_FIRST(&d->attaches))) {
		LIST_REMOVE(a, in_decoder);
		a->decoder = NULL;
		if (a->phase == ATTACH_ENDING)
			erase_writer_dead(a);
		else
			tenure_darken(a->tenure, FRAMEMUX_STATE_LOST,
				*reason ? reason : "the camera's decoder has ended");
	}
	free(d);
}

void decoder_kill(struct decoder *d, const char *reason)
{
	if (!d->is_condemned)
		log_warning("camera %s: its pair is to be killed: %s", d->camera->name, reason);
	condemn(d, reason);
}

void decoder_send(struct decoder *d, const struct wire_message *m, const void *msg, const int *fds,
	size_t n_fds)
{
	if (!d->conn)
		return;
	d->owed += answers_to(m);
	if (d->owed > OWED_MAX)
		d->owed = OWED_MAX;
	conn_send(d->conn, m, msg, fds, n_fds);
}
