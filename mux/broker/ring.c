/* Rings and dead pages. Owns their descriptors and maps. Runs in the broker. */
#include "mux/broker/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/memfd.h"
#include "common/protocol.h"

#define PINNED_PAGES 4 /* the last of the ring, twice, and the dead page; a power of two */

static void close_fd(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

#define OPEN_TRIES 100u /* the kernel may be short of memory for a moment */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/*
 * Page tables now: else the first erasing pays for them, four times what clearing costs, at the
 * very moment when somebody waits for it. Best effort.
 */
static void populate(void *map, uint64_t bytes)
{
	(void)madvise(map, bytes, MADV_POPULATE_WRITE);
}

/* Frames belong into no core file, no child, and no stray read of the broker's. */
static int hide(void *map, uint64_t bytes)
{
	if (madvise(map, bytes, MADV_DONTDUMP) < 0 || madvise(map, bytes, MADV_DONTFORK) < 0 ||
		mprotect(map, bytes, PROT_NONE) < 0)
		return -errno;
	return 0;
}

static int map_whole(int fd, uint64_t bytes, void **ret_map)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*ret_map = map;
	return 0;
}

/*
 * Whoever may read a memory file can have its pages collected into a huge one (MADV_COLLAPSE), which
 * reaches beyond the file's end: of a page he makes 2 MiB, charged to nobody. The kernel leaves
 * alone what somebody has a reference to besides: the last page lies in a pipe that is never read.
 */
static int pin_last_page(int pipe_fd, const void *map, uint64_t bytes)
{
	const struct iovec last = {(uint8_t *)map + bytes - 1, 1};
	ssize_t n = TEMP_FAILURE_RETRY(vmsplice(pipe_fd, &last, 1, SPLICE_F_NONBLOCK));

	return n == 1 ? 0 : n < 0 ? -errno : -EIO;
}

static int make_pin(struct ring *r)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	r->pin_fd = pair[0];
	r->pin_in_fd = pair[1];
	(void)fcntl(r->pin_in_fd, F_SETPIPE_SZ, PINNED_PAGES * sysconf(_SC_PAGESIZE));
	return 0;
}

static int count_blocks(int fd, int64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (int64_t)st.st_blocks;
	return 0;
}

/*
 * Until the seals were on, the decoder could free pages (MADV_REMOVE): the one that was pinned may
 * be none of the file's any more. Now nobody can: pinned once more, and what he did until now shows
 * in the number of blocks, holes as well as a huge page.
 */
static int pin_again(struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *last = (uint8_t *)r->map + (r->bytes - 1) / page * page;
	int64_t blocks;
	int e;

	if (!r->is_erasing && mprotect(last, page, PROT_READ) < 0)
		return -errno;
	e = pin_last_page(r->pin_in_fd, r->map, r->bytes);
	if (!r->is_erasing && mprotect(last, page, PROT_NONE) < 0 && e == 0)
		e = -errno;
	close_fd(&r->pin_in_fd); /* what is in the pipe stays there */
	if (e == 0)
		e = count_blocks(r->maker_fd, &blocks);
	return e == 0 && blocks != r->blocks ? -EPERM : e;
}

