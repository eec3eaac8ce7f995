/*
 * Who could see a camera at a moment, and who did: in sentences, for the day somebody asks. In
 * framemuxctl's process.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/audit/audit_moment.h"
#include "clients/ctl/json.h"
#include "clients/program/exit_code.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/utc.h"

/*
 * What a log says nothing about is not known: that is no proof that nobody could see anything. A log
 * that the mux gives reaches until now, a copy until its newest record.
 */
enum reach { REACH_WITHIN, REACH_BEFORE, REACH_AFTER };

struct report {
	struct audit_moment m;
	struct audit_verdict verdict;
	enum reach reach;
};

static enum reach reach_of(const struct audit_log *log, const struct audit_moment *m)
{
	uint64_t end_ms = log->has_head ? clock_read_ns(CLOCK_REALTIME) / NS_PER_MS : 0;

	if (!m->times)
		return REACH_BEFORE;
	return m->at_ms > (end_ms > m->end_ms ? end_ms : m->end_ms) ? REACH_AFTER : REACH_WITHIN;
}

/* ---- for machines -------------------------------------------------------------------- */

static json_t *list_json(const struct audit_items *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		json_t *o;

		if (!l->items[i].then)
			continue;
		o = json_object();
		json_object_set(o, "record", l->items[i].then);
		json_object_set(o, "last", l->items[i].end ? l->items[i].end : json_null());
		json_object_set_new(o, "ended",
			l->items[i].end_ms ? json_time(l->items[i].end_ms / 1000) : json_null());
		json_array_append_new(a, o);
	}
	return a;
}

static int print_json(const struct report *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "camera", json_text(r->m.camera));
	json_object_set_new(o, "at", json_time(r->m.at_ms / 1000));
	json_object_set_new(o, "epoch", json_u64(r->m.then.epoch));
	json_object_set_new(o, "generation", json_u64(r->m.then.generation));
	json_object_set_new(
		o, "disabled", *r->m.then.off.why ? json_text(r->m.then.off.why) : json_null());
	json_object_set_new(o, "blocked",
		*r->m.then.blocked.why ? json_text(r->m.then.blocked.why) : json_null());
	json_object_set_new(o, "could_see", list_json(&r->m.tokens));
	json_object_set_new(o, "saw", list_json(&r->m.leases));
	json_object_set_new(o, "clock_set_back", json_u64(r->m.set_backs));
	json_object_set_new(
		o, "is_in_log", json_boolean(r->reach == REACH_WITHIN && !r->verdict.pruned_n));
	json_object_set_new(o, "log_is_whole", json_boolean(r->verdict.is_whole));
	json_object_set_new(o, "log", json_text(r->verdict.text));
	return json_print(o);
}

/* ---- in sentences -------------------------------------------------------------------- */

static const char *plain(const json_t *o, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s", audit_text_of(o, name));
	text_make_plain(buf, strlen(buf));
	return buf;
}

static void print_who(const json_t *o)
{
	char text[LIMIT_UNIT];

	printf("user %" PRIu64, audit_number_of(o, "uid"));
	if (*audit_text_of(o, "unit"))
		printf(" in unit %s", plain(o, "unit", text, sizeof(text)));
	if (json_object_get(o, "pid"))
		printf(" (process %" PRIu64 ")", audit_number_of(o, "pid"));
	if (*audit_text_of(o, "label"))
		printf(" for \"%s\"", plain(o, "label", text, sizeof(text)));
}

static void print_limits(const json_t *o)
{
	char text[64];

	if (audit_number_of(o, "width"))
		printf(", at most %" PRIu64 "x%" PRIu64, audit_number_of(o, "width"),
			audit_number_of(o, "height"));
	if (audit_number_of(o, "fps"))
		printf(", at most %" PRIu64 " pictures a second", audit_number_of(o, "fps"));
	if (audit_number_of(o, "masks"))
		printf(", %" PRIu64 " masks", audit_number_of(o, "masks"));
	printf(json_is_true(json_object_get(o, "dump")) ? ", saving permitted" : ", no saving");
	if (*audit_text_of(o, "not_after"))
		printf(", until %s", plain(o, "not_after", text, sizeof(text)));
}

static void print_tokens(const struct report *r)
{
	const struct audit_cause *c = *r->m.then.off.why ? &r->m.then.off : &r->m.then.blocked;
	char text[64];
	size_t n = 0;

	printf("\nWho could see it:\n");
	for (size_t i = 0; i < r->m.tokens.n; i++) {
		const struct audit_item *t = &r->m.tokens.items[i];

		if (!t->then)
			continue;
		n++;
		printf("  token %s: ", t->id);
		print_who(t->then);
		print_limits(t->then);
		printf("; granted at %s", plain(t->then, "time", text, sizeof(text)));
		if (*audit_text_of(t->then, "name"))
			printf(" by the configuration's grant \"%s\"",
				plain(t->then, "name", text, sizeof(text)));
		else
			printf(" by user %" PRIu64, audit_number_of(t->then, "by_uid"));
		if (t->end_ms)
			printf("; later %s", t->how);
		printf(".\n");
	}
	if (!n && *c->why) {
		utc_text_ms(c->since_ms, text);
		printf("  Nobody: %s, since %s.\n", c->why, text);
	} else if (!n)
		printf("  Nobody: no token for it was valid%s.\n",
			r->m.tokens.n ? " any more, or yet" : "");
}

