/*
 * The real framemux-decode, with this test as framemuxd, broker, ingest and clients: pattern frames
 * in, tagged slots out; and how it ends.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/pattern.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "common/tag.h"
#include "mux/link.h"
#include "unit.h"

#define GENERATION 3u
#define WAIT_MS    3000
#define WIDTH      320u
#define HEIGHT     240u
#define CLIENTS    4u

struct client {
	uint64_t attach;
	int socket, probe;
	struct picture picture;
	uint32_t slots, tag_mode;
	const uint8_t *ring;
	uint8_t key[KEY_BYTES];
};

static struct stage {
	pid_t pid;
	int daemon, broker, stream; /* our ends */
	struct camera_id id;
	uint8_t k_cam[KEY_BYTES];
	struct client client[CLIENTS];
	uint32_t sent; /* pattern frames */
} st;

/* --- the process --- */

static void place_fd(int from, int to)
{
	if (dup2(from, to) < 0) /* clears close-on-exec */
		_exit(99);
}

static void run_decoder(int daemon_fd, int broker_fd, int stream_fd, const char *broken)
{
	char breakage_env[128] = "", asan[] = "ASAN_OPTIONS=detect_leaks=0";
	char *argv[] = {(char *)"framemux-decode", NULL};
	char *envp[] = {asan, breakage_env, NULL};
	int safe[3] = {fcntl(daemon_fd, F_DUPFD_CLOEXEC, 20), fcntl(broker_fd, F_DUPFD_CLOEXEC, 20),
		fcntl(stream_fd, F_DUPFD_CLOEXEC, 20)};

	if (broken)
		snprintf(breakage_env, sizeof(breakage_env), "FRAMEMUX_BREAKAGE=%s", broken);
	else
		envp[1] = NULL;
	place_fd(safe[0], LINK_FD_DAEMON);
	place_fd(safe[1], LINK_FD_DECODE_BROKER);
	place_fd(safe[2], LINK_FD_DECODE_STREAM);
	execve(DECODE_BINARY, argv, envp);
	_exit(98);
}

/* The next message of type m on fd; others are skipped. */
static int receive(int fd, const struct wire_message *m, void *ret)
{
	uint64_t end = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;
	uint8_t buf[LIMIT_MESSAGE];

	while (clock_monotonic_ns() < end) {
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t n;

		poll(&p, 1, 100);
		n = sock_recv(fd, buf, sizeof(buf), NULL, NULL);
		if (n == -EPIPE)
			return -EPIPE;
		if (n > 0 && wire_type(buf, (size_t)n) == m->type) {
			ck_assert_int_eq(wire_decode(m, buf, (size_t)n, ret), 0);
			return 0;
		}
	}
	return -ETIMEDOUT;
}

static void tell(int fd, const struct wire_message *m, const void *msg)
{
	ck_assert_int_eq(sock_send_msg(fd, m, msg), 0);
}

static void start(const char *broken, const struct mask *masks, uint32_t n_masks)
{
	int daemon_pair[2], broker_pair[2], stream_pair[2];
	struct msg_decode_start m = {.generation = GENERATION, .name = "porch"};
	struct msg_decode_ready ready;

	memset(&st, 0, sizeof(st));
	ck_assert_int_ge(sodium_init(), 0);
	memset(st.id.b, 0xaa, sizeof(st.id.b));
	memset(st.k_cam, 0xbb, sizeof(st.k_cam));
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, daemon_pair), 0);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, broker_pair), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, stream_pair), 0);
	st.pid = fork();
	ck_assert_int_ge(st.pid, 0);
	if (st.pid == 0)
		run_decoder(daemon_pair[1], broker_pair[1], stream_pair[1], broken);
	close(daemon_pair[1]);
	close(broker_pair[1]);
	close(stream_pair[1]);
	st.daemon = daemon_pair[0];
	st.broker = broker_pair[0];
	st.stream = stream_pair[0];
	memcpy(m.id, st.id.b, sizeof(m.id));
	memcpy(m.k_cam, st.k_cam, sizeof(m.k_cam));
	masks_pack(masks, n_masks, m.masks, &m.masks_len);
	tell(st.daemon, &wire_decode_start, &m);
	ck_assert_int_eq(receive(st.daemon, &wire_decode_ready, &ready), 0);
	ck_assert_uint_eq(ready.generation, GENERATION);
}

