/* framemux-wall's command line. */
#ifndef FRAMEMUX_WALL_OPTIONS_H
#define FRAMEMUX_WALL_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config; /* borrowed from argv */
	bool check_only, debug;
};

/* -1, or an exit code: help, version and errors have been printed. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
