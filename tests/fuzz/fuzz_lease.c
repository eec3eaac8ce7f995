/*
 * The client's end of a lease socket, whose other end may be a decoder that was taken over: the input
 * is what it sends and what it does to the ring meanwhile, piece by piece. Whatever comes, a frame
 * that is shown lies in the ring, was vouched for, and is newer than the last.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/lib/frames.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "common/tag.h"
#include "fuzz.h"

#define SLOTS 3u

static struct {
	struct picture picture;
	struct ring *ring;
	uint8_t *memory;
	int decoder;
	uint64_t seq, shown;
	const struct framemux_frame *held[SLOTS];
} s;

/* Vouched for by the decoder: the frame that shown compares with. */
static void send_frame(struct fuzz *f)
{
	struct tag_header h = {
		.camera = s.ring->camera,
		.lease = 1,
		.attach = 2,
		.generation = 3,
		.mode = TAG_FULL,
		.picture = &s.picture,
	};
	struct msg_frame m = {.slot = fuzz_byte(f) % (SLOTS + 1)};
	uint8_t how = fuzz_byte(f);
	uint8_t *memory = s.memory + (m.slot % SLOTS) * s.picture.slot_bytes;

	s.seq += how & 3;
	m.seq = s.seq;
	m.flags = how & 4 ? fuzz_byte(f) : 0;
	m.publish_ns = clock_monotonic_ns() - (how & 8 ? fuzz_byte(f) * NS_PER_S / 64 : 0);
	m.publish_boot_ns = clock_boot_ns() - (how & 16 ? fuzz_byte(f) * NS_PER_S / 64 : 0);
	m.arrival_ns = m.publish_ns - fuzz_byte(f);
	m.capture_ns = how & 32 ? m.arrival_ns - fuzz_byte(f) : 0;
	h.seq = m.seq;
	h.slot = m.slot;
	h.flags = m.flags;
	h.publish_ns = m.publish_ns;
	h.publish_boot_ns = m.publish_boot_ns;
	h.arrival_ns = m.arrival_ns;
	h.capture_ns = m.capture_ns;
	memset(memory, fuzz_byte(f), 16);
	tag_make(s.ring->attach.k_attach, &h, memory, m.tag);
	slot_trailer_write(memory, &s.picture, m.seq, m.tag);
	if (how & 64)
		memory[fuzz_byte(f)] ^= 1; /* ... and thought better of it */
	(void)sock_send_msg(s.decoder, &wire_frame, &m);
}

static void show(const struct framemux_frame *frame)
{
	int slot = ring_find(s.ring, frame);
	const uint8_t *first = s.ring->map, *end = first + s.ring->attach.ring_bytes;

	MUST(slot >= 0 && slot < (int)SLOTS);
	MUST(frame->seq > s.shown && frame->capture_ns <= frame->publish_ns);
	MUST(frame->width == 16 && frame->height == 8 && frame->planes == 2);
	for (unsigned i = 0; i < frame->planes; i++)
		MUST((const uint8_t *)frame->plane[i] >= first &&
			(const uint8_t *)frame->plane[i] + frame->stride[i] <= end);
	s.shown = frame->seq;
	s.held[slot] = frame;
	(void)frames_check(s.ring, (unsigned)slot);
}

/* What the library does when the socket is readable and the application asks. */
static bool serve(bool releases)
{
	const struct framemux_frame *frame;
	uint64_t seq = 0;
	int r = frames_drain(s.ring, &seq);

	if (r >= 0 && frames_acquire(s.ring, &frame) == 0)
		show(frame);
	for (unsigned i = 0; releases && i < SLOTS; i++) {
		if (s.held[i])
			frames_release(s.ring, i);
		s.held[i] = NULL;
	}
	MUST(s.ring->n_acquired <= SLOTS && s.ring->ready < (int)SLOTS);
	return r >= 0;
}

static void begin(void)
{
	const struct msg_open asked = {.camera = "porch", .fourcc = DRM_FORMAT_NV12};
	struct msg_attach a = {.lease = 1,
		.attach = 2,
		.generation = 3,
		.width = 16,
		.height = 8,
		.fourcc = DRM_FORMAT_NV12,
		.slots = SLOTS,
		.stale_ns = NS_PER_S,
		.tag_mode = TAG_FULL,
		.camera = "porch"};
	int ring, dead, pair[2], fds[ATTACH_FDS];

	memset(&s, 0, sizeof(s));
	MUST(picture_layout(a.fourcc, a.width, a.height, &s.picture) == 0);
	a.ring_bytes = SLOTS * s.picture.slot_bytes;
	MUST(memfd_make("ring", a.ring_bytes, &ring) == 0);
	MUST(memfd_make("dead", DEAD_PAGE_BYTES, &dead) == 0);
	MUST(memfd_reopen(ring, O_RDONLY, &fds[ATTACH_FD_RING]) == 0);
	MUST(memfd_reopen(dead, O_RDONLY, &fds[ATTACH_FD_DEAD]) == 0);
	s.memory = mmap(NULL, a.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
	MUST(s.memory != MAP_FAILED);
	MUST(memfd_seal(ring, a.ring_bytes) == 0 && memfd_seal(dead, DEAD_PAGE_BYTES) == 0);
	close(ring);
	close(dead);
	MUST(sock_pair(SOCK_SEQPACKET, pair) == 0);
	fds[ATTACH_FD_SOCKET] = pair[0];
	s.decoder = pair[1];
	MUST(ring_open(&a, &asked, fds, &s.ring) == 0);
	close(fds[ATTACH_FD_DEAD]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz f = {data, len};
	bool goes_on = true;

	begin();
	for (unsigned i = 0; goes_on && f.len && i < 64; i++) {
		uint8_t what = fuzz_byte(&f);
		struct fuzz piece;

		if (what & 1) {
			send_frame(&f);
		} else {
			piece = fuzz_piece(&f);
			(void)send(s.decoder, piece.at, piece.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		if (what & 2)
			memset(s.memory, 0, s.ring->attach.ring_bytes);
		if (what & 4)
			goes_on = serve(what & 8);
	}
	if (goes_on)
		(void)serve(true);
	munmap(s.memory, s.ring->attach.ring_bytes);
	ring_free(s.ring);
	close(s.decoder);
	return 0;
}