static void print_lease_end(const struct audit_item *l)
{
	char time[UTC_TEXT_MAX], text[256];

	if (!l->end_ms) {
		printf("; still open as the log ends");
		return;
	}
	utc_text_ms(l->end_ms, time);
	if (l->how)
		printf("; ended by %s (%s)", time, l->how);
	else
		printf("; ended at %s (%s)", time, plain(l->end, "reason", text, sizeof(text)));
}

static void print_lease_counts(const struct audit_item *l)
{
	char text[64];

	if (!l->end) {
		printf("; nothing is recorded of what it was shown");
		return;
	}
	printf("; %" PRIu64 " pictures were made for it, %" PRIu64 " shown, %" PRIu64
	       " passed over, %" PRIu64 " taken back",
		audit_number_of(l->end, "published"), audit_number_of(l->end, "delivered"),
		audit_number_of(l->end, "dropped"), audit_number_of(l->end, "withheld"));
	if (audit_number_of(l->end, "first_generation"))
		printf(", of generation %" PRIu64 " to %" PRIu64,
			audit_number_of(l->end, "first_generation"),
			audit_number_of(l->end, "last_generation"));
	if (l->how)
		printf(" (as recorded at %s, less than a minute before its end)",
			plain(l->end, "time", text, sizeof(text)));
}

static void print_leases(const struct report *r)
{
	char text[64];
	size_t n = 0;

	printf("\nWho did:\n");
	for (size_t i = 0; i < r->m.leases.n; i++) {
		const struct audit_item *l = &r->m.leases.items[i];

		if (!l->then)
			continue;
		n++;
		printf("  lease %s: ", l->id);
		print_who(l->then);
		printf(", with token %s", plain(l->then, "token", text, sizeof(text)));
		if (json_is_true(json_object_get(l->then, "dump")))
			printf(", declared to save pictures");
		printf(", since %s", plain(l->then, "time", text, sizeof(text)));
		print_lease_end(l);
		print_lease_counts(l);
		printf(".\n");
	}
	if (!n)
		printf("  Nobody: no lease of it was open.\n");
}

static void print_clock(const struct report *r)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	if (!r->m.set_backs)
		return;
	utc_text_ms(r->m.back_from_ms, from);
	utc_text_ms(r->m.back_to_ms, to);
	printf("The clock was set back %" PRIu64
	       " time%s, first from %s to %s: times in between came "
	       "twice,\nand what was at either is listed here. The records' numbers tell which "
	       "came first.\n",
		r->m.set_backs, r->m.set_backs > 1 ? "s" : "", from, to);
}

static void print_reach(const struct report *r)
{
	if (r->reach == REACH_BEFORE)
		printf("\nThat was before the first record that there is: who could see the camera "
		       "then, and who did,\nis not known from this log.\n");
	else if (r->reach == REACH_AFTER)
		printf("\nThat is after all that this log knows of: what follows is how things "
		       "stood at its end.\n");
	else if (r->verdict.pruned_n)
		printf("\nTokens and leases whose records were removed for their age are not in "
		       "what follows.\n");
}

static void print_text(const struct report *r)
{
	char time[UTC_TEXT_MAX];

	utc_text_ms(r->m.at_ms, time);
	printf("Camera %s at %s", r->m.camera, time);
	if (r->m.then.epoch)
		printf(" (epoch %" PRIu64 ")", r->m.then.epoch);
	printf("\n\nThe log: %s.\n", r->verdict.text);
	print_clock(r);
	print_reach(r);
	if (r->reach == REACH_BEFORE)
		return;
	print_tokens(r);
	print_leases(r);
	printf("\nWhere its pictures came from:\n");
	if (r->m.then.generation) {
		utc_text_ms(r->m.then.generation_ms, time);
		printf("  generation %" PRIu64 " of its pair of processes, since %s.\n",
			r->m.then.generation, time);
	} else {
		printf("  nowhere: no pair of processes was at work for it.\n");
	}
	if (r->m.tokens.is_short || r->m.leases.is_short || r->m.users.is_short)
		printf("\nThere were more records than are shown here.\n");
	printf("\nWhat this can show: tokens and leases, their limits and times are the mux's own "
	       "record, written\nbefore each began; in no other way does a picture leave the mux. "
	       "How many pictures were shown is\nwhat the camera's decoder and the client said."
	       "\nWhat it cannot: who looked at a screen, what a client did with pictures once it "
	       "had them, and what\nthe camera, or its maker, sent to others by itself.\n");
}

int audit_report(const struct audit_log *log, const char *camera, uint64_t at_ms, bool is_json)
{
	struct report r = {0};
	int code = audit_verify(log, &r.verdict);

	if (code == 0)
		code = audit_moment_find(log, camera, at_ms, &r.m);
	r.reach = reach_of(log, &r.m);
	if (code == 0 && is_json)
		code = print_json(&r);
	else if (code == 0)
		print_text(&r);
	audit_moment_free(&r.m);
	return code == 0 && !r.verdict.is_whole ? EXIT_BAD_DATA : code;
}