/* Waits for the end; the exit code. */
static int ended(void)
{
	uint64_t end = clock_monotonic_ns() + WAIT_MS * NS_PER_MS;
	int status;

	while (clock_monotonic_ns() < end) {
		struct pollfd p = {st.daemon, 0, 0};

		if (waitpid(st.pid, &status, WNOHANG) == st.pid) {
			st.pid = 0;
			ck_assert(WIFEXITED(status));
			return WEXITSTATUS(status);
		}
		poll(&p, st.daemon >= 0, 5);
	}
	return -1;
}

static void finish(void)
{
	if (st.pid > 0) {
		kill(st.pid, SIGKILL);
		waitpid(st.pid, NULL, 0);
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &st.client[i];

		if (c->attach == 0)
			continue;
		munmap((void *)c->ring, c->slots * c->picture.slot_bytes);
		close(c->probe);
		close(c->socket);
	}
	close(st.daemon);
	close(st.broker);
	close(st.stream);
}

/* --- ingest --- */

static void put(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n > 0) {
		struct pollfd pf = {st.stream, POLLOUT, 0};
		ssize_t w = send(st.stream, b, n, MSG_NOSIGNAL);

		if (w < 0 && errno == EAGAIN) {
			ck_assert_int_gt(poll(&pf, 1, WAIT_MS), 0);
			continue;
		}
		if (w < 0) /* the decoder may have ended: the test sees how */
			return;
		b += w;
		n -= (size_t)w;
	}
}

static void put_message(uint32_t kind, const void *body, uint32_t len)
{
	uint8_t header[STREAM_HEADER_BYTES];

	put_le32(header, kind);
	put_le32(header + 4, len);
	put(header, sizeof(header));
	put(body, len);
}

static void hello(uint8_t id_byte, uint64_t generation)
{
	uint8_t body[STREAM_HELLO_BYTES];

	memset(body, id_byte, CAMERA_ID_BYTES);
	put_le64(body + CAMERA_ID_BYTES, generation);
	put_message(STREAM_HELLO, body, sizeof(body));
}

static void codec(uint32_t kind, uint32_t width, uint32_t height)
{
	uint8_t body[STREAM_CODEC_BYTES] = {0};

	put_le32(body, kind);
	put_le32(body + 4, width);
	put_le32(body + 8, height);
	put_message(STREAM_CODEC, body, sizeof(body));
}

/* arrival_ns: an ingest may say what it likes. */
static void unit_at(uint64_t pts_ns, uint64_t arrival_ns)
{
	uint8_t body[STREAM_UNIT_BYTES + 2];

	st.sent++;
	put_le64(body, pts_ns);
	put_le64(body + 8, arrival_ns);
	put_le64(body + 16, 0);
	put_le32(body + 24, STREAM_UNIT_KEY);
	put_le16(body + 28, pattern_code("porch", st.sent));
	put_message(STREAM_UNIT, body, sizeof(body));
}

static void unit(void)
{
	unit_at((st.sent + 1) * 33333333ull, clock_monotonic_ns());
}

/* --- broker and client --- */

