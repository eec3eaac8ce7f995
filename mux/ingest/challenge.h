/*
 * WWW-Authenticate headers (RFC 7235, 7616, 2617): several headers, several challenges in one,
 * quoted strings with escapes. Picks the challenge that can be answered best. Pure; computes
 * no hash and never sees a password. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_CHALLENGE_H
#define FRAMEMUX_INGEST_CHALLENGE_H

#include "mux/ingest/head.h"
#include "mux/link/daemon_ingest.h"

struct challenge {
	bool basic; /* nothing else below counts then */
	enum digest_algorithm algorithm;
	bool names_algorithm, has_qop, stale;
	char realm[256], nonce[512], opaque[512]; /* sizes of digest_ask's fields */
};

/*
 * The best challenge of a 401: Digest with SHA-256, then MD5-sess, then MD5, then Basic where that
 * is permitted. -ENOENT there is none, -EACCES only Basic, -EOPNOTSUPP only kinds that we cannot
 * answer.
 */
int challenge_pick(const struct head *head, bool basic_permitted, struct challenge *ret);

#endif
