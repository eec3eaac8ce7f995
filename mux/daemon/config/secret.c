/* Reads and keeps secrets. Runs in framemuxd, which alone has them; never logs one. */
#include "mux/daemon/config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "mux/locked.h"

char *secret_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = locked_alloc(size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

static int open_in(const char *folder, const char *name, int *ret_fd)
{
	char path[2 * LIMIT_PATH];
	int n = snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : folder,
		name[0] == '/' ? "" : "/", name);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int open_credential(const char *name, int *ret_fd)
{
	const char *credentials = secure_getenv("CREDENTIALS_DIRECTORY");

	return credentials && !strchr(name, '/') ? open_in(credentials, name, ret_fd) : -ENOENT;
}

static const char *open_error(int rc)
{
	return rc == -ELOOP ? "it is a symbolic link" : strerror(-rc);
}

static int check_file(int fd, const char **ret_why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_why = NULL;
	if (!S_ISREG(st.st_mode))
		*ret_why = "it is not a regular file";
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		*ret_why = "it is neither root's nor framemuxd's own";
	else if (st.st_nlink != 1)
		*ret_why = "it has more than one name (hard links)";
	else if (st.st_mode & 077)
		*ret_why = "group or others have rights to it; chmod 0600 it";
	return *ret_why ? -EPERM : 0;
}

int secret_open_credential(const char *name, int *ret_fd, const char **ret_why)
{
	cleanup_fd int fd = -1;
	int rc = open_credential(name, &fd);

	if (rc < 0) {
		*ret_why = open_error(rc);
		return rc;
	}
	rc = check_file(fd, ret_why);
	if (rc < 0) {
		if (!*ret_why)
			*ret_why = strerror(-rc);
		return rc;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Cut the newline; what is left must be one line of text. */
static int check_line(char *text, size_t len, const char **ret_why)
{
	if (len && text[len - 1] == '\n')
		text[--len] = 0;
	if (len && text[len - 1] == '\r')
		text[--len] = 0;
	*ret_why = NULL;
	if (!len)
		*ret_why = "it is empty";
	else if (len >= SECRET_BYTES_MAX)
		*ret_why = "it is longer than 255 bytes";
	for (size_t i = 0; i < len && !*ret_why; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			*ret_why = "it is not one line of text";
	return *ret_why ? -EINVAL : 0;
}

int secret_read(const char *folder, const char *name, char **ret, const char **ret_why)
{
	const size_t cap = SECRET_BYTES_MAX + 2; /* and "\r\n" */
	cleanup_fd int fd = -1;
	char *text;
	ssize_t n = 0;
	size_t len = 0;
	int rc;

	*ret_why = "";
	rc = open_credential(name, &fd);
	if (rc == -ENOENT)
		rc = open_in(folder, name, &fd);
	if (rc < 0) {
		*ret_why = open_error(rc);
		return rc;
	}
	rc = check_file(fd, ret_why);
	if (rc < 0)
		return rc;
	text = locked_alloc(cap);
	if (!text)
		return -ENOMEM;
	while (len < cap - 1 && (n = TEMP_FAILURE_RETRY(read(fd, text + len, cap - 1 - len))) > 0)
		len += (size_t)n;
	rc = n < 0 ? -errno : check_line(text, len, ret_why);
	if (n < 0)
		*ret_why = strerror(-rc);
	if (rc < 0) {
		locked_free(text);
		return rc;
	}
	*ret = text;
	return 0;
}
