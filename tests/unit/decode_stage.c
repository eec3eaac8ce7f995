/* Starts the real framemux-decode and speaks with it from all sides; for tests only. */
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
#include "decode_stage.h"
#include "mux/link/birth.h"
#include "mux/link/broker_decode.h"
#include "mux/link/daemon_decode.h"
#include "mux/link/stream.h"
#include "unit.h"

struct stage st;

/* --- the process --- */

void place_fd(int from, int to)
{
	if (dup2(from, to) < 0) /* clears close-on-exec */
		_exit(99);
}

static void run_decoder(int daemon_fd, int broker_fd, int stream_fd, const char *broken)
{
	char breakage_env[128] = "", asan[] = "ASAN_OPTIONS=detect_leaks=0";
	char walls[] = "1:0"; /* the filter, and what needs no rights */
	char *argv[] = {(char *)"framemux-decode", walls, NULL};
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
int receive(int fd, const struct wire_message *m, void *ret)
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

void tell(int fd, const struct wire_message *m, const void *msg)
{
	ck_assert_int_eq(sock_send_msg(fd, m, msg), 0);
}

void start(const char *broken, const struct mask *masks, uint32_t n_masks)
{
	start_within(broken, masks, n_masks, 256, LIMIT_PIXELS);
}

void start_within(const char *broken, const struct mask *masks, uint32_t n_masks,
	uint32_t memory_mb, uint32_t max_pixels)
{
	int daemon_pair[2], broker_pair[2], stream_pair[2];
	struct msg_decode_start m = {.generation = GENERATION,
		.name = "porch",
		.stale_after_ms = 1000,
		.memory_mb = memory_mb,
		.max_pixels = max_pixels};
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
int ended(void)
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

void finish(void)
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

void put(const void *p, size_t n)
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

void put_message(uint32_t kind, const void *body, uint32_t len)
{
	uint8_t header[STREAM_HEADER_BYTES];

	put_le32(header, kind);
	put_le32(header + 4, len);
	put(header, sizeof(header));
	put(body, len);
}

void hello(uint8_t id_byte, uint64_t generation)
{
	uint8_t body[STREAM_HELLO_BYTES];

	memset(body, id_byte, CAMERA_ID_BYTES);
	put_le64(body + CAMERA_ID_BYTES, generation);
	put_message(STREAM_HELLO, body, sizeof(body));
}

void codec(uint32_t kind, uint32_t width, uint32_t height)
{
	uint8_t body[STREAM_CODEC_BYTES] = {0};

	put_le32(body, kind);
	put_le32(body + 4, width);
	put_le32(body + 8, height);
	put_message(STREAM_CODEC, body, sizeof(body));
}

/* arrival_ns: an ingest may say what it likes. */
void unit_at(uint64_t pts_ns, uint64_t arrival_ns)
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

void unit(void)
{
	unit_at((st.sent + 1) * 33333333ull, clock_monotonic_ns());
}

/* --- broker and client --- */

struct client *attach(uint64_t number, uint32_t serial, uint32_t width, uint32_t height,
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
void settle(void)
{
	const struct msg_ring_drop m = {999, 999};
	struct msg_let_go let_go;

	tell(st.broker, &wire_ring_drop, &m);
	ck_assert_int_eq(receive(st.broker, &wire_let_go, &let_go), 0);
}

/* What the library does with a frame message: 0, or why it would refuse. */
int verify(const struct client *c, const struct msg_frame *m)
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

void credit(const struct client *c, const struct msg_frame *m)
{
	const struct msg_credit k = {m->slot, 1, m->seq};

	tell(c->socket, &wire_credit, &k);
}

/* A frame that has to be right, and goes back. */
struct msg_frame frame(const struct client *c)
{
	struct msg_frame m;

	ck_assert_int_eq(receive(c->socket, &wire_frame, &m), 0);
	ck_assert_uint_lt(m.slot, c->slots);
	ck_assert_int_eq(verify(c, &m), 0);
	ck_assert_uint_le(m.arrival_ns, m.publish_ns);
	ck_assert_uint_le(m.publish_ns, clock_monotonic_ns());
	return m;
}

struct msg_format format(void)
{
	struct msg_format m;

	ck_assert_int_eq(receive(st.broker, &wire_format, &m), 0);
	return m;
}

struct msg_format begin(const char *broken)
{
	start(broken, NULL, 0);
	hello(0xaa, GENERATION);
	codec(STREAM_PATTERN, WIDTH, HEIGHT);
	unit();
	return format();
}

/* Until the decoder has decoded n frames. */
void wait_decoded(uint64_t n)
{
	struct msg_decode_beat m;

	do
		ck_assert_int_eq(receive(st.daemon, &wire_decode_beat, &m), 0);
	while (m.frames_decoded < n);
}

void check_zero(const struct client *c)
{
	for (uint64_t i = 0; i < c->slots * c->picture.slot_bytes; i++)
		ck_assert_uint_eq(c->ring[i], 0);
}

void check_failed(const char *reason)
{
	struct msg_decode_failed m;

	ck_assert_int_eq(receive(st.daemon, &wire_decode_failed, &m), 0);
	ck_assert_str_eq(m.reason, reason);
	ck_assert_int_eq(ended(), 1);
}
