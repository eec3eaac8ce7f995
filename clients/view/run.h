/* framemux-view's work, from the display to the window's end. */
#ifndef FRAMEMUX_VIEW_RUN_H
#define FRAMEMUX_VIEW_RUN_H

#include "clients/view/options.h"

/* The program's exit code, everything said. */
int view_run(const struct options *o);

#endif
