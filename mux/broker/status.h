/*
 * Answering status: what the broker knows of leases and uids, with what framemuxd knows of cameras
 * and processes. framemuxd is asked and not waited for: after a second the answer goes without it.
 */
#ifndef FRAMEMUX_BROKER_STATUS_H
#define FRAMEMUX_BROKER_STATUS_H

#include "mux/broker/control.h"
#include "mux/link/daemon_broker.h"

/* 0 and the answer follows, or -ENOMEM. */
int status_begin(struct control *c, uint32_t request);
void status_abandon(struct control *c);

/* From framemuxd. */
void status_survey_camera(struct broker *b, const struct msg_survey_camera *m);
void status_survey_done(struct broker *b, const struct msg_survey_done *m);

#endif
