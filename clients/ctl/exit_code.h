/* The exit codes, from sysexits.h; the manual page lists them. */
#ifndef FRAMEMUX_CTL_EXIT_CODE_H
#define FRAMEMUX_CTL_EXIT_CODE_H

enum {
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_NOT_THERE = 69,
	EXIT_INTERNAL = 70,
	EXIT_CREATE = 73,
	EXIT_WRITE = 74,
	EXIT_TIMEOUT = 75,
	EXIT_REFUSED = 77,
	EXIT_CONFIG = 78,
};

#endif
