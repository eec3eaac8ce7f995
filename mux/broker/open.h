/* A client asks for a lease: the one place where it is decided whether it gets one. */
#ifndef FRAMEMUX_BROKER_OPEN_H
#define FRAMEMUX_BROKER_OPEN_H

#include "mux/broker/client.h"

/*
 * 0 whether accepted or refused: the client has been told. -EPROTO when it uses a view's number
 * twice.
 */
int open_handle(struct client *c, const struct msg_open *m);

#endif
