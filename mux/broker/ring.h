/*
 * The memory of one attach: the ring and its dead page, from creation to the last close. One
 * function a step, in the order that common/memfd.h gives; none is skipped and none is repeated, and a
 * ring is never used for a second attach. Knows no lease, no loop and no peer.
 *
 * Descriptions of the ring's file: `maker` is the one that memfd_create made; neither it nor the
 * broker's map counts as a writer for the kernel. `writer` is a counted one, for the decoder.
 * `probe` and `reader` are read-only.
 */
#ifndef FRAMEMUX_BROKER_RING_H
#define FRAMEMUX_BROKER_RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring {
	uint64_t bytes;
	int maker_fd, writer_fd, reader_fd, probe_fd; /* owned; -1 when not there */
	int dead_reader_fd, dead_probe_fd;            /* owned */
	int pin_fd, pin_in_fd;                        /* owned; a pipe, see ring.c */
	int64_t blocks;                               /* of the file, as it was made */
	void *map;                                    /* owned; PROT_NONE until it is to be erased */
	void *dead_map;                               /* owned */
	bool is_sealed, is_erasing;
};

#define RING_NONE                                                                                  \
	((struct ring){.maker_fd = -1,                                                             \
		.writer_fd = -1,                                                                   \
		.reader_fd = -1,                                                                   \
		.probe_fd = -1,                                                                    \
		.dead_reader_fd = -1,                                                              \
		.dead_probe_fd = -1,                                                               \
		.pin_fd = -1,                                                                      \
		.pin_in_fd = -1})

/* What is left of a ring that has ended, for as long as somebody has its memory. */
struct ring_rest {
	int probe_fd, dead_probe_fd, pin_fd; /* owned; -1: never was one */
};

/* Each returns 0 or -errno; after a failure only ring_destroy may follow. */
int ring_make(uint64_t bytes, struct ring *ret); /* 1: create, allocate, map, hide */
int ring_reopen(struct ring *r);                 /* 2: writer, probe, reader */
int ring_add_dead_page(struct ring *r);
void ring_writer_given(struct ring *r); /* the decoder has its own copy of writer_fd now */
/*
 * 4: seal, read back, 0400, close everything writable. The decoder must have mapped it, and the file
 * must be made of as many blocks as before: else -EPERM.
 */
int ring_seal(struct ring *r);
int ring_check_outgoing(const struct ring *r); /* 5: what a receiver will check, before it leaves */
void ring_readers_given(struct ring *r);

/* The end. */
void ring_mark_dead(struct ring *r);
/*
 * Its map can be written from now on, so that no erasing after this can fail. Ends the process if that
 * cannot be had: then the decoders erase theirs. So it comes before a decoder is told to let go.
 */
void ring_begin_erasing(struct ring *r);
/* Zeros everywhere. */
void ring_erase(struct ring *r);
/* Close what could still be given away; map and probes stay. */
void ring_close_outgoing(struct ring *r);
bool ring_has_no_writer(const struct ring *r);
/* Close everything but the rest, which goes to the caller. */
void ring_destroy(struct ring *r, struct ring_rest *ret);
/* Whether nobody else has any of it any more. */
bool ring_rest_is_free(const struct ring_rest *rest);
void ring_rest_close(struct ring_rest *rest);

#endif
