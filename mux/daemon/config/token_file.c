/* Writes token files. Runs in framemuxd. */
#include "mux/daemon/config/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "mux/daemon/state/folder.h"

/* strict: whoever can write into the folder could hand the holder a token of his choice. */
static int open_folder(const char *path, bool create, int *ret_fd, char *why, size_t why_size)
{
	char folder[LIMIT_PATH];
	cleanup_fd int fd = -1;
	int rc = folder_of(path, folder, sizeof(folder));

	snprintf(why, why_size, "the path is too long");
	if (!rc && create) {
		rc = folder_open(folder, 0755, &fd, why, why_size);
		cleanup_close(&fd);
		fd = -1;
	}
	if (!rc)
		rc = folder_open(folder, FOLDER_MUST_EXIST, &fd, why, why_size);
	if (rc < 0)
		return rc;
	*ret_fd = take_fd(&fd);
	return 0;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A rename would put a file in the place of anything; only a file is ours to replace. */
static int refuse_other(int folder, const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (fstatat(folder, file_name(path), &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
		return 0;
	snprintf(why, why_size, "something that is not a file has its name");
	return -EEXIST;
}

int token_file_check(const char *path, char *ret_why, size_t why_size)
{
	cleanup_fd int folder = -1;
	int rc = open_folder(path, false, &folder, ret_why, why_size);

	if (rc == -ENOENT) /* it will be made */
		return 0;
	return rc < 0 ? rc : refuse_other(folder, path, ret_why, why_size);
}

int token_file_write(
	const char *path, uid_t uid, const char *text, size_t len, char *ret_why, size_t why_size)
{
	cleanup_fd int folder = -1;
	int rc = open_folder(path, true, &folder, ret_why, why_size);

	if (!rc)
		rc = refuse_other(folder, path, ret_why, why_size);
	if (rc < 0)
		return rc;
	rc = folder_replace(
		folder, file_name(path), text, len, 0400, uid == geteuid() ? (unsigned)-1 : uid);
	if (rc < 0)
		snprintf(ret_why, why_size, "%s", strerror(-rc));
	return rc;
}

int token_file_remove(const char *path, char *ret_why, size_t why_size)
{
	cleanup_fd int folder = -1;
	struct stat st;
	int rc = open_folder(path, false, &folder, ret_why, why_size);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (fstatat(folder, file_name(path), &st, AT_SYMLINK_NOFOLLOW) < 0)
		rc = errno == ENOENT ? 0 : -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else
		rc = unlinkat(folder, file_name(path), 0) < 0 ? -errno : 0;
	if (rc < 0)
		snprintf(ret_why, why_size, "%s", strerror(-rc));
	return rc;
}
