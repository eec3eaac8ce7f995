/*
 * The exit codes of all programs that a person starts as a client, and what they mean in framemux; the
 * manual pages list which of them each has.
 */
#ifndef FRAMEMUX_PROGRAM_EXIT_CODE_H
#define FRAMEMUX_PROGRAM_EXIT_CODE_H

#include <sysexits.h>

#include "framemux.h"

enum {
	EXIT_USAGE = EX_USAGE,
	EXIT_BAD_DATA = EX_DATAERR,
	EXIT_LOST = EX_UNAVAILABLE, /* camera lost, disabled or blocked; mux or display not there */
	EXIT_INTERNAL = EX_SOFTWARE,
	EXIT_CREATE = EX_CANTCREAT,
	EXIT_WRITE = EX_IOERR,
	EXIT_TIMEOUT = EX_TEMPFAIL,
	EXIT_REFUSED = EX_NOPERM, /* refused or revoked */
	EXIT_CONFIG = EX_CONFIG,
};

/* What a view's final state, with its reason, ends a program with; 0 for a state that is not final. */
int exit_code_of(enum framemux_state state, const char *reason);

#endif
