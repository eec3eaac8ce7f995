/* Reading a whole audit log back, for tests: is every record there, in its chain, sealed? */
#ifndef FRAMEMUX_TESTS_AUDIT_CHECK_H
#define FRAMEMUX_TESTS_AUDIT_CHECK_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/audit_walk.h"

#define AUDIT_CHECK_SEGMENTS 1000u

struct audit_check {
	enum audit_fault fault;
	struct audit_walk walk;
	unsigned segments;
	unsigned torn, cut, pruned, lost; /* records of these */
	unsigned events;                  /* and of all but seals and what segments begin with */
	uint64_t lost_count;
	char last[AUDIT_LINE_MAX]; /* the last record that is no seal */
};

static inline void audit_check_line(struct audit_check *c, const char *line, size_t len)
{
	struct audit_line l;

	if (audit_line_parse(line, len, &l) < 0)
		return;
	c->torn += audit_line_is(&l, "torn");
	c->cut += audit_line_is(&l, "cut");
	c->pruned += audit_line_is(&l, "pruned");
	c->lost += audit_line_is(&l, "lost");
	if (audit_line_is(&l, "lost"))
		(void)audit_member_number(line, len, "count", &c->lost_count);
	if (l.is_seal || audit_line_is(&l, "segment") || audit_line_is(&l, "pruned"))
		return;
	c->events++;
	memcpy(c->last, line, len);
	c->last[len] = 0;
}

static inline void audit_check_text(struct audit_check *c, char *text, size_t len)
{
	char *at = text, *end;

	while (c->fault == AUDIT_WHOLE && (end = memchr(at, '\n', len - (size_t)(at - text)))) {
		c->fault = audit_walk_line(&c->walk, at, (size_t)(end - at));
		audit_check_line(c, at, (size_t)(end - at));
		at = end + 1;
	}
	if (c->fault == AUDIT_WHOLE && at != text + len)
		c->fault = AUDIT_NO_LINE;
}

/* folder: with the segments. */
static inline void audit_check(const char *folder, struct audit_check *ret)
{
	struct audit_check *c = ret;

	*c = (struct audit_check){.fault = AUDIT_WHOLE};
	audit_walk_begin(&c->walk);
	for (unsigned i = 1; i < AUDIT_CHECK_SEGMENTS && c->fault == AUDIT_WHOLE; i++) {
		char path[256], *text;
		struct stat st;
		FILE *f;

		snprintf(path, sizeof(path), "%s/%06u.log", folder, i);
		f = fopen(path, "r");
		if (!f)
			continue;
		c->segments++;
		if (fstat(fileno(f), &st) == 0 && (text = malloc((size_t)st.st_size + 1))) {
			audit_check_text(c, text, fread(text, 1, (size_t)st.st_size, f));
			free(text);
		}
		fclose(f);
	}
}

#endif
