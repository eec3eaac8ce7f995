/*
 * A reload: the configuration is read again, checked whole, and put in the place of the one that is
 * there, or nothing is changed. What runs and is not touched goes on without noticing.
 *
 *	READING   a thread of its own reads and checks files, users and secrets
 *	PLANNING  the writer thread reckons epochs and grants; then all that needs memory is made
 *	KEEPING   the writer thread puts epochs, grants and dead tokens on disk
 *	ENDING    swapped: the broker ends what is over, the pairs of what is over are reaped
 *	ADDING    the broker hears what is new and makes the tokens that are missing
 *	WRITING   ids and token files to disk; then whoever asked is told
 *	RESTARTING  the broker died after the swap: the next one is set up with the new configuration
 *
 * Nothing waits: each step begins when the events that it needs have come (mux_reload_go_on).
 */
#ifndef FRAMEMUX_DAEMON_RELOAD_H
#define FRAMEMUX_DAEMON_RELOAD_H

#include "mux/daemon/daemon_private.h"

int mux_reload_init(struct mux *m);
void mux_reload_free(struct mux *m);

/*
 * Begin one. ask: from framemuxctl, refused while another is under way; NULL: from a signal, which
 * has to wait then.
 */
void mux_reload(struct mux *m, const struct msg_reload_ask *ask);

/* Something that it may have waited for has come; looked at from the loop. */
void mux_reload_go_on(struct mux *m);

/* From the broker. 0, or -EPROTO: nobody has asked for that. */
int mux_reload_cleared(struct mux *m);
int mux_reload_ready(struct mux *m);
bool mux_reload_takes_tokens(const struct mux *m);

/* The broker has died; the next one is about to be set up (every pair is at rest). */
void mux_reload_broker_fell(struct mux *m);
void mux_reload_broker_new(struct mux *m);

#endif
