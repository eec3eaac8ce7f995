/*
 * What framemux-decode may ask of the kernel. It has a link from which descriptors come, sockets to
 * read from and to send on, and memory. Above all there is no sendmsg: a decoder that was taken over
 * must not hand a ring to another client's process over a lease socket. Nor does it take one from a
 * client: descriptors are received on the links alone, and no option of a socket can be changed.
 */
#include "mux/decode/filter.h"

#include <fcntl.h>

#include "common/cleanup.h"
#include "mux/filter.h"
#include "mux/link/birth.h"

static const struct filter_rule rules[] = {
	{SCMP_SYS(recvmsg), "the link to framemuxd", 1, {FILTER_IS(0, LINK_FD_DAEMON)}},
	{SCMP_SYS(recvmsg), "the link to the broker; a ring comes with its descriptor", 1,
		{FILTER_IS(0, LINK_FD_DECODE_BROKER)}},
	{SCMP_SYS(recvfrom), "the stream, credits; no address is asked for", 1, {FILTER_NULL(4)}},
	{SCMP_SYS(sendto), "links, frames; to no address", 2, {FILTER_NULL(4), FILTER_IS(5, 0)}},
	{SCMP_SYS(recv), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(send), "the same where it is a call of its own", 0, {{0}}},
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
