/* Reads the stream of access units. Owns one message's buffer. */
#include "mux/decode/input.h"

#include <errno.h>
#include <libavcodec/defs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/bytes.h"
#include "common/log.h"
#include "mux/link/stream.h"

#define FIRST_CAPACITY (64u * 1024u)

struct input {
	int fd; /* borrowed */
	struct camera_id id;
	uint64_t generation;
	bool is_ours; /* the hello was right */
	uint8_t header[STREAM_HEADER_BYTES];
	size_t have;   /* bytes of header and body so far */
	uint8_t *body; /* owned */
	size_t capacity;
};

/* Shortest and longest body of each kind. */
static const struct {
	uint32_t min, max;
} bounds[] = {
	[STREAM_HELLO] = {STREAM_HELLO_BYTES, STREAM_HELLO_BYTES},
	[STREAM_CODEC] = {STREAM_CODEC_BYTES, STREAM_CODEC_BYTES + LIMIT_EXTRADATA},
	[STREAM_UNIT] = {STREAM_UNIT_BYTES + 1, STREAM_UNIT_BYTES + LIMIT_ACCESS_UNIT},
	[STREAM_DRAIN] = {0, 0},
};

struct input *input_new(int fd, const struct camera_id *id, uint64_t generation)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->fd = fd;
	in->id = *id;
	in->generation = generation;
	return in;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	free(in->body);
	free(in);
}

/* Read into p until have reaches want. */
static int fill(struct input *in, uint8_t *p, size_t have, size_t want)
{
	while (have < want) {
		ssize_t n = TEMP_FAILURE_RETRY(recv(in->fd, p + have, want - have, MSG_DONTWAIT));

		if (n == 0)
			return -EPIPE;
		if (n < 0)
			return errno == ECONNRESET ? -EPIPE : -errno;
		have += (size_t)n;
		in->have += (size_t)n;
	}
	return 0;
}

static int make_room(struct input *in, size_t len)
{
	size_t capacity = in->capacity ? in->capacity : FIRST_CAPACITY;
	uint8_t *body;

	while (capacity < len + AV_INPUT_BUFFER_PADDING_SIZE)
		capacity *= 2;
	if (capacity == in->capacity)
		return 0;
	body = realloc(in->body, capacity);
	if (!body)
		return -ENOMEM;
	in->body = body;
	in->capacity = capacity;
	return 0;
}

static int check_hello(struct input *in)
{
	struct camera_id id;

	memcpy(id.b, in->body, CAMERA_ID_BYTES);
	if (!breakage("decode-skip-hello") &&
		(!camera_id_equal(&id, &in->id) ||
			get_le64(in->body + CAMERA_ID_BYTES) != in->generation)) {
		log_error("provenance: the stream's hello names another camera or generation");
		return -EREMCHG;
	}
	in->is_ours = true;
	return 0;
}

static void parse(const uint8_t *body, size_t len, struct input_message *m)
{
	switch (m->kind) {
	case STREAM_CODEC:
		m->setup = (struct codec_setup){
			.codec = get_le32(body),
			.width = get_le32(body + 4),
			.height = get_le32(body + 8),
			.reorder = get_le32(body + 12),
			.hint = {get_le32(body + 20), get_le32(body + 24), get_le32(body + 28),
				get_le32(body + 32)},
			.extradata = body + STREAM_CODEC_BYTES,
			.extradata_len = len - STREAM_CODEC_BYTES,
		};
		break;
	case STREAM_UNIT:
		m->times = (struct unit_times){
			.pts_ns = get_le64(body),
			.arrival_ns = get_le64(body + 8),
			.capture_ns = get_le64(body + 16),
		};
		m->flags = get_le32(body + 24);
		m->unit = body + STREAM_UNIT_BYTES;
		m->len = len - STREAM_UNIT_BYTES;
		break;
	default:
		break;
	}
}

/* One message, the hello included. */
static int next_message(struct input *in, struct input_message *ret)
{
	uint32_t kind, len;
	int r = 0;

	if (in->have < STREAM_HEADER_BYTES)
		r = fill(in, in->header, in->have, STREAM_HEADER_BYTES);
	if (r < 0)
		return r;
	kind = get_le32(in->header);
	len = get_le32(in->header + 4);
	if (kind < STREAM_HELLO || kind > STREAM_DRAIN || len < bounds[kind].min ||
		len > bounds[kind].max || (kind == STREAM_HELLO) == in->is_ours)
		return -EPROTO;
	r = make_room(in, len);
	if (r < 0)
		return r;
	r = fill(in, in->body, in->have - STREAM_HEADER_BYTES, len);
	if (r < 0)
		return r;
	memset(in->body + len, 0, AV_INPUT_BUFFER_PADDING_SIZE);
	in->have = 0;
	*ret = (struct input_message){.kind = kind};
	parse(in->body, len, ret);
	return 0;
}

int input_next(struct input *in, struct input_message *ret)
{
	int r;

	do {
		r = next_message(in, ret);
		if (r == 0 && ret->kind == STREAM_HELLO)
			r = check_hello(in);
		else if (r == 0)
			return 0;
	} while (r == 0);
	return r;
}