static struct client *attach(uint64_t number, uint32_t serial, uint32_t width, uint32_t height,
	uint32_t fourcc, uint32_t tag_mode, const struct mask *mask)
{
	struct msg_ring_give m = {.generation = GENERATION,
		.lease = 1,
		.attach = number,
		.serial = serial,
		.width = width,
		.height = height,
		.fourcc = fourcc,
		.slots = 4,
		.tag_mode = tag_mode};
	const struct msg_ring_go go = {1, number};
	struct client *c = &st.client[number - 1];
	struct msg_ring_mapped mapped;
	int pair[2], memory, fds[RING_GIVE_FDS];
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;
	void *ring;

	ck_assert_uint_le(number, CLIENTS);
	c->attach = number;
	c->slots = 4;
	c->tag_mode = tag_mode;
	ck_assert_int_eq(picture_layout(fourcc, width, height, &c->picture), 0);
	memcpy(m.id, st.id.b, sizeof(m.id));
	masks_pack(mask, mask ? 1 : 0, m.masks, &m.masks_len);
	ck_assert_int_eq(memfd_make("framemux-ring", 4 * c->picture.slot_bytes, &memory), 0);
	ck_assert_int_eq(memfd_reopen(memory, O_RDWR, &fds[RING_GIVE_FD_RING]), 0);
	ck_assert_int_eq(memfd_reopen(memory, O_RDONLY, &c->probe), 0);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	fds[RING_GIVE_FD_SOCKET] = pair[0];
	c->socket = pair[1];
	n = wire_encode(&wire_ring_give, &m, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(sock_send(st.broker, buf, (size_t)n, fds, RING_GIVE_FDS), 0);
	sock_close_fds(fds, RING_GIVE_FDS);
	ck_assert_int_eq(receive(st.broker, &wire_ring_mapped, &mapped), 0);
	ck_assert_uint_eq(mapped.attach, number);
	ck_assert_uint_eq(mapped.status, 0);
	ck_assert_int_eq(memfd_seal(memory, 4 * c->picture.slot_bytes), 0);
	close(memory);
	ring = mmap(NULL, 4 * c->picture.slot_bytes, PROT_READ, MAP_SHARED, c->probe, 0);
	ck_assert_ptr_ne(ring, MAP_FAILED);
	c->ring = ring;
	key_attach(st.k_cam, 1, number, GENERATION, c->key);
	tell(st.broker, &wire_ring_go, &go);
	return c;
}

/* A turn of the decoder: what was sent to it before has been handled. */
static void settle(void)
{
	const struct msg_ring_drop m = {999, 999};
	struct msg_let_go let_go;

	tell(st.broker, &wire_ring_drop, &m);
	ck_assert_int_eq(receive(st.broker, &wire_let_go, &let_go), 0);
}

/* What the library does with a frame message: 0, or why it would refuse. */
static int verify(const struct client *c, const struct msg_frame *m)
{
	const uint8_t *slot = c->ring + m->slot * c->picture.slot_bytes;
	struct tag_header h = {.camera = st.id,
		.lease = 1,
		.attach = c->attach,
		.generation = GENERATION,
		.seq = m->seq,
		.capture_ns = m->capture_ns,
		.arrival_ns = m->arrival_ns,
		.publish_ns = m->publish_ns,
		.publish_boot_ns = m->publish_boot_ns,
		.slot = m->slot,
		.flags = m->flags,
		.mode = c->tag_mode,
		.sar_num = 1,
		.sar_den = 1,
		.picture = &c->picture};
	int r = slot_trailer_check(slot, &c->picture, m->seq, m->tag);

	return r < 0 ? r : tag_verify(c->key, &h, slot, m->tag);
}

static void credit(const struct client *c, const struct msg_frame *m)
{
	const struct msg_credit k = {m->slot, 1, m->seq};

	tell(c->socket, &wire_credit, &k);
}

/* A frame that has to be right, and goes back. */
static struct msg_frame frame(const struct client *c)
{
	struct msg_frame m;

	ck_assert_int_eq(receive(c->socket, &wire_frame, &m), 0);
	ck_assert_uint_lt(m.slot, c->slots);
	ck_assert_int_eq(verify(c, &m), 0);
	ck_assert_uint_le(m.arrival_ns, m.publish_ns);
	ck_assert_uint_le(m.publish_ns, clock_monotonic_ns());
	return m;
}

static struct msg_format format(void)
{
	struct msg_format m;

	ck_assert_int_eq(receive(st.broker, &wire_format, &m), 0);
	return m;
}

static struct msg_format begin(const char *broken)
{
	start(broken, NULL, 0);
	hello(0xaa, GENERATION);
	codec(STREAM_PATTERN, WIDTH, HEIGHT);
	unit();
	return format();
}

/* Until the decoder has decoded n frames. */
static void wait_decoded(uint64_t n)
{
	struct msg_decode_beat m;

	do
		ck_assert_int_eq(receive(st.daemon, &wire_decode_beat, &m), 0);
	while (m.frames_decoded < n);
}

static void check_zero(const struct client *c)
{
	for (uint64_t i = 0; i < c->slots * c->picture.slot_bytes; i++)
		ck_assert_uint_eq(c->ring[i], 0);
}

static void check_failed(const char *reason)
{
	struct msg_decode_failed m;

	ck_assert_int_eq(receive(st.daemon, &wire_decode_failed, &m), 0);
	ck_assert_str_eq(m.reason, reason);
	ck_assert_int_eq(ended(), 1);
}

/* --- tests --- */

START_TEST(frames_arrive_with_good_tags)
{
	struct msg_format f = begin(NULL);
	struct client *own, *half;

	ck_assert_uint_eq(f.serial, 1);
	ck_assert_uint_eq(f.width, WIDTH);
	ck_assert_uint_eq(f.height, HEIGHT);
	ck_assert_uint_eq(f.color_encoding, 0);
	ck_assert_uint_eq(f.color_range, 0);
	own = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_YUV420, TAG_FULL, NULL);
	half = attach(2, 1, WIDTH / 2, HEIGHT / 2, DRM_FORMAT_NV12, TAG_SAMPLED, NULL);
	settle();
	for (unsigned i = 0; i < 50; i++) {
		struct msg_frame a, b;
		int code = pattern_code("porch", st.sent + 1);

		unit();
		a = frame(own);
		b = frame(half);
		ck_assert_uint_eq(a.seq, i + 1);
		ck_assert_uint_eq(a.flags, 0);
		ck_assert_int_eq(pattern_read(own->ring + a.slot * own->picture.slot_bytes,
					 own->picture.stride[0], 1, 19, 14),
			code);
		ck_assert_int_eq(pattern_read(half->ring + b.slot * half->picture.slot_bytes,
					 half->picture.stride[0], 2, 3, 2),
			code);
		credit(own, &a);
		credit(half, &b);
	}
	finish();
}
END_TEST

