/*
 * Writes the stream of access units to the decoder (mux/link/stream.h). Never waits: what the socket does
 * not take is queued up to a limit; above it units are dropped until the next key unit, so that a
 * slow decoder never slows the camera. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_STREAM_H
#define FRAMEMUX_INGEST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"
#include "common/limits.h"
#include "mux/link/stream.h"

/* Bytes that wait: one largest unit, so that with another in the making ingest is below 48 MB. */
#define STREAM_QUEUE_MAX (LIMIT_ACCESS_UNIT + 64u * 1024u)

struct stream;

struct stream_format {
	enum stream_codec codec;
	uint32_t width, height, reorder;          /* see STREAM_CODEC */
	uint32_t sar_num, sar_den, matrix, range; /* likewise */
	const uint8_t *extradata;                 /* borrowed for the call */
	size_t extradata_len;                     /* at most LIMIT_EXTRADATA */
};

struct stream_unit {
	uint64_t pts_ns, arrival_ns, capture_ns;
	uint32_t flags;
	uint32_t rtp_time;   /* of a camera's unit; stays here: capture_ns is made from it */
	const uint8_t *data; /* borrowed for the call */
	size_t len;          /* at most LIMIT_ACCESS_UNIT */
};

/* fd stays the caller's. NULL without memory. */
struct stream *stream_new(int fd, size_t queue_max);
void stream_free(struct stream *s);

/* The functions that write: 0, or -EPIPE when the decoder is gone, -ENOMEM, -EMSGSIZE, -errno. */
int stream_hello(struct stream *s, const uint8_t id[CAMERA_ID_BYTES], uint64_t generation);
int stream_codec(struct stream *s, const struct stream_format *format);
int stream_drain(struct stream *s);

/* 0 also for a unit that was dropped; the next one that is sent then says STREAM_UNIT_GAP. */
int stream_unit(struct stream *s, const struct stream_unit *unit);

/* Write what waits, as far as the socket takes it. */
int stream_flush(struct stream *s);

/* Whether something waits for the socket to become writable. */
bool stream_is_pending(const struct stream *s);

/* Units sent or queued so far, and dropped. */
uint64_t stream_units(const struct stream *s);
uint64_t stream_dropped(const struct stream *s);

#endif
