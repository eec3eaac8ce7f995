/*
 * The checking client: it opens views of one pattern camera, leaves and comes back, and looks at
 * every 16x16 block of every frame. Uses libframemux as any client does. Runs in a process of its
 * own, which may be stopped and killed at any moment.
 */
#ifndef FRAMEMUX_CTL_CHECK_WATCH_H
#define FRAMEMUX_CTL_CHECK_WATCH_H

#include "clients/ctl/check/check_board.h"

/* Watch from this seat until the board says that it is over. The process's exit code. */
int watch_run(struct board *b, uint32_t seat, const char *socket_path);

#endif