START_TEST(masks_are_black)
{
	const struct mask camera = {0, 0, 32, 32}, lease = {64, 64, 32, 32};
	const struct mask all[] = {camera};
	struct client *plain, *masked;
	struct msg_frame m;
	const uint8_t *y;

	start(NULL, all, 1);
	hello(0xaa, GENERATION);
	codec(STREAM_PATTERN, WIDTH, HEIGHT);
	unit();
	format();
	plain = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_YUV420, TAG_FULL, NULL);
	masked = attach(2, 1, WIDTH, HEIGHT, DRM_FORMAT_YUV420, TAG_FULL, &lease);
	settle();
	unit();
	m = frame(plain);
	y = plain->ring + m.slot * plain->picture.slot_bytes;
	ck_assert_int_eq(pattern_read(y, plain->picture.stride[0], 1, 0, 0), 0);
	ck_assert_int_eq(
		pattern_read(y, plain->picture.stride[0], 1, 4, 4), pattern_code("porch", st.sent));
	m = frame(masked);
	y = masked->ring + m.slot * masked->picture.slot_bytes;
	ck_assert_int_eq(pattern_read(y, masked->picture.stride[0], 1, 1, 1), 0);
	ck_assert_int_eq(pattern_read(y, masked->picture.stride[0], 1, 4, 4), 0);
	ck_assert_int_eq(pattern_read(y, masked->picture.stride[0], 1, 6, 6),
		pattern_code("porch", st.sent));
	finish();
}
END_TEST

START_TEST(a_stranger_at_the_stream_is_refused)
{
	start(NULL, NULL, 0);
	hello(_i == 0 ? 0xab : 0xaa, _i == 0 ? GENERATION : GENERATION + 1);
	check_failed("ingest speaks for another camera");
	finish();
}
END_TEST

