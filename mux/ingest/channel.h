/*
 * The bytes to and from the camera over the socket that framemuxd connected: as they are, or through
 * TLS. Owns what waits to be written; never waits itself, never opens anything. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_CHANNEL_H
#define FRAMEMUX_INGEST_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mux/ingest/failure.h"

#define CHANNEL_OUT_BYTES (64u * 1024u) /* what the camera does not read */

struct channel;

/*
 * fd stays the caller's; start says whether TLS is spoken and whom to trust. With TLS this is done
 * once in a process: LINK_FD_INGEST_TRUST is read and closed. failure: where a
 * function that fails says why; borrowed, valid as long as the channel. 0 or -errno.
 */
int channel_open(int fd, const struct msg_ingest_start *start, struct failure *failure,
	struct channel **ret);
void channel_free(struct channel *c);

/*
 * Whether bytes can flow: at once, or when TLS is agreed and the camera verified. What is sent
 * before waits. Until then channel_run must be called when channel_deadline has come (UINT64_MAX:
 * none), and fails then.
 */
bool channel_is_open(const struct channel *c);
uint64_t channel_deadline(const struct channel *c);

/* Which of poll()'s events to wait for. */
short channel_events(const struct channel *c);

/* Whether bytes can be had without poll() saying so: TLS has decrypted more than was taken. */
bool channel_is_ready(const struct channel *c);

/* After poll(): goes on with the handshake, writes what waits. 0 or -errno with the reason. */
int channel_run(struct channel *c, short revents);

/* Read. The number of bytes, 0 at the end, -EAGAIN, or -errno with the reason. */
ssize_t channel_recv(struct channel *c, void *buf, size_t len);

/* Write, or queue what is not taken at once. 0, -ENOBUFS when too much waits. */
int channel_send(struct channel *c, const void *buf, size_t len);

#endif
