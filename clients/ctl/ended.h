/* What ended leases, told: by revoke, and by key retire. In framemuxctl's process. */
#ifndef FRAMEMUX_CTL_ENDED_H
#define FRAMEMUX_CTL_ENDED_H

#include "clients/lib/control.h"
#include "common/protocol.h"

struct options;

/*
 * Asks rq, a message of this kind, and prints what has ended when it is done: "WHAT: 2 leases ended".
 * The exit code; *ret_done: zero if the mux did not come to answer.
 */
int ended_ask(const struct options *o, struct control *c, const struct wire_message *kind, void *rq,
	const char *what, struct msg_ctl_done *ret_done);

#endif
