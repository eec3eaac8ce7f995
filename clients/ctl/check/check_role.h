/* Killing a camera's process, as a crash would. In framemuxctl's process. */
#ifndef FRAMEMUX_CTL_CHECK_ROLE_H
#define FRAMEMUX_CTL_CHECK_ROLE_H

#include "clients/ctl/check/check_board.h"
#include "common/protocol.h"

/* A status answer, kept. */
struct role_pids {
	struct msg_ctl_mux mux;
	struct msg_ctl_camera cameras[BOARD_CAMERAS_MAX];
	uint32_t n;
};

/* SIGKILL for the camera's decoder or ingest. 0; -ESRCH when there is none; or -errno. */
int role_kill(const struct msg_ctl_camera *c, bool is_decode);

#endif
