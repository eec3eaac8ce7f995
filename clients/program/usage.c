/* In the client's process. */
#include "clients/program/usage.h"

#include <stdio.h>

#include "clients/program/exit_code.h"

int usage_error(const char *program, const char *what, const char *value)
{
	fprintf(stderr, "%s: %s%s%s\nTry %s --help.\n", program, what, value ? ": " : "",
		value ? value : "", program);
	return EXIT_USAGE;
}
