/*
 * Whoever may read asks for the audit log: framemuxd opens it, read-only, and its descriptors pass
 * through here to framemuxctl, which reads and verifies by itself.
 */
#ifndef FRAMEMUX_BROKER_AUDIT_READ_H
#define FRAMEMUX_BROKER_AUDIT_READ_H

#include "mux/broker/broker.h"
#include "mux/link/daemon_broker.h"

struct control;

/* 0: the answer follows through control.h; -EBUSY, -ENOMEM. */
int audit_read_begin(struct broker *b, struct control *asker, uint32_t request);

/* From framemuxd. fd stays the caller's. */
void audit_read_segment(struct broker *b, const struct msg_audit_segment *m, int fd);
void audit_read_told(struct broker *b, const struct msg_audit_told *m);

void audit_read_forget_asker(struct broker *b, const struct control *asker);
void audit_read_free_all(struct broker *b);

#endif
