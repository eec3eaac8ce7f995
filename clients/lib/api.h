/*
 * The public header, for the files that implement it: what it declares is exported, everything else
 * in the library stays hidden. Library only; programs include <framemux.h>.
 */
#ifndef FRAMEMUX_LIB_API_H
#define FRAMEMUX_LIB_API_H

#pragma GCC visibility push(default)
#include "include/framemux.h"
#pragma GCC visibility pop

#endif
