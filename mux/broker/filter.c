/*
 * What framemux-broker may ask of the kernel: the UNIX sockets that it was given and those that it
 * makes for a lease, sealed memory, clocks. No file by its path: the one open that is left reopens its
 * own memory files, in a process whose root folder is empty and whose Landlock allows no file at all.
 */
#include "mux/broker/filter.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "mux/filter.h"
#include "mux/link/birth.h"

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define FCNTL(cmd, why)                                                                            \
	{                                                                                          \
		SCMP_SYS(fcntl), why, 1,                                                           \
		{                                                                                  \
			FILTER_IS(1, cmd)                                                          \
		}                                                                                  \
	}

static const struct filter_rule rules[] = {
	/* Clients, framemuxctl, framemuxd, decoders. Descriptors go out, none is ever taken in. */
	{SCMP_SYS(accept4), "clients and framemuxctl", 0, {{0}}},
	{SCMP_SYS(recvmsg), "requests, with the sender's credentials", 0, {{0}}},
	{SCMP_SYS(recvfrom), "requests", 1, {FILTER_NULL(4)}},
	{SCMP_SYS(sendmsg), "rings and lease sockets with their descriptors", 0, {{0}}},
	{SCMP_SYS(sendto), "answers; to no address", 2, {FILTER_NULL(4), FILTER_IS(5, 0)}},
	{SCMP_SYS(recv), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(send), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(socketpair), "a lease socket; none that could name an address", 2,
		{FILTER_IS(0, AF_UNIX),
			FILTER_IS(1, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK)}},
	{SCMP_SYS(getsockopt), "who is it: SO_PEERCRED, SO_PEERPIDFD", 1,
		{FILTER_IS(1, SOL_SOCKET)}},
	{SCMP_SYS(setsockopt), "SO_PASSRIGHTS off, SO_PASSCRED on", 1, {FILTER_IS(1, SOL_SOCKET)}},
	{SCMP_SYS(pidfd_open), "a client's life, before SO_PEERPIDFD", 0, {{0}}},
	/* Rings. */
	{SCMP_SYS(memfd_create), "a ring, a dead page", 0, {{0}}},
	{SCMP_SYS(ftruncate), "its size", 0, {{0}}},
	{SCMP_SYS(ftruncate64), "its size, 32 bits", 0, {{0}}},
	{SCMP_SYS(fallocate), "all of it, now", 0, {{0}}},
	{SCMP_SYS(fchmod), "nobody reopens it", 1, {FILTER_IS(1, 0400)}},
	{SCMP_SYS(fstat), "is it as it was made", 0, {{0}}},
	{SCMP_SYS(fstat64), "the same on 32 bits", 0, {{0}}},
	{SCMP_SYS(newfstatat), "the same, by descriptor", 1, {FILTER_HAS(3, AT_EMPTY_PATH)}},
	{SCMP_SYS(statx), "the same, by descriptor", 1, {FILTER_HAS(2, AT_EMPTY_PATH)}},
	{SCMP_SYS(openat), "its own memory file again: writable, read-only", 2,
		{FILTER_IS(0, LINK_FD_BROKER_FILES),
			FILTER_LACKS(2, O_CREAT | O_TRUNC | O_PATH | __O_TMPFILE)}},
	{SCMP_SYS(pipe2), "where a ring's last page is pinned", 0, {{0}}},
	{SCMP_SYS(vmsplice), "its last page into it", 0, {{0}}},
	FCNTL(F_SETPIPE_SZ, "no larger than that"),
	FCNTL(F_ADD_SEALS, "seals"),
	FCNTL(F_GET_SEALS, "are they there"),
	FCNTL(F_GETFL, "is it read-only"),
	FCNTL(F_SETLEASE, "has everybody let go"),
	FCNTL(F_DUPFD_CLOEXEC, "a descriptor that waits in a queue"),
	/* The loop. */
	{SCMP_SYS(epoll_wait), "the loop", 0, {{0}}},
	{SCMP_SYS(epoll_pwait), "the loop, where it has no other", 0, {{0}}},
	{SCMP_SYS(epoll_pwait2), "the loop, where it has no other", 0, {{0}}},
	{SCMP_SYS(epoll_ctl), "the loop", 0, {{0}}},
	{SCMP_SYS(timerfd_settime), "the expiry of leases", 0, {{0}}},
	{SCMP_SYS(timerfd_settime64), "the same on 32 bits", 0, {{0}}},
	{SCMP_SYS(read), "its timer has run out", 0, {{0}}},
	{SCMP_SYS(munlock), "keys are wiped at the end", 0, {{0}}},
};

int broker_filter_load(void)
{
	return filter_load(rules, ARRAY_SIZE(rules));
}
