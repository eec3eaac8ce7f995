/*
 * What a camera without a pin called itself when it was first spoken to: the realm of its digest
 * challenge, its Server header, the user name and address of its SDP's origin. Another answer means
 * that another device may be answering. No proof of anything: whoever has seen the camera can say
 * the same; a pin is the proof. Pure comparison; kept by fingerprint_file.h.
 */
#ifndef FRAMEMUX_FINGERPRINT_H
#define FRAMEMUX_FINGERPRINT_H

#include "mux/daemon/camera.h"

#define FINGERPRINT_BYTES 256u /* of a text, NUL included; as in mux/link/daemon_ingest.h */

/* Zero to begin with. A camera that asks for no password has no realm; "" is an answer too. */
struct fingerprint {
	bool has_realm, has_identity;
	char realm[FINGERPRINT_BYTES], server[FINGERPRINT_BYTES], origin[FINGERPRINT_BYTES];
};

/* Whether this camera has one: on a network, unpinned, and not switched off. */
bool fingerprint_applies(const struct camera_record *camera);

/*
 * Compare with what is remembered; what was not known yet is remembered. 0, or -EKEYREJECTED with a
 * sentence about the difference.
 */
int fingerprint_take_realm(struct fingerprint *f, const char *realm, char ret_reason[LIMIT_REASON]);
int fingerprint_take_identity(
	struct fingerprint *f, const struct msg_identity *identity, char ret_reason[LIMIT_REASON]);

#endif
