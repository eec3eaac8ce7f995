/*
 * Records are taken in their order, and each time that the clock passes the moment it is looked how
 * things stand: where the clock was set back some moments came twice, and what was at either counts.
 * In framemuxctl's process.
 */
#include "clients/ctl/audit/audit_moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/utc.h"

#define KEPT_MAX    65536u /* tokens or leases: more of one camera are not reported */
#define SET_BACK_MS 1000u  /* that the clock was set back: worth a sentence */

static const char not_renewed[] = "void, as the configuration had no such grant any more";

/* ---- members and lists --------------------------------------------------------------- */

const char *audit_text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

uint64_t audit_number_of(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v > 0 ? (uint64_t)v : 0;
}

static struct audit_item *find(const struct audit_items *l, const char *id)
{
	for (size_t i = l->n; i-- > 0;)
		if (!strcmp(l->items[i].id, id))
			return &l->items[i];
	return NULL;
}

static void add(struct audit_items *l, const char *id, json_t *record)
{
	struct audit_item *grown;

	if (l->n == KEPT_MAX || !(grown = reallocarray(l->items, l->n + 1, sizeof(*grown)))) {
		l->is_short = true;
		return;
	}
	l->items = grown;
	l->items[l->n] = (struct audit_item){.begin = json_incref(record)};
	snprintf(l->items[l->n++].id, sizeof(grown->id), "%s", id);
}

static void end_item(
	struct audit_item *i, const struct audit_line *l, json_t *record, const char *how)
{
	if (!i || i->end_ms)
		return;
	i->end_ms = l->unix_ms;
	i->end_n = l->n;
	i->how = how;
	if (record) {
		json_decref(i->end);
		i->end = json_incref(record);
	}
}

static void list_free(struct audit_items *l)
{
	for (size_t i = 0; i < l->n; i++) {
		json_decref(l->items[i].begin);
		json_decref(l->items[i].end);
		json_decref(l->items[i].then);
	}
	free(l->items);
}

/* ---- how things stand ---------------------------------------------------------------- */

static uint64_t expiry_ms(const json_t *o)
{
	const char *text = audit_text_of(o, "not_after");
	uint64_t ms;

	return utc_parse(text, strlen(text), &ms) == 0 ? ms : UINT64_MAX;
}

static bool is_cut_off(const struct audit_moment *m, uint64_t uid)
{
	const struct audit_item *user;
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, uid);
	user = find(&m->users, text);
	return *m->now.off.why || *m->now.blocked.why || (user && !user->end_ms);
}

static bool is_valid(const struct audit_moment *m, const struct audit_item *token)
{
	return !token->end_ms && !m->now.is_removed &&
		!is_cut_off(m, audit_number_of(token->begin, "uid")) &&
		expiry_ms(token->begin) > m->at_ms &&
		audit_number_of(token->begin, "epoch") == m->now.epoch;
}

static void keep(struct audit_item *i)
{
	json_decref(i->then);
	i->then = json_incref(i->begin);
}

static void look(struct audit_moment *m)
{
	m->times++;
	m->seen_n = m->last_n;
	m->then = m->now;
	for (size_t i = 0; i < m->tokens.n; i++)
		if (is_valid(m, &m->tokens.items[i]))
			keep(&m->tokens.items[i]);
	for (size_t i = 0; i < m->leases.n; i++)
		if (!m->leases.items[i].end_ms)
			keep(&m->leases.items[i]);
}

/* Before each record, whose time it is, and behind the last. */
static void pass(struct audit_moment *m, uint64_t ms)
{
	if (m->last_n && m->last_ms <= m->at_ms && ms > m->at_ms)
		look(m);
	if (ms < m->last_ms && m->last_ms - ms > SET_BACK_MS && m->set_backs++ == 0) {
		m->back_from_ms = m->last_ms;
		m->back_to_ms = ms;
	}
}

/* ---- records ------------------------------------------------------------------------- */

/* With its broker, or with framemuxd, every lease has ended at the latest. */
static void end_all_leases(struct audit_moment *m, const struct audit_line *l, const char *how)
{
	for (size_t i = 0; i < m->leases.n; i++)
		end_item(&m->leases.items[i], l, NULL, how);
}

/*
 * Issued after that: the record of a revocation comes when all is erased, and a token that was granted
 * meanwhile stands before it and is good (common/cutoff.h).
 */
static bool is_newer(const json_t *token, const json_t *revoke)
{
	uint64_t last = audit_number_of(revoke, "issue");

	return last && audit_number_of(token, "issue") > last;
}

static bool is_member_same(const json_t *a, const json_t *b, const char *name)
{
	return audit_number_of(a, name) == audit_number_of(b, name);
}

/* A token, or all that there were: of this camera, of a user, of everybody. */
static void take_revoke(struct audit_moment *m, const struct audit_line *l, json_t *o)
{
	const char *what = audit_text_of(o, "what"), *id = audit_text_of(o, "token");
	bool is_key = !strcmp(what, "key"), is_uid = !strcmp(what, "uid");

	if (*id) {
		end_item(find(&m->tokens, id), l, o, "revoked");
		return;
	}
	if (!strcmp(what, "token") || !strcmp(what, "grant"))
		return; /* of one that is not named: of none */
	if (!strcmp(what, "camera") && strcmp(audit_text_of(o, "camera"), m->camera) != 0)
		return;
	for (size_t i = 0; i < m->tokens.n; i++) {
		struct audit_item *token = &m->tokens.items[i];

		if (is_key && is_member_same(token->begin, o, "key"))
			end_item(token, l, o, "void, as its root key was retired");
		else if (!is_key && !is_newer(token->begin, o) &&
			(!is_uid || is_member_same(token->begin, o, "uid")))
			end_item(token, l, o, "revoked");
	}
}

