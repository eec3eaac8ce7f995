/* What a check has found, for a person or as JSON. In framemuxctl's process. */
#ifndef FRAMEMUX_CTL_CHECK_REPORT_H
#define FRAMEMUX_CTL_CHECK_REPORT_H

#include "clients/ctl/check/check_crowd.h"

struct report {
	const struct board *board;
	const struct crowd_result *result;
	unsigned seconds;
};

/* A line about how it goes, on standard error. */
void report_progress(const struct board *b, unsigned at_s, unsigned of_s);

/* The first guarantee that did not hold, as a sentence; NULL: all held. */
const char *report_failure(const struct report *r);

/* 0, or an exit code: it could not be written. */
int report_print(const struct report *r, bool as_json);

#endif
