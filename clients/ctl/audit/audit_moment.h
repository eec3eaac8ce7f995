/*
 * What was at a moment, of one camera: which tokens were valid, which leases open, where its pictures
 * came from. Collected from a log's records.
 */
#ifndef FRAMEMUX_CTL_AUDIT_MOMENT_H
#define FRAMEMUX_CTL_AUDIT_MOMENT_H

#include <jansson.h>

#include "clients/ctl/audit/audit.h"
#include "common/limits.h"

/* Of one token, lease or user that is cut off: its record, and how it ended. */
struct audit_item {
	char id[40];
	json_t *begin, *end; /* owned; of a lease the newest "alive" or its "close" */
	json_t *then;    /* owned; its record at the moment, NULL: it was not open, or not valid */
	uint64_t end_ms; /* 0: it has not */
	uint64_t end_n;  /* the record's number */
	const char *how; /* literal; of an end that is nobody's own record */
};

struct audit_items {
	struct audit_item *items; /* owned */
	size_t n;
	bool is_short;
};

/* How things stand with the camera. */
struct audit_state {
	uint64_t epoch, generation, generation_ms; /* generation 0: no pair is at work */
	bool is_removed;                           /* by a reload */
	struct audit_cause {
		char why[LIMIT_REASON]; /* "": it is not */
		uint64_t since_ms;
	} off, blocked; /* by the kill switch; by a fleet's policy */
};

struct audit_moment {
	const char *camera; /* borrowed */
	uint64_t at_ms;
	struct audit_state then; /* at the moment; where it came twice, at the last */
	uint64_t times;          /* that it came; 0: before all that the log knows */
	uint64_t end_ms;         /* the latest of all records */
	uint64_t set_backs, back_from_ms, back_to_ms; /* of the clock; the first */
	struct audit_items tokens, leases, users;     /* users: whom the kill switch has cut off */

	struct audit_state now;  /* while records are read */
	uint64_t last_ms;        /* of the record before */
	uint64_t last_n, seen_n; /* the record before; the one behind which the moment was */
};

/* 0 or an exit code, with everything said; what ret owns is audit_moment_free()'s either way. */
int audit_moment_find(
	const struct audit_log *log, const char *camera, uint64_t at_ms, struct audit_moment *ret);
void audit_moment_free(struct audit_moment *m);

/* A member of a record: "" or 0 where there is none of that kind. */
const char *audit_text_of(const json_t *o, const char *name);
uint64_t audit_number_of(const json_t *o, const char *name);

#endif