static void take_cause(struct audit_cause *c, bool is_on, const struct audit_line *l, json_t *o)
{
	snprintf(c->why, sizeof(c->why), "%s", is_on ? audit_text_of(o, "reason") : "");
	text_make_plain(c->why, strlen(c->why));
	c->since_ms = l->unix_ms;
}

/* What the kill switch has come to for a camera, and whom of the users it was asked to cut off. */
static void take_switch(struct audit_moment *m, const struct audit_line *l, json_t *o)
{
	bool is_on = audit_line_is(l, "disable");
	char uid[24];

	if (!strcmp(audit_text_of(o, "what"), "uid")) {
		snprintf(uid, sizeof(uid), "%" PRIu64, audit_number_of(o, "uid"));
		end_item(find(&m->users, uid), l, NULL, "lifted");
		if (is_on)
			add(&m->users, uid, o);
	} else if (!strcmp(audit_text_of(o, "camera"), m->camera) &&
		!json_object_get(o, "by_uid")) {
		take_cause(&m->now.off, is_on, l, o);
	}
}

/* A token, or one that is there already and is said anew, as in each life of framemuxd. */
static void take_grant(struct audit_moment *m, json_t *o)
{
	struct audit_item *known = find(&m->tokens, audit_text_of(o, "token"));

	if (!known) {
		add(&m->tokens, audit_text_of(o, "token"), o);
		return;
	}
	if (known->how == not_renewed && known->end_n <= m->seen_n)
		keep(known); /* it had not ended: the moment was before it was said */
	known->end_ms = known->end_n = 0;
	known->how = NULL;
	json_decref(known->begin);
	known->begin = json_incref(o);
}

static void take_of_camera(struct audit_moment *m, const struct audit_line *l, json_t *o)
{
	struct audit_item *lease = find(&m->leases, audit_text_of(o, "lease"));

	if (audit_number_of(o, "epoch") > m->now.epoch)
		m->now.epoch = audit_number_of(o, "epoch");
	if (audit_line_is(l, "change")) {
		m->now.is_removed = !strcmp(audit_text_of(o, "what"), "camera removed");
	} else if (audit_line_is(l, "policy")) {
		take_cause(&m->now.blocked, strcmp(audit_text_of(o, "what"), "lifted") != 0, l, o);
	} else if (audit_line_is(l, "grant")) {
		take_grant(m, o);
	} else if (audit_line_is(l, "open")) {
		add(&m->leases, audit_text_of(o, "lease"), o);
	} else if (audit_line_is(l, "alive") && lease && !lease->end_ms) {
		json_decref(lease->end);
		lease->end = json_incref(o);
	} else if (audit_line_is(l, "close")) {
		end_item(lease, l, o, NULL);
	} else if (audit_line_is(l, "role_start")) {
		m->now.generation = audit_number_of(o, "generation");
		m->now.generation_ms = l->unix_ms;
	} else if (audit_line_is(l, "role_death") &&
		audit_number_of(o, "generation") == m->now.generation) {
		m->now.generation = 0;
	}
}

/*
 * What is cut off, and what the configuration grants, it says anew in each life, after this record. A
 * grant that was taken out of the configuration meanwhile has no other trace.
 */
static void take_start(struct audit_moment *m, const struct audit_line *l)
{
	end_all_leases(m, l, "framemuxd started anew, so it had ended before");
	for (size_t i = 0; i < m->tokens.n; i++)
		if (*audit_text_of(m->tokens.items[i].begin, "name"))
			end_item(&m->tokens.items[i], l, NULL, not_renewed);
	m->now.off.why[0] = m->now.blocked.why[0] = 0;
	m->now.generation = 0;
}

static bool is_named(const char *line, size_t len, const char *member)
{
	return memmem(line, len, member, strlen(member)) != NULL;
}

static void take_record(
	struct audit_moment *m, const struct audit_line *l, const char *line, size_t len)
{
	bool is_revoke = audit_line_is(l, "revoke");
	bool is_switch = audit_line_is(l, "disable") || audit_line_is(l, "enable");
	char member[LIMIT_NAME + 16];
	json_t *o;

	snprintf(member, sizeof(member), ",\"camera\":\"%s\"", m->camera);
	if (audit_line_is(l, "start"))
		take_start(m, l);
	else if (audit_line_is(l, "role_death") && is_named(line, len, ",\"name\":\"broker\""))
		end_all_leases(m, l, "the broker fell");
	if (!is_revoke && !is_switch && !is_named(line, len, member))
		return;
	o = json_loadb(line, len, 0, NULL);
	if (o && is_revoke)
		take_revoke(m, l, o);
	else if (o && is_switch)
		take_switch(m, l, o);
	else if (o)
		take_of_camera(m, l, o);
	json_decref(o);
}

static int take(void *data, const struct audit_line *l, const char *line, size_t len)
{
	struct audit_moment *m = data;

	pass(m, l->unix_ms);
	take_record(m, l, line, len);
	m->last_ms = l->unix_ms;
	m->last_n = l->n;
	m->end_ms = l->unix_ms > m->end_ms ? l->unix_ms : m->end_ms;
	return 0;
}

int audit_moment_find(
	const struct audit_log *log, const char *camera, uint64_t at_ms, struct audit_moment *ret)
{
	const struct audit_filter all = {.until_ms = UINT64_MAX};
	int code;

	*ret = (struct audit_moment){.camera = camera, .at_ms = at_ms};
	code = audit_scan(log, &all, take, ret);
	if (code == 0)
		pass(ret, UINT64_MAX);
	return code;
}

void audit_moment_free(struct audit_moment *m)
{
	list_free(&m->tokens);
	list_free(&m->leases);
	list_free(&m->users);
}
