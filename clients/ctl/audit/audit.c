/* framemuxctl audit: a query, verify, report. In framemuxctl's process. */
#include "clients/ctl/audit/audit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"

static int usage(const char *what)
{
	fprintf(stderr, "framemuxctl: audit: %s\n", what);
	return EXIT_USAGE;
}

/* ---- a query ------------------------------------------------------------------------- */

struct query {
	bool is_json;
	uint64_t last_n;
};

/* Seals are for verify; a person asks for what happened. */
static int show(void *data, const struct audit_line *l, const char *line, size_t len)
{
	struct query *q = data;
	int code = 0;

	q->last_n = l->n;
	if (q->is_json)
		code = fwrite(line, 1, len, stdout) == len && putchar('\n') != EOF ? 0 : EXIT_WRITE;
	else if (!l->is_seal && !audit_line_is(l, "segment"))
		code = audit_print(l, line, len);
	return code;
}

static int show_new(const struct options *o, struct audit_filter *f, struct query *q)
{
	struct audit_log log;
	int code = audit_log_ask(o, &log);

	if (code)
		return code;
	code = audit_scan(&log, f, show, q);
	if (code == 0 && log.head.head.n > f->after_n)
		f->after_n = log.head.head.n;
	audit_log_close(&log);
	if (code == 0 && fflush(stdout))
		code = EXIT_WRITE;
	if (code == EXIT_WRITE)
		fputs("framemuxctl: cannot write\n", stderr);
	return code;
}

static int query(const struct options *o)
{
	const struct timespec second = {.tv_sec = 1}; /* the log says nothing when it grows */
	struct audit_filter f = {.camera = o->limits.camera,
		.has_uid = o->limits.has_uid,
		.uid = o->limits.uid,
		.since_ms = o->since_ms,
		.until_ms = o->has_until ? o->until_ms : UINT64_MAX};
	struct query q = {.is_json = o->json};
	int code = show_new(o, &f, &q);

	while (code == 0 && o->follow) {
		nanosleep(&second, NULL);
		code = show_new(o, &f, &q);
	}
	return code;
}

/* ---- verify -------------------------------------------------------------------------- */

static int print_verdict(const struct options *o, const struct audit_verdict *v)
{
	int code = v->is_whole ? 0 : EXIT_BAD_DATA;
	json_t *j;

	if (o->json) {
		j = json_object();
		json_object_set_new(j, "whole", json_boolean(v->is_whole));
		json_object_set_new(j, "records", json_u64(v->records));
		json_object_set_new(j, "first", json_time(v->first_ms / 1000));
		json_object_set_new(j, "last", json_time(v->last_ms / 1000));
		json_object_set_new(j, "sealed_until", json_u64(v->sealed_n));
		json_object_set_new(j, "text", json_text(v->text));
		return json_print(j) ? EXIT_WRITE : code;
	}
	if (puts(v->text) == EOF || fflush(stdout)) {
		fputs("framemuxctl: cannot write\n", stderr);
		return EXIT_WRITE;
	}
	return code;
}

static int get_log(const struct options *o, const char *path, struct audit_log *log)
{
	int code = path ? audit_log_open(path, log) : audit_log_ask(o, log);

	if (code || !o->anchor)
		return code;
	code = audit_log_take_anchor(log, o->anchor);
	if (code)
		audit_log_close(log);
	return code;
}

static int verify(const struct options *o, const char *path)
{
	struct audit_verdict v;
	struct audit_log log;
	int code = get_log(o, path, &log);

	if (code)
		return code;
	code = audit_verify(&log, &v);
	audit_log_close(&log);
	return code ? code : print_verdict(o, &v);
}

/* ---- report -------------------------------------------------------------------------- */

static int report(const struct options *o, const char *path)
{
	struct audit_log log;
	int code;

	if (!o->limits.camera || !o->has_at)
		return usage("report: which --camera, --at what time?");
	code = get_log(o, path, &log);
	if (code)
		return code;
	code = audit_report(&log, o->limits.camera, o->at_ms, o->json);
	audit_log_close(&log);
	return code;
}

int verb_audit(const struct options *o)
{
	bool is_query = !o->operand;

	if (!is_query && (o->has_since || o->has_until || o->follow || o->limits.has_uid))
		return usage("--since, --until, --uid and --follow are for a query");
	if (is_query && (o->has_at || o->anchor))
		return usage("--at is for report, --anchor for verify and report");
	if (is_query)
		return query(o);
	if (!strcmp(o->operand, "verify"))
		return o->has_at || o->limits.camera
			? usage("verify looks at all of the log: no --camera, no --at")
			: verify(o, o->second);
	if (!strcmp(o->operand, "report"))
		return report(o, o->second);
	return usage("verify, report, or nothing for a query");
}
