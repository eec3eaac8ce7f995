/* The tokens of the cameras that are asked for. */
#ifndef FRAMEMUX_VIEW_TOKENS_H
#define FRAMEMUX_VIEW_TOKENS_H

#include "clients/view/options.h"

/*
 * One for each camera, for key_free. NULL: $FRAMEMUX_TOKEN, or, with a key file, that it has none for this
 * camera. 0, or an exit code, everything said, when there is none at all.
 */
int tokens_find(const struct options *o, char *ret[]);

#endif
