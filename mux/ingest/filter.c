/*
 * What framemux-ingest may ask of the kernel. It reads and writes the sockets that it was given, which
 * somebody else connected: it makes none, connects none, and names no address, so that whoever takes
 * it over can reach its camera and nobody else. A file or device is another source, by its own calls.
 */
#include "mux/ingest/filter.h"

#include <fcntl.h>
#include <linux/videodev2.h>

#include "common/cleanup.h"
#include "mux/filter.h"
#include "mux/link/birth.h"

#define DEVICE(request, why)                                                                       \
	{                                                                                          \
		SCMP_SYS(ioctl), why, 2,                                                           \
		{                                                                                  \
			FILTER_IS(0, LINK_FD_INGEST_SOURCE), FILTER_IS(1, request)                 \
		}                                                                                  \
	}

static const struct filter_rule rules[] = {
	/* Sockets: to framemuxd, to the camera. */
	{SCMP_SYS(recvmsg), "the link; UDP sockets come with their descriptors", 0, {{0}}},
	{SCMP_SYS(recvfrom), "the camera; no address is asked for", 1, {FILTER_NULL(4)}},
	{SCMP_SYS(sendto), "link, camera; to no address", 2, {FILTER_NULL(4), FILTER_IS(5, 0)}},
	{SCMP_SYS(recv), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(send), "the same where it is a call of its own", 0, {{0}}},
	{SCMP_SYS(getpeername), "how it names the camera in RTCP and SDP", 0, {{0}}},
	{SCMP_SYS(getsockname), "the same", 0, {{0}}},
	{SCMP_SYS(fcntl), "RTP and RTCP out of the way of their places", 2,
		{FILTER_IS(1, F_DUPFD_CLOEXEC), FILTER_ABOVE(2, LINK_FD_INGEST_RTCP)}},
	{SCMP_SYS(fcntl64), "the same on 32 bits", 2,
		{FILTER_IS(1, F_DUPFD_CLOEXEC), FILTER_ABOVE(2, LINK_FD_INGEST_RTCP)}},
	{SCMP_SYS(dup3), "RTP to its place", 1, {FILTER_IS(1, LINK_FD_INGEST_RTP)}},
	{SCMP_SYS(dup3), "RTCP to its place", 1, {FILTER_IS(1, LINK_FD_INGEST_RTCP)}},
	/* Access units to the decoder. */
	{SCMP_SYS(writev), "the stream", 1, {FILTER_IS(0, LINK_FD_INGEST_STREAM)}},
	/* What was opened for it: a file, certificates. */
	{SCMP_SYS(read), "a file", 1, {FILTER_IS(0, LINK_FD_INGEST_SOURCE)}},
	{SCMP_SYS(read), "certificates", 1, {FILTER_IS(0, LINK_FD_INGEST_TRUST)}},
	{SCMP_SYS(lseek), "a file is looped", 1, {FILTER_IS(0, LINK_FD_INGEST_SOURCE)}},
	{SCMP_SYS(_llseek), "the same on 32 bits", 1, {FILTER_IS(0, LINK_FD_INGEST_SOURCE)}},
	{SCMP_SYS(fstat), "a file's kind and size", 0, {{0}}},
	{SCMP_SYS(fstat64), "the same on 32 bits", 0, {{0}}},
	{SCMP_SYS(newfstatat), "the same, by descriptor", 1, {FILTER_HAS(3, AT_EMPTY_PATH)}},
	{SCMP_SYS(statx), "the same, by descriptor", 1, {FILTER_HAS(2, AT_EMPTY_PATH)}},
	/* A V4L2 device that was opened for it. */
	DEVICE(VIDIOC_QUERYCAP, "what it is"),
	DEVICE(VIDIOC_ENUM_FMT, "its formats"),
	DEVICE(VIDIOC_ENUM_FRAMESIZES, "its sizes"),
	DEVICE(VIDIOC_ENUM_FRAMEINTERVALS, "its rates"),
	DEVICE(VIDIOC_G_FMT, "its format"),
	DEVICE(VIDIOC_S_FMT, "its format"),
	DEVICE(VIDIOC_G_PARM, "its rate"),
	DEVICE(VIDIOC_S_PARM, "its rate"),
	DEVICE(VIDIOC_REQBUFS, "its buffers"),
	DEVICE(VIDIOC_QUERYBUF, "its buffers"),
	DEVICE(VIDIOC_QBUF, "a buffer goes back"),
	DEVICE(VIDIOC_DQBUF, "a picture"),
	DEVICE(VIDIOC_STREAMON, "begin"),
	DEVICE(VIDIOC_STREAMOFF, "end"),
	/* Libraries. */
	{SCMP_SYS(uname), "GnuTLS, once: the system's name", 0, {{0}}},
	{SCMP_SYS(sched_getaffinity), "libavformat, once: how many processors", 0, {{0}}},
};

int ingest_filter_load(void)
{
	return filter_load(rules, ARRAY_SIZE(rules));
}
