/*
 * One ring as the decoder has it: the mapping and who owns each slot. The one place that decides
 * that a slot is free. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_RING_H
#define FRAMEMUX_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/picture.h"

struct ring {
	uint8_t *memory; /* owned; NULL once let go */
	uint64_t bytes;
	struct picture picture;
	uint32_t slots, last;
	uint64_t with_client[LIMIT_SLOTS_MAX]; /* seq of the frame in the slot; 0: ours */
};

/*
 * Map fd, which has to be a file of exactly slots slots of p. The caller still closes fd. 0 or
 * -errno; -EINVAL for another size or number of slots.
 */
int ring_map(int fd, const struct picture *p, uint32_t slots, struct ring *ret);
void ring_unmap(struct ring *r);

/*
 * Zeros in every byte, the trailers first: this is for when no broker is left to set the dead mark,
 * and clients go on looking.
 */
void ring_erase(struct ring *r);

uint8_t *ring_slot(const struct ring *r, uint32_t slot);

/* A slot of ours, in turn; -ENOBUFS when the client has all. */
int ring_find_free(const struct ring *r, uint32_t *ret_slot);

/* Slot now belongs to the client, with frame seq in it. */
void ring_hand_over(struct ring *r, uint32_t slot, uint64_t seq);

/* The client gives it back: 0, -EPROTO when it does not have that frame in that slot. */
int ring_take_back(struct ring *r, uint32_t slot, uint64_t seq);

#endif
