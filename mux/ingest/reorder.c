/* The reorder window: a ring of waiting packets, indexed by sequence number. */
#include "mux/ingest/reorder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"

_Static_assert(65536 % REORDER_PACKETS == 0, "sequence numbers have to go round with the ring");

struct waiting {
	uint8_t *packet; /* owned; NULL: nothing waits here */
	size_t len;
	uint64_t arrival_ns;
};

struct reorder {
	reorder_take take;
	void *data; /* borrowed */
	bool started;
	uint16_t next; /* whose turn it is */
	unsigned n;    /* that wait, all within REORDER_PACKETS from next on */
	size_t bytes;
	uint64_t arrival_ns; /* of what went out: never runs backwards */
	struct waiting ring[REORDER_PACKETS];
};

struct reorder *reorder_new(reorder_take take, void *data)
{
	struct reorder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->take = take;
	r->data = data;
	return r;
}

void reorder_free(struct reorder *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < REORDER_PACKETS; i++)
		free(r->ring[i].packet);
	free(r);
}

static struct waiting *place_of(struct reorder *r, uint16_t sequence)
{
	return &r->ring[sequence % REORDER_PACKETS];
}

static int give(struct reorder *r, const uint8_t *packet, size_t len, uint64_t arrival_ns)
{
	if (arrival_ns > r->arrival_ns)
		r->arrival_ns = arrival_ns;
	return r->take(r->data, packet, len, r->arrival_ns);
}

/* Whose turn it is goes out, or is given up if it is not there. */
static int step(struct reorder *r)
{
	struct waiting *w = place_of(r, r->next++), out = *w;
	int rc;

	if (!out.packet)
		return 0;
	w->packet = NULL;
	r->n--;
	r->bytes -= out.len;
	rc = give(r, out.packet, out.len, out.arrival_ns);
	free(out.packet);
	return rc;
}

/* As far as it goes without a gap. */
static int run_on(struct reorder *r)
{
	int rc = 0;

	while (rc == 0 && r->n && place_of(r, r->next)->packet)
		rc = step(r);
	return rc;
}

/* The first gap is given up, and what waited behind it goes out up to the next. */
static int skip_gap(struct reorder *r)
{
	int rc = 0;

	while (rc == 0 && r->n && !place_of(r, r->next)->packet)
		rc = step(r);
	return rc < 0 ? rc : run_on(r);
}

int reorder_restart(struct reorder *r)
{
	int rc = 0;

	while (rc == 0 && r->n)
		rc = skip_gap(r);
	r->started = false;
	return rc;
}

/* The window moves on until sequence lies in it and there is room for len bytes. */
static int make_room(struct reorder *r, uint16_t sequence, size_t len)
{
	int rc = 0;

	while (rc == 0 && r->n &&
		((uint16_t)(sequence - r->next) >= REORDER_PACKETS ||
			r->bytes + len > REORDER_BYTES))
		rc = skip_gap(r);
	if (rc == 0 && (uint16_t)(sequence - r->next) >= REORDER_PACKETS)
		r->next = sequence; /* nothing waits, and it is far ahead */
	return rc;
}

static int hold(struct reorder *r, uint16_t sequence, const uint8_t *packet, size_t len,
	uint64_t arrival_ns)
{
	struct waiting *w = place_of(r, sequence);

	if (w->packet) /* a duplicate */
		return 0;
	w->packet = malloc(len ? len : 1);
	if (!w->packet)
		return 0; /* one packet lost, as on the way */
	memcpy(w->packet, packet, len);
	w->len = len;
	w->arrival_ns = arrival_ns;
	r->n++;
	r->bytes += len;
	return 0;
}

static bool is_late(const struct reorder *r, uint16_t sequence)
{
	return (int16_t)(sequence - r->next) < 0;
}

int reorder_packet(struct reorder *r, uint16_t sequence, const uint8_t *packet, size_t len,
	uint64_t arrival_ns)
{
	int rc;

	if (!r->started) /* what comes first need not be the first: it waits for what was before */
		r->next = (uint16_t)(sequence - REORDER_PACKETS / 2);
	if (breakage("ingest-no-reorder") && (!r->started || !is_late(r, sequence)))
		r->next = sequence;
	r->started = true;
	if (is_late(r, sequence) || len > REORDER_BYTES) /* late, or again */
		return 0;
	if (sequence != r->next) {
		rc = make_room(r, sequence, len);
		if (rc < 0 || is_late(r, sequence))
			return rc;
	}
	if (sequence != r->next)
		return hold(r, sequence, packet, len, arrival_ns);
	r->next++;
	rc = give(r, packet, len, arrival_ns);
	return rc < 0 ? rc : run_on(r);
}

uint64_t reorder_deadline(const struct reorder *r)
{
	uint64_t oldest = UINT64_MAX;

	if (!r->n)
		return UINT64_MAX;
	for (size_t i = 0; i < REORDER_PACKETS; i++)
		if (r->ring[i].packet && r->ring[i].arrival_ns < oldest)
			oldest = r->ring[i].arrival_ns;
	return oldest + REORDER_WAIT_NS;
}

int reorder_tick(struct reorder *r, uint64_t now_ns)
{
	int rc = 0;

	while (rc == 0 && now_ns >= reorder_deadline(r))
		rc = skip_gap(r);
	return rc;
}
