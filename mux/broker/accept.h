/*
 * A person accepts what a camera calls itself now: handed to framemuxd, and framemuxctl hears when
 * it is done and on disk. The broker decides nothing about it.
 */
#ifndef FRAMEMUX_BROKER_ACCEPT_H
#define FRAMEMUX_BROKER_ACCEPT_H

#include "mux/broker/broker.h"
#include "mux/broker/control.h"

struct camera;

/* 0: the answer follows through control.h; -ENOMEM. */
int accept_begin(struct broker *b, struct control *asker, uint32_t request, const struct camera *c);

/* The same of the state folder as it is. */
int accept_begin_state(struct broker *b, struct control *asker, uint32_t request);

/* From framemuxd: done, or not. */
void accept_done(struct broker *b, uint32_t request, uint32_t status);

/* The asker has gone. */
void accept_forget_asker(struct broker *b, const struct control *asker);

void accept_free_all(struct broker *b);

#endif
