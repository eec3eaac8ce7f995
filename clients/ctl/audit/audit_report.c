/*
 * Who could see a camera at a moment, and who did: in sentences, for the day somebody asks. Owns what
 * it collects from the records. In framemuxctl's process.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/audit/audit.h"
#include "clients/ctl/json.h"
#include "clients/program/exit_code.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/utc.h"

#define KEPT_MAX    65536u /* tokens or leases: more of one camera are not reported */
#define SET_BACK_MS 1000u  /* that the clock was set back: worth a sentence */

static const char again[] = "again"; /* how a token's record ended: the next one of it is there */
static const char not_renewed[] = "void, as the configuration had no such grant any more";

/* Of one token or lease: its record, and how it ended. */
struct item {
	char id[40];
	json_t *begin, *end; /* owned; of a lease the newest "alive" or its "close" */
	uint64_t begin_ms;   /* or since the clock was set back */
	uint64_t end_ms;     /* 0: it has not */
	bool was_there;      /* at the moment that is asked for, before the clock was set back */
	const char *how;     /* literal; of an end that is nobody's own record */
};

struct list {
	struct item *items; /* owned */
	size_t n;
	bool is_short;
};

struct report {
	const char *camera;
	uint64_t at_ms, epoch, generation, generation_ms;
	uint64_t before_n;                            /* the last record of that moment; 0: none */
	uint64_t last_ms;                             /* of the record before */
	uint64_t end_ms;                              /* until then the log says everything */
	uint64_t set_backs, back_from_ms, back_to_ms; /* of the clock; the first */
	bool is_removed;                              /* the camera, by a reload */
	struct list tokens, leases, users;            /* users: whom the kill switch has cut off */
	struct cause {
		char why[LIMIT_REASON]; /* "": it is not */
		uint64_t since_ms;
	} off, blocked; /* the camera, by the kill switch; by a fleet's policy */
};

/* ---- collecting ---------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static uint64_t number_of(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v > 0 ? (uint64_t)v : 0;
}

static struct item *find(const struct list *l, const char *id)
{
	for (size_t i = l->n; i-- > 0;) /* the newest first: a token's record may come again */
		if (!strcmp(l->items[i].id, id))
			return &l->items[i];
	return NULL;
}

static void add(struct list *l, const char *id, uint64_t ms, json_t *record)
{
	struct item *grown;

	if (l->n == KEPT_MAX || !(grown = reallocarray(l->items, l->n + 1, sizeof(*grown)))) {
		l->is_short = true;
		return;
	}
	l->items = grown;
	l->items[l->n] = (struct item){.begin = json_incref(record), .begin_ms = ms};
	snprintf(l->items[l->n++].id, sizeof(grown->id), "%s", id);
}

static void end_item(struct item *i, uint64_t ms, json_t *record, const char *how)
{
	if (!i || i->end_ms)
		return;
	i->end_ms = ms;
	i->how = how;
	if (record) {
		json_decref(i->end);
		i->end = json_incref(record);
	}
}

/* What has begun and not ended goes on in a time that may have been before. */
static void begin_again(const struct report *r, struct list *l, uint64_t now_ms)
{
	for (size_t i = 0; i < l->n; i++) {
		struct item *it = &l->items[i];

		if (it->end_ms)
			continue;
		it->was_there |= it->begin_ms <= r->at_ms && r->at_ms <= r->last_ms;
		it->begin_ms = now_ms;
	}
}

/* Where the clock was set back some times came twice, and one of those may be asked for. */
static void look_at_clock(struct report *r, uint64_t ms)
{
	if (ms < r->last_ms) {
		begin_again(r, &r->tokens, ms);
		begin_again(r, &r->leases, ms);
	}
	if (ms + SET_BACK_MS < r->last_ms && r->set_backs++ == 0) {
		r->back_from_ms = r->last_ms;
		r->back_to_ms = ms;
	}
	r->last_ms = ms;
	r->end_ms = ms > r->end_ms ? ms : r->end_ms;
}

/* With its broker, or with framemuxd, every lease has ended at the latest. */
static void end_all_leases(struct report *r, uint64_t ms, const char *how)
{
	for (size_t i = 0; i < r->leases.n; i++)
		end_item(&r->leases.items[i], ms, NULL, how);
}

/*
 * Issued after that: the record of a revocation comes when all is erased, and a token that was granted
 * meanwhile stands before it and is good (common/cutoff.h).
 */
