/* A mapped ring and the ownership of its slots. Owns the mapping, never a descriptor. */
#include "mux/decode/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/breakage.h"
#include "common/tag.h"

int ring_map(int fd, const struct picture *p, uint32_t slots, struct ring *ret)
{
	struct ring r = {.picture = *p, .slots = slots, .last = slots - 1};
	struct stat st;
	void *memory;

	if (slots < LIMIT_SLOTS_MIN || slots > LIMIT_SLOTS_MAX)
		return -EINVAL;
	r.bytes = slots * p->slot_bytes;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size != r.bytes)
		return -EINVAL;
	memory = mmap(NULL, r.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	if (madvise(memory, r.bytes, MADV_DONTDUMP) < 0 ||
		madvise(memory, r.bytes, MADV_DONTFORK) < 0) {
		int saved = -errno;

		munmap(memory, r.bytes);
		return saved;
	}
	r.memory = memory;
	/* So that a slot without a frame is not taken for one that was erased. */
	for (uint32_t i = 0; i < slots; i++)
		slot_mark_unwritten(ring_slot(&r, i), p);
	*ret = r;
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->memory)
		munmap(r->memory, r->bytes);
	r->memory = NULL;
}

static void erase_pixels(struct ring *r)
{
	uint64_t bytes = r->picture.slot_bytes - SLOT_TRAILER_BYTES;

	for (uint32_t i = 0; i < r->slots; i++)
		explicit_bzero(ring_slot(r, i), bytes);
}

void ring_erase(struct ring *r)
{
	if (!r->memory)
		return;
	if (breakage("decode-keeps-trailers")) {
		erase_pixels(r);
		return;
	}
	for (uint32_t i = 0; i < r->slots; i++)
		slot_mark_erased(ring_slot(r, i), &r->picture);
	explicit_bzero(r->memory, r->bytes);
}

uint8_t *ring_slot(const struct ring *r, uint32_t slot)
{
	return r->memory + slot * r->picture.slot_bytes;
}

int ring_find_free(const struct ring *r, uint32_t *ret_slot)
{
	for (uint32_t i = 1; i <= r->slots; i++) {
		uint32_t slot = (r->last + i) % r->slots;

		if (r->with_client[slot] == 0) {
			*ret_slot = slot;
			return 0;
		}
	}
	return -ENOBUFS;
}

void ring_hand_over(struct ring *r, uint32_t slot, uint64_t seq)
{
	r->with_client[slot] = seq;
	r->last = slot;
}

int ring_take_back(struct ring *r, uint32_t slot, uint64_t seq)
{
	if (slot >= r->slots || seq == 0 || r->with_client[slot] != seq)
		return -EPROTO;
	r->with_client[slot] = 0;
	return 0;
}
