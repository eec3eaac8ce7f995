/*
 * Reads the drop folder. It belongs to root or the mux's uid and nobody else can write there
 * (folder.h); of a file the same is asked, and that it has one name, so that no link has framemuxd
 * read what is somebody else's. Runs in a thread of framemuxd's, which the folder has for itself.
 */
#include "mux/daemon/policy/policy_drop_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "mux/daemon/policy/policy.h"
#include "mux/daemon/state/folder.h"

#define SUFFIX    ".policy"
#define APPLIED   ".applied"
#define REFUSED   ".refused"
#define TAKEN     ".taken"
#define NAME_ROOM (NAME_MAX - sizeof(REFUSED) - sizeof(".new") - 1)

bool drop_is_meant(const char *name)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);

	return name[0] != '.' && len > suffix && len <= NAME_ROOM &&
		!strcmp(name + len - suffix, SUFFIX);
}

/* ---- reading ------------------------------------------------------------------------- */

static const char *what_is_wrong(const struct stat *st)
{
	if (breakage("policy-any-file"))
		return NULL;
	if (!S_ISREG(st->st_mode))
		return S_ISLNK(st->st_mode) ? "it is a link" : "it is no regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs neither to root nor to the mux's user";
	if (st->st_mode & 022)
		return "others can write to it";
	if (st->st_nlink != 1)
		return "it has another name: a hard link";
	if (st->st_size < 0 || (uint64_t)st->st_size > POLICY_BYTES_MAX)
		return "it is larger than 64 KiB";
	return NULL;
}

static int read_all(int fd, struct drop_file *f)
{
	f->bytes = malloc(POLICY_BYTES_MAX + 1);
	if (!f->bytes)
		return -ENOMEM;
	while (f->len <=
		POLICY_BYTES_MAX) { /* a byte more than there may be is seen by who parses */
		ssize_t n = TEMP_FAILURE_RETRY(
			read(fd, f->bytes + f->len, POLICY_BYTES_MAX + 1 - f->len));

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		f->len += (size_t)n;
	}
	return 0;
}

static bool is_same_file(const struct drop_file *f, const struct stat *st)
{
	return st->st_dev == f->dev && st->st_ino == f->ino;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Written to in place: the same file still. */
static bool is_rewritten(const struct drop_file *f, const struct stat *st)
{
	return st->st_size != f->size || !is_same_time(&st->st_mtim, &f->modified);
}

static void remember(struct drop_file *f, const struct stat *st)
{
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	f->size = st->st_size;
	f->modified = st->st_mtim;
	f->changed = st->st_ctim;
}

/* What it is, before it is opened and after. */
static int open_it(int folder, struct drop_file *f, int *ret_fd, const char **ret_wrong)
{
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
		(breakage("policy-any-file") ? 0 : O_NOFOLLOW);
	struct stat st;

	if (fstatat(folder, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	remember(f, &st);
	*ret_wrong = what_is_wrong(&st);
	if (*ret_wrong)
		return 0;
	*ret_fd = openat(folder, f->name, flags);
	if (*ret_fd < 0 || fstat(*ret_fd, &st) < 0)
		return -errno;
	if (!is_same_file(f, &st)) /* another has come, and is told of */
		return breakage("policy-any-file") ? 0 : -ENOENT;
	remember(f, &st); /* before it is read: what changes from now on may be unread */
	*ret_wrong = what_is_wrong(&st);
	return 0;
}

/*
 * Somebody has it open for writing: what is there is half of it. Whoever opens it from now on waits until
 * fd is closed. Where there are no such leases (another's file, some file systems) nothing is known, and
 * what changes while it is judged is noticed afterwards.
 */
static bool is_being_written(int fd)
{
	(void)fcntl(fd, F_SETSIG, SIGURG); /* that somebody waits: SIGIO would end us */
	return fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN &&
		!breakage("policy-half-file");
}

int drop_read(int folder, struct drop_file *f, char ret_why[LIMIT_REASON])
{
	cleanup_fd int fd = -1;
	const char *wrong = NULL;
	int rc = open_it(folder, f, &fd, &wrong);

	if (!rc && wrong) {
		snprintf(ret_why, LIMIT_REASON, "%s", wrong);
		return -EPERM;
	}
	if (!rc && is_being_written(fd)) {
		snprintf(ret_why, LIMIT_REASON, "it is being written");
		return -EAGAIN;
	}
	if (!rc)
		rc = read_all(fd, f);
	if (rc < 0)
		snprintf(ret_why, LIMIT_REASON, "it cannot be read: %s", strerror(-rc));
	return rc;
}

/* ---- the outcome --------------------------------------------------------------------- */

static int put_back(int folder, const char *aside, const char *name)
{
	return renameat2(folder, aside, folder, name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

/* Moved aside first: of two files of one name only the one that was read goes. A rename is a change by
 * ctime, so that is compared before. */
static int take_away(int folder, const struct drop_file *f)
{
	char aside[NAME_MAX + 1];
	struct stat st;

	if (fstatat(folder, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (is_same_file(f, &st) && !S_ISDIR(st.st_mode) &&
		(is_rewritten(f, &st) || !is_same_time(&st.st_ctim, &f->changed)))
		return -EAGAIN;
	snprintf(aside, sizeof(aside), ".%.*s" TAKEN, (int)NAME_ROOM, f->name);
	if (renameat(folder, f->name, folder, aside) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstatat(folder, aside, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!is_same_file(f, &st)) /* its rename is told as any other */
		return put_back(folder, aside, f->name);
	if (!S_ISDIR(st.st_mode) && is_rewritten(f, &st))
		return put_back(folder, aside, f->name) < 0 ? -errno : -EAGAIN;
	return unlinkat(folder, aside, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 ? -errno : 0;
}

int drop_settle(int folder, const struct drop_file *f, bool is_applied, const char *reason)
{
	char name[NAME_MAX + 1], other[NAME_MAX + 1], text[LIMIT_REASON + 2];
	int rc, gone;

	snprintf(name, sizeof(name), "%.*s%s", (int)NAME_ROOM, f->name,
		is_applied ? APPLIED : REFUSED);
	snprintf(other, sizeof(other), "%.*s%s", (int)NAME_ROOM, f->name,
		is_applied ? REFUSED : APPLIED);
	snprintf(text, sizeof(text), "%s\n", reason);
	gone = take_away(folder, f); /* first: whoever sees the outcome may drop the next */
	if (gone == -EAGAIN)
		return gone;
	if (unlinkat(folder, other, 0) < 0 && errno != ENOENT)
		return -errno;
	rc = folder_replace(folder, name, text, strlen(text), 0644, (unsigned)-1);
	return rc < 0 ? rc : gone;
}

/* ---- what is there ------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int drop_list(int folder, char (*ret_names)[NAME_MAX + 1])
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int n = 0, rc;

	if (!dir) {
		rc = -errno;
		cleanup_close(&fd);
		return rc;
	}
	errno = 0; /* readdir leaves it so at the end */
	while (n < (int)DROP_NAMES_MAX && (entry = readdir(dir)))
		if (drop_is_meant(entry->d_name))
			memcpy(ret_names[n++], entry->d_name, strlen(entry->d_name) + 1);
	rc = -errno;
	closedir(dir);
	if (rc < 0)
		return rc;
	qsort(ret_names, (size_t)n, sizeof(*ret_names), compare);
	return n;
}
