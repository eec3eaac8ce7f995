/* Reads every block of a pattern camera's picture, and says what does not belong there. Pure. */
#ifndef FRAMEMUX_CTL_CHECK_LOOK_H
#define FRAMEMUX_CTL_CHECK_LOOK_H

#include "clients/ctl/check/check_board.h"

struct look {
	uint64_t blocks, strangers, torn, unreadable;
	int number; /* the frame's, modulo BOARD_NUMBERS; -1: no block says it */
};

/*
 * luma: of a picture of width x height, which is the camera's own size or half of it. One that has the
 * size of another camera is read as that one's, so that a stranger is called a stranger.
 * is_damaged: the decoder made up a part of it. What that part says is nobody's, so that a stranger's
 * are only blocks that say the same of another camera at many places; torn and unreadable are not
 * looked for.
 */
struct look look_at(const struct board *b, const struct board_camera *c, const uint8_t *luma,
	uint32_t stride, uint32_t width, uint32_t height, bool is_damaged);

/*
 * A camera that is not exact shows its code with these bits turned over, others at each place: a
 * picture that was moved by some pixels then says nothing, where it would say the same everywhere.
 */
uint16_t look_place(uint32_t bx, uint32_t by);

#endif
