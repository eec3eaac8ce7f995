/* Opens, checks and writes into folders. Runs in framemuxd; never follows a link at a path's end.
 */
#include "mux/daemon/state/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/limits.h"

static bool is_ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Every folder from / to real, which has no links in it. */
static int check_way(const char *real, bool strict_end, char *why, size_t why_size)
{
	char prefix[PATH_MAX];
	size_t len = strlen(real);

	for (size_t i = 1; i <= len; i++) {
		struct stat st;
		bool end = i == len;

		if (!end && real[i] != '/' && i != 1)
			continue;
		memcpy(prefix, real, i);
		prefix[i] = 0;
		if (lstat(prefix, &st) < 0)
			return -errno;
		if (!is_ours(&st)) {
			snprintf(why, why_size, "%s belongs to uid %u", prefix, st.st_uid);
			return -EPERM;
		}
		if ((st.st_mode & 022) && (!(st.st_mode & S_ISVTX) || (end && strict_end))) {
			snprintf(why, why_size, "%s can be written by others", prefix);
			return -EPERM;
		}
	}
	return 0;
}

int folder_of(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');
	int n;

	if (!slash)
		n = snprintf(ret, size, ".");
	else
		n = snprintf(ret, size, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* The longest part of path that exists. */
static int existing_part(const char *path, char part[LIMIT_PATH])
{
	struct stat st;
	size_t len = strlen(path);

	if (len >= LIMIT_PATH)
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	while (stat(part, &st) < 0) {
		char up[LIMIT_PATH];

		if (errno != ENOENT)
			return -errno;
		if (!strcmp(part, ".") || !strcmp(part, "/") || folder_of(part, up, sizeof(up)) < 0)
			return -ENOENT;
		memcpy(part, up, sizeof(up));
	}
	return 0;
}

static int make_folders(const char *path, size_t exists, unsigned mode)
{
	char prefix[PATH_MAX];
	size_t len = strlen(path);

	for (size_t i = exists + 1; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = 0;
		/* chmod, because the umask is 077 all the time. */
		if (mkdir(prefix, 0700) < 0 || chmod(prefix, i == len ? mode : 0755) < 0)
			return -errno;
	}
	return 0;
}

/* Without slashes at its end or doubled ones, so that prefixes are folders. */
static int tidy(const char *path, char ret[LIMIT_PATH])
{
	size_t n = 0;

	for (; *path; path++) {
		if (*path == '/' && n && ret[n - 1] == '/')
			continue;
		if (n + 1 >= LIMIT_PATH)
			return -ENAMETOOLONG;
		ret[n++] = *path;
	}
	while (n > 1 && ret[n - 1] == '/')
		n--;
	ret[n] = 0;
	return n ? 0 : -EINVAL;
}

/* real (of the part that exists) and what of clean lies behind it. */
static int join_rest(char real[PATH_MAX], const char *clean, const char *part)
{
	const char *rest = clean + strlen(part);
	size_t len = strlen(real);
	int n;

	if (!strcmp(part, ".") && clean[0] != '.')
		rest = clean;
	while (*rest == '/')
		rest++;
	if (!*rest)
		return 0;
	n = snprintf(real + len, PATH_MAX - len, "%s%s", len > 1 ? "/" : "", rest);
	return n < 0 || (size_t)n >= PATH_MAX - len ? -ENAMETOOLONG : 0;
}

int folder_open(const char *path, int create, int *ret_fd, char *ret_why, size_t why_size)
{
	char clean[LIMIT_PATH], part[LIMIT_PATH], real[PATH_MAX];
	cleanup_fd int fd = -1;
	struct stat st;
	size_t exists;
	bool is_new;
	int rc = tidy(path, clean);

	snprintf(ret_why, why_size, "%s", "the path is too long or empty");
	if (rc < 0)
		return rc;
	rc = existing_part(clean, part);
	is_new = !rc && strcmp(part, clean) != 0;
	if (!rc && is_new && create == FOLDER_MUST_EXIST)
		rc = -ENOENT;
	if (!rc && !is_new && (lstat(clean, &st) < 0 || !S_ISDIR(st.st_mode)))
		rc = -ENOTDIR;
	if (!rc && !realpath(part, real))
		rc = -errno;
	if (rc < 0) {
		snprintf(ret_why, why_size, "%s",
			rc == -ENOTDIR ? "it is no folder, or a link to one" : strerror(-rc));
		return rc;
	}
	/* From here on the real path alone is used: a link on the way can change. */
	rc = check_way(real, !is_new && create == FOLDER_MUST_EXIST, ret_why, why_size);
	if (rc < 0)
		return rc;
	exists = strlen(real);
	rc = join_rest(real, clean, part);
	if (!rc && is_new)
		rc = make_folders(real, exists > 1 ? exists : 0, (unsigned)create);
	if (!rc) {
		fd = open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		rc = fd < 0 ? -errno : 0;
	}
	if (rc < 0) {
		snprintf(ret_why, why_size, "%s", strerror(-rc));
		return rc;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, bytes, len));

		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ".NAME.new" */
static int temp_name(const char *name, char ret[NAME_MAX + 1])
{
	int n = snprintf(ret, NAME_MAX + 1, ".%s.new", name);

	return n < 0 || n > NAME_MAX || strchr(name, '/') ? -EINVAL : 0;
}

int folder_prepare(
	int folder, const char *name, const void *bytes, size_t len, unsigned mode, unsigned uid)
{
	char temp[NAME_MAX + 1];
	cleanup_fd int fd = -1;
	int rc = temp_name(name, temp);

	if (rc < 0)
		return rc;
	/* Left over from a life that ended in between; unlinked, never opened. */
	if (unlinkat(folder, temp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(folder, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, bytes, len);
	/* In this order: the mode of somebody else's file is not ours to change without CAP_FOWNER. */
	if (!rc && fchmod(fd, mode) < 0)
		rc = -errno;
	if (!rc && uid != (unsigned)-1 && fchown(fd, uid, (gid_t)-1) < 0)
		rc = -errno;
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (rc < 0)
		unlinkat(folder, temp, 0);
	return rc;
}

int folder_commit(int folder, const char *name)
{
	char temp[NAME_MAX + 1];
	int rc = temp_name(name, temp);

	if (!rc && renameat(folder, temp, folder, name) < 0) {
		rc = -errno;
		unlinkat(folder, temp, 0);
	}
	if (rc < 0)
		return rc;
	return fsync(folder) < 0 ? -errno : 0;
}

void folder_discard(int folder, const char *name)
{
	char temp[NAME_MAX + 1];

	if (temp_name(name, temp) == 0)
		unlinkat(folder, temp, 0);
}

int folder_replace(
	int folder, const char *name, const void *bytes, size_t len, unsigned mode, unsigned uid)
{
	int rc = folder_prepare(folder, name, bytes, len, mode, uid);

	return rc < 0 ? rc : folder_commit(folder, name);
}

int folder_read(int folder, const char *name, size_t max, char **ret, size_t *ret_len)
{
	cleanup_fd int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)st.st_size) {
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, text + len, (size_t)st.st_size - len));

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = 0;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
