/* What people read about a camera on a screen. Pure. */
#ifndef FRAMEMUX_SCREEN_WORDS_H
#define FRAMEMUX_SCREEN_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "framemux.h"

#define WORDS_MAX 96u

/* Nothing of the camera may be on the screen in this state. True for all but LIVE. */
bool words_is_dark(enum framemux_state state);

/* No other state follows. */
bool words_is_final(enum framemux_state state);

/*
 * "live", "connecting", "camera lost, 12 s", "no picture, 2 min", "revoked". since_s: seconds since the
 * state began, said only where somebody waits. The reason is not in it.
 */
void words_of(enum framemux_state state, uint64_t since_s, char ret[WORDS_MAX]);

#endif
