/*
 * Whether a camera's certificates are those of the camera that is meant: by the hash of its public
 * key, or by whoever signed them, the name and the time. Never "perhaps": whatever is not exactly
 * right is refused, with a sentence. No network; reads one descriptor, once. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_TRUST_H
#define FRAMEMUX_INGEST_TRUST_H

#include <gnutls/gnutls.h>

#include "mux/ingest/failure.h"

/* Certificates to trust: twice what a system has, and they cost 17 times as much when parsed. */
#define TRUST_PEM_BYTES_MAX (512u * 1024u)
#define TRUST_CHAIN_MAX     8u     /* certificates that a camera may show */
#define TRUST_KEY_BITS_MAX  16384u /* of a camera's own key: a longer one costs minutes */

struct trust {
	bool has_pin;
	uint8_t pin[TLS_PIN_BYTES];
	char host[LIMIT_HOST];
	gnutls_datum_t pem; /* owned; none with a pin */
};

/* Takes fd over: it is read, unless there is a pin, and closed. 0 or -errno with the reason. */
int trust_init(
	const struct msg_ingest_start *start, int fd, struct failure *failure, struct trust *ret);
void trust_clear(struct trust *t);

/*
 * chain: as the camera shows them, DER, its own first. 0, or -errno with the reason: what follows
 * from another key than the pinned one is INGEST_BLOCK.
 */
int trust_check(const struct trust *t, const gnutls_datum_t *chain, unsigned n_chain,
	struct failure *failure);

#endif
