/*
 * Why a camera could not be had, in a sentence for a person. Filled where the reason is known,
 * carried to ingest_failed. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_FAILURE_H
#define FRAMEMUX_INGEST_FAILURE_H

#include "common/limits.h"
#include "mux/link/daemon_ingest.h"

struct failure {
	enum ingest_failure what; /* follows from it */
	char reason[LIMIT_REASON];
};

/* Say why and return -EPROTO, so that a function can end with it. Control characters become '?'. */
int fail(struct failure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same where another attempt could not end differently. */
int fail_final(struct failure *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, and what follows from it. */
int fail_as(struct failure *f, enum ingest_failure what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Memory was refused. */
int fail_no_memory(struct failure *f);

#endif
