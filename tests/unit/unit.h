/* What every unit test needs: one suite a program, run with check, its count as the exit status. */
#ifndef FRAMEMUX_TESTS_UNIT_H
#define FRAMEMUX_TESTS_UNIT_H

#include <check.h>
#include <dirent.h>
#include <stdlib.h>

/* Descriptors open now; a test ends with as many as it began with. */
static inline int unit_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 3; /* ".", ".." and the folder's own descriptor */
}

static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
