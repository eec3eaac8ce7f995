/* UDP sockets for a camera: bound to a random pair of ports, connected, drained. */
#include "mux/daemon/pair/udp.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"

#define UDP_PORT_FIRST   16384u
#define UDP_PORT_PAIRS   ((65536u - UDP_PORT_FIRST) / 2)
#define UDP_TRIES        32u
#define UDP_BUFFER_BYTES (2 * 1024 * 1024) /* for a key picture; net.core.rmem_max bounds it */
/*
 * Until it is connected anybody may fill a socket, so it has the smallest buffer that there is (two
 * kilobytes), and what was in it is certainly gone after so many datagrams. The camera may go on
 * sending: no loop until there is nothing left.
 */
#define UDP_BUFFER_LEAST 1
#define UDP_DRAIN_MAX    64u

static socklen_t address_len(const union udp_address *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

static void set_port(union udp_address *a, uint32_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons((uint16_t)port);
	else
		a->in6.sin6_port = htons((uint16_t)port);
}

static bool is_ip(const union udp_address *a)
{
	return a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6;
}

void udp_begin(struct udp *u, int source)
{
	socklen_t local_len = sizeof(u->local), camera_len = sizeof(u->camera);

	udp_end(u);
	if (getsockname(source, &u->local.sa, &local_len) < 0 ||
		getpeername(source, &u->camera.sa, &camera_len) < 0)
		return;
	u->is_possible = is_ip(&u->local) && u->local.sa.sa_family == u->camera.sa.sa_family;
}

static int open_bound(union udp_address *local, uint32_t port, int *ret)
{
	const int least = UDP_BUFFER_LEAST;
	cleanup_fd int fd = -1;

	fd = socket(local->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0)
		return -errno;
	set_port(local, port);
	if (bind(fd, &local->sa, address_len(local)) < 0)
		return -errno;
	*ret = take_fd(&fd);
	return 0;
}

static int try_pair(struct udp *u, uint32_t port)
{
	cleanup_fd int rtp = -1;
	int rc = open_bound(&u->local, port, &rtp);

	if (rc == 0)
		rc = open_bound(&u->local, port + 1, &u->fds[UDP_FD_RTCP]);
	if (rc == 0)
		u->fds[UDP_FD_RTP] = take_fd(&rtp);
	return rc;
}

int udp_bind(struct udp *u, uint16_t *ret_port)
{
	int rc = -EADDRINUSE;

	if (!u->is_possible)
		return -EPROTO;
	u->is_possible = false;
	for (unsigned i = 0; i < UDP_TRIES && rc == -EADDRINUSE; i++) {
		uint32_t port = UDP_PORT_FIRST + 2 * randombytes_uniform(UDP_PORT_PAIRS);

		rc = try_pair(u, port);
		if (rc == 0) {
			u->is_bound = true;
			*ret_port = (uint16_t)port;
		}
	}
	return rc;
}

static void drain(int fd)
{
	char byte;

	for (unsigned i = 0; i < UDP_DRAIN_MAX; i++)
		if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 && errno != ECONNREFUSED)
			break;
}

static int connect_one(int fd, union udp_address *camera, uint32_t port)
{
	const int bytes = UDP_BUFFER_BYTES;

	set_port(camera, port);
	if (breakage("daemon-udp-open")) { /* whoever knows the port may speak */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		return 0;
	}
	if (connect(fd, &camera->sa, address_len(camera)) < 0)
		return -errno;
	drain(fd);
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0 ? -errno : 0;
}

static bool is_camera_port(uint32_t port)
{
	return port >= UDP_PORT_LEAST && port <= 65535;
}

int udp_connect(struct udp *u, uint32_t rtp_port, uint32_t rtcp_port)
{
	int rc;

	if (!u->is_bound || !is_camera_port(rtp_port) || !is_camera_port(rtcp_port))
		return -EPROTO;
	rc = connect_one(u->fds[UDP_FD_RTP], &u->camera, rtp_port);
	if (rc == 0)
		rc = connect_one(u->fds[UDP_FD_RTCP], &u->camera, rtcp_port);
	return rc;
}

void udp_end(struct udp *u)
{
	if (u->is_bound)
		for (size_t i = 0; i < UDP_FDS; i++)
			close(u->fds[i]);
	memset(u, 0, sizeof(*u));
}
