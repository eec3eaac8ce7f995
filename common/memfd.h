/*
 * Sealed memory files: the one kind of memory that crosses to a client.
 *
 * The order is: create, reopen for the writer (a counted description), let the writer map it, seal,
 * set mode 0400, close every writable descriptor, hand out a read-only reopen. See
 * memfd_create(2), and F_ADD_SEALS and F_SETLEASE in fcntl(2).
 */
#ifndef FRAMEMUX_MEMFD_H
#define FRAMEMUX_MEMFD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A memory file of size bytes, allocated in full, that can be sealed; with the exec seal where the
 * kernel has it. 0 and an O_RDWR descriptor, or -errno.
 */
int memfd_make(const char *name, uint64_t size, int *ret_fd);

/* Has this kernel exec seals (Linux 6.3)? */
bool memfd_has_exec_seal(void);

/*
 * A second, counted description of fd: flags is O_RDONLY or O_RDWR. It is opened in MEMFD_FOLDER, or
 * in what memfd_use_folder() was given: a descriptor of the calling process's own MEMFD_FOLDER, for
 * one that will find no /proc any more.
 */
#define MEMFD_FOLDER "/proc/self/fd"
void memfd_use_folder(int fd);
int memfd_reopen(int fd, int flags, int *ret_fd);

/* Seal SHRINK|GROW|FUTURE_WRITE|SEAL and set mode 0400. Reads seals and size back; -EPERM if odd.
 */
int memfd_seal(int fd, uint64_t size);

/*
 * What a receiver checks before it maps: read-only description, all the seals, exactly size bytes.
 * 0 or -EPERM.
 */
int memfd_check(int fd, uint64_t size);

/* Whether no writable description and no writable mapping of one is left. probe: an O_RDONLY
 * reopen. */
bool memfd_has_no_writer(int probe);

/* Whether probe is the last description and nothing maps the file. */
bool memfd_has_no_user(int probe);

/* Whether this kernel seals, counts writers and refuses reopening as framemux needs. 0 or -errno.
 */
int memfd_self_test(void);

#endif
