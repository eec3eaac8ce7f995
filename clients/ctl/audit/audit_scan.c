/* Finding records. Owns nothing. In framemuxctl's process. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/audit/audit.h"
#include "common/cleanup.h"
#include "common/utc.h"

static bool is_of_camera(const char *camera, const char *line, size_t len)
{
	char member[LIMIT_NAME + 16];
	int n = snprintf(member, sizeof(member), ",\"camera\":\"%s\"", camera);

	return memmem(line, len, member, (size_t)n) != NULL;
}

static bool is_of_uid(uint32_t uid, const char *line, size_t len)
{
	uint64_t found;

	return (audit_member_number(line, len, "uid", &found) && found == uid) ||
		(audit_member_number(line, len, "by_uid", &found) && found == uid);
}

bool audit_filter_takes(
	const struct audit_filter *f, const struct audit_line *l, const char *line, size_t len)
{
	return l->n > f->after_n && l->unix_ms >= f->since_ms && l->unix_ms <= f->until_ms &&
		(!f->camera || is_of_camera(f->camera, line, len)) &&
		(!f->has_uid || is_of_uid(f->uid, line, len));
}

/* What is asked for as it stands in a line: such texts compare as their times do. */
struct span {
	char since[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
};

/* A look at its time alone, which is most of a long log's lines. Whether it is a record is not seen. */
static bool may_be_in(const struct span *span, const char *line, size_t len)
{
	static const char name[] = ",\"time\":\"";
	const char *end = line + len, *at = memmem(line, len, name, sizeof(name) - 1);
	size_t n = strlen(span->since);

	if (!at || (size_t)(end - at) < sizeof(name) - 1 + n)
		return false;
	at += sizeof(name) - 1;
	return memcmp(at, span->since, n) >= 0 && memcmp(at, span->until, n) <= 0;
}

static int scan_text(const struct audit_filter *f, const char *text, size_t size,
	int (*take)(void *data, const struct audit_line *l, const char *line, size_t len),
	void *data)
{
	const char *at = text, *end;
	struct audit_line l;
	struct span span;
	int code = 0;

	utc_text_ms(f->since_ms, span.since);
	utc_text_ms(f->until_ms, span.until);
	while (code == 0 && (end = memchr(at, '\n', size - (size_t)(at - text)))) {
		size_t len = (size_t)(end - at);

		if (may_be_in(&span, at, len) && audit_line_parse(at, len, &l) == 0 &&
			audit_filter_takes(f, &l, at, len))
			code = take(data, &l, at, len);
		at = end + 1;
	}
	return code;
}

/* By number, as those only grow: where the clock was set back a segment begins before the last ends. */
static bool is_before(const struct audit_log *log, size_t part, const struct audit_filter *f)
{
	uint64_t next = part + 1 < log->n ? audit_log_begins(log, part + 1) : 0;

	return next && next - 1 <= f->after_n;
}

int audit_scan(const struct audit_log *log, const struct audit_filter *f,
	int (*take)(void *data, const struct audit_line *l, const char *line, size_t len),
	void *data)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < log->n; i++) {
		cleanup_free char *text = NULL;
		size_t len = 0;

		if (is_before(log, i, f))
			continue;
		code = audit_log_read(log, i, &text, &len);
		if (code == 0)
			code = scan_text(f, text, len, take, data);
	}
	return code;
}
