/*
 * Who is told what happens, as it happens: on control connections that asked for it. They hear of all
 * that is, then EVENT_NOW, then of what changes. Nobody waits for one that does not read: beyond a
 * few messages it hears nothing more until it has read those, and then of all that is, anew.
 */
#ifndef FRAMEMUX_BROKER_WATCH_H
#define FRAMEMUX_BROKER_WATCH_H

#include <stdbool.h>

#include "common/protocol.h"

struct broker;
struct camera;
struct control;
struct cutoff;
struct tenure;

/* Of a control connection. */
struct watching {
	bool is_on;
	bool is_behind; /* it was too slow, and something was not told */
};

/* 0, or -EUSERS: as many watch as may. */
int watch_begin(struct control *c);

/* What waited for it is sent. */
void watch_drained(struct control *c);

/* EVENT_LEASE_OPENED, before its client hears of it; EVENT_LEASE_CLOSED, when all is erased. */
void watch_lease(const struct tenure *t, enum ctl_event_kind event);

/* Its state is another one, or it is new. */
void watch_camera(const struct camera *c);
void watch_camera_removed(const struct camera *c);

/* A revocation begins. id: as it was asked for, when target is no cutoff; NULL: a key is retired. */
void watch_revoked(const struct control *asker, const struct cutoff *target, const char *id);

/* The kill switch, for a user. */
void watch_user(const struct broker *b, uint32_t uid, bool is_off);

#endif
