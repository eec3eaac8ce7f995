/* Frame tags: Poly1305 (RFC 8439) with one-time keys. Runs in the decoder and in the library. */
#include "common/tag.h"

#include <errno.h>
#include <sodium.h>

#include "common/bytes.h"

#define BLOCK_BYTES  1024u /* unit of sampling */
#define GROUP_BLOCKS 16u   /* one block of each group is read */
#define HEADER_BYTES (CAMERA_ID_BYTES + 8u * 8u + 11u * 4u + 4u * PICTURE_PLANES_MAX)
#define CHOICE_BYTES 512u /* of key stream at a time; half a byte chooses a block */

_Static_assert(crypto_onetimeauth_BYTES == TAG_BYTES, "Poly1305");

/* One BLAKE2b gives the one-time key and the seed of the sampling; never used for another seq. */
static void one_time_keys(const uint8_t k_attach[KEY_BYTES], uint64_t seq,
	uint8_t ret[crypto_onetimeauth_KEYBYTES + crypto_stream_chacha20_KEYBYTES])
{
	uint8_t in[20 + 8] = "framemux frame tag 1";

	put_le64(in + 20, seq);
	crypto_generichash(ret, crypto_onetimeauth_KEYBYTES + crypto_stream_chacha20_KEYBYTES, in,
		sizeof(in), k_attach, KEY_BYTES);
}

static void header_bytes(const struct tag_header *h, uint8_t ret[HEADER_BYTES])
{
	const uint64_t wide[] = {h->lease, h->attach, h->generation, h->seq, h->capture_ns,
		h->arrival_ns, h->publish_ns, h->publish_boot_ns};
	const uint32_t narrow[] = {h->slot, h->flags, h->mode, h->color_encoding, h->color_range,
		h->sar_num, h->sar_den, h->picture->width, h->picture->height, h->picture->fourcc,
		h->picture->planes};
	uint8_t *p = ret;

	_Static_assert(sizeof(wide) == 8 * 8 && sizeof(narrow) == 11 * 4, "HEADER_BYTES");
	memcpy(p, h->camera.b, CAMERA_ID_BYTES);
	p += CAMERA_ID_BYTES;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++, p += 8)
		put_le64(p, wide[i]);
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++, p += 4)
		put_le32(p, narrow[i]);
	for (size_t i = 0; i < PICTURE_PLANES_MAX; i++, p += 4)
		put_le32(p, h->picture->stride[i]);
}

/* One block of each 16, chosen by key stream, the short group at the end included. */
static void add_sample(crypto_onetimeauth_state *st, const uint8_t *slot, uint64_t bytes,
	const uint8_t seed[crypto_stream_chacha20_KEYBYTES])
{
	static const uint8_t zero[CHOICE_BYTES];
	uint64_t blocks = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
	uint8_t choice[CHOICE_BYTES];
	uint8_t nonce[crypto_stream_chacha20_NONCEBYTES] = {0};

	for (uint64_t group = 0; group * GROUP_BLOCKS < blocks; group++) {
		uint64_t at = group % (2 * CHOICE_BYTES);
		uint64_t left = blocks - group * GROUP_BLOCKS, block, len;

		if (at == 0)
			crypto_stream_chacha20_xor_ic(choice, zero, CHOICE_BYTES, nonce,
				group / (2 * CHOICE_BYTES) * (CHOICE_BYTES / 64), seed);
		block = (choice[at / 2] >> (4 * (at & 1))) & 15;
		if (left < GROUP_BLOCKS)
			block %= left;
		block += group * GROUP_BLOCKS;
		len = bytes - block * BLOCK_BYTES;
		crypto_onetimeauth_update(
			st, slot + block * BLOCK_BYTES, len < BLOCK_BYTES ? len : BLOCK_BYTES);
	}
}

void tag_make(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h, const uint8_t *slot,
	uint8_t ret_tag[TAG_BYTES])
{
	uint8_t keys[crypto_onetimeauth_KEYBYTES + crypto_stream_chacha20_KEYBYTES];
	uint8_t header[HEADER_BYTES];
	crypto_onetimeauth_state st;

	one_time_keys(k_attach, h->seq, keys);
	header_bytes(h, header);
	crypto_onetimeauth_init(&st, keys);
	crypto_onetimeauth_update(&st, header, sizeof(header));
	if (h->mode == TAG_FULL)
		crypto_onetimeauth_update(&st, slot, h->picture->bytes);
	else
		add_sample(&st, slot, h->picture->bytes, keys + crypto_onetimeauth_KEYBYTES);
	crypto_onetimeauth_final(&st, ret_tag);
	sodium_memzero(keys, sizeof(keys));
	sodium_memzero(&st, sizeof(st));
}

int tag_verify(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h, const uint8_t *slot,
	const uint8_t tag[TAG_BYTES])
{
	uint8_t right[TAG_BYTES];
	int r;

	tag_make(k_attach, h, slot, right);
	r = sodium_memcmp(right, tag, TAG_BYTES) == 0 ? 0 : -EBADMSG;
	sodium_memzero(right, sizeof(right)); /* that of a forgery is nobody's to see */
	return r;
}

_Static_assert(SLOT_TRAILER_BYTES % sizeof(uint64_t) == 0, "a seq is read in one");

void slot_trailer_write(
	uint8_t *slot, const struct picture *p, uint64_t seq, const uint8_t tag[TAG_BYTES])
{
	uint8_t *trailer = slot + p->slot_bytes - SLOT_TRAILER_BYTES;

	put_le64(trailer, seq);
	memcpy(trailer + 8, tag, TAG_BYTES);
}

int slot_trailer_check(
	const uint8_t *slot, const struct picture *p, uint64_t seq, const uint8_t tag[TAG_BYTES])
{
	const uint8_t *trailer = slot + p->slot_bytes - SLOT_TRAILER_BYTES;

	if (get_le64(trailer) != seq || memcmp(trailer + 8, tag, TAG_BYTES))
		return -ESTALE;
	return 0;
}

void slot_mark_unwritten(uint8_t *slot, const struct picture *p)
{
	static const uint8_t no_tag[TAG_BYTES];

	slot_trailer_write(slot, p, SLOT_UNWRITTEN, no_tag);
}

/* The seq of a slot in a ring: aligned, as slots are whole pages. */
static uint64_t *slot_seq(const uint8_t *slot, const struct picture *p)
{
	return (uint64_t *)(uintptr_t)(slot + p->slot_bytes - SLOT_TRAILER_BYTES);
}

void slot_mark_erased(uint8_t *slot, const struct picture *p)
{
	__atomic_store_n(slot_seq(slot, p), 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool slot_is_erased(const uint8_t *slot, const struct picture *p)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(slot_seq(slot, p), __ATOMIC_RELAXED) == 0;
}
