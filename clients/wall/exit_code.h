/* The exit codes, from sysexits.h; the manual page lists them. */
#ifndef FRAMEMUX_WALL_EXIT_CODE_H
#define FRAMEMUX_WALL_EXIT_CODE_H

enum {
	EXIT_USAGE = 64,
	EXIT_INTERNAL = 70,
	EXIT_WRITE = 74, /* what -h or -V says */
	EXIT_CONFIG = 78,
};

#endif
