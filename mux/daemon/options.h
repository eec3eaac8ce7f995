/* The command line of framemuxd(8). */
#ifndef FRAMEMUX_OPTIONS_H
#define FRAMEMUX_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config; /* borrowed from argv */
	bool check_only;
	int verbose;
	int ready_fd; /* -1: none */
};

/* 0 go on; else, with *ret_code set, exit: after -h and -V, or EX_USAGE after a message. */
int options_parse(int argc, char **argv, struct options *ret, int *ret_code);

#endif
