/* In the client's process. */
#include "clients/program/usage.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/program/exit_code.h"

int usage_error(const char *program, const char *what, const char *value)
{
	fprintf(stderr, "%s: %s%s%s\nTry %s --help.\n", program, what, value ? ": " : "",
		value ? value : "", program);
	return EXIT_USAGE;
}

int usage_said(const char *program)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: cannot write standard output\n", program);
	return EXIT_WRITE;
}
