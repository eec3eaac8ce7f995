/* mux/ingest/stream: framing, order, and what is dropped when the decoder is slow. */
#include "mux/ingest/stream.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/sock.h"
#include "unit.h"

#define QUEUE_MAX (1u << 20)
#define UNIT_SIZE (100u << 10)

static int pair[2];
static struct stream *stream;

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, pair), 0);
	stream = stream_new(pair[0], QUEUE_MAX);
}

static void teardown(void)
{
	stream_free(stream);
	close(pair[0]);
	if (pair[1] >= 0)
		close(pair[1]);
}

/* Units are numbered by their time, and their bytes are that number. */
static int send_unit(unsigned number, size_t len, uint32_t flags)
{
	cleanup_free uint8_t *data = malloc(len);
	struct stream_unit unit = {
		.pts_ns = number, .arrival_ns = 5, .flags = flags, .data = data, .len = len};

	memset(data, (int)number, len);
	return stream_unit(stream, &unit);
}

static void read_exactly(uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = recv(pair[1], buf, len, 0);

		if (n < 0 && errno == EAGAIN) { /* the rest waits in the writer's queue */
			ck_assert(stream_is_pending(stream));
			ck_assert_int_eq(stream_flush(stream), 0);
			continue;
		}
		ck_assert_int_gt(n, 0);
		buf += n;
		len -= (size_t)n;
	}
}

struct message {
	uint32_t kind, len;
	uint8_t *body;
};

static struct message read_message(void)
{
	uint8_t header[STREAM_HEADER_BYTES];
	struct message m;

	read_exactly(header, sizeof(header));
	m.kind = get_le32(header);
	m.len = get_le32(header + 4);
	ck_assert_uint_le(m.len, STREAM_UNIT_BYTES + LIMIT_ACCESS_UNIT);
	m.body = malloc(m.len + 1);
	read_exactly(m.body, m.len);
	return m;
}

static bool is_empty(void)
{
	uint8_t b;

	return recv(pair[1], &b, 1, MSG_PEEK) < 0 && !stream_is_pending(stream);
}

/* Read a unit and compare it; returns its flags. */
static uint32_t expect_unit(unsigned number, size_t len)
{
	struct message m = read_message();
	cleanup_free uint8_t *want = malloc(len);
	uint32_t flags;

	memset(want, (int)number, len);
	ck_assert_uint_eq(m.kind, STREAM_UNIT);
	ck_assert_uint_eq(get_le64(m.body), number);
	ck_assert_uint_eq(m.len, STREAM_UNIT_BYTES + len);
	ck_assert_mem_eq(m.body + STREAM_UNIT_BYTES, want, len);
	flags = get_le32(m.body + 24);
	free(m.body);
	return flags;
}

START_TEST(messages_are_framed)
{
	uint8_t id[CAMERA_ID_BYTES] = {1, 2, 3};
	struct stream_format format = {.codec = STREAM_H265,
		.width = 640,
		.height = 360,
		.reorder = 2,
		.extradata = (const uint8_t *)"xyz",
		.extradata_len = 3};
	struct message m;

	ck_assert_int_eq(stream_hello(stream, id, 42), 0);
	ck_assert_int_eq(stream_codec(stream, &format), 0);
	ck_assert_int_eq(send_unit(7, 10, STREAM_UNIT_KEY), 0);
	ck_assert_int_eq(stream_drain(stream), 0);
	m = read_message();
	ck_assert_uint_eq(m.kind, STREAM_HELLO);
	ck_assert_uint_eq(m.len, STREAM_HELLO_BYTES);
	ck_assert_mem_eq(m.body, id, sizeof(id));
	ck_assert_uint_eq(get_le64(m.body + CAMERA_ID_BYTES), 42);
	free(m.body);
	m = read_message();
	ck_assert_uint_eq(m.kind, STREAM_CODEC);
	ck_assert_uint_eq(m.len, STREAM_CODEC_BYTES + 3);
	ck_assert_uint_eq(get_le32(m.body), STREAM_H265);
	ck_assert_uint_eq(get_le32(m.body + 4), 640);
	ck_assert_uint_eq(get_le32(m.body + 8), 360);
	ck_assert_uint_eq(get_le32(m.body + 12), 2);
	ck_assert_mem_eq(m.body + STREAM_CODEC_BYTES, "xyz", 3);
	free(m.body);
	ck_assert_uint_eq(expect_unit(7, 10), STREAM_UNIT_KEY);
	m = read_message();
	ck_assert_uint_eq(m.kind, STREAM_DRAIN);
	ck_assert_uint_eq(m.len, 0);
	free(m.body);
	ck_assert(is_empty());
}
END_TEST

