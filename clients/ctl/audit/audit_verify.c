/*
 * Is the log whole, and if not: where was it altered, since when is it cut? Needs no secret: the
 * first segment there is names the key of its first seal, each seal the next. Owns nothing. In
 * framemuxctl's process.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/audit/audit.h"
#include "clients/program/exit_code.h"
#include "common/cleanup.h"
#include "common/utc.h"

struct verifier {
	const struct audit_log *log;
	struct audit_walk walk;
	struct audit_verdict *verdict;
	bool has_fault;
	uint32_t segment;
	size_t next; /* of the log's anchors */
	const struct audit_anchor *met,
		*misfits; /* the newest that fits; the first that does not */
};

static void say(struct verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct verifier *v, const char *fmt, ...)
{
	size_t len = strlen(v->verdict->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->verdict->text + len, sizeof(v->verdict->text) - len, fmt, ap);
	va_end(ap);
}

static void say_time(struct verifier *v, uint64_t unix_ms)
{
	char text[UTC_TEXT_MAX];

	utc_text_ms(unix_ms, text);
	say(v, "%s", text);
}

/* "cut after record N, written until TIME" */
static void say_cut(struct verifier *v)
{
	const struct audit_walk *w = &v->walk;

	if (!w->head.n) {
		say(v, "cut at its very beginning");
		return;
	}
	say(v, "cut after record %" PRIu64 ", written until ", w->head.n);
	say_time(v, w->last_ms);
}

static void say_missing(struct verifier *v, const char *line, size_t len)
{
	struct audit_line l = {0};

	(void)audit_line_parse(line, len, &l);
	if (l.n <= v->walk.head.n) {
		say(v,
			"record %" PRIu64 " in %06u.log was altered: it says that it is number "
			"%" PRIu64,
			v->walk.head.n + 1, v->segment, l.n);
		return;
	}
	say_cut(v);
	say(v, "; it goes on with record %" PRIu64 " in %06u.log", l.n, v->segment);
}

/* The first one; what comes after it may follow from it. */
static void say_fault(struct verifier *v, enum audit_fault fault, const char *line, size_t len)
{
	uint64_t n = v->walk.head.n + 1;

	if (v->has_fault)
		return;
	v->has_fault = true;
	switch (fault) {
	case AUDIT_NO_LINE:
		say_cut(v);
		say(v, ", in the midst of the next record");
		break;
	case AUDIT_NO_RECORD:
		say(v, "record %" PRIu64 " in %06u.log was altered: what stands there is no record",
			n, v->segment);
		break;
	case AUDIT_MISSING:
		say_missing(v, line, len);
		break;
	case AUDIT_ALTERED:
		say(v, "record %" PRIu64 " in %06u.log was altered", n, v->segment);
		break;
	case AUDIT_FORGED:
		say(v,
			"a record from %" PRIu64 " to %" PRIu64
			" in %06u.log was altered: they are not sealed by the log's key",
			v->walk.sealed_n + 1, n, v->segment);
		break;
	case AUDIT_FOREIGN:
		say(v,
			"%06u.log does not continue the log: it begins under another key behind "
			"record %" PRIu64,
			v->segment, n - 1);
		break;
	case AUDIT_WHOLE:
		break;
	}
}

/* An anchor of a record that was removed for its age can no more be compared. */
static void compare_anchors(struct verifier *v)
{
	const struct audit_log *log = v->log;

	for (; v->next < log->n_anchors; v->next++) {
		const struct audit_anchor *a = &log->anchors[v->next];

		if (a->mark.head.n > v->walk.head.n)
			return;
		if (a->mark.head.n < v->walk.head.n)
			continue;
		if (!memcmp(v->walk.head.chain, a->mark.head.chain, AUDIT_HASH_BYTES))
			v->met = a;
		else if (!v->misfits)
			v->misfits = a;
	}
}

static void walk_part(struct verifier *v, const char *text, size_t size)
{
	const char *at = text;

	while (at < text + size) {
		const char *end = memchr(at, '\n', size - (size_t)(at - text));
		size_t len = end ? (size_t)(end - at) : 0;
		enum audit_fault fault = end ? audit_walk_line(&v->walk, at, len) : AUDIT_NO_LINE;

		if (fault != AUDIT_WHOLE) {
			say_fault(v, fault, at, len);
			return;
		}
		v->verdict->records++;
		compare_anchors(v);
		at = end + 1;
	}
}