static bool is_newer(const json_t *token, const json_t *revoke)
{
	uint64_t last = number_of(revoke, "issue");

	return last && number_of(token, "issue") > last;
}

static bool is_of_user(const json_t *token, const json_t *revoke)
{
	return number_of(token, "uid") == number_of(revoke, "uid");
}

/* A token, or all that there were: of this camera, of a user, of everybody. */
static void take_revoke(struct report *r, uint64_t ms, json_t *o)
{
	const char *what = text_of(o, "what");

	if (*text_of(o, "token")) {
		end_item(find(&r->tokens, text_of(o, "token")), ms, o, "revoked");
		return;
	}
	if (!strcmp(what, "token") || !strcmp(what, "grant"))
		return; /* of one that is not named: of none */
	if (!strcmp(what, "key")) {
		for (size_t i = 0; i < r->tokens.n; i++)
			if (number_of(r->tokens.items[i].begin, "key") == number_of(o, "key"))
				end_item(&r->tokens.items[i], ms, o,
					"void, as its root key was retired");
		return;
	}
	if (!strcmp(what, "camera") && strcmp(text_of(o, "camera"), r->camera) != 0)
		return;
	for (size_t i = 0; i < r->tokens.n; i++) {
		struct item *token = &r->tokens.items[i];

		if (!is_newer(token->begin, o) &&
			(strcmp(what, "uid") != 0 || is_of_user(token->begin, o)))
			end_item(token, ms, o, "revoked");
	}
}

static void take_cause(struct cause *c, bool is_on, const struct audit_line *l, json_t *o)
{
	snprintf(c->why, sizeof(c->why), "%s", is_on ? text_of(o, "reason") : "");
	text_make_plain(c->why, strlen(c->why));
	c->since_ms = l->unix_ms;
}

/* What the kill switch has come to for a camera, and whom of the users it was asked to cut off. */
static void take_switch(struct report *r, const struct audit_line *l, json_t *o)
{
	bool is_on = audit_line_is(l, "disable");
	char uid[24];

	if (l->n > r->before_n)
		return;
	if (!strcmp(text_of(o, "what"), "uid")) {
		snprintf(uid, sizeof(uid), "%" PRIu64, number_of(o, "uid"));
		end_item(find(&r->users, uid), l->unix_ms, NULL, "lifted");
		if (is_on)
			add(&r->users, uid, l->unix_ms, o);
	} else if (!strcmp(text_of(o, "camera"), r->camera) && !json_object_get(o, "by_uid")) {
		take_cause(&r->off, is_on, l, o);
	}
}

/* A token, or one that is there already and was said anew. */
static void take_grant(struct report *r, const struct audit_line *l, json_t *o, bool is_before)
{
	struct item *known = find(&r->tokens, text_of(o, "token"));

	if (known && known->how == not_renewed) { /* it was: it has not ended */
		known->end_ms = 0;
		known->how = NULL;
	}
	if (!is_before)
		return;
	end_item(known, l->unix_ms, NULL, again);
	add(&r->tokens, text_of(o, "token"), l->unix_ms, o);
}

static void take_of_camera(struct report *r, const struct audit_line *l, json_t *o)
{
	bool is_before = l->n <= r->before_n;
	struct item *lease = find(&r->leases, text_of(o, "lease"));

	if (is_before && number_of(o, "epoch") > r->epoch)
		r->epoch = number_of(o, "epoch");
	if (audit_line_is(l, "change") && is_before) {
		r->is_removed = !strcmp(text_of(o, "what"), "camera removed");
	} else if (audit_line_is(l, "policy") && is_before) {
		take_cause(&r->blocked, strcmp(text_of(o, "what"), "lifted") != 0, l, o);
	} else if (audit_line_is(l, "grant")) {
		take_grant(r, l, o, is_before);
	} else if (audit_line_is(l, "open") && is_before) {
		add(&r->leases, text_of(o, "lease"), l->unix_ms, o);
	} else if (audit_line_is(l, "alive") && lease && !lease->end_ms) {
		json_decref(lease->end);
		lease->end = json_incref(o);
	} else if (audit_line_is(l, "close")) {
		end_item(lease, l->unix_ms, o, NULL);
	} else if (audit_line_is(l, "role_start") && is_before) {
		r->generation = number_of(o, "generation");
		r->generation_ms = l->unix_ms;
	} else if (audit_line_is(l, "role_death") && is_before &&
		number_of(o, "generation") == r->generation) {
		r->generation = 0;
	}
}

