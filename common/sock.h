/*
 * UNIX SEQPACKET sockets: pairs, listeners, one message at a time with or without descriptors.
 * Nothing here blocks; every descriptor is close-on-exec from birth.
 */
#ifndef FRAMEMUX_SOCK_H
#define FRAMEMUX_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/wire.h"

#define SOCK_FDS_MAX 4u /* the most descriptors that any message of ours carries */

/* A non-blocking close-on-exec pair; type is SOCK_SEQPACKET or SOCK_STREAM. 0 or -errno. */
int sock_pair(int type, int ret_pair[2]);

/* Listen on a SEQPACKET path: replaces nothing that answers, refuses what is not a socket. */
int sock_listen(const char *path, unsigned mode, int *ret_fd);

/* Connect to a SEQPACKET path. The socket is non-blocking from then on. */
int sock_connect(const char *path, int *ret_fd);

/*
 * The same, but only to a listener who may be there: root, ourselves, or whoever owns the folder.
 * -EPERM when it is somebody else, who has taken the place in a folder where everybody may write;
 * he has been sent nothing.
 */
int sock_connect_to_owner(const char *path, int *ret_fd);

/* Ask the kernel to drop descriptors that a peer sends (Linux 6.16; silently nothing before). */
void sock_refuse_fds(int fd);
/* The opposite. */
void sock_permit_fds(int fd);
bool sock_can_refuse_fds(void);

/* Who called connect(): the peer's process, user and group. */
int sock_peer(int fd, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid);

/*
 * Send one message; fds stay the caller's. 0, -EAGAIN when the peer's queue is full, -EPIPE when it
 * is gone, or another -errno.
 */
int sock_send(int fd, const void *buf, size_t len, const int *fds, size_t n_fds);

/* The same for a message of a table. */
int sock_send_msg(int fd, const struct wire_message *m, const void *msg);

/*
 * Receive one message into buf (cap bytes) and up to SOCK_FDS_MAX descriptors, which are the
 * caller's from then on. With ret_n_fds NULL there is no control buffer at all, so that no
 * descriptor can arrive: the only way to read from a client. Returns the length, -EAGAIN, -EPIPE at
 * the end, -EBADMSG for an empty or truncated message (descriptors already closed).
 */
ssize_t sock_recv(int fd, void *buf, size_t cap, int fds[SOCK_FDS_MAX], size_t *ret_n_fds);

struct sock_sender {
	pid_t pid; /* 0: somebody whom we cannot see */
	uid_t uid; /* the real one, as the kernel stamps it on a message */
};

/* Have the kernel stamp each message with its sender; accepted sockets inherit it. 0 or -errno. */
int sock_name_senders(int fd);

/*
 * The same without descriptors, and with the process that sent this very message: another than
 * sock_peer's when the socket was handed on. The control buffer has room for the stamp and nothing
 * behind it, and the kernel puts that first, so that no descriptor is ever installed. -EBADMSG too
 * for a message without a stamp.
 */
ssize_t sock_recv_from(int fd, void *buf, size_t cap, struct sock_sender *ret);

/* Close n descriptors, skipping -1, and leave -1 behind. */
void sock_close_fds(int *fds, size_t n);

#endif
