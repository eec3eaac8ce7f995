/*
 * The log of a role that may have been taken over: a pipe as its standard error, read by framemuxd
 * and written to the log under a name that framemuxd gives. Neither waits for the other: what does
 * not fit into the pipe is lost, what is too much is left out (role_lines.h), and both are said.
 */
#ifndef FRAMEMUX_ROLE_LOG_H
#define FRAMEMUX_ROLE_LOG_H

#include <event2/event.h>

struct role_log;

/* who: "decode porch"; copied. *ret_fd is the role's end, the caller's to close. 0 or -errno. */
int role_log_new(struct event_base *base, const char *who, int *ret_fd, struct role_log **ret);

/* The role is dead: its last lines are written, and it is freed. NULL is permitted. */
void role_log_end(struct role_log *log);

#endif