/*
 * What is cut off, and what the configuration grants, it says anew in each life, after this record. A
 * grant that was taken out of the configuration meanwhile has no other trace.
 */
static void take_start(struct report *r, const struct audit_line *l)
{
	end_all_leases(r, l->unix_ms, "framemuxd started anew, so it had ended before");
	for (size_t i = 0; i < r->tokens.n; i++)
		if (*text_of(r->tokens.items[i].begin, "name"))
			end_item(&r->tokens.items[i], l->unix_ms, NULL, not_renewed);
	if (l->n > r->before_n)
		return;
	r->off.why[0] = r->blocked.why[0] = 0;
	r->generation = 0;
}

static bool is_named(const char *line, size_t len, const char *member)
{
	return memmem(line, len, member, strlen(member)) != NULL;
}

/* By order, not by time: where the clock was set back what was before has a later one. */
static int note_before(void *data, const struct audit_line *l, const char *line, size_t len)
{
	struct report *r = data;

	(void)line;
	(void)len;
	r->before_n = l->n;
	return 0;
}

static int take(void *data, const struct audit_line *l, const char *line, size_t len)
{
	struct report *r = data;
	bool is_broker = is_named(line, len, ",\"name\":\"broker\"");
	bool is_revoke = audit_line_is(l, "revoke");
	bool is_switch = audit_line_is(l, "disable") || audit_line_is(l, "enable");
	char member[LIMIT_NAME + 16];
	json_t *o;

	look_at_clock(r, l->unix_ms);
	snprintf(member, sizeof(member), ",\"camera\":\"%s\"", r->camera);
	if (audit_line_is(l, "start"))
		take_start(r, l);
	else if (audit_line_is(l, "role_death") && is_broker)
		end_all_leases(r, l->unix_ms, "the broker fell");
	if (!is_revoke && !is_switch && !is_named(line, len, member))
		return 0;
	o = json_loadb(line, len, 0, NULL);
	if (o && is_revoke)
		take_revoke(r, l->unix_ms, o);
	else if (o && is_switch)
		take_switch(r, l, o);
	else if (o)
		take_of_camera(r, l, o);
	json_decref(o);
	return 0;
}

static void list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		json_decref(l->items[i].begin);
		json_decref(l->items[i].end);
	}
	free(l->items);
}

/* ---- judging ------------------------------------------------------------------------- */

static uint64_t expiry_ms(const json_t *o)
{
	const char *text = text_of(o, "not_after");
	uint64_t ms;

	return utc_parse(text, strlen(text), &ms) == 0 ? ms : UINT64_MAX;
}

static bool was_cut_off(const struct report *r, uint64_t uid)
{
	const struct item *user;
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, uid);
	user = find(&r->users, text);
	return *r->off.why || *r->blocked.why || (user && !user->end_ms);
}

/* Had it begun, and not ended? */
static bool was_there(const struct report *r, const struct item *i)
{
	return i->was_there || (i->begin_ms <= r->at_ms && (!i->end_ms || i->end_ms > r->at_ms));
}

static bool was_valid(const struct report *r, const struct item *token)
{
	return !r->is_removed && !was_cut_off(r, number_of(token->begin, "uid")) &&
		was_there(r, token) && expiry_ms(token->begin) > r->at_ms &&
		number_of(token->begin, "epoch") == r->epoch;
}

/*
 * What a log says nothing about is not known: that is no proof that nobody could see anything. A log
 * that the mux gives reaches until now, a copy until its newest record.
 */
enum reach { REACH_WITHIN, REACH_BEFORE, REACH_AFTER };

static enum reach reach_of(const struct report *r, const struct audit_verdict *v)
{
	if (!v->records || !r->before_n)
		return REACH_BEFORE;
	return r->at_ms > r->end_ms ? REACH_AFTER : REACH_WITHIN;
}

/* ---- for machines -------------------------------------------------------------------- */

static json_t *list_json(const struct report *r, const struct list *l,
	bool (*takes)(const struct report *r, const struct item *i))
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		json_t *o;

		if (!takes(r, &l->items[i]))
			continue;
		o = json_object();
		json_object_set(o, "record", l->items[i].begin);
		json_object_set(o, "last", l->items[i].end ? l->items[i].end : json_null());
		json_object_set_new(o, "ended",
			l->items[i].end_ms ? json_time(l->items[i].end_ms / 1000) : json_null());
		json_array_append_new(a, o);
	}
	return a;
}

