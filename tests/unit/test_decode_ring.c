/* mux/decode/ring: what a client sees of a ring before there is a frame, and while it is erased. */
#include "mux/decode/ring.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/memfd.h"
#include "common/tag.h"
#include "unit.h"

#define SLOTS 4u
#define SIDE  128u /* a trailer shares no page with pixels */

static struct ring ring;
static const uint8_t tag[TAG_BYTES] = {1, 2, 3};
static unsigned first_writes, whole_trailers;

static void set_up(void)
{
	struct picture p;
	int fd;

	first_writes = whole_trailers = 0;
	ck_assert_int_eq(picture_layout(DRM_FORMAT_YUV420, SIDE, SIDE, &p), 0);
	ck_assert_uint_eq(p.bytes, p.slot_bytes - SLOT_ALIGN);
	ck_assert_int_eq(memfd_make("ring", SLOTS * p.slot_bytes, &fd), 0);
	ck_assert_int_eq(ring_map(fd, &p, SLOTS, &ring), 0);
	close(fd);
}

static void tear_down(void)
{
	ring_unmap(&ring);
}

static bool is_blank(void)
{
	for (uint64_t i = 0; i < ring.bytes; i++)
		if (ring.memory[i])
			return false;
	return true;
}

START_TEST(test_unwritten_is_not_erased)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		const uint8_t *slot = ring_slot(&ring, i);

		ck_assert(!slot_is_erased(slot, &ring.picture));
		ck_assert_int_ne(slot_trailer_check(slot, &ring.picture, 1, tag), 0);
	}
	ring_erase(&ring);
	for (uint32_t i = 0; i < SLOTS; i++)
		ck_assert(slot_is_erased(ring_slot(&ring, i), &ring.picture));
	ck_assert(is_blank());
}
END_TEST

/* The first write to any pixel: which trailers are there still? Makes the pixels writable. */
static void on_write(int signal)
{
	(void)signal;
	first_writes++;
	for (uint32_t i = 0; i < SLOTS; i++)
		whole_trailers += !slot_is_erased(ring_slot(&ring, i), &ring.picture);
	if (first_writes > 1 || mprotect(ring.memory, ring.bytes, PROT_READ | PROT_WRITE) < 0)
		_exit(70);
}

/* A frame whose trailer is there after it was copied was whole: all trailers go before any pixel. */
START_TEST(test_trailers_are_erased_first)
{
	const struct sigaction act = {.sa_handler = on_write};
	struct sigaction was;

	memset(ring.memory, 0x77, ring.bytes);
	for (uint32_t i = 0; i < SLOTS; i++) {
		slot_trailer_write(ring_slot(&ring, i), &ring.picture, 10 + i, tag);
		ck_assert_int_eq(mprotect(ring_slot(&ring, i), ring.picture.bytes, PROT_READ), 0);
	}
	ck_assert_int_eq(sigaction(SIGSEGV, &act, &was), 0);
	ring_erase(&ring);
	ck_assert_int_eq(sigaction(SIGSEGV, &was, NULL), 0);
	ck_assert_uint_eq(first_writes, 1);
	ck_assert_uint_eq(whole_trailers, 0);
	ck_assert(is_blank());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode_ring");
	TCase *t = tcase_create("decode_ring");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_unwritten_is_not_erased);
	tcase_add_test(t, test_trailers_are_erased_first);
	suite_add_tcase(s, t);
	return unit_run(s);
}
