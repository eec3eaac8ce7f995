/* framemuxctl audit: its three forms, each with an exit code, everything said. */
#ifndef FRAMEMUX_CTL_AUDIT_H
#define FRAMEMUX_CTL_AUDIT_H

#include "clients/ctl/audit/audit_log.h"

/* What a query asks for. */
struct audit_filter {
	const char *camera; /* NULL: any */
	bool has_uid;
	uint32_t uid;
	uint64_t since_ms, until_ms; /* until: UINT64_MAX */
	uint64_t after_n;            /* only records with a higher number */
};

bool audit_filter_takes(
	const struct audit_filter *f, const struct audit_line *l, const char *line, size_t len);

/* Each record that the filter takes, oldest first. 0, or an exit code; the callback's ends it. */
int audit_scan(const struct audit_log *log, const struct audit_filter *f,
	int (*take)(void *data, const struct audit_line *l, const char *line, size_t len),
	void *data);

/* A record as a line for people. */
int audit_print(const struct audit_line *l, const char *line, size_t len);

/* What came of verifying. */
struct audit_verdict {
	bool is_whole;
	uint64_t records, first_ms, last_ms, sealed_n, sealed_ms, pruned_n;
	char text[1024]; /* sentences */
};
int audit_verify(const struct audit_log *log, struct audit_verdict *ret);

int audit_report(const struct audit_log *log, const char *camera, uint64_t at_ms, bool is_json);

#endif
