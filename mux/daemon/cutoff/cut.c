/* Cuts cameras off and waits until they are. In framemuxd's loop. */
#include "mux/daemon/cutoff/cut.h"

#include <errno.h>
#include <stdlib.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "mux/daemon/daemon_private.h"

#define LIMIT_MS                                                                                   \
	3000u /* for the disk, the broker, the reaping; then the asker hears what is not done */
#define CUTS_MAX 64u

struct cuts {
	struct mux *mux; /* borrowed */
	TAILQ_HEAD(, cut) waiting;
	unsigned n;
	uint32_t last_drain;
};

/* Each lifts only what it set: a pair has a place for each of them. */
static void apply_to(const struct mux *m, struct pair *p)
{
	const struct camera_record *cam = pair_camera(p);
	char why[LIMIT_REASON];

	if (kill_switch_cuts_off(m->kill_switch, cam, why) && !breakage("daemon-skip-switch"))
		pair_disable(p, why);
	else
		pair_enable(p);
	if (enforce_blocks(m->enforce, cam, why) && !breakage("policy-no-effect"))
		pair_forbid(p, why);
	else
		pair_allow(p);
}

bool cuts_concern(const struct cuts *s, const struct camera_record *cam)
{
	char why[LIMIT_REASON];

	return kill_switch_cuts_off(s->mux->kill_switch, cam, why) ||
		enforce_blocks(s->mux->enforce, cam, why);
}

void cuts_apply(struct cuts *s)
{
	const struct pair_host *h = &s->mux->pair_host;

	for (size_t i = 0; i < h->n_pairs; i++)
		apply_to(s->mux, h->pairs[i]);
}

const char *cut_what_is_late(enum cut_end end)
{
	switch (end) {
	case CUT_PAIR_LATE:
		return "it is in force; a process of a camera is killed and not gone yet";
	case CUT_BROKER_LATE:
		return "it is in force; the broker does not answer, and will erase what clients "
		       "still map when it does";
	default:
		return "";
	}
}

/* ---- waiting ------------------------------------------------------------------------- */

void cut_forget(struct cut *c)
{
	TAILQ_REMOVE(&c->cuts->waiting, c, link);
	c->cuts->n--;
	event_free(c->limit);
}

static void end(struct cut *c, enum cut_end how)
{
	cut_forget(c);
	c->ended(c, how);
}

static bool is_reaped(const struct cut *c)
{
	const struct pair_host *h = &c->cuts->mux->pair_host;

	for (size_t i = 0; c->is_on && i < h->n_pairs; i++)
		if (!pair_is_at_rest(h->pairs[i]) && c->concerns(c, pair_camera(h->pairs[i])))
			return false;
	return true;
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	struct cut *c = data;

	(void)fd;
	(void)what;
	if (!c->is_kept)
		end(c, CUT_DISK_LATE);
	else if (c->kept_result)
		end(c, CUT_NOT_KEPT);
	else
		end(c, c->is_drained ? CUT_PAIR_LATE : CUT_BROKER_LATE);
}

void cuts_look(struct cuts *s)
{
	struct cut *c = TAILQ_FIRST(&s->waiting), *next;

	for (; c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->is_kept && c->is_drained && is_reaped(c))
			end(c, c->kept_result ? CUT_NOT_KEPT : CUT_OVER);
	}
}

void cuts_drained(struct cuts *s, uint32_t drain)
{
	struct cut *c;

	TAILQ_FOREACH (c, &s->waiting, link)
		if (c->drain == drain)
			c->is_drained = true;
	cuts_look(s);
}

/* Its rings went with it. */
void cuts_broker_fell(struct cuts *s)
{
	struct cut *c;

	TAILQ_FOREACH (c, &s->waiting, link)
		c->is_drained = true;
	cuts_look(s);
}

int cut_begin(struct cuts *s, struct cut *c)
{
	const struct timeval limit = {.tv_sec = LIMIT_MS / 1000, .tv_usec = LIMIT_MS % 1000 * 1000};

	if (s->n >= CUTS_MAX)
		return -EBUSY;
	c->began_ns = clock_monotonic_ns();
	c->limit = evtimer_new(s->mux->base, on_limit, c);
	if (!c->limit)
		return -ENOMEM;
	if (evtimer_add(c->limit, &limit) < 0) {
		event_free(c->limit);
		return -ENOMEM;
	}
	c->cuts = s;
	TAILQ_INSERT_TAIL(&s->waiting, c, link);
	s->n++;
	return 0;
}

void cut_drain(struct cut *c)
{
	struct mux *m = c->cuts->mux;
	const struct msg_drain drain = {.request = ++c->cuts->last_drain};

	c->drain = drain.request;
	if (!c->is_on || !m->broker_ready) {
		c->is_drained = true;
		return;
	}
	broker_send(m->broker, &wire_drain, &drain, NULL, 0);
}

void cut_kept(struct cut *c, int result)
{
	c->is_kept = true;
	c->kept_result = result;
}

uint64_t cut_elapsed_us(const struct cut *c)
{
	return (clock_monotonic_ns() - c->began_ns) / NS_PER_US;
}

int cuts_new(struct mux *m, struct cuts **ret)
{
	struct cuts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->mux = m;
	TAILQ_INIT(&s->waiting);
	*ret = s;
	return 0;
}

/* Whoever waits has forgotten its own before. */
void cuts_free(struct cuts *s)
{
	free(s);
}
