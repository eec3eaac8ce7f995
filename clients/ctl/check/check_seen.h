/*
 * Which frame numbers of a camera somebody has had in hand, and when: with that one client's frame
 * can be found stale, or from before its view, by what is painted in it and not by what the mux says
 * about it.
 */
#ifndef FRAMEMUX_CTL_CHECK_SEEN_H
#define FRAMEMUX_CTL_CHECK_SEEN_H

#include "clients/ctl/check/check_board.h"

/* number: 0 to BOARD_NUMBERS - 1. now: after it was acquired. */
void seen_note(struct board_camera *c, uint64_t generation, int number, uint64_t now_ns);

/* Whether a later frame was in somebody's hand longer than limit before at_ns. */
bool seen_is_stale(const struct board_camera *c, uint64_t generation, int number, uint64_t at_ns,
	uint64_t limit_ns);

/* Whether this frame was in somebody's hand before at_ns. */
bool seen_before(const struct board_camera *c, uint64_t generation, int number, uint64_t at_ns);

#endif
