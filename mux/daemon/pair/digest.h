/*
 * HTTP digest answers for a camera that ingest talks to: RFC 7616 and RFC 2617. The password stays
 * in framemuxd; a taken-over ingest is an oracle for its own camera's realm and URL only, and a
 * slow one. Pure code: clock and random bytes are passed in.
 */
#ifndef FRAMEMUX_DIGEST_H
#define FRAMEMUX_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/link/daemon_ingest.h"

#define DIGEST_PER_MINUTE   20u
#define DIGEST_CNONCE_BYTES 16u /* random bytes; twice as many digits */
#define DIGEST_HEX_MAX      65u /* a SHA-256 in digits, with NUL */

/* What is remembered of a camera's challenges, for the life of framemuxd. Zero to begin with. */
struct digest_memory {
	bool has_realm;
	char realm[256], nonce[512], cnonce[2 * DIGEST_CNONCE_BYTES + 1];
	uint32_t nc;
	uint64_t asked_ns[DIGEST_PER_MINUTE]; /* monotonic, of the last asks; 0: none */
	unsigned next;
};

/* Whom the answer is for: the camera's own record. */
struct digest_owner {
	const char *username, *password, *url;
};

/* What goes into the hash. qop: with "auth". */
struct digest_input {
	enum digest_algorithm algorithm;
	bool qop;
	const char *username, *password, *realm, *nonce, *cnonce, *method, *uri;
	uint32_t nc;
};

/* The response as hexadecimal digits. -EINVAL for an unknown algorithm. */
int digest_response(const struct digest_input *in, char ret_hex[DIGEST_HEX_MAX]);

/*
 * Answer ask: status 0 and the value of an Authorization header, or a status and why not.
 * random: DIGEST_CNONCE_BYTES fresh ones, used when the nonce is a new one.
 */
void digest_answer(struct digest_memory *memory, const struct digest_owner *owner,
	const struct msg_digest_ask *ask, uint64_t now_ns, const uint8_t *random,
	struct msg_digest_answer *ret);

#endif
