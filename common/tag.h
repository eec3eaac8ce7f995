/*
 * The tag of a frame: Poly1305 under a one-time key from (K_attach, seq) over the frame's header
 * and pixels. Made by the decoder after it has written the slot, checked by the library before the
 * application sees the frame.
 */
#ifndef FRAMEMUX_TAG_H
#define FRAMEMUX_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/identity.h"
#include "common/picture.h"

#define TAG_BYTES 16u

enum tag_mode {
	TAG_SAMPLED = 1, /* header and a pseudo-random 1/16 of the blocks */
	TAG_FULL = 2,    /* header and every byte of the picture */
};

/* What a tag vouches for. Everything but the picture itself; both sides fill it from what they
 * know. */
struct tag_header {
	struct camera_id camera;
	uint64_t lease, attach, generation, seq;
	uint64_t capture_ns, arrival_ns, publish_ns, publish_boot_ns;
	uint32_t slot, flags, mode;
	uint32_t color_encoding, color_range, sar_num, sar_den;
	const struct picture *picture;
};

/* slot: the slot's memory, picture->slot_bytes long; only its picture is read. */
void tag_make(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h, const uint8_t *slot,
	uint8_t ret_tag[TAG_BYTES]);

/* 0, or -EBADMSG. Constant time in the tag. */
int tag_verify(const uint8_t k_attach[KEY_BYTES], const struct tag_header *h, const uint8_t *slot,
	const uint8_t tag[TAG_BYTES]);

/*
 * The trailer at the end of a slot. Its seq also tells what is not a frame: SLOT_UNWRITTEN from the
 * attach on until there is one, 0 once the slot is erased. Whoever clears a ring while somebody may
 * look, and has no dead mark to set, clears every slot's seq before any pixel: a reader who then
 * finds the seq that he read for has seen nothing that was cleared.
 */
#define SLOT_UNWRITTEN UINT64_MAX

void slot_trailer_write(
	uint8_t *slot, const struct picture *p, uint64_t seq, const uint8_t tag[TAG_BYTES]);
/* 0 when the trailer names seq and tag, else -ESTALE: unwritten, half written or erased. */
int slot_trailer_check(
	const uint8_t *slot, const struct picture *p, uint64_t seq, const uint8_t tag[TAG_BYTES]);

void slot_mark_unwritten(uint8_t *slot, const struct picture *p);

/* One store; what the caller writes next may not be seen before it. slot: as it lies in a ring. */
void slot_mark_erased(uint8_t *slot, const struct picture *p);

/* Ordered after every read of the slot before it. slot: as it lies in a ring. */
bool slot_is_erased(const uint8_t *slot, const struct picture *p);

#endif
