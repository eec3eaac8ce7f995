/*
 * Folders that framemuxd trusts: nobody but root and the mux's own uid can put something else in
 * their place, because they own every folder on the way and nobody else can write there (a sticky
 * folder like /tmp is permitted on the way).
 */
#ifndef FRAMEMUX_FOLDER_H
#define FRAMEMUX_FOLDER_H

#include <stddef.h>

#define FOLDER_MUST_EXIST (-1)

/*
 * Open a folder, no link at its end. create: mode for it when missing (its missing parents get
 * 0755), or FOLDER_MUST_EXIST. The folder itself must be owned by root or us and, unless it is
 * created, not writable by others. 0 and a descriptor, or -errno and why.
 */
int folder_open(const char *path, int create, int *ret_fd, char *ret_why, size_t why_size);

/* The folder of a path as text: "/a/b" of "/a/b/c", "." of "c". -ENAMETOOLONG */
int folder_of(const char *path, char *ret, size_t size);

/*
 * Replace the file name in the folder, all or nothing: a new file of that mode, written, given to
 * uid unless that is -1, synced, renamed into place; then the folder is synced.
 */
int folder_replace(
	int folder, const char *name, const void *bytes, size_t len, unsigned mode, unsigned uid);

/*
 * The same in two steps, for files that are to change together: whatever may fail for want of room
 * fails in the first. Between them the new file is there under another name, which folder_discard
 * takes away.
 */
int folder_prepare(
	int folder, const char *name, const void *bytes, size_t len, unsigned mode, unsigned uid);
int folder_commit(int folder, const char *name);
void folder_discard(int folder, const char *name);

/* All of a regular file, NUL behind it; at most max bytes. -ENOENT, -EFBIG, ... The caller frees.
 */
int folder_read(int folder, const char *name, size_t max, char **ret, size_t *ret_len);

#endif
