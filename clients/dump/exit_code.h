/* The exit codes, from sysexits.h; the manual page lists them. */
#ifndef FRAMEMUX_DUMP_EXIT_CODE_H
#define FRAMEMUX_DUMP_EXIT_CODE_H

enum {
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_LOST = 69, /* camera lost, disabled or blocked, or mux not there */
	EXIT_INTERNAL = 70,
	EXIT_CREATE = 73,
	EXIT_WRITE = 74,
	EXIT_TIMEOUT = 75,
	EXIT_REFUSED = 77,
};

#endif