static int print_json(const struct report *r, const struct audit_verdict *v)
{
	json_t *o = json_object();

	json_object_set_new(o, "camera", json_text(r->camera));
	json_object_set_new(o, "at", json_time(r->at_ms / 1000));
	json_object_set_new(o, "epoch", json_u64(r->epoch));
	json_object_set_new(o, "generation", json_u64(r->generation));
	json_object_set_new(o, "disabled", *r->off.why ? json_text(r->off.why) : json_null());
	json_object_set_new(
		o, "blocked", *r->blocked.why ? json_text(r->blocked.why) : json_null());
	json_object_set_new(o, "could_see", list_json(r, &r->tokens, was_valid));
	json_object_set_new(o, "saw", list_json(r, &r->leases, was_there));
	json_object_set_new(o, "clock_set_back", json_u64(r->set_backs));
	json_object_set_new(
		o, "is_in_log", json_boolean(reach_of(r, v) == REACH_WITHIN && !v->pruned_n));
	json_object_set_new(o, "log_is_whole", json_boolean(v->is_whole));
	json_object_set_new(o, "log", json_text(v->text));
	return json_print(o);
}

/* ---- in sentences -------------------------------------------------------------------- */

static const char *plain(const json_t *o, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s", text_of(o, name));
	text_make_plain(buf, strlen(buf));
	return buf;
}

static void print_who(const json_t *o)
{
	char text[LIMIT_UNIT];

	printf("user %" PRIu64, number_of(o, "uid"));
	if (*text_of(o, "unit"))
		printf(" in unit %s", plain(o, "unit", text, sizeof(text)));
	if (json_object_get(o, "pid"))
		printf(" (process %" PRIu64 ")", number_of(o, "pid"));
	if (*text_of(o, "label"))
		printf(" for \"%s\"", plain(o, "label", text, sizeof(text)));
}

static void print_limits(const json_t *o)
{
	char text[64];

	if (number_of(o, "width"))
		printf(", at most %" PRIu64 "x%" PRIu64, number_of(o, "width"),
			number_of(o, "height"));
	if (number_of(o, "fps"))
		printf(", at most %" PRIu64 " pictures a second", number_of(o, "fps"));
	if (number_of(o, "masks"))
		printf(", %" PRIu64 " masks", number_of(o, "masks"));
	printf(json_is_true(json_object_get(o, "dump")) ? ", saving permitted" : ", no saving");
	if (*text_of(o, "not_after"))
		printf(", until %s", plain(o, "not_after", text, sizeof(text)));
}

static void print_tokens(const struct report *r)
{
	const struct cause *c = *r->off.why ? &r->off : &r->blocked;
	char text[64];
	size_t n = 0;

	printf("\nWho could see it:\n");
	for (size_t i = 0; i < r->tokens.n; i++) {
		const struct item *t = &r->tokens.items[i];

		if (!was_valid(r, t))
			continue;
		n++;
		printf("  token %s: ", t->id);
		print_who(t->begin);
		print_limits(t->begin);
		printf("; granted at %s", plain(t->begin, "time", text, sizeof(text)));
		if (*text_of(t->begin, "name"))
			printf(" by the configuration's grant \"%s\"",
				plain(t->begin, "name", text, sizeof(text)));
		else
			printf(" by user %" PRIu64, number_of(t->begin, "by_uid"));
		if (t->end_ms && t->how != again)
			printf("; later %s", t->how);
		printf(".\n");
	}
	if (!n && *c->why) {
		utc_text_ms(c->since_ms, text);
		printf("  Nobody: %s, since %s.\n", c->why, text);
	} else if (!n)
		printf("  Nobody: no token for it was valid%s.\n",
			r->tokens.n ? " any more, or yet" : "");
}

static void print_lease_end(const struct item *l)
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

