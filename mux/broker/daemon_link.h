/*
 * The link to framemuxd: first the configuration, then news of pairs and cameras. framemuxd is
 * trusted, so whatever is out of order here is a broken invariant and ends the broker; its end is
 * the broker's end.
 */
#ifndef FRAMEMUX_BROKER_DAEMON_LINK_H
#define FRAMEMUX_BROKER_DAEMON_LINK_H

#include "mux/broker/broker.h"
#include "mux/broker/conn.h"

enum { DAEMON_BORN = 1, DAEMON_SETUP = 2, DAEMON_SERVING = 4, DAEMON_RELOADING = 8 };

/* fd is the link's on success. 0 or -errno. */
int daemon_link_begin(struct broker *b, int fd);

/* The conversation, for tests that try each message in each state. */
extern const struct wire_rule daemon_rules[];
extern const size_t daemon_n_rules;

#endif
