/*
 * One fault after another: a scenario is run with the first call failing, then the second, until
 * there is none left to fail; and what came of it is counted for a table.
 */
#ifndef FRAMEMUX_TESTS_FAULT_RUNS_H
#define FRAMEMUX_TESTS_FAULT_RUNS_H

#include <stdbool.h>

#include "tests/fault/shim.h"

#define RUNS_OUTCOMES 8

struct runs {
	const char *scenario, *subject;
	unsigned calls, faults, failures;
	struct {
		const char *name;
		unsigned n;
	} outcome[RUNS_OUTCOMES];
};

/* FRAMEMUX_FULL: every error of each call. Else one of them, another at each call. */
bool runs_are_full(void);

void runs_begin(struct runs *r, const char *scenario, const char *subject);
/* What came of a run, as a literal. */
void runs_count(struct runs *r, const char *outcome);
/* Something is not as it must be after a fault: said, counted. */
void runs_complain(struct runs *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Calls run(data, n, variant) for every call and error, which must arm the fault, and disarm it
 * where the calls no longer count. Ends after a run in which nothing was hit. With FAULT_ONLY=n only
 * the n-th call fails.
 */
void runs_all(struct runs *r, void (*run)(void *data, unsigned n, unsigned variant), void *data);

/* The table's line; fails the test if anybody complained. */
void runs_end(const struct runs *r);

#endif
