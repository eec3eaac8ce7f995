/*
 * Messages waiting for a peer that reads slowly: a bounded queue, so that no process ever waits
 * inside a send and a peer that never reads costs a fixed amount. Used by framemuxd and the broker
 * for links, clients and control connections; knows no event loop.
 */
#ifndef FRAMEMUX_OUTBOX_H
#define FRAMEMUX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/wire.h"

struct outbox;

/* At most max_messages wait. NULL without memory. */
struct outbox *outbox_new(size_t max_messages);

/* So many may wait from now on. */
void outbox_make_room(struct outbox *ob, size_t max_messages);

/* Also closes the descriptors that still wait. */
void outbox_free(struct outbox *ob);

/*
 * Send now if nothing waits and the socket takes it, else queue. Descriptors are duplicated when
 * queued: the caller's stay the caller's. 0, -ENOBUFS when the queue is full (the peer is to be
 * dropped), -EPIPE, or another -errno.
 */
int outbox_send(struct outbox *ob, int fd, const struct wire_message *m, const void *msg,
	const int *fds, size_t n_fds);

/* Send what waits, as far as the socket takes it. 0 or -errno of a dead peer. */
int outbox_flush(struct outbox *ob, int fd);

/* How many messages wait. */
size_t outbox_count(const struct outbox *ob);

/* Whether the caller has to wait for the socket to become writable. */
bool outbox_is_pending(const struct outbox *ob);

#endif
