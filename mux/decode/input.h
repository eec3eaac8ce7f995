/*
 * The stream from ingest, message by message (mux/link/stream.h). Ingest speaks with the
 * camera and may be in its hands: every length is bounded before it is believed, and the first
 * message has to be the hello of our own camera. Runs in framemux-decode; decodes nothing.
 */
#ifndef FRAMEMUX_INPUT_H
#define FRAMEMUX_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/identity.h"
#include "mux/decode/codec.h"

struct input;

/* body: borrowed until the next input_next; what follows a unit in memory is zero, as libavcodec
 * wants. */
struct input_message {
	uint32_t kind;            /* enum stream_kind; never STREAM_HELLO */
	struct codec_setup setup; /* STREAM_CODEC */
	struct unit_times times;  /* STREAM_UNIT */
	uint32_t flags;
	const uint8_t *unit;
	size_t len;
};

/* fd: borrowed; a non-blocking stream socket. NULL without memory. */
struct input *input_new(int fd, const struct camera_id *id, uint64_t generation);
void input_free(struct input *in);

/*
 * The next whole message. 0, -EAGAIN when it has not come yet, -EPIPE at the end of the stream,
 * -EREMCHG when ingest speaks for another camera or generation, -EPROTO for anything that is not
 * the stream's protocol, -ENOMEM, or another -errno of the socket.
 */
int input_next(struct input *in, struct input_message *ret);

#endif