START_TEST(a_large_unit_waits_and_arrives_whole)
{
	ck_assert_int_eq(send_unit(1, 900000, STREAM_UNIT_KEY), 0);
	ck_assert(stream_is_pending(stream));
	ck_assert_int_eq(send_unit(2, 10, 0), 0);
	ck_assert_uint_eq(expect_unit(1, 900000), STREAM_UNIT_KEY);
	ck_assert_uint_eq(expect_unit(2, 10), 0);
	ck_assert(is_empty());
	ck_assert_uint_eq(stream_dropped(stream), 0);
}
END_TEST

START_TEST(overflow_drops_to_the_next_key_unit)
{
	unsigned sent, next = 1;
	uint32_t flags;

	/* One is being written, others wait, then there is no room. */
	for (sent = 1; !stream_dropped(stream); sent++)
		ck_assert_int_eq(send_unit(sent, UNIT_SIZE, sent == 1 ? STREAM_UNIT_KEY : 0), 0);
	/* Room alone does not help: what follows leans on what was dropped. */
	while (next < 4)
		expect_unit(next++, UNIT_SIZE);
	ck_assert_int_eq(send_unit(sent, 10, 0), 0);
	ck_assert_uint_eq(stream_dropped(stream), 2);
	/* A key unit goes, and what was waiting in front of it and was not begun is given up. */
	ck_assert_int_eq(send_unit(200, UNIT_SIZE, STREAM_UNIT_KEY), 0);
	ck_assert_uint_gt(stream_dropped(stream), 2);
	ck_assert_int_eq(send_unit(201, 10, 0), 0);
	for (;;) {
		struct message m = read_message();
		uint64_t number = get_le64(m.body);

		ck_assert_uint_eq(m.kind, STREAM_UNIT);
		flags = get_le32(m.body + 24);
		free(m.body);
		if (number == 200)
			break;
		ck_assert_uint_eq(number, next++); /* whole ones that had gone already */
	}
	ck_assert_uint_eq(flags, STREAM_UNIT_KEY | STREAM_UNIT_GAP);
	ck_assert_uint_eq(expect_unit(201, 10), 0);
	ck_assert(is_empty());
}
END_TEST

START_TEST(memory_is_bounded)
{
	for (unsigned i = 1; i < 1000; i++)
		ck_assert_int_eq(send_unit(i, UNIT_SIZE, STREAM_UNIT_KEY), 0);
	ck_assert_uint_gt(stream_dropped(stream), 900);
	ck_assert_uint_lt(stream_units(stream), 30);
}
END_TEST

/* The queue that ingest has: a largest unit fits behind a stopped decoder, no second one. */
START_TEST(one_largest_unit_waits)
{
	cleanup_free uint8_t *data = calloc(1, LIMIT_ACCESS_UNIT);
	struct stream_unit unit = {
		.flags = STREAM_UNIT_KEY, .data = data, .len = LIMIT_ACCESS_UNIT};
	struct stream *real = stream_new(pair[0], STREAM_QUEUE_MAX);

	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(stream_unit(real, &unit), 0);
	ck_assert_uint_eq(stream_dropped(real), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(stream_unit(real, &unit), 0);
	ck_assert_uint_le(stream_units(real), 1);
	stream_free(real);
}
END_TEST

START_TEST(limits_and_a_dead_decoder)
{
	struct stream_unit unit = {.data = (const uint8_t *)"", .len = LIMIT_ACCESS_UNIT + 1};
	struct stream_format format = {.codec = STREAM_H264,
		.extradata = (const uint8_t *)"",
		.extradata_len = LIMIT_EXTRADATA + 1};

	ck_assert_int_eq(stream_unit(stream, &unit), -EMSGSIZE);
	ck_assert_int_eq(stream_codec(stream, &format), -EMSGSIZE);
	close(pair[1]);
	pair[1] = -1;
	ck_assert_int_eq(send_unit(1, 10, 0), -EPIPE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest stream");
	TCase *t = tcase_create("stream");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, messages_are_framed);
	tcase_add_test(t, a_large_unit_waits_and_arrives_whole);
	tcase_add_test(t, overflow_drops_to_the_next_key_unit);
	tcase_add_test(t, memory_is_bounded);
	tcase_add_test(t, one_largest_unit_waits);
	tcase_add_test(t, limits_and_a_dead_decoder);
	suite_add_tcase(s, t);
	return unit_run(s);
}