static void print_lease_counts(const struct item *l)
{
	char text[64];

	if (!l->end) {
		printf("; nothing is recorded of what it was shown");
		return;
	}
	printf("; %" PRIu64 " pictures were made for it, %" PRIu64 " shown, %" PRIu64
	       " passed over, %" PRIu64 " taken back",
		number_of(l->end, "published"), number_of(l->end, "delivered"),
		number_of(l->end, "dropped"), number_of(l->end, "withheld"));
	if (number_of(l->end, "first_generation"))
		printf(", of generation %" PRIu64 " to %" PRIu64,
			number_of(l->end, "first_generation"),
			number_of(l->end, "last_generation"));
	if (l->how)
		printf(" (as recorded at %s, less than a minute before its end)",
			plain(l->end, "time", text, sizeof(text)));
}

static void print_leases(const struct report *r)
{
	char text[64];
	size_t n = 0;

	printf("\nWho did:\n");
	for (size_t i = 0; i < r->leases.n; i++) {
		const struct item *l = &r->leases.items[i];

		if (!was_there(r, l))
			continue;
		n++;
		printf("  lease %s: ", l->id);
		print_who(l->begin);
		printf(", with token %s", plain(l->begin, "token", text, sizeof(text)));
		if (json_is_true(json_object_get(l->begin, "dump")))
			printf(", declared to save pictures");
		printf(", since %s", plain(l->begin, "time", text, sizeof(text)));
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

	if (!r->set_backs)
		return;
	utc_text_ms(r->back_from_ms, from);
	utc_text_ms(r->back_to_ms, to);
	printf("The clock was set back %" PRIu64
	       " time%s, first from %s to %s: times in between came "
	       "twice,\nand what was at either is listed here. The records' numbers tell which "
	       "came first.\n",
		r->set_backs, r->set_backs > 1 ? "s" : "", from, to);
}

static enum reach print_reach(const struct report *r, const struct audit_verdict *v)
{
	enum reach reach = reach_of(r, v);

	if (reach == REACH_BEFORE)
		printf("\nThat was before the first record that there is: who could see the camera "
		       "then, and who did,\nis not known from this log.\n");
	else if (reach == REACH_AFTER)
		printf("\nThat is after all that this log knows of: what follows is how things "
		       "stood "
		       "at its end.\n");
	else if (v->pruned_n)
		printf("\nTokens and leases whose records were removed for their age are not in "
		       "what "
		       "follows.\n");
	return reach;
}

static void print_text(const struct report *r, const struct audit_verdict *v)
{
	char time[UTC_TEXT_MAX];

	utc_text_ms(r->at_ms, time);
	printf("Camera %s at %s", r->camera, time);
	if (r->epoch)
		printf(" (epoch %" PRIu64 ")", r->epoch);
	printf("\n\nThe log: %s.\n", v->text);
	print_clock(r);
	if (print_reach(r, v) == REACH_BEFORE)
		return;
	print_tokens(r);
	print_leases(r);
	printf("\nWhere its pictures came from:\n");
	if (r->generation) {
		utc_text_ms(r->generation_ms, time);
		printf("  generation %" PRIu64 " of its pair of processes, since %s.\n",
			r->generation, time);
	} else {
		printf("  nowhere: no pair of processes was at work for it.\n");
	}
	if (r->tokens.is_short || r->leases.is_short || r->users.is_short)
		printf("\nThere were more records than are shown here.\n");
	printf("\nWhat this can show: tokens and leases, their limits and times are the mux's own "
	       "record, written\nbefore each began; in no other way does a picture leave the mux. "
	       "How many pictures were shown is\nwhat the camera's decoder and the client said."
	       "\nWhat it cannot: who looked at a screen, what a client did with pictures once it "
	       "had them, and what\nthe camera, or its maker, sent to others by itself.\n");
}

int audit_report(const struct audit_log *log, const char *camera, uint64_t at_ms, bool is_json)
{
	const struct audit_filter all = {.until_ms = UINT64_MAX}, before = {.until_ms = at_ms};
	struct report r = {.camera = camera, .at_ms = at_ms};
	struct audit_verdict v;
	int code = audit_verify(log, &v);

	r.end_ms = log->has_head ? clock_read_ns(CLOCK_REALTIME) / NS_PER_MS : 0;
	if (code == 0)
		code = audit_scan(log, &before, note_before, &r);
	if (code == 0)
		code = audit_scan(log, &all, take, &r);
	if (code == 0 && is_json)
		code = print_json(&r, &v);
	else if (code == 0)
		print_text(&r, &v);
	list_free(&r.tokens);
	list_free(&r.leases);
	list_free(&r.users);
	return code == 0 && !v.is_whole ? EXIT_BAD_DATA : code;
}
