/* Sealed memory files: memfd_create(2), seals in fcntl(2), leases as a census of who is left. */
#include "common/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"

/* Debian 12's headers are older than these. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define RING_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

int memfd_make(const char *name, uint64_t size, int *ret_fd)
{
	cleanup_fd int fd = -1;
	int r;

	if (size == 0 || size > INT64_MAX)
		return -EINVAL;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL | MFD_ALLOW_SEALING);
	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	/* All of it now: a sparse file is charged to whoever touches it first. */
	r = TEMP_FAILURE_RETRY(fallocate(fd, 0, 0, (off_t)size));
	if (r < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int folder = -1;

void memfd_use_folder(int fd)
{
	folder = fd;
}

bool memfd_has_exec_seal(void)
{
	cleanup_fd int fd = memfd_create("framemux-test", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	return fd >= 0;
}

int memfd_reopen(int fd, int flags, int *ret_fd)
{
	char name[32];
	int copy;

	snprintf(name, sizeof(name), "%s%d", folder < 0 ? MEMFD_FOLDER "/" : "", fd);
	copy = openat(folder < 0 ? AT_FDCWD : folder, name, flags | O_CLOEXEC | O_NOCTTY);
	if (copy < 0)
		return -errno;
	*ret_fd = copy;
	return 0;
}

static bool has_all_seals(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & RING_SEALS) == RING_SEALS &&
		(seals & ~(RING_SEALS | F_SEAL_EXEC)) == 0;
}

static bool has_size(int fd, uint64_t size)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

int memfd_seal(int fd, uint64_t size)
{
	int seals = RING_SEALS;

	if (breakage("broker-no-seal"))
		seals &= ~F_SEAL_FUTURE_WRITE;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -errno;
	if (fchmod(fd, 0400) < 0)
		return -errno;
	if (breakage("broker-no-seal"))
		return 0;
	return has_all_seals(fd) && has_size(fd, size) ? 0 : -EPERM;
}

int memfd_check(int fd, uint64_t size)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY)
		return -EPERM;
	return has_all_seals(fd) && has_size(fd, size) ? 0 : -EPERM;
}

/* Take a lease of this type and give it back: the kernel grants it only if nobody conflicts. */
static bool lease_is_granted(int probe, int type)
{
	if (fcntl(probe, F_SETLEASE, type) < 0)
		return false;
	(void)fcntl(probe, F_SETLEASE, F_UNLCK);
	return true;
}

bool memfd_has_no_writer(int probe)
{
	return lease_is_granted(probe, F_RDLCK);
}

bool memfd_has_no_user(int probe)
{
	return lease_is_granted(probe, F_WRLCK);
}

int memfd_self_test(void)
{
	const uint64_t size = 4096;
	cleanup_fd int fd = -1, writer = -1, probe = -1, again = -1;
	void *map;
	int r = memfd_make("framemux-test", size, &fd);

	if (r < 0)
		return r;
	if ((r = memfd_reopen(fd, O_RDWR, &writer)) < 0 ||
		(r = memfd_reopen(fd, O_RDONLY, &probe)) < 0)
		return r;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
	if (map == MAP_FAILED)
		return -errno;
	close(take_fd(&writer));
	r = memfd_seal(fd, size);
	if (r == 0 && memfd_has_no_writer(probe))
		r = -ENOTSUP; /* a mapping that writes must be seen */
	munmap(map, size);
	if (r < 0)
		return r;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED && !breakage("broker-no-seal")) {
		munmap(map, size);
		return -ENOTSUP; /* no F_SEAL_FUTURE_WRITE */
	}
	if (map != MAP_FAILED)
		munmap(map, size);
	close(take_fd(&fd));
	if (!memfd_has_no_writer(probe) || memfd_check(probe, size) < 0)
		return breakage("broker-no-seal") ? 0 : -ENOTSUP;
	if (memfd_reopen(probe, O_RDONLY, &again) == 0 && memfd_has_no_user(probe))
		return -ENOTSUP; /* a second reader must be seen */
	return 0;
}
