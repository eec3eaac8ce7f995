/* The end of attaches. Owns those that are ending. Runs in the broker. */
#include "mux/broker/erase.h"

#include <event2/event.h>
#include <stdlib.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/audit.h"
#include "mux/broker/camera.h"
#include "mux/broker/client.h"
#include "mux/broker/decoder.h"
#include "mux/broker/drain.h"
#include "mux/broker/held.h"
#include "mux/broker/swap.h"
#include "mux/broker/tenure.h"

#define REVOKED_MS  20u          /* for a decoder to let go where a right has ended */
#define USUAL_MS    250u         /* the same where nobody's right has */
#define RINGS_A_MS  4u           /* and for what it has to let go of before: so many rings, */
#define BYTES_A_MS  (4ull << 20) /* or so much memory, take it a millisecond at most */
#define RECHECK_MS  1u    /* the kernel says nothing when a writer goes: it has to be asked */
#define KILLED_MS   5u    /* the same, while a killed pair is being reaped */
#define HOPELESS_MS 1000u /* a writer that outlives the pair by this is somebody else */

static void wait_ms(struct attach *a, unsigned ms)
{
	const struct timeval tv = {.tv_usec = (suseconds_t)ms * 1000};

	if (evtimer_add(a->timer, &tv) < 0)
		broker_fail(a->broker, "no timer for the end of an attach");
}

static uint64_t ending_ms(const struct attach *a)
{
	return (clock_monotonic_ns() - a->ending_ns) / NS_PER_MS;
}

/* Whether nothing more is to be expected from the decoder about this attach. */
static bool is_silent(const struct attach *a)
{
	return a->decoder_let_go || a->was_killed || !a->decoder || !a->decoder->conn ||
		a->broker->is_stopping;
}

static void add_counts(const struct attach *a, struct tenure_counts *to)
{
	to->published += a->published;
	to->delivered += a->delivered;
	to->dropped += a->dropped;
	if (!breakage("miscount-withheld"))
		to->withheld += a->published - a->delivered - a->dropped;
}

/* 5 to 7: erased again, nobody writes; give back what may be given back. */
static void finish(struct attach *a)
{
	struct broker *b = a->broker;
	struct tenure *t = a->tenure;
	uint64_t us = (clock_monotonic_ns() - a->ending_ns) / NS_PER_US;
	struct ring_rest rest;

	ring_erase(&a->ring);
	b->totals.erased_bytes += a->ring.bytes;
	add_counts(a, &t->counts);
	log_debug("lease %016llx: attach %llu ended, %llu bytes erased in %llu us",
		(unsigned long long)t->id, (unsigned long long)a->id,
		(unsigned long long)a->ring.bytes, (unsigned long long)us);
	audit_ring_erased(t, a->generation, a->ring.bytes, us);
	ring_destroy(&a->ring, &rest);
	held_add(b, take_ptr(a->held), t->uid, a->charged_bytes, rest);
	LIST_REMOVE(a, in_ending);
	if (a->decoder)
		LIST_REMOVE(a, in_decoder);
	event_free(a->timer);
	free(a);
	t->attach = NULL;
	tenure_detached(t);
	drain_check(b);
	broker_check_stopped(b);
}

/* Not a thing that can happen, but if it does nobody must take the ring for erased for good. */
static void give_up(struct attach *a)
{
	log_error("lease %016llx: somebody besides the dead pair can write its erased ring",
		(unsigned long long)a->tenure->id);
	a->tenure->is_exposed = true;
	camera_ask_block(
		a->tenure->camera, "one of its writers outlived its pair and could not be ended");
	finish(a);
}

/*
 * 4: is the writer gone? While the decoder may still say so it is waited for, since it says the
 * last counts too. When patience is over the kernel is asked: among many that end at once, a
 * let-go may be there and not read yet, and that is no reason to kill anybody.
 */
static void check(struct attach *a)
{
	/* A broker that is over has nobody left to wait for; the decoder ends with its link. */
	bool is_over = a->broker->is_over && !a->decoder;
	bool is_due = is_silent(a) || ending_ms(a) >= a->patience_ms;

	if (is_over || (is_due && ring_has_no_writer(&a->ring))) {
		finish(a);
		return;
	}
	if (!a->decoder && ending_ms(a) >= HOPELESS_MS && !a->broker->is_stopping) {
		give_up(a);
		return;
	}
	if (!a->was_killed && a->decoder && ending_ms(a) >= a->patience_ms) {
		a->was_killed = true;
		decoder_kill(a->decoder, "the decoder did not let go of a ring in time");
	}
	if (a->was_killed || !a->decoder)
		wait_ms(a, KILLED_MS);
	else if (a->decoder_let_go || !a->decoder->conn || !evtimer_pending(a->timer, NULL))
		wait_ms(a, RECHECK_MS);
}

/* What the decoder was told to let go of before a comes first. */
static unsigned patience(const struct attach *a, unsigned ms)
{
	const struct attach *other;
	uint64_t bytes = 0;
	unsigned rings = 0;

	if (!a->decoder)
		return ms;
	LIST_FOREACH (other, &a->decoder->attaches, in_decoder) {
		if (other->phase != ATTACH_ENDING || other->decoder_let_go)
			continue;
		rings++;
		bytes += other->ring.bytes;
	}
	return ms + rings / RINGS_A_MS + (unsigned)(bytes / BYTES_A_MS);
}

void erase_begin(struct attach *a)
{
	const struct msg_ring_drop drop = {.lease = a->tenure->id, .attach = a->id};
	enum attach_phase was = a->phase;

	if (was == ATTACH_ENDING)
		return;
	a->phase = ATTACH_ENDING;
	a->ending_ns = clock_monotonic_ns();
	LIST_INSERT_HEAD(&a->broker->ending, a, in_ending);
	if (a->tenure->client)
		client_unqueue(a->tenure->client, a);
	swap_forget(a);
	ring_mark_dead(&a->ring); /* 1 */
	ring_begin_erasing(&a->ring);
	if (a->decoder && !a->decoder_let_go)
		decoder_send(a->decoder, &wire_ring_drop, &drop, NULL, 0); /* 2 */
	cleanup_close(&a->client_socket_fd);
	a->client_socket_fd = -1;
	ring_close_outgoing(&a->ring);
	ring_erase(&a->ring); /* 3 */
	a->is_hasty = a->tenure->life.outcome == FRAMEMUX_STATE_REVOKED;
	a->patience_ms = patience(a, a->is_hasty ? REVOKED_MS : USUAL_MS);
	wait_ms(a, a->patience_ms);
	if (is_silent(a))
		check(a);
}

void erase_hasten(struct attach *a)
{
	unsigned left = patience(a, REVOKED_MS);

	if (a->phase != ATTACH_ENDING || a->is_hasty || a->was_killed)
		return;
	a->is_hasty = true;
	if (ending_ms(a) + left >= a->patience_ms)
		return;
	a->patience_ms = (unsigned)ending_ms(a) + left;
	wait_ms(a, left);
}

void erase_let_go(struct attach *a)
{
	a->decoder_let_go = true;
	if (a->phase == ATTACH_ENDING)
		check(a);
	else /* the next ring at once would let it keep the broker busy with making rings */
		decoder_kill(a->decoder, "the decoder let go of a ring unasked");
}

void erase_writer_dead(struct attach *a)
{
	check(a);
}

void erase_on_timer(struct attach *a)
{
	check(a);
}

void erase_all_now(struct broker *b)
{
	struct attach *a;

	LIST_FOREACH (a, &b->ending, in_ending)
		ring_erase(&a->ring);
}
