/* Asking the mux, with everything that can go wrong said and turned into an exit code. */
#ifndef FRAMEMUX_CTL_ASK_H
#define FRAMEMUX_CTL_ASK_H

#include "clients/ctl/options.h"
#include "clients/lib/control.h"

/* 0 with a connection for control_close, or an exit code. */
int ask_connect(const struct options *o, struct control **ret);
int ask_connect_kill(const struct options *o, struct control **ret); /* the kill switch */

/*
 * control_ask with an exit code for its result, 0 when the mux did what was asked. ret_done may be
 * NULL; it is untouched when no answer came.
 */
int ask(struct control *c, const struct wire_message *request, void *msg,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done);

/* The exit code for a failing conversation, for a refusal, said. */
int ask_failed(int r);
int ask_refused(const struct msg_ctl_done *done);

/* What to look at when connecting failed so; "" for what needs no hint. */
const char *ask_hint(int r);

#endif
