/* The exit codes, from sysexits.h; the manual page lists them. */
#ifndef FRAMEMUX_VIEW_EXIT_CODE_H
#define FRAMEMUX_VIEW_EXIT_CODE_H

enum {
	EXIT_USAGE = 64,
	EXIT_BAD_DATA = 65,
	EXIT_LOST = 69, /* no display, or it went; every camera disabled or blocked */
	EXIT_INTERNAL = 70,
	EXIT_WRITE = 74,   /* what -h or -V says */
	EXIT_REFUSED = 77, /* every camera refused or revoked */
};

#endif
