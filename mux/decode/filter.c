/*
 * What framemux-decode may ask of the kernel. It has a link from which descriptors come, sockets to
 * read from and to send on, and memory. Above all there is no sendmsg: a decoder that was taken over
 * must not hand a ring to another client's process over a lease socket.
 */
#include "mux/decode/filter.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "mux/filter.h"

static const struct filter_rule rules[] = {
	{SCMP_SYS(recvmsg), "both links; a ring comes with its descriptor", 0, {{0}}},
	{SCMP_SYS(recvfrom), "the stream, credits; no address is asked for", 1, {FILTER_NULL(4)}},
	{SCMP_SYS(sendto), "links, frames; to no address", 2, {FILTER_NULL(4), FILTER_IS(5, 0)}},
	{SCMP_SYS(recv), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(send), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(setsockopt), "SO_PASSRIGHTS off on a lease socket", 1, {FILTER_IS(1, SOL_SOCKET)}},
	{SCMP_SYS(fstat), "the ring's size", 0, {{0}}},
	{SCMP_SYS(fstat64), "the ring's size, 32 bits", 0, {{0}}},
	{SCMP_SYS(newfstatat), "the ring's size, by descriptor", 1, {FILTER_HAS(3, AT_EMPTY_PATH)}},
	{SCMP_SYS(statx), "the ring's size, by descriptor", 1, {FILTER_HAS(2, AT_EMPTY_PATH)}},
	{SCMP_SYS(sched_getaffinity), "later libavcodecs, once: how many processors", 0, {{0}}},
};

int decode_filter_load(void)
{
	return filter_load(rules, ARRAY_SIZE(rules));
}
