/* mux/broker/ring: what a client holds cannot be written, by anybody but who mapped it in time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memfd.h"
#include "common/protocol.h"
#include "mux/broker/ring.h"
#include "tests/unit/unit.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

#define BYTES (3u * 4096u)

static struct ring ring;
static uint8_t *writer; /* the decoder's map */
static int before;

static void map_as_decoder(void)
{
	writer = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring.writer_fd, 0);
	ck_assert_ptr_ne(writer, MAP_FAILED);
	ring_writer_given(&ring);
	ck_assert_int_eq(ring.writer_fd, -1);
}

static void set_up(void)
{
	before = unit_count_fds();
	ck_assert_int_eq(ring_make(BYTES, &ring), 0);
	ck_assert_int_eq(ring_reopen(&ring), 0);
	ck_assert_int_eq(ring_add_dead_page(&ring), 0);
	map_as_decoder();
}

static void tear_down(void)
{
	struct ring_rest rest;

	if (writer)
		munmap(writer, BYTES);
	writer = NULL;
	ring_destroy(&ring, &rest);
	ck_assert(ring_rest_is_free(&rest));
	ring_rest_close(&rest);
	ck_assert_int_eq(unit_count_fds(), before);
}

START_TEST(test_sealed)
{
	struct stat st;
	int seals, fd;

	ck_assert_int_eq(ring_check_outgoing(&ring), -EPERM); /* not before */
	ck_assert_int_eq(ring_seal(&ring), 0);
	ck_assert_int_eq(ring.maker_fd, -1);
	ck_assert_int_eq(ring_check_outgoing(&ring), 0);
	seals = fcntl(ring.reader_fd, F_GET_SEALS);
	ck_assert(seals == 0x37 || seals == 0x17);
	seals = fcntl(ring.dead_reader_fd, F_GET_SEALS);
	ck_assert(seals == 0x37 || seals == 0x17);
	ck_assert_int_eq(fstat(ring.reader_fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
	ck_assert_int_eq(st.st_size, BYTES);
	ck_assert_int_eq(st.st_blocks * 512, BYTES); /* all there: nobody else pays for it */
	ck_assert_int_eq(fcntl(ring.reader_fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_ptr_eq(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring.reader_fd, 0),
		MAP_FAILED);
	ck_assert_int_lt(ftruncate(ring.reader_fd, 0), 0);
	ck_assert_int_lt(
		fallocate(ring.reader_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	/* Even who may open it for writing (root) cannot map it so. */
	if (memfd_reopen(ring.reader_fd, O_RDWR, &fd) == 0) {
		ck_assert_ptr_eq(
			mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
		close(fd);
	}
}
END_TEST

START_TEST(test_writer_is_seen)
{
	ck_assert(!ring_has_no_writer(&ring));
	ck_assert_int_eq(ring_seal(&ring), 0);
	ck_assert(!ring_has_no_writer(
		&ring)); /* the decoder's map; the broker's own does not count */
	munmap(writer, BYTES);
	writer = NULL;
	ck_assert(ring_has_no_writer(&ring));
}
END_TEST

START_TEST(test_kept_copy_is_seen)
{
	void *copy;

	ck_assert_int_eq(ring_seal(&ring), 0);
	copy = mremap(writer, 0, BYTES, MREMAP_MAYMOVE);
	ck_assert_ptr_ne(copy, MAP_FAILED);
	munmap(writer, BYTES);
	writer = NULL;
	ck_assert(!ring_has_no_writer(&ring));
	munmap(copy, BYTES);
	ck_assert(ring_has_no_writer(&ring));
}
END_TEST

/* "Mapped" without a map: such a decoder could not be seen letting go. */
START_TEST(test_unmapped_is_not_sealed)
{
	munmap(writer, BYTES);
	writer = NULL;
	ck_assert_int_eq(ring_seal(&ring), -EPERM);
}
END_TEST

START_TEST(test_decoder_sealed_first)
{
	/* A decoder that froze the seals, so that FUTURE_WRITE cannot be added any more. */
	ck_assert_int_eq(fcntl(ring.maker_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL), 0);
	ck_assert_int_eq(ring_seal(&ring), -EPERM);
	ck_assert_int_eq(ring_check_outgoing(&ring), -EPERM);
}
END_TEST

/* A file cut short under the broker's map would kill the broker when it erases. */
START_TEST(test_decoder_cannot_cut_it)
{
	ck_assert_int_lt(ftruncate(ring.maker_fd, 4096), 0);
	ck_assert_int_lt(ftruncate(ring.maker_fd, 2 * BYTES), 0);
	ck_assert_int_eq(
		fallocate(ring.maker_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, BYTES), 0);
	ck_assert_int_lt(fcntl(ring.maker_fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ring_erase(&ring);
	ck_assert_int_eq(ring_seal(&ring), 0);
	ring_erase(&ring);
}
END_TEST

START_TEST(test_erase)
{
	const uint8_t *reader, zeros[BYTES] = {0};
	const uint32_t *dead;

	ck_assert_int_eq(ring_seal(&ring), 0);
	reader = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, ring.reader_fd, 0);
	dead = mmap(NULL, DEAD_PAGE_BYTES, PROT_READ, MAP_SHARED, ring.dead_reader_fd, 0);
	ck_assert_ptr_ne(reader, MAP_FAILED);
	ck_assert_ptr_ne(dead, MAP_FAILED);
	memset(writer, 0xaa, BYTES);
	ck_assert_uint_eq(reader[BYTES - 1], 0xaa);
	ck_assert_uint_eq(*dead, 0);
	ring_mark_dead(&ring);
	ck_assert_uint_eq(*dead, 1);
	ring_erase(&ring);
	ck_assert_mem_eq(reader, zeros, BYTES);
	memset(writer, 0xbb, BYTES); /* it was not let go: a second time */
	ring_erase(&ring);
	ck_assert_mem_eq(reader, zeros, BYTES);
	munmap((void *)reader, BYTES);
	munmap((void *)dead, DEAD_PAGE_BYTES);
}
END_TEST

START_TEST(test_hidden)
{
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "r");
	bool in_ring = false, seen = false;

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			in_ring = (void *)from == ring.map;
			if (in_ring)
				ck_assert_ptr_nonnull(strstr(line, "---s")); /* PROT_NONE */
		} else if (in_ring && !strncmp(line, "VmFlags:", 8)) {
			seen = true;
			ck_assert_ptr_nonnull(strstr(line, " dd")); /* not dumped */
			ck_assert_ptr_nonnull(strstr(line, " dc")); /* not in a child */
		}
	}
	ck_assert(seen);
	fclose(f);
}
END_TEST

START_TEST(test_user_is_seen)
{
	struct ring_rest rest;
	void *reader;

	ck_assert_int_eq(ring_seal(&ring), 0);
	reader = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, ring.reader_fd, 0);
	munmap(writer, BYTES);
	writer = NULL;
	ring_destroy(&ring, &rest);
	ck_assert(!memfd_has_no_user(rest.probe_fd)); /* the client's map alone */
	ck_assert(memfd_has_no_user(rest.dead_probe_fd));
	ck_assert(!ring_rest_is_free(&rest));
	munmap(reader, BYTES);
	ck_assert(memfd_has_no_user(rest.probe_fd));
	ring = RING_NONE;
	ring.probe_fd = rest.probe_fd;
	ring.dead_probe_fd = rest.dead_probe_fd;
	ring.pin_fd = rest.pin_fd;
}
END_TEST

/* A huge page reaches beyond the file's end: 2 MiB for each page that a client was given. */
static void inflate(int fd)
{
	const size_t huge = 2u << 20;
	uint8_t *room = mmap(NULL, 2 * huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at = (uint8_t *)(((uintptr_t)room + huge - 1) / huge * huge);

	ck_assert_ptr_ne(room, MAP_FAILED);
	ck_assert_ptr_eq(mmap(at, huge, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0), at);
	(void)madvise(at, huge, MADV_COLLAPSE);
	munmap(room, 2 * huge);
}

static long long blocks_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return (long long)st.st_blocks;
}

START_TEST(test_cannot_be_inflated)
{
	const int fds[] = {ring.reader_fd, ring.dead_reader_fd};

	for (size_t i = 0; i < 2; i++) {
		long long was = blocks_of(fds[i]);

		inflate(fds[i]);
		ck_assert_int_eq(blocks_of(fds[i]), was);
	}
}
END_TEST

/* A decoder frees the page that is pinned and takes a new one in its place, while it still can. */
static void change_last_page(void)
{
	uint8_t *last = writer + BYTES - 4096u;

	ck_assert_int_eq(madvise(last, 4096, MADV_REMOVE), 0);
	*last = 1;
}

START_TEST(test_cannot_be_inflated_after_a_changed_page)
{
	long long was = blocks_of(ring.reader_fd);

	change_last_page();
	ck_assert_int_eq(ring_seal(&ring), 0);
	ck_assert_int_lt(madvise(writer, BYTES, MADV_REMOVE), 0); /* too late */
	inflate(ring.reader_fd);
	ck_assert_int_eq(blocks_of(ring.reader_fd), was);
}
END_TEST

START_TEST(test_holes_are_not_sealed)
{
	ck_assert_int_eq(madvise(writer, 4096, MADV_REMOVE), 0);
	ck_assert_int_eq(ring_seal(&ring), -EPERM);
}
END_TEST

START_TEST(test_inflated_is_not_sealed)
{
	long long was = blocks_of(ring.reader_fd);

	change_last_page();
	inflate(ring.reader_fd);
	if (blocks_of(ring.reader_fd) == was)
		return; /* this kernel does not */
	ck_assert_int_eq(ring_seal(&ring), -EPERM);
}
END_TEST

START_TEST(test_never_made)
{
	struct ring none = RING_NONE;
	struct ring_rest rest = {5, 5, 5};

	ring_mark_dead(&none);
	ring_erase(&none);
	ck_assert(ring_has_no_writer(&none));
	ring_destroy(&none, &rest);
	ck_assert_int_eq(rest.probe_fd, -1);
	ck_assert_int_eq(rest.dead_probe_fd, -1);
	ck_assert_int_eq(rest.pin_fd, -1);
	ck_assert_int_lt(ring_make(0, &none), 0);
	ck_assert_int_lt(ring_make(UINT64_MAX, &none), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("broker ring");
	TCase *t = tcase_create("attached"), *n = tcase_create("none");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_sealed);
	tcase_add_test(t, test_writer_is_seen);
	tcase_add_test(t, test_kept_copy_is_seen);
	tcase_add_test(t, test_unmapped_is_not_sealed);
	tcase_add_test(t, test_decoder_sealed_first);
	tcase_add_test(t, test_decoder_cannot_cut_it);
	tcase_add_test(t, test_erase);
	tcase_add_test(t, test_hidden);
	tcase_add_test(t, test_user_is_seen);
	tcase_add_test(t, test_cannot_be_inflated);
	tcase_add_test(t, test_cannot_be_inflated_after_a_changed_page);
	tcase_add_test(t, test_holes_are_not_sealed);
	tcase_add_test(t, test_inflated_is_not_sealed);
	tcase_add_test(n, test_never_made);
	suite_add_tcase(s, t);
	suite_add_tcase(s, n);
	return unit_run(s);
}
