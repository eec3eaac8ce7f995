/*
 * Where access units come from: an RTSP camera, a file, a pattern. ingest.c drives one of these
 * from its poll() loop. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_SOURCE_H
#define FRAMEMUX_INGEST_SOURCE_H

#include "mux/ingest/failure.h"
#include "mux/ingest/stream.h"
#include "mux/link.h"

/* What a source is given; all borrowed, valid as long as the source. */
struct source_context {
	const struct msg_ingest_start *start;
	int fd; /* LINK_FD_INGEST_SOURCE */
	struct stream *stream;
	struct failure *failure; /* filled before a function returns an error */
	/* To framemuxd: a challenge, and what is going on. 0 or -errno. */
	int (*ask)(void *ingest, const struct msg_digest_ask *ask);
	void (*news)(void *ingest, const char *what);
	void *ingest;
};

/* Functions return 0 or -errno: -EPIPE the decoder is gone, anything else: failure says why. */
struct source_ops {
	int (*open)(const struct source_context *cx, uint64_t now_ns, void **ret_self);
	void (*free)(void *self);
	/* Which of poll()'s events to wait for on fd; 0 for none. */
	short (*events)(const void *self);
	/* When to run again at the latest; UINT64_MAX for never. */
	uint64_t (*deadline)(const void *self);
	/* The deadline has come, revents are there, or the stream has room again. */
	int (*run)(void *self, short revents, uint64_t now_ns);
	/* An answer from framemuxd; may be NULL. */
	int (*answer)(void *self, const struct msg_digest_answer *answer);
	/* An orderly end; may be NULL. */
	void (*end)(void *self);
};

extern const struct source_ops source_camera, source_file, source_pattern;

#endif
