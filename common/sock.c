/* UNIX SEQPACKET sockets. Owns nothing; used by every process that has one. */
#include "common/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define LISTEN_BACKLOG 4096 /* a full one turns away whoever connects without waiting */

int sock_pair(int type, int ret_pair[2])
{
	int pair[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	ret_pair[0] = pair[0];
	ret_pair[1] = pair[1];
	return 0;
}

static int sock_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

int sock_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un sa;
	cleanup_fd int fd = -1;
	int r = sock_address(path, &sa);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The owner of the folder that path lies in: whoever it is can put there what he likes. */
static int folder_owner(const char *path, uid_t *ret_uid)
{
	struct sockaddr_un sa;
	struct stat st;
	char *slash;

	if (sock_address(path, &sa) < 0)
		return -ENAMETOOLONG;
	slash = strrchr(sa.sun_path, '/');
	if (slash)
		slash[slash == sa.sun_path] = 0;
	if (stat(slash ? sa.sun_path : ".", &st) < 0)
		return -errno;
	*ret_uid = st.st_uid;
	return 0;
}

int sock_connect_to_owner(const char *path, int *ret_fd)
{
	cleanup_fd int fd = -1;
	uid_t uid = (uid_t)-1, owner;
	pid_t pid;
	gid_t gid;
	int r = sock_connect(path, &fd);

	if (r < 0)
		return r;
	r = sock_peer(fd, &pid, &uid, &gid);
	if (r < 0)
		return r;
	if (uid != 0 && uid != geteuid()) {
		r = folder_owner(path, &owner);
		if (r < 0)
			return r;
		if (uid != owner)
			return -EPERM;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

/* A socket that nobody listens on is left over from a mux that was killed; anything else stays. */
static int remove_leftover(const char *path)
{
	struct stat st;
	cleanup_fd int fd = -1;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (st.st_uid != geteuid())
		return -EPERM;
	r = sock_connect(path, &fd);
	if (r != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 ? -errno : 0;
}

int sock_listen(const char *path, unsigned mode, int *ret_fd)
{
	struct sockaddr_un sa;
	cleanup_fd int fd = -1;
	mode_t old;
	int r = sock_address(path, &sa);

	if (r < 0)
		return r;
	r = remove_leftover(path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	old = umask(0777); /* nobody connects before the mode is right */
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(old);
	if (r < 0)
		return r;
	if (chmod(path, mode) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		r = -errno;
		unlink(path);
		return r;
	}
	sock_refuse_fds(fd); /* accepted sockets inherit it */
	*ret_fd = take_fd(&fd);
	return 0;
}

void sock_refuse_fds(int fd)
{
	int off = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

void sock_permit_fds(int fd)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof(on));
}

bool sock_can_refuse_fds(void)
{
	int off = 0, pair[2] = {-1, -1};
	bool can;

	if (sock_pair(SOCK_SEQPACKET, pair) < 0)
		return false;
	can = setsockopt(pair[0], SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) == 0;
	sock_close_fds(pair, 2);
	return can;
}

int sock_peer(int fd, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_pid = cred.pid;
	*ret_uid = cred.uid;
	*ret_gid = cred.gid;
	return 0;
}

int sock_send(int fd, const void *buf, size_t len, const int *fds, size_t n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))] = {0};
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (n_fds > SOCK_FDS_MAX)
		return -EINVAL;
	if (n_fds == 0) { /* send(2) alone is what a confined decoder will be left with */
		n = TEMP_FAILURE_RETRY(send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT));
	} else {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
		n = TEMP_FAILURE_RETRY(sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT));
	}
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

int sock_send_msg(int fd, const struct wire_message *m, const void *msg)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = wire_encode(m, msg, buf, sizeof(buf));

	return n < 0 ? (int)n : sock_send(fd, buf, (size_t)n, NULL, 0);
}

void sock_close_fds(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* Every descriptor in a control buffer, however many the kernel put there; too many are closed. */
static size_t collect_fds(struct msghdr *msg, int fds[SOCK_FDS_MAX])
{
	size_t n_fds = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n_fds < SOCK_FDS_MAX)
				fds[n_fds++] = fd;
			else
				close(fd);
		}
	}
	return n_fds;
}

/* recv() == 0 is the end of the conversation or an empty message; POLLHUP tells which. */
static int end_or_empty(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLRDHUP)))
		return -EPIPE;
	return -EBADMSG;
}

/* Where no descriptor is wanted recv(2) takes it: what a confined decoder may call on a lease socket. */
static ssize_t receive_once(int fd, struct msghdr *msg)
{
	struct iovec *iov = msg->msg_iov;
	ssize_t n;

	if (msg->msg_controllen > 0)
		return TEMP_FAILURE_RETRY(recvmsg(fd, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	n = TEMP_FAILURE_RETRY(recv(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT | MSG_TRUNC));
	if (n > 0 && (size_t)n > iov->iov_len)
		msg->msg_flags = MSG_TRUNC;
	return n;
}

/*
 * A peer that closed with something of ours unread is a reset, which the kernel tells once, before
 * what that peer sent last: that is still to be read.
 */
static ssize_t receive(int fd, struct msghdr *msg)
{
	ssize_t n = -1;

	errno = ECONNRESET;
	for (unsigned i = 0; i < 2 && n < 0 && errno == ECONNRESET; i++)
		n = receive_once(fd, msg);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n;
}

ssize_t sock_recv(int fd, void *buf, size_t cap, int fds[SOCK_FDS_MAX], size_t *ret_n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))];
	struct iovec iov = {.iov_base = buf, .iov_len = cap};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	size_t n_fds = 0;
	ssize_t n;

	if (ret_n_fds) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
	}
	n = receive(fd, &msg);
	if (n < 0)
		return n;
	if (ret_n_fds)
		n_fds = collect_fds(&msg, fds);
	/* Without a control buffer MSG_CTRUNC says that descriptors were dropped: not the message.
	 */
	if (n == 0 || (msg.msg_flags & MSG_TRUNC) || (ret_n_fds && (msg.msg_flags & MSG_CTRUNC))) {
		sock_close_fds(fds, n_fds);
		return n == 0 ? end_or_empty(fd) : -EBADMSG;
	}
	if (ret_n_fds)
		*ret_n_fds = n_fds;
	return n;
}

int sock_name_senders(int fd)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ? -errno : 0;
}

static bool take_sender(struct msghdr *msg, struct sock_sender *ret)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct ucred cred;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
		c->cmsg_len != CMSG_LEN(sizeof(cred)))
		return false;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	*ret = (struct sock_sender){.pid = cred.pid, .uid = cred.uid};
	return true;
}

ssize_t sock_recv_from(int fd, void *buf, size_t cap, struct sock_sender *ret)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = {.iov_base = buf, .iov_len = cap};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	int fds[SOCK_FDS_MAX];
	ssize_t n = receive(fd, &msg);

	if (n < 0)
		return n;
	if (n == 0)
		return end_or_empty(fd);
	if (!take_sender(&msg, ret)) { /* nobody asked for stamps: then there was room */
		sock_close_fds(fds, collect_fds(&msg, fds));
		return -EBADMSG;
	}
	return msg.msg_flags & MSG_TRUNC ? -EBADMSG : n;
}
