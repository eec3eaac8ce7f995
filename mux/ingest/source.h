/*
 * Where access units come from: an RTSP or HTTP camera, a device, a file, a pattern. ingest.c drives
 * one of these from its poll() loop. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_SOURCE_H
#define FRAMEMUX_INGEST_SOURCE_H

#include <poll.h>

#include "mux/ingest/failure.h"
#include "mux/ingest/stream.h"
#include "mux/link/daemon_ingest.h"

/* What a source is given; all borrowed, valid as long as the source. */
struct source_context {
	const struct msg_ingest_start *start;
	int fd; /* LINK_FD_INGEST_SOURCE */
	struct stream *stream;
	struct failure *failure; /* filled before a function returns an error */
	/* To framemuxd: a question of mux/link/daemon_ingest.h, and what is going on. 0 or -errno. */
	int (*ask)(void *ingest, const struct wire_message *m, const void *msg);
	void (*news)(void *ingest, const char *what);
	void *ingest;
};

#define SOURCE_FDS_MAX 3u

/* Functions return 0 or -errno: -EPIPE the decoder is gone, anything else: failure says why. */
struct source_ops {
	int (*open)(const struct source_context *cx, uint64_t now_ns, void **ret_self);
	void (*free)(void *self);
	/* What to wait for; how many. May be NULL. */
	size_t (*poll)(const void *self, struct pollfd fds[SOURCE_FDS_MAX]);
	/* When to run again at the latest; UINT64_MAX for never. */
	uint64_t (*deadline)(const void *self);
	/*
	 * The deadline has come, something was polled, or the stream has room again. fds: as poll
	 * gave them, with revents.
	 */
	int (*run)(void *self, const struct pollfd *fds, size_t n, uint64_t now_ns);
	/* An answer from framemuxd with its descriptors (taken by leaving -1); may be NULL. */
	int (*answer)(void *self, const struct wire_message *m, const void *msg, int *fds);
	/* An orderly end; may be NULL. */
	void (*end)(void *self);
};

extern const struct source_ops source_rtsp, source_http, source_v4l2, source_file, source_pattern;

#endif
