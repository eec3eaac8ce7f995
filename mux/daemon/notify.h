/*
 * Telling the one who started us: sd_notify(3)'s protocol on $NOTIFY_SOCKET, s6's ready descriptor,
 * the watchdog. Own code, because it is a datagram: libsystemd would be a library for that alone.
 */
#ifndef FRAMEMUX_NOTIFY_H
#define FRAMEMUX_NOTIFY_H

#include <event2/event.h>

/*
 * Reads and unsets the environment; starts the watchdog, which has ask called from time to time and
 * is fed by notify_alive() alone. ready_fd: -1 or ours from now on.
 */
void notify_init(struct event_base *base, int ready_fd, void (*ask)(void *self), void *self);
void notify_ready(void);
/* Between the two READY=1 the configuration is read again (Type=notify-reload). */
void notify_reloading(void);
void notify_stopping(void);
/* What was asked has answered. */
void notify_alive(void);

/* STATUS=, a line for a person. */
void notify_status(const char *status);

void notify_end(void);

#endif
