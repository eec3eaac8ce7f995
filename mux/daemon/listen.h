/*
 * The two listening sockets that the broker serves: handed over by the init system ($LISTEN_FDS
 * with the names "client" and "control"), or made here. framemuxd keeps them over the broker's
 * lives. The third, of the kill switch, is beside the control socket, wherever that is, and
 * framemuxd's own.
 */
#ifndef FRAMEMUX_LISTEN_H
#define FRAMEMUX_LISTEN_H

#include <stdbool.h>

#include "mux/daemon/config/config.h"

struct listening {
	int clients_fd, control_fd, kill_fd; /* owned; -1 before listen_open */
	bool made_clients, made_control;     /* the paths are ours to remove */
	char kill_path[CONFIG_SOCKET_BYTES];
};

/* 0, or -errno and why. */
int listen_open(const struct config *c, struct listening *ret, char *ret_why, size_t why_size);
/* Another group for the control socket, if it was made here. 0 or -errno. */
int listen_give_to(const struct config *c, const struct listening *l, gid_t gid);
void listen_close(const struct config *c, struct listening *l);

#endif
