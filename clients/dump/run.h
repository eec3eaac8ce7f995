/* framemux-dump's work, from the connection to the last frame. */
#ifndef FRAMEMUX_DUMP_RUN_H
#define FRAMEMUX_DUMP_RUN_H

#include "clients/dump/options.h"

/* The program's exit code, everything said. */
int dump_run(const struct options *o);

#endif
