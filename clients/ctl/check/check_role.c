/* Kills a camera's process. In framemuxctl's process. */
#include "clients/ctl/check/check_role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define COMM_BYTES 32

/* Whether the process is what the status said: a number may belong to somebody else by now. */
static bool is_called(uint32_t pid, const char *name)
{
	char path[64], text[COMM_BYTES] = "";
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, name);
}

int role_kill(const struct msg_ctl_camera *c, bool is_decode)
{
	uint32_t pid = is_decode ? c->decode_pid : c->ingest_pid;
	cleanup_fd int pidfd = -1;

	if (!pid)
		return -ESRCH;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	/* comm holds 15 characters. */
	if (!is_called(pid, is_decode ? "framemux-decode" : "framemux-ingest"))
		return -ESRCH;
	return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
}
