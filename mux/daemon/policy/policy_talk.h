/*
 * framemuxctl policy apply and show, on the kill switch's socket, which has asked whether he may. In
 * framemuxd's loop.
 */
#ifndef FRAMEMUX_POLICY_TALK_H
#define FRAMEMUX_POLICY_TALK_H

#include <stddef.h>
#include <stdint.h>

struct mux;
struct talk;
struct msg_ctl_policy_apply;
struct msg_ctl_policy_show;

/* A bundle that comes in pieces. */
struct policy_upload {
	char *bytes; /* owned */
	size_t total, len;
	uint32_t request; /* of the last piece */
};

/* Both answer, the first perhaps later. */
void policy_talk_apply(struct mux *m, struct talk *t, const struct msg_ctl_policy_apply *msg);
void policy_talk_show(struct mux *m, struct talk *t, const struct msg_ctl_policy_show *msg);

#endif