START_TEST(a_broken_stream_ends_the_pair)
{
	static const uint8_t body[64];

	start(NULL, NULL, 0);
	switch (_i) {
	case 0: /* no hello first */
		codec(STREAM_PATTERN, WIDTH, HEIGHT);
		break;
	case 1: /* hello twice */
		hello(0xaa, GENERATION);
		hello(0xaa, GENERATION);
		break;
	case 2: /* a unit without a codec */
		hello(0xaa, GENERATION);
		unit();
		break;
	case 3: /* an unknown kind */
		hello(0xaa, GENERATION);
		put_message(5, body, 0);
		break;
	case 4: /* kind 0 */
		put_message(0, body, 0);
		break;
	case 5: { /* a unit longer than any may be: only its header is needed */
		uint8_t header[STREAM_HEADER_BYTES];

		hello(0xaa, GENERATION);
		codec(STREAM_PATTERN, WIDTH, HEIGHT);
		put_le32(header, STREAM_UNIT);
		put_le32(header + 4, STREAM_UNIT_BYTES + LIMIT_ACCESS_UNIT + 1);
		put(header, sizeof(header));
		break;
	}
	case 6: /* an empty unit */
		hello(0xaa, GENERATION);
		codec(STREAM_PATTERN, WIDTH, HEIGHT);
		put_message(STREAM_UNIT, body, STREAM_UNIT_BYTES);
		break;
	default: /* a short hello */
		put_message(STREAM_HELLO, body, STREAM_HELLO_BYTES - 1);
		break;
	}
	check_failed("ingest does not speak the stream's protocol");
	finish();
}
END_TEST

START_TEST(a_stream_may_come_in_any_pieces)
{
	uint8_t bytes[STREAM_HEADER_BYTES + STREAM_HELLO_BYTES];

	start(NULL, NULL, 0);
	put_le32(bytes, STREAM_HELLO);
	put_le32(bytes + 4, STREAM_HELLO_BYTES);
	memset(bytes + 8, 0xaa, CAMERA_ID_BYTES);
	put_le64(bytes + 8 + CAMERA_ID_BYTES, GENERATION);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		put(bytes + i, 1);
		settle();
	}
	codec(STREAM_PATTERN, WIDTH, HEIGHT);
	unit();
	ck_assert_uint_eq(format().serial, 1);
	finish();
}
END_TEST

START_TEST(the_end_of_the_stream_ends_the_pair)
{
	begin(NULL);
	shutdown(st.stream, SHUT_WR);
	check_failed("ingest ended");
	finish();
}
END_TEST

START_TEST(without_its_parents_it_erases)
{
	struct client *c;
	struct msg_frame m;

	begin(NULL);
	c = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_XRGB8888, TAG_SAMPLED, NULL);
	settle();
	for (unsigned i = 0; i < 3; i++) {
		unit();
		m = frame(c);
	}
	ck_assert_uint_eq(c->ring[m.slot * c->picture.slot_bytes + 3], 255);
	shutdown(_i == 0 ? st.broker : st.daemon, SHUT_RDWR);
	ck_assert_int_eq(ended(), 0);
	check_zero(c);
	ck_assert(memfd_has_no_writer(c->probe));
	finish();
}
END_TEST

START_TEST(ring_drop_is_answered_at_once_in_a_flood)
{
	struct client *c;
	const struct msg_ring_drop drop = {1, 1};
	struct msg_let_go let_go;
	uint64_t before, took;

	begin(NULL);
	c = attach(1, 1, 1920, 1080, DRM_FORMAT_XRGB8888, TAG_FULL, NULL);
	attach(2, 1, 1920, 1080, DRM_FORMAT_XRGB8888, TAG_FULL, NULL);
	attach(3, 1, 1920, 1080, DRM_FORMAT_XRGB8888, TAG_FULL, NULL);
	settle();
	for (unsigned i = 0; i < 200; i++)
		unit();
	before = clock_monotonic_ns();
	tell(st.broker, &wire_ring_drop, &drop);
	do
		ck_assert_int_eq(receive(st.broker, &wire_let_go, &let_go), 0);
	while (let_go.attach != 1);
	took = clock_monotonic_ns() - before;
	ck_assert(memfd_has_no_writer(c->probe));
	ck_assert_msg(took < 100 * NS_PER_MS, "%llu us", (unsigned long long)(took / NS_PER_US));
	ck_assert_uint_eq(let_go.delivered, 0);
	ck_assert_uint_le(let_go.dropped, let_go.published);
	finish();
}
END_TEST