int ring_make(uint64_t bytes, struct ring *ret)
{
	int r;

	*ret = RING_NONE;
	r = memfd_make("framemux-ring", bytes, &ret->maker_fd);
	if (r < 0)
		return r;
	ret->bytes = bytes;
	/* Already now: a decoder that cut it short would make our erasing a SIGBUS. */
	if (fcntl(ret->maker_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	r = map_whole(ret->maker_fd, bytes, &ret->map);
	if (r < 0)
		return r;
	populate(ret->map, bytes);
	r = count_blocks(ret->maker_fd, &ret->blocks);
	if (r == 0)
		r = make_pin(ret);
	if (r == 0)
		r = pin_last_page(ret->pin_in_fd, ret->map, bytes);
	return r == 0 ? hide(ret->map, bytes) : r;
}

int ring_reopen(struct ring *r)
{
	int reader = breakage("broker-writable-fd") ? O_RDWR : O_RDONLY;
	int e = memfd_reopen(r->maker_fd, O_RDWR, &r->writer_fd);

	if (e == 0)
		e = memfd_reopen(r->maker_fd, O_RDONLY, &r->probe_fd);
	if (e == 0)
		e = memfd_reopen(r->maker_fd, reader, &r->reader_fd);
	return e;
}

int ring_add_dead_page(struct ring *r)
{
	cleanup_fd int fd = -1;
	int e = memfd_make("framemux-dead", DEAD_PAGE_BYTES, &fd);

	if (e == 0)
		e = map_whole(fd, DEAD_PAGE_BYTES, &r->dead_map);
	if (e == 0)
		e = memfd_reopen(fd, O_RDONLY, &r->dead_probe_fd);
	if (e == 0)
		e = memfd_reopen(fd, O_RDONLY, &r->dead_reader_fd);
	if (e == 0)
		e = memfd_seal(fd, DEAD_PAGE_BYTES);
	if (e == 0)
		e = pin_last_page(r->pin_in_fd, r->dead_map, DEAD_PAGE_BYTES);
	return e;
}

void ring_writer_given(struct ring *r)
{
	close_fd(&r->writer_fd);
}

int ring_seal(struct ring *r)
{
	int e = memfd_seal(r->maker_fd, r->bytes);

	if (e == 0)
		e = pin_again(r);
	if (e < 0)
		return e;
	close_fd(&r->maker_fd);
	close_fd(&r->writer_fd);
	r->is_sealed = true;
	/* What is left must be the decoder's mapping, and it must be there: a decoder that said
	 * "mapped" without it would be one that we could not see let go. */
	return ring_has_no_writer(r) ? -EPERM : 0;
}

int ring_check_outgoing(const struct ring *r)
{
	if (breakage("broker-no-seal") || breakage("broker-writable-fd"))
		return 0;
	if (!r->is_sealed || r->maker_fd >= 0 || r->writer_fd >= 0)
		return -EPERM;
	if (memfd_check(r->reader_fd, r->bytes) < 0)
		return -EPERM;
	return memfd_check(r->dead_reader_fd, DEAD_PAGE_BYTES);
}

void ring_readers_given(struct ring *r)
{
	close_fd(&r->reader_fd);
	close_fd(&r->dead_reader_fd);
}

void ring_mark_dead(struct ring *r)
{
	if (r->dead_map && !breakage("broker-no-dead-mark"))
		atomic_store((_Atomic uint32_t *)r->dead_map, 1);
}

void ring_begin_erasing(struct ring *r)
{
	if (!r->map || r->is_erasing)
		return;
	for (unsigned i = 0; i < OPEN_TRIES && !r->is_erasing; i++)
		r->is_erasing = mprotect(r->map, r->bytes, PROT_READ | PROT_WRITE) == 0;
	if (r->is_erasing)
		return;
	log_error("a ring cannot be erased: %s", strerror(errno));
	_exit(EX_SOFTWARE);
}

void ring_erase(struct ring *r)
{
	if (!r->map || breakage("broker-no-erase"))
		return;
	ring_begin_erasing(r);
	explicit_bzero(r->map, r->bytes);
	atomic_thread_fence(memory_order_seq_cst);
}

void ring_close_outgoing(struct ring *r)
{
	close_fd(&r->maker_fd);
	close_fd(&r->writer_fd);
	ring_readers_given(r);
}

bool ring_has_no_writer(const struct ring *r)
{
	return r->probe_fd < 0 || memfd_has_no_writer(r->probe_fd);
}

void ring_destroy(struct ring *r, struct ring_rest *ret)
{
	if (r->map)
		munmap(r->map, r->bytes);
	if (r->dead_map)
		munmap(r->dead_map, DEAD_PAGE_BYTES);
	ring_close_outgoing(r);
	close_fd(&r->pin_in_fd);
	*ret = (struct ring_rest){.probe_fd = take_fd(&r->probe_fd),
		.dead_probe_fd = take_fd(&r->dead_probe_fd),
		.pin_fd = take_fd(&r->pin_fd)};
	*r = RING_NONE;
}

static bool is_free(int probe_fd)
{
	return probe_fd < 0 || memfd_has_no_user(probe_fd);
}

bool ring_rest_is_free(const struct ring_rest *rest)
{
	return is_free(rest->probe_fd) && is_free(rest->dead_probe_fd);
}

void ring_rest_close(struct ring_rest *rest)
{
	close_fd(&rest->probe_fd);
	close_fd(&rest->dead_probe_fd);
	close_fd(&rest->pin_fd);
}
