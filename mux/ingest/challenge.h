/*
 * WWW-Authenticate headers (RFC 7235, 7616, 2617): several headers, several challenges in one,
 * quoted strings with escapes. Picks the challenge that framemuxd can answer best. Pure; computes
 * no hash and never sees a password. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_CHALLENGE_H
#define FRAMEMUX_INGEST_CHALLENGE_H

#include "mux/ingest/rtsp.h"

struct challenge {
	enum digest_algorithm algorithm;
	bool names_algorithm, has_qop, stale;
	char realm[256], nonce[512], opaque[512]; /* sizes of digest_ask's fields */
};

/*
 * The best Digest challenge of a 401: SHA-256, then MD5-sess, then MD5. -ENOENT there is none,
 * -EACCES only Basic, -EOPNOTSUPP only kinds that we cannot answer.
 */
int challenge_pick(const struct rtsp_message *m, struct challenge *ret);

#endif