START_TEST(a_new_form_stops_the_old_attaches)
{
	struct msg_format f = begin(NULL);
	struct client *c = attach(1, f.serial, 160, 120, DRM_FORMAT_NV12, TAG_FULL, NULL);
	struct msg_ring_keep keep = {1, 1, 0};
	struct msg_frame m;

	settle();
	unit();
	m = frame(c);
	credit(c, &m);
	codec(STREAM_PATTERN, 640, 480);
	unit();
	f = format();
	ck_assert_uint_eq(f.serial, 2);
	ck_assert_uint_eq(f.width, 640);
	unit();
	wait_decoded(4);
	keep.serial = 2;
	tell(st.broker, &wire_ring_keep, &keep);
	settle();
	unit();
	m = frame(c);
	ck_assert_uint_eq(m.seq, 2); /* nothing of the two before */
	finish();
}
END_TEST

/* A slow camera's rate is told when it is known: what is stale for it is something else. */
START_TEST(a_slow_rate_is_told)
{
	uint64_t first = clock_monotonic_ns() - 10 * NS_PER_S;
	struct msg_format f;

	start(NULL, NULL, 0);
	hello(0xaa, GENERATION);
	codec(STREAM_PATTERN, WIDTH, HEIGHT);
	for (unsigned i = 0; i < 4; i++)
		unit_at(i * NS_PER_S, first + i * NS_PER_S);
	f = format();
	ck_assert_uint_eq(f.serial, 1);
	ck_assert_uint_eq(f.fps_milli, 0);
	f = format();
	ck_assert_uint_eq(f.serial, 2);
	ck_assert_uint_eq(f.fps_milli, 1000);
	finish();
}
END_TEST

START_TEST(times_stay_between_the_last_and_now)
{
	static const int64_t offsets[] = {0, -5, 3600, -3600, 1, INT64_MIN / (int64_t)NS_PER_S};
	struct msg_frame m = {0};
	struct client *c;
	uint64_t before = 0;

	begin(NULL);
	c = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_NV12, TAG_FULL, NULL);
	settle();
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint64_t lie = clock_monotonic_ns() + (uint64_t)offsets[i] * NS_PER_S;

		unit_at(i * 7919 * NS_PER_S, lie);
		m = frame(c); /* checks that it is not from the future */
		ck_assert_uint_ge(m.arrival_ns, before);
		before = m.arrival_ns;
		credit(c, &m);
	}
	finish();
}
END_TEST

START_TEST(it_beats)
{
	struct client *c;
	struct msg_decode_beat news;
	struct msg_beat beat;
	uint64_t before;

	begin(NULL);
	before = clock_monotonic_ns();
	do
		ck_assert_int_eq(receive(st.daemon, &wire_decode_beat, &news), 0);
	while (news.frames_decoded == 0);
	ck_assert_uint_lt(clock_monotonic_ns() - before, 100 * NS_PER_MS);
	ck_assert_str_eq(news.codec, "pattern");
	ck_assert_uint_eq(news.width, WIDTH);
	ck_assert_uint_gt(news.last_frame_ns, 0);
	c = attach(1, 1, 160, 120, DRM_FORMAT_NV12, TAG_FULL, NULL);
	ck_assert_int_eq(receive(c->socket, &wire_beat, &beat), 0);
	before = clock_monotonic_ns();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(receive(c->socket, &wire_beat, &beat), 0);
	ck_assert_uint_le(clock_monotonic_ns() - before, 1200 * NS_PER_MS);
	finish();
}
END_TEST

START_TEST(a_client_that_holds_everything_delays_nobody)
{
	struct client *quick, *stopped;
	struct msg_frame m, held;
	const struct msg_ring_drop drop = {1, 2};
	struct msg_let_go let_go;

	begin(NULL);
	quick = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_NV12, TAG_FULL, NULL);
	stopped = attach(2, 1, WIDTH, HEIGHT, DRM_FORMAT_NV12, TAG_FULL, NULL);
	settle();
	for (unsigned i = 0; i < 300; i++) {
		unit();
		m = frame(quick);
		ck_assert_uint_eq(m.seq, i + 1);
		credit(quick, &m);
	}
	for (unsigned i = 0; i < stopped->slots; i++) { /* its first frames are still whole */
		held = frame(stopped);
		ck_assert_uint_eq(held.seq, i + 1);
	}
	tell(st.broker, &wire_ring_drop, &drop);
	do
		ck_assert_int_eq(receive(st.broker, &wire_let_go, &let_go), 0);
	while (let_go.attach != 2);
	/* The drop may have come before this attach's turn in the last round. */
	ck_assert_uint_ge(let_go.published, 299);
	ck_assert_uint_eq(let_go.dropped, let_go.published - stopped->slots);
	ck_assert_uint_eq(let_go.delivered, 0);
	finish();
}
END_TEST

