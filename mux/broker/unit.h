/*
 * Capabilities that are bound to a unit: the process that connected has to be of exactly this cgroup
 * when it opens. framemuxd says of which it is; the process lives when that answer has come, so its
 * pid was nobody else's meanwhile. A process below the unit, in a cgroup that was delegated to it, is
 * another one: its path can be named, too.
 */
#ifndef FRAMEMUX_BROKER_UNIT_H
#define FRAMEMUX_BROKER_UNIT_H

#include "mux/broker/broker.h"

struct tenure;

/*
 * Ask for a lease whose capability is bound: tenure_placed follows. 0; -EBUSY, -EAGAIN: too many of its
 * uid, or of all, are not answered yet.
 */
int unit_ask(struct tenure *t);

/* From framemuxd. unit: of the process, if status is 0; else an errno. */
void unit_told(struct broker *b, uint32_t request, uint32_t status, const char *unit);

#endif
