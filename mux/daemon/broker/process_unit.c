/* Reads the cgroup of a process. Runs in framemuxd. */
#include "mux/daemon/broker/process_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/token.h"

#define CGROUP_BYTES 8192u /* a line for each hierarchy of version 1, and ours */

/* HIERARCHY:CONTROLLERS:PATH; version 2 is hierarchy 0 and has no list of controllers. */
int process_unit_parse(const char *text, char ret_unit[LIMIT_UNIT])
{
	const char *path = NULL;
	size_t len;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "0::", 3)) {
			path = line + 3;
			break;
		}
	}
	if (!path)
		return -ENOTSUP;
	len = strcspn(path, "\n");
	if (path[len] != '\n') /* cut: it might have gone on */
		return -EBADMSG;
	if (len >= LIMIT_UNIT)
		return -ENAMETOOLONG;
	memcpy(ret_unit, path, len);
	ret_unit[len] = 0;
	/* "/../x" is outside of what framemuxd sees; "(deleted)" is none any more. */
	return token_unit_is_path(ret_unit) ? 0 : -EBADMSG;
}

int process_unit_read(unsigned pid, char ret_unit[LIMIT_UNIT])
{
	char path[48], text[CGROUP_BYTES];
	cleanup_fd int fd = -1;
	size_t len = 0;
	ssize_t n;

	if (pid == 0) /* not of this pid namespace, says SO_PEERCRED */
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return -errno;
	text[len] = 0;
	return process_unit_parse(text, ret_unit);
}