START_TEST(a_bad_client_loses_only_its_own)
{
	static const uint8_t junk[32];
	struct client *good, *bad;
	struct msg_client_fault fault;
	struct msg_frame m;

	begin(NULL);
	good = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_NV12, TAG_FULL, NULL);
	bad = attach(2, 1, WIDTH, HEIGHT, DRM_FORMAT_NV12, TAG_FULL, NULL);
	settle();
	ck_assert_int_eq(sock_send(bad->socket, junk, sizeof(junk), NULL, 0), 0);
	ck_assert_int_eq(receive(st.broker, &wire_client_fault, &fault), 0);
	ck_assert_uint_eq(fault.attach, 2);
	for (unsigned i = 0; i < 20; i++) {
		unit();
		m = frame(good);
		credit(good, &m);
	}
	finish();
}
END_TEST

START_TEST(alone_it_refuses_to_run)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *argv[] = {(char *)"framemux-decode", NULL}, *envp[] = {NULL};
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		place_fd(null, STDERR_FILENO);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		execve(DECODE_BINARY, argv, envp);
		_exit(98);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 78);
}
END_TEST

#ifdef ENABLE_BREAKAGE
/* Each breakage is seen by what the library checks, or by what the decoder then accepts. */
START_TEST(breakages_are_seen)
{
	static const char *const broken[] = {"decode-stale-tag", "decode-wrong-slot"};
	struct client *c;
	struct msg_frame m;

	begin(broken[_i]);
	c = attach(1, 1, WIDTH, HEIGHT, DRM_FORMAT_NV12, TAG_SAMPLED, NULL);
	settle();
	unit();
	ck_assert_int_eq(receive(c->socket, &wire_frame, &m), 0);
	ck_assert_int_lt(verify(c, &m), 0);
	finish();
}
END_TEST

START_TEST(a_skipped_hello_is_seen)
{
	start("decode-skip-hello", NULL, 0);
	hello(0x55, GENERATION + 9);
	codec(STREAM_PATTERN, WIDTH, HEIGHT);
	unit();
	ck_assert_uint_eq(format().serial, 1); /* a stranger's picture was taken */
	finish();
}
END_TEST
#endif

int main(void)
{
	Suite *s = suite_create("decode");
	TCase *t = tcase_create("decode");

	signal(SIGPIPE, SIG_IGN);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, frames_arrive_with_good_tags);
	tcase_add_test(t, masks_are_black);
	tcase_add_loop_test(t, a_stranger_at_the_stream_is_refused, 0, 2);
	tcase_add_loop_test(t, a_broken_stream_ends_the_pair, 0, 8);
	tcase_add_test(t, a_stream_may_come_in_any_pieces);
	tcase_add_test(t, the_end_of_the_stream_ends_the_pair);
	tcase_add_loop_test(t, without_its_parents_it_erases, 0, 2);
	tcase_add_test(t, ring_drop_is_answered_at_once_in_a_flood);
	tcase_add_test(t, a_new_form_stops_the_old_attaches);
	tcase_add_test(t, a_slow_rate_is_told);
	tcase_add_test(t, times_stay_between_the_last_and_now);
	tcase_add_test(t, it_beats);
	tcase_add_test(t, a_client_that_holds_everything_delays_nobody);
	tcase_add_test(t, a_bad_client_loses_only_its_own);
	tcase_add_test(t, alone_it_refuses_to_run);
#ifdef ENABLE_BREAKAGE
	tcase_add_loop_test(t, breakages_are_seen, 0, 2);
	tcase_add_test(t, a_skipped_hello_is_seen);
#endif
	suite_add_tcase(s, t);
	return unit_run(s);
}
