/* Counting what came of faults. In the tests' process. */
#include "tests/fault/runs.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX   2000u /* no scenario is so long: something goes round */
#define FIRST_TRIES 3u

bool runs_are_full(void)
{
	return getenv("FRAMEMUX_FULL") != NULL;
}

void runs_begin(struct runs *r, const char *scenario, const char *subject)
{
	*r = (struct runs){.scenario = scenario, .subject = subject};
}

void runs_count(struct runs *r, const char *outcome)
{
	for (unsigned i = 0; i < RUNS_OUTCOMES; i++) {
		if (r->outcome[i].name && strcmp(r->outcome[i].name, outcome))
			continue;
		r->outcome[i].name = outcome;
		r->outcome[i].n++;
		return;
	}
	abort(); /* more kinds than there is room for */
}

void runs_complain(struct runs *r, const char *format, ...)
{
	va_list ap;

	r->failures++;
	printf("%s, %s, call %u (%s): ", r->scenario, r->subject, fault_page->fail_at, fault_text());
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

void runs_all(struct runs *r, void (*run)(void *data, unsigned n, unsigned variant), void *data)
{
	const char *only = getenv("FAULT_ONLY"), *every = getenv("FAULT_EVERY");
	const unsigned step = every && atoi(every) > 0 ? (unsigned)atoi(every) : 1;
	const unsigned first = only ? (unsigned)atoi(only) : 1;

	for (unsigned n = first; n <= CALLS_MAX; n += step) {
		unsigned n_variants = 1;

		for (unsigned v = 0; v < n_variants; v++) {
			run(data, n, runs_are_full() ? v : n - 1);
			/* On a busy machine it may be killed before it has made its first call. */
			for (unsigned i = 0; n == first && i < FIRST_TRIES && !fault_was_hit(); i++)
				run(data, n, runs_are_full() ? v : n - 1);
			if (!fault_was_hit())
				return;
			r->calls = n;
			r->faults++;
			if (getenv("FAULT_TRACE"))
				printf("%s, %s, call %u: %s\n", r->scenario, r->subject, n,
					fault_text());
			if (runs_are_full())
				n_variants = fault_page->n_variants;
		}
		if (only)
			return;
	}
	runs_complain(r, "there is no end of calls");
}

void runs_end(const struct runs *r)
{
	printf("%-22s %-10s %4u calls %4u faults:", r->scenario, r->subject, r->calls, r->faults);
	for (unsigned i = 0; i < RUNS_OUTCOMES && r->outcome[i].name; i++)
		printf("%s %u %s", i ? "," : "", r->outcome[i].n, r->outcome[i].name);
	printf("\n");
	fflush(stdout);
	ck_assert_uint_eq(r->failures, 0);
	if (!getenv("FAULT_ONLY"))
		ck_assert_uint_gt(r->calls, 0);
}
