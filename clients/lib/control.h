/*
 * The control conversation, for framemuxctl and tests; not installed, no promise of stability.
 * Blocks with a timeout: framemuxctl has nothing else to do. Built into libcontrol.la, not into
 * libframemux.
 */
#ifndef FRAMEMUX_CONTROL_H
#define FRAMEMUX_CONTROL_H

#include "common/protocol.h"

struct control; /* one connection */

/* path NULL: $FRAMEMUX_CONTROL_SOCKET, else the built-in default. 0 or -errno. */
int control_connect(const char *path, struct control **ret);
/* The kill switch, which is beside that socket. */
int control_connect_kill(const char *path, struct control **ret);
void control_close(struct control *c);

/* From now on descriptors may come with records; whoever gets one takes the record's, or -1. */
void control_accept_fds(struct control *c);
int control_take_fd(struct control *c);

/*
 * Send a request (its request member is set here) and hand each record of the answer to on_record
 * (message, struct). Returns 0 and the closing message in *ret_done, or -errno: -ETIMEDOUT, -EPIPE,
 * -EPROTO. A refusal is a done with status, not an error of this function.
 */
int control_ask(struct control *c, const struct wire_message *request, void *msg, int timeout_ms,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done);

/*
 * The same by steps, for an answer without end: send the request; then, whenever control_fd can be
 * read, take one message. 1: the closing one is in *ret_done; 0: a record was handed out, or nothing
 * was there.
 */
int control_send(struct control *c, const struct wire_message *request, void *msg);
int control_fd(const struct control *c);
int control_take(struct control *c,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done);

#endif
