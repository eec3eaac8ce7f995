/*
 * Who is who. Inside the mux a camera is known by its id and by nothing else, and every key of a
 * frame is derived from that id: a picture under the wrong camera's name cannot have a good tag.
 *
 * All derivations are BLAKE2b (libsodium crypto_generichash) with a domain label in front, over
 * fields that are length-prefixed or of fixed width.
 */
#ifndef FRAMEMUX_IDENTITY_H
#define FRAMEMUX_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CAMERA_ID_BYTES 32u
#define KEY_BYTES       32u

struct camera_id {
	uint8_t b[CAMERA_ID_BYTES];
};

static inline bool camera_id_equal(const struct camera_id *a, const struct camera_id *b)
{
	return memcmp(a->b, b->b, CAMERA_ID_BYTES) == 0; /* not a secret */
}

/* id = BLAKE2b(name, canonical source, pin, epoch). pin: "" when there is none. */
void camera_id_make(const char *name, const char *canonical_source, const char *pin, uint32_t epoch,
	struct camera_id *ret);

/* K_cam = KDF(K_session, id). */
void key_camera(const uint8_t k_session[KEY_BYTES], const struct camera_id *id,
	uint8_t ret_k_cam[KEY_BYTES]);

/* K_attach = KDF(K_cam, lease, attach, generation). */
void key_attach(const uint8_t k_cam[KEY_BYTES], uint64_t lease, uint64_t attach,
	uint64_t generation, uint8_t ret_k_attach[KEY_BYTES]);

#endif
