/*
 * TLS to a camera over the socket that framemuxd connected, by GnuTLS: the handshake in steps, then
 * bytes. Nothing of ours is sent before the camera has shown that it is the one that is meant
 * (trust.h). No resumption, no renegotiation, no client certificate. Never waits; uses send() and
 * recv() without addresses, and no other system call on the socket. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_TLS_H
#define FRAMEMUX_INGEST_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mux/ingest/failure.h"

struct tls;

/*
 * fd stays the caller's; trust_fd is taken over and closed. failure: as channel_open has it. The
 * handshake is begun, and has start's patience_s from here on. 0 or -errno.
 */
int tls_new(int fd, int trust_fd, const struct msg_ingest_start *start, struct failure *failure,
	struct tls **ret);

/* Says goodbye, as far as that goes without waiting. */
void tls_free(struct tls *t);

/* Whether the handshake is complete and the camera verified: only then is anything sent or read. */
bool tls_is_open(const struct tls *t);

/* What poll() is to wait for during the handshake, and when it is too late; UINT64_MAX: open. */
short tls_events(const struct tls *t);
uint64_t tls_deadline(const struct tls *t);

/* Go on with the handshake. 0 or -errno with the reason. */
int tls_run(struct tls *t);

/* Bytes that are decrypted and wait to be read. */
bool tls_is_ready(const struct tls *t);

/* The number of bytes, 0 at the end, -EAGAIN, or -errno with the reason. */
ssize_t tls_recv(struct tls *t, void *buf, size_t len);

/*
 * The number of bytes taken, or -errno. After -EAGAIN the same bytes must be offered again; more may
 * stand behind them.
 */
ssize_t tls_send(struct tls *t, const void *buf, size_t len);

#endif
