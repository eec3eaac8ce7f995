/*
 * Is this capability good, here, now, for this peer, and what exactly may it have? Pure code: no
 * descriptors, no loop, the clock passed in. The broker's one place that says yes.
 *
 * Before the proof of possession has been found genuine nothing is told but that there is no
 * capability; an unknown camera is refused in the same words as a forbidden one.
 */
#ifndef FRAMEMUX_BROKER_VERIFY_H
#define FRAMEMUX_BROKER_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/protocol.h"
#include "common/tag.h"
#include "common/token.h"

enum verdict {
	VERDICT_GOOD,
	/* all of these read alike for the client; the log tells them apart */
	VERDICT_MALFORMED,    /* not a token's body */
	VERDICT_OTHER_KEY,    /* of another mux, or of a root key that was retired */
	VERDICT_NOT_PROVEN,   /* the proof does not match: forged, widened, replayed, relayed */
	VERDICT_CAVEATS,      /* unknown or contradictory caveats, or a mandatory one is missing */
	VERDICT_OTHER_CAMERA, /* the open names a camera that the token is not for */
	VERDICT_NO_CAMERA,    /* no such camera, or its epoch has passed */
	/* these may be told to whoever has proved the token */
	VERDICT_KILLED,
	VERDICT_OTHER_USER,
	VERDICT_BARRED, /* the kill switch is on for the user */
	VERDICT_EXPIRED,
	VERDICT_UNIT, /* of tenure.c: framemuxd has to be asked */
	VERDICT_NO_DUMP,
	VERDICT_FLAGS,
	VERDICT_SIZE,
	VERDICT_TOO_LARGE,
	VERDICT_FOURCC,
	VERDICT_SLOTS,
};

/* What verification needs to know about the mux and the peer. */
struct verify_facts {
	/* KEY_BYTES, borrowed; NULL: there is no such key, or no more */
	const uint8_t *(*find_root)(const void *data, uint32_t key_id);
	const uint8_t *challenge; /* TOKEN_CHALLENGE_BYTES, this connection's; borrowed */
	uint32_t uid;             /* of the peer, by the kernel */
	bool is_barred;           /* the kill switch is on for it */
	uint64_t now_s;           /* real time: broker_now_s() */
	bool (*is_revoked)(
		const void *data, const uint8_t id[TOKEN_ID_BYTES], const struct rights *rights);
	bool (*find_epoch)(const void *data, const char *camera, uint32_t *ret_epoch);
	const void *data;
};

/* A request together with the rights: what is delivered. */
struct terms {
	uint32_t width, height;         /* 0: the camera's own size */
	uint32_t max_width, max_height; /* 0: no limit */
	uint32_t fourcc, slots;
	uint32_t fps; /* 0: every frame */
	enum tag_mode tag_mode;
	struct mask masks[LIMIT_MASKS];
	uint32_t n_masks;
};

/*
 * Outputs are untouched unless VERDICT_GOOD. A unit in the rights is not looked at here: who is of
 * which is not known yet (unit.h).
 */
enum verdict verify_capability(const struct verify_facts *facts, const struct msg_open *open,
	struct rights *ret_rights, uint8_t ret_id[TOKEN_ID_BYTES]);
enum verdict verify_terms(
	const struct msg_open *open, const struct rights *rights, struct terms *ret);

/* Sentences: for the client, and for the log. */
const char *verdict_for_client(enum verdict v);
const char *verdict_for_log(enum verdict v);

#endif
