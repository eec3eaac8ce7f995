/* Prints what a check has found. In framemuxctl's process. */
#include "clients/ctl/check/check_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "clients/ctl/json.h"
#include "clients/program/exit_code.h"

/* The counts that must be 0: how a person and how a program calls them. */
static const struct zero {
	const char *text, *key, *failure;
	size_t offset;
} zeros[] = {
	{"strangers' blocks", "stranger_blocks", "blocks of another camera were shown",
		offsetof(struct tally, stranger_blocks)},
	{"torn blocks", "torn_blocks", "frames were torn", offsetof(struct tally, torn_blocks)},
	{"unreadable blocks", "unreadable_blocks", "blocks were not what the camera painted",
		offsetof(struct tally, unreadable_blocks)},
	{"stale frames", "stale_frames", "frames older than the limit were shown",
		offsetof(struct tally, stale_frames)},
	{"frames from before the view", "early_frames",
		"frames from before the view was opened were shown",
		offsetof(struct tally, early_frames)},
	{"frames out of order", "disordered_frames", "frames came out of order",
		offsetof(struct tally, disordered_frames)},
	{"frames after a revoke", "revoked_frames", "frames were shown after a revoke had returned",
		offsetof(struct tally, revoked_frames)},
	{"frames not erased", "unerased_frames", "frames were not erased by a revoke",
		offsetof(struct tally, unerased_frames)},
	{"frames without provenance", "unproven_frames",
		"the library refused frames for their provenance",
		offsetof(struct tally, unproven_frames)},
};
#define N_ZEROS (sizeof(zeros) / sizeof(zeros[0]))

static uint64_t count_of(const struct tally *t, const struct zero *z)
{
	return *(const uint64_t *)((const char *)t + z->offset);
}

void report_progress(const struct board *b, unsigned at_s, unsigned of_s)
{
	struct tally t = board_sum(b);

	fprintf(stderr,
		"check: %u of %u s: %" PRIu64 " frames, %" PRIu64 " blocks, %" PRIu64
		" strangers', %" PRIu64 " failures\n",
		at_s, of_s, t.frames, t.blocks, t.stranger_blocks, tally_failures(&t));
}

const char *report_failure(const struct report *r)
{
	struct tally t = board_sum(r->board);

	for (size_t i = 0; i < N_ZEROS; i++)
		if (count_of(&t, &zeros[i]))
			return zeros[i].failure;
	if (r->result->mux.provenance_failures)
		return "the mux was told of frames without provenance";
	if (r->result->revokes_failed)
		return r->result->why;
	if (r->result->clients_crashed)
		return "a checking client crashed, or hung";
	return board_all_seen(r->board) ? NULL : "a camera never showed a frame";
}

struct times {
	struct percentiles revoke, join, rejoin;
};

static struct times times_of(const struct report *r)
{
	const struct board *b = r->board;
	size_t stride = sizeof(b->seats[0]);

	return (struct times){
		.revoke = samples_percentiles(&r->result->revokes, 1, 0),
		.join = samples_percentiles(&b->seats[0].tally.join, b->n_seats, stride),
		.rejoin = samples_percentiles(&b->seats[0].tally.rejoin, b->n_seats, stride),
	};
}

static void print_times(const char *what, const struct percentiles *p)
{
	printf("  %-28s %" PRIu64 ": p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", what, p->n,
		p->p50_us / 1000.0, p->p99_us / 1000.0, p->max_us / 1000.0);
}

static int print_text(const struct report *r)
{
	const struct crowd_result *c = r->result;
	struct tally t = board_sum(r->board);
	struct times times = times_of(r);
	const char *failure = report_failure(r);

	printf("checked for %u s: %u cameras, %u clients, %" PRIu64 " views\n", r->seconds,
		r->board->n_cameras, r->board->n_seats, t.views);
	printf("  %-28s %" PRIu64 "\n  %-28s %" PRIu64 "\n", "frames checked", t.frames,
		"blocks checked", t.blocks);
	for (size_t i = 0; i < N_ZEROS; i++)
		printf("  %-28s %" PRIu64 "\n", zeros[i].text, count_of(&t, &zeros[i]));
	printf("  %-28s %" PRIu64 "\n", "erased while looked at", t.withdrawn);
	print_times("revokes, until erased", &times.revoke);
	print_times("joins, to the first frame", &times.join);
	print_times("rejoins, after dark", &times.rejoin);
	printf("  killed: %u clients, %u decoders, %u ingests; stopped for a while: %u clients\n",
		c->clients_killed, c->decoders_killed, c->ingests_killed, c->stops);
	printf("walls that are missing: %s\n",
		*c->mux.missing_walls       ? c->mux.missing_walls
			: c->mux.walls_full ? "none"
					    : "not known");
	printf("%s%s\n", failure ? "FAILED: " : "every guarantee that was checked held",
		failure ? failure : "");
	return 0;
}

static json_t *times_json(const struct percentiles *p)
{
	json_t *o = json_object();

	json_object_set_new(o, "n", json_u64(p->n));
	json_object_set_new(o, "p50", json_integer(p->p50_us));
	json_object_set_new(o, "p99", json_integer(p->p99_us));
	json_object_set_new(o, "max", json_integer(p->max_us));
	return o;
}

static void add_harm(json_t *o, const struct crowd_result *c)
{
	json_object_set_new(o, "clients_stopped", json_integer(c->stops));
	json_object_set_new(o, "clients_killed", json_integer(c->clients_killed));
	json_object_set_new(o, "clients_crashed", json_integer(c->clients_crashed));
	json_object_set_new(o, "decoders_killed", json_integer(c->decoders_killed));
	json_object_set_new(o, "ingests_killed", json_integer(c->ingests_killed));
	json_object_set_new(o, "revokes_failed", json_integer(c->revokes_failed));
	json_object_set_new(o, "walls", json_string(c->mux.walls_full ? "full" : "partial"));
	json_object_set_new(o, "missing_walls", json_words(c->mux.missing_walls));
}

static json_t *report_json(const struct report *r)
{
	struct tally t = board_sum(r->board);
	struct times times = times_of(r);
	const char *failure = report_failure(r);
	json_t *o = json_object();

	json_object_set_new(o, "seconds", json_integer(r->seconds));
	json_object_set_new(o, "cameras", json_integer(r->board->n_cameras));
	json_object_set_new(o, "clients", json_integer(r->board->n_seats));
	json_object_set_new(o, "views", json_u64(t.views));
	json_object_set_new(o, "frames", json_u64(t.frames));
	json_object_set_new(o, "blocks", json_u64(t.blocks));
	for (size_t i = 0; i < N_ZEROS; i++)
		json_object_set_new(o, zeros[i].key, json_u64(count_of(&t, &zeros[i])));
	json_object_set_new(o, "withdrawn_frames", json_u64(t.withdrawn));
	json_object_set_new(o, "concealed_frames", json_u64(t.concealed));
	json_object_set_new(o, "revoke_us", times_json(&times.revoke));
	json_object_set_new(o, "join_us", times_json(&times.join));
	json_object_set_new(o, "rejoin_us", times_json(&times.rejoin));
	add_harm(o, r->result);
	json_object_set_new(o, "failure", failure ? json_text(failure) : json_null());
	return o;
}

int report_print(const struct report *r, bool as_json)
{
	if (as_json)
		return json_print(report_json(r));
	if (print_text(r) < 0 || fflush(stdout) || ferror(stdout)) {
		fputs("framemuxctl: cannot write\n", stderr);
		return EXIT_WRITE;
	}
	return 0;
}
