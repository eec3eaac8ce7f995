/* framemuxd itself: everything that the other files of this folder provide, put together. */
#ifndef FRAMEMUX_DAEMON_H
#define FRAMEMUX_DAEMON_H

#include "mux/daemon/options.h"

/* Runs until it is told to end. Returns the exit code of framemuxd(8). */
int daemon_run(const struct options *options);

#endif
