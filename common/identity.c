/* Camera ids and the keys derived from them. Pure but for libsodium. */
#include "common/identity.h"

#include <sodium.h>

#include "common/bytes.h"

static void hash_text(crypto_generichash_state *st, const char *text)
{
	uint8_t len[4];
	size_t n = strlen(text);

	put_le32(len, (uint32_t)n);
	crypto_generichash_update(st, len, sizeof(len));
	crypto_generichash_update(st, (const uint8_t *)text, n);
}

static void hash_u64(crypto_generichash_state *st, uint64_t v)
{
	uint8_t b[8];

	put_le64(b, v);
	crypto_generichash_update(st, b, sizeof(b));
}

void camera_id_make(const char *name, const char *canonical_source, const char *pin, uint32_t epoch,
	struct camera_id *ret)
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, CAMERA_ID_BYTES);
	hash_text(&st, "framemux camera 1");
	hash_text(&st, name);
	hash_text(&st, canonical_source);
	hash_text(&st, pin);
	hash_u64(&st, epoch);
	crypto_generichash_final(&st, ret->b, CAMERA_ID_BYTES);
}

void key_camera(const uint8_t k_session[KEY_BYTES], const struct camera_id *id,
	uint8_t ret_k_cam[KEY_BYTES])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k_session, KEY_BYTES, KEY_BYTES);
	hash_text(&st, "framemux camera key 1");
	crypto_generichash_update(&st, id->b, CAMERA_ID_BYTES);
	crypto_generichash_final(&st, ret_k_cam, KEY_BYTES);
	sodium_memzero(&st, sizeof(st));
}

void key_attach(const uint8_t k_cam[KEY_BYTES], uint64_t lease, uint64_t attach,
	uint64_t generation, uint8_t ret_k_attach[KEY_BYTES])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, k_cam, KEY_BYTES, KEY_BYTES);
	hash_text(&st, "framemux attach key 1");
	hash_u64(&st, lease);
	hash_u64(&st, attach);
	hash_u64(&st, generation);
	crypto_generichash_final(&st, ret_k_attach, KEY_BYTES);
	sodium_memzero(&st, sizeof(st));
}
