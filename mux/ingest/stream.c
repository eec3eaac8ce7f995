/* The stream to the decoder: framing, a bounded queue, dropping from key unit to key unit. */
#include "mux/ingest/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "common/breakage.h"
#include "common/bytes.h"

/* Bytes in front of an access unit or extradata: the header and the fixed part of the body. */
#define STREAM_PREFIX_MAX 64u

_Static_assert(STREAM_HEADER_BYTES + STREAM_HELLO_BYTES <= STREAM_PREFIX_MAX, "prefix too small");

/* A message that waits, or the rest of one. */
struct block {
	STAILQ_ENTRY(block) entry;
	bool is_unit;
	size_t len, sent;
	uint8_t data[];
};

struct stream {
	int fd; /* borrowed */
	STAILQ_HEAD(, block) queue;
	size_t queued, queue_max; /* bytes that wait */
	bool dropping;            /* until the next key unit */
	bool lost;                /* the next unit has to say so */
	uint64_t units, dropped;
};

struct stream *stream_new(int fd, size_t queue_max)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = fd;
	s->queue_max = queue_max;
	STAILQ_INIT(&s->queue);
	return s;
}

static void block_drop(struct stream *s, struct block *b)
{
	STAILQ_REMOVE(&s->queue, b, block, entry);
	s->queued -= b->len - b->sent;
	free(b);
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	while (!STAILQ_EMPTY(&s->queue))
		block_drop(s, STAILQ_FIRST(&s->queue));
	free(s);
}

/* writev that says 0 when the socket is full. framemux-ingest ignores SIGPIPE. */
static ssize_t write_some(int fd, const struct iovec *iov, int n)
{
	ssize_t w;

	do
		w = writev(fd, iov, n);
	while (w < 0 && errno == EINTR);
	if (w >= 0)
		return w;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	return errno == ECONNRESET ? -EPIPE : -errno;
}

int stream_flush(struct stream *s)
{
	struct block *b;

	while ((b = STAILQ_FIRST(&s->queue))) {
		struct iovec iov = {b->data + b->sent, b->len - b->sent};
		ssize_t w = write_some(s->fd, &iov, 1);

		if (w < 0)
			return (int)w;
		b->sent += (size_t)w;
		s->queued -= (size_t)w;
		if (b->sent < b->len)
			break;
		block_drop(s, b);
	}
	return 0;
}

bool stream_is_pending(const struct stream *s)
{
	return !STAILQ_EMPTY(&s->queue);
}

uint64_t stream_units(const struct stream *s)
{
	return s->units;
}

uint64_t stream_dropped(const struct stream *s)
{
	return s->dropped;
}

/* Queue a message whose first sent bytes have gone already. */
static int enqueue(struct stream *s, bool is_unit, const struct iovec iov[2], size_t sent)
{
	size_t len = iov[0].iov_len + iov[1].iov_len;
	struct block *b = malloc(sizeof(*b) + len);

	if (!b)
		return -ENOMEM;
	b->is_unit = is_unit;
	b->len = len;
	b->sent = sent;
	memcpy(b->data, iov[0].iov_base, iov[0].iov_len);
	if (iov[1].iov_len)
		memcpy(b->data + iov[0].iov_len, iov[1].iov_base, iov[1].iov_len);
	s->queued += len - sent;
	STAILQ_INSERT_TAIL(&s->queue, b, entry);
	return 0;
}

/* Send a message: what the socket does not take at once is copied. */
static int send_message(struct stream *s, bool is_unit, const struct iovec iov[2])
{
	ssize_t w = 0;

	if (!stream_is_pending(s)) {
		w = write_some(s->fd, iov, iov[1].iov_len ? 2 : 1);
		if (w < 0)
			return (int)w;
		if ((size_t)w == iov[0].iov_len + iov[1].iov_len)
			return 0;
	}
	return enqueue(s, is_unit, iov, (size_t)w);
}

static void put_header(uint8_t *p, enum stream_kind kind, size_t body)
{
	put_le32(p, (uint32_t)kind);
	put_le32(p + 4, (uint32_t)body);
}

