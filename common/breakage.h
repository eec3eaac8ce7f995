/*
 * Tests-only breakages (configure --enable-breakage; such a build refuses to be installed). Each
 * guarantee has one that breaks it and a test that notices. Chosen at run time by the environment
 * variable FRAMEMUX_BREAKAGE, a comma-separated list of names.
 */
#ifndef FRAMEMUX_BREAKAGE_H
#define FRAMEMUX_BREAKAGE_H

#include <stdbool.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef ENABLE_BREAKAGE
bool breakage(const char *name);
#else
#define breakage(name) false
#endif

#endif