/* The mux has a new segment before there is anything in it; in a copy nobody has just begun it. */
static void say_empty(struct verifier *v)
{
	if (v->has_fault)
		return;
	v->has_fault = true;
	say_cut(v);
	say(v, ": %06u.log is empty", v->segment);
}

static void begin_part(struct verifier *v, uint32_t segment)
{
	/* Behind a fault a segment is looked at for itself: what is left is still worth something.
	 */
	if (v->has_fault)
		audit_walk_begin(&v->walk);
	v->segment = segment;
}

/* ---- the end of the log -------------------------------------------------------------- */

static void judge_end(struct verifier *v)
{
	const struct audit_walk *w = &v->walk;
	const struct audit_log *log = v->log;

	if (v->has_fault)
		return;
	v->has_fault = true; /* one of these, or none */
	if (w->first_n > 1 && w->first_n > w->pruned_n + 1 && (log->has_head || log->n > 1))
		say(v,
			"records before %" PRIu64 " are missing, and the log does not say that "
			"they were removed for their age",
			w->first_n);
	else if (w->head.n != w->sealed_n)
		say_cut(v),
			say(v, ", in the midst of a batch; sealed until record %" PRIu64,
				w->sealed_n);
	else if (log->has_head && log->head.head.n > w->head.n)
		say_cut(v), say(v, "; the mux has written %" PRIu64, log->head.head.n);
	else if (log->has_head && memcmp(log->head.head.chain, w->head.chain, AUDIT_HASH_BYTES))
		say(v, "the end of the log is not what the mux has written");
	else if (v->misfits)
		say(v,
			"record %" PRIu64
			" is not the one that state_anchor knows: the log was written anew",
			v->misfits->mark.head.n);
	else if (v->next < log->n_anchors)
		say_cut(v),
			say(v, "; state_anchor knows of record %" PRIu64,
				log->anchors[log->n_anchors - 1].mark.head.n);
	else
		v->has_fault = false;
}

static void say_anchor(struct verifier *v)
{
	const struct audit_log *log = v->log;

	if (v->met) {
		say(v, "; anchored: record %" PRIu64 " is the one that state_anchor noted at ",
			v->met->mark.head.n);
		say_time(v, v->met->ms);
	} else if (!strcmp(log->anchor_kind, "journal")) {
		say(v,
			"; anchored in the journal: its newest line framemux-audit must be of a "
			"record in here");
	} else {
		say(v, "; not anchored: nothing outside of it says that this is all");
	}
}

static void say_whole(struct verifier *v)
{
	const struct audit_walk *w = &v->walk;

	say(v, "the log is whole: %" PRIu64 " records from ", v->verdict->records);
	say_time(v, w->first_ms);
	say(v, " to ");
	say_time(v, w->last_ms);
	say(v, ", sealed until record %" PRIu64 " at ", w->sealed_n);
	say_time(v, w->sealed_ms);
	if (w->first_n > 1)
		say(v, "; it begins with record %" PRIu64 "%s", w->first_n,
			w->pruned_n ? ": those before were removed for their age" : "");
	say_anchor(v);
}

int audit_verify(const struct audit_log *log, struct audit_verdict *ret)
{
	struct verifier v = {.log = log, .verdict = ret};
	int code = 0;

	*ret = (struct audit_verdict){0};
	audit_walk_begin(&v.walk);
	for (size_t i = 0; code == 0 && i < log->n; i++) {
		cleanup_free char *text = NULL;
		size_t len = 0;

		code = audit_log_read(log, i, &text, &len);
		if (code)
			return code;
		begin_part(&v, log->parts[i].segment);
		if (!len && !log->has_head)
			say_empty(&v);
		walk_part(&v, text, len);
	}
	judge_end(&v);
	ret->is_whole = !v.has_fault;
	if (ret->is_whole)
		say_whole(&v);
	ret->first_ms = v.walk.first_ms;
	ret->last_ms = v.walk.last_ms;
	ret->sealed_n = v.walk.sealed_n;
	ret->sealed_ms = v.walk.sealed_ms;
	ret->pruned_n = v.walk.pruned_n;
	return 0;
}