int stream_hello(struct stream *s, const uint8_t id[CAMERA_ID_BYTES], uint64_t generation)
{
	uint8_t p[STREAM_PREFIX_MAX];
	struct iovec iov[2] = {{p, STREAM_HEADER_BYTES + STREAM_HELLO_BYTES}, {NULL, 0}};

	put_header(p, STREAM_HELLO, STREAM_HELLO_BYTES);
	memcpy(p + STREAM_HEADER_BYTES, id, CAMERA_ID_BYTES);
	put_le64(p + STREAM_HEADER_BYTES + CAMERA_ID_BYTES, generation);
	if (breakage("ingest-other-camera"))
		p[STREAM_HEADER_BYTES] ^= 1;
	return send_message(s, false, iov);
}

int stream_codec(struct stream *s, const struct stream_format *format)
{
	uint8_t p[STREAM_PREFIX_MAX], *b = p + STREAM_HEADER_BYTES;
	struct iovec iov[2] = {{p, STREAM_HEADER_BYTES + STREAM_CODEC_BYTES},
		{(void *)format->extradata, format->extradata_len}};

	if (format->extradata_len > LIMIT_EXTRADATA)
		return -EMSGSIZE;
	put_header(p, STREAM_CODEC, STREAM_CODEC_BYTES + format->extradata_len);
	put_le32(b, (uint32_t)format->codec);
	put_le32(b + 4, format->width);
	put_le32(b + 8, format->height);
	put_le32(b + 12, format->reorder);
	put_le32(b + 16, 0); /* framing: Annex-B, whole JPEGs, temporal units; no other is sent */
	put_le32(b + 20, format->sar_num);
	put_le32(b + 24, format->sar_den);
	put_le32(b + 28, format->matrix);
	put_le32(b + 32, format->range);
	return send_message(s, false, iov);
}

int stream_drain(struct stream *s)
{
	uint8_t p[STREAM_PREFIX_MAX];
	struct iovec iov[2] = {{p, STREAM_HEADER_BYTES}, {NULL, 0}};

	put_header(p, STREAM_DRAIN, 0);
	return send_message(s, false, iov);
}

/* Throw away the units that wait and were not begun: a key unit follows, nothing needs them. */
static void drop_backlog(struct stream *s)
{
	struct block *b = STAILQ_FIRST(&s->queue), *next;

	for (; b; b = next) {
		next = STAILQ_NEXT(b, entry);
		if (b->is_unit && b->sent == 0) {
			block_drop(s, b);
			s->units--;
			s->dropped++;
		}
	}
}

/* Whether a unit of len bytes may go; decides what is given up for it if the queue is full. */
static bool make_room(struct stream *s, size_t len, bool is_key)
{
	if (s->dropping && is_key)
		drop_backlog(s);
	if ((s->dropping && !is_key) || s->queued + len > s->queue_max) {
		s->dropping = s->lost = true;
		s->dropped++;
		return false;
	}
	s->dropping = false;
	return true;
}

int stream_unit(struct stream *s, const struct stream_unit *unit)
{
	uint8_t p[STREAM_PREFIX_MAX], *b = p + STREAM_HEADER_BYTES;
	struct iovec iov[2] = {
		{p, STREAM_HEADER_BYTES + STREAM_UNIT_BYTES}, {(void *)unit->data, unit->len}};
	uint32_t flags = unit->flags;
	int r;

	if (unit->len > LIMIT_ACCESS_UNIT)
		return -EMSGSIZE;
	if (!make_room(s, iov[0].iov_len + unit->len, flags & STREAM_UNIT_KEY))
		return 0;
	if (s->lost)
		flags |= STREAM_UNIT_GAP;
	put_header(p, STREAM_UNIT, STREAM_UNIT_BYTES + unit->len);
	put_le64(b, unit->pts_ns);
	put_le64(b + 8, unit->arrival_ns);
	put_le64(b + 16, unit->capture_ns);
	put_le32(b + 24, flags);
	r = send_message(s, true, iov);
	if (r < 0)
		return r;
	s->lost = false;
	s->units++;
	return 0;
}
