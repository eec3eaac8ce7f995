/*
 * A thread that writes shots, so that framemux_dispatch goes on while a sink is slow: the ring's
 * slots go back at once and the next shot is the newest frame, not the oldest of a queue.
 */
#ifndef FRAMEMUX_DUMP_WRITER_H
#define FRAMEMUX_DUMP_WRITER_H

#include <stdbool.h>

#include "clients/dump/output.h"

struct writer;

/* output: borrowed, and the thread's alone until writer_stop. 0 or -errno. */
int writer_start(struct output *output, struct writer **ret);

/* Readable when a shot has been written or could not be; borrowed. writer_poll makes it unreadable.
 */
int writer_fd(const struct writer *w);

/* Whether it takes another shot; *ret_code: 0, or the exit code of what failed. */
bool writer_poll(struct writer *w, int *ret_code);

/* The shot to fill while idle, and writing it. */
struct shot *writer_shot(struct writer *w);
void writer_go(struct writer *w);

/*
 * Wait for the shot under way, up to timeout_ms (< 0: for ever), and end the thread. Its exit code,
 * or -ETIMEDOUT: the thread hangs in a write and only the end of the process ends it.
 */
int writer_stop(struct writer *w, int timeout_ms);

#endif
