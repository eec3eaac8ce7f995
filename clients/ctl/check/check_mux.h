/*
 * A mux for a check alone: framemuxd with a folder, sockets, a state and cameras of its own. In
 * framemuxctl's process.
 */
#ifndef FRAMEMUX_CTL_CHECK_MUX_H
#define FRAMEMUX_CTL_CHECK_MUX_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/limits.h"

struct check_mux {
	char folder[LIMIT_PATH]; /* "": none */
	char socket[LIMIT_PATH + 16], control[LIMIT_PATH + 16], log[LIMIT_PATH + 16];
	pid_t pid; /* 0: not running */
};

/*
 * Start framemuxd with these sections and wait until it is ready, or until signal_fd says that it is
 * no longer wanted. 0, or an exit code (130: not wanted) with everything said; check_mux_stop cleans
 * up after both.
 */
int check_mux_start(struct check_mux *m, const char *sections, int signal_fd);

/* End it, show what it said last if that may explain something, and remove its folder. 0, or an exit
 * code with everything said: it did not end as it should. */
int check_mux_stop(struct check_mux *m, bool shows_log);

#endif
