/*
 * framemux-ingest itself, started as framemuxd starts it, between a framemuxd, a decoder and a
 * camera that the test plays. Runs in the build folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/pattern.h"
#include "common/sock.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_ingest.h"
#include "mux/link/stream.h"
#include "unit.h"

#define WAIT_MS 10000
#define URL     "rtsp://cam.lan/live"

static pid_t child;
static int to_role, camera, units; /* our ends: the link, the source, the stream */
static uint8_t body[65536];        /* of the last stream message */

/* Start the role on these three; takes the descriptors over. */
static void spawn(int link_fd, int source, int stream)
{
	static char program[] = "./framemux-ingest";
	static char walls[] = "1:0"; /* the filter, and what needs no rights */
	char *const argv[] = {program, walls, NULL};
	char *no_env[] = {NULL, NULL};
	char asan[256];

	snprintf(asan, sizeof(asan), "ASAN_OPTIONS=%s",
		getenv("ASAN_OPTIONS") ? getenv("ASAN_OPTIONS") : "");
	no_env[0] = asan;
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		int from[4] = {fcntl(link_fd, F_DUPFD, 100), fcntl(source, F_DUPFD, 100),
			fcntl(stream, F_DUPFD, 100), open("/dev/null", O_RDONLY)};

		for (int i = 0; i < 4; i++)
			dup2(from[i], LINK_FD_DAEMON + i);
		execve(argv[0], argv, no_env);
		_exit(127);
	}
	close(link_fd);
	close(source);
	close(stream);
}

static struct msg_ingest_start start_message(uint32_t kind)
{
	struct msg_ingest_start start = {.generation = 7,
		.kind = kind,
		.width = 640,
		.height = 360,
		.fps_milli = 100000,
		.transport = TRANSPORT_TCP,
		.memory_mb = 48,
		.patience_s = 10,
		.name = "porch",
		.url = URL};

	memset(start.id, 0x5a, sizeof(start.id));
	return start;
}

/* source: -1 for a camera that the test plays. */
static void begin(uint32_t kind, int source)
{
	struct msg_ingest_start start = start_message(kind);
	int links[2], streams[2], cameras[2] = {-1, source};

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, links), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, streams), 0);
	if (source < 0)
		ck_assert_int_eq(sock_pair(SOCK_STREAM, cameras), 0);
	to_role = links[0];
	units = streams[0];
	camera = cameras[0];
	spawn(links[1], cameras[1], streams[1]);
	ck_assert_int_eq(sock_send_msg(to_role, &wire_ingest_start, &start), 0);
}

static void hang_up(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void end(int exit_code)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	ck_assert_int_eq(WEXITSTATUS(status), exit_code);
	hang_up(&to_role);
	hang_up(&camera);
	hang_up(&units);
}

static void wait_for(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
}

/* The next message of that kind from the role; others are passed over. */
static void expect(const struct wire_message *wire, void *ret)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	do {
		wait_for(to_role);
		n = sock_recv(to_role, buf, sizeof(buf), NULL, NULL);
		ck_assert_int_gt(n, 0);
	} while (wire_type(buf, (size_t)n) != wire->type);
	ck_assert_int_eq(wire_decode(wire, buf, (size_t)n, ret), 0);
}

static void read_exactly(uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n;

		wait_for(units);
		n = read(units, buf, len);
		ck_assert_int_gt(n, 0);
		buf += n;
		len -= (size_t)n;
	}
}

/* The next message of the stream into body; returns its length. */
static uint32_t expect_stream(enum stream_kind kind)
{
	uint8_t header[STREAM_HEADER_BYTES];
	uint32_t len;

	read_exactly(header, sizeof(header));
	len = get_le32(header + 4);
	ck_assert_uint_eq(get_le32(header), kind);
	ck_assert_uint_le(len, sizeof(body));
	read_exactly(body, len);
	return len;
}

static void expect_hello(void)
{
	struct msg_ingest_start start = start_message(0);
	struct msg_ingest_ready ready;

	expect(&wire_ingest_ready, &ready);
	ck_assert_uint_eq(ready.generation, 7);
	ck_assert_uint_eq(expect_stream(STREAM_HELLO), STREAM_HELLO_BYTES);
	ck_assert_mem_eq(body, start.id, CAMERA_ID_BYTES);
	ck_assert_uint_eq(get_le64(body + CAMERA_ID_BYTES), 7);
}

static void expect_failure(bool final, const char *part)
{
	struct msg_ingest_failed failed;

	expect(&wire_ingest_failed, &failed);
	ck_assert_msg(strstr(failed.reason, part) != NULL, "'%s' is not '%s'", failed.reason, part);
	ck_assert_uint_eq(failed.what == INGEST_FINAL, final);
	end(1);
}

/* ---- patterns and files ------------------------------------------------------------------- */

START_TEST(a_pattern_camera)
{
	struct msg_ingest_news news;
	uint64_t first = 0;

	begin(INGEST_PATTERN, open("/dev/null", O_RDONLY | O_CLOEXEC));
	expect_hello();
	ck_assert_uint_eq(expect_stream(STREAM_CODEC), STREAM_CODEC_BYTES);
	ck_assert_uint_eq(get_le32(body), STREAM_PATTERN);
	ck_assert_uint_eq(get_le32(body + 4), 640);
	ck_assert_uint_eq(get_le32(body + 8), 360);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_eq(expect_stream(STREAM_UNIT), STREAM_UNIT_BYTES + 2);
		ck_assert_uint_eq(get_le64(body), i * 10 * NS_PER_MS);
		ck_assert_uint_eq(get_le32(body + 24), STREAM_UNIT_KEY);
		ck_assert_uint_eq(get_le16(body + STREAM_UNIT_BYTES), pattern_code("porch", i));
		if (i == 0)
			first = get_le64(body + 8);
	}
	/* 19 intervals of 10 ms, never sooner. */
	ck_assert_uint_ge(get_le64(body + 8) - first, 189 * NS_PER_MS);
	expect(&wire_ingest_news, &news);
	ck_assert_uint_eq(news.playing, 1);
	hang_up(&units); /* the decoder dies */
	end(0);
}
END_TEST

START_TEST(it_ends_with_framemuxd)
{
	begin(INGEST_PATTERN, open("/dev/null", O_RDONLY | O_CLOEXEC));
	expect_hello();
	hang_up(&to_role);
	end(0);
}
END_TEST

START_TEST(files_that_are_none)
{
	int p[2];

	begin(INGEST_FILE, open("/dev/null", O_RDONLY | O_CLOEXEC));
	expect_failure(true, "not a regular file");
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	begin(INGEST_FILE, p[0]);
	expect_failure(true, "not a regular file");
	close(p[1]);
	begin(INGEST_FILE, open("Makefile", O_RDONLY | O_CLOEXEC));
	expect_failure(true, "not of a kind that can be played");
	begin(99, open("/dev/null", O_RDONLY | O_CLOEXEC));
	expect_failure(true, "not supported");
}
END_TEST

/* A list that names another file must not be followed. */
START_TEST(playlists_are_refused)
{
	static const char *const lists[] = {"ffconcat version 1.0\nfile /etc/passwd\n",
		"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char path[] = "/tmp/framemux-ingest-XXXXXX";
		int fd = mkstemp(path);

		ck_assert_int_ge(fd, 0);
		unlink(path);
		ck_assert_int_gt(write(fd, lists[i], strlen(lists[i])), 0);
		begin(INGEST_FILE, fd);
		expect_failure(true, "not of a kind that can be played");
	}
}
END_TEST

/* One JPEG (1x1, grey), over and over at 25 a second. */
START_TEST(a_single_picture)
{
	FILE *out = tmpfile();
	uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xdb, 0, 0x43, 0};
	static const uint8_t rest[] = {0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xff, 0xc4,
		0, 0x14, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xc4, 0,
		0x14, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xda, 0, 8,
		1, 1, 0, 0, 0x3f, 0, 0x3f, 0xff, 0xd9};
	size_t size;

	fwrite(jpeg, 1, sizeof(jpeg), out);
	for (unsigned i = 0; i < 64; i++)
		fputc(1, out);
	fwrite(rest, 1, sizeof(rest), out);
	fflush(out);
	size = (size_t)ftell(out);
	begin(INGEST_FILE, fcntl(fileno(out), F_DUPFD_CLOEXEC, 50));
	expect_hello();
	expect_stream(STREAM_CODEC);
	ck_assert_uint_eq(get_le32(body), STREAM_MJPEG);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(expect_stream(STREAM_UNIT), STREAM_UNIT_BYTES + size);
		ck_assert_uint_eq(get_le64(body), i * 40 * NS_PER_MS);
	}
	hang_up(&units);
	end(0);
	fclose(out);
}
END_TEST

/* ---- a camera ----------------------------------------------------------------------------- */

static char request[8192];

/* The camera reads one request, which must begin so, and answers. */
static void camera_answers(const char *begins, const char *format, ...)
{
	char reply[4096], *end_of_request;
	const char *cseq;
	size_t have = 0;
	va_list ap;
	int n;

	do {
		ssize_t got;

		wait_for(camera);
		got = read(camera, request + have, sizeof(request) - 1 - have);
		ck_assert_int_gt(got, 0);
		have += (size_t)got;
		request[have] = 0;
		end_of_request = strstr(request, "\r\n\r\n");
	} while (!end_of_request);
	ck_assert_msg(
		strncmp(request, begins, strlen(begins)) == 0, "'%s' is not '%s'", request, begins);
	if (!format)
		return;
	cseq = strstr(request, "CSeq: ");
	ck_assert_ptr_nonnull(cseq);
	n = snprintf(
		reply, sizeof(reply), "RTSP/1.0 %.3s x\r\nCSeq: %d\r\n", format, atoi(cseq + 6));
	va_start(ap, format);
	n += vsnprintf(reply + n, sizeof(reply) - (size_t)n, format + 4, ap);
	va_end(ap);
	ck_assert_int_eq(write(camera, reply, (size_t)n), n);
}

/* One RTP packet in an interleaved frame. */
static void camera_sends(uint16_t sequence, uint32_t timestamp, bool marker, uint8_t nal)
{
	uint8_t p[] = {'$', 0, 0, 15, 0x80, (uint8_t)(96 | (marker ? 0x80 : 0)),
		(uint8_t)(sequence >> 8), (uint8_t)sequence, (uint8_t)(timestamp >> 24),
		(uint8_t)(timestamp >> 16), (uint8_t)(timestamp >> 8), (uint8_t)timestamp, 1, 2, 3,
		4, nal, 0x91, 0x22};

	ck_assert_int_eq(write(camera, p, sizeof(p)), sizeof(p));
}

/* framemuxd says that it is the camera that it was. */
static void identify(const char *server)
{
	struct msg_identity identity;
	const struct msg_identity_ok ok = {.generation = 7};

	expect(&wire_identity, &identity);
	ck_assert_str_eq(identity.server, server);
	ck_assert_int_eq(sock_send_msg(to_role, &wire_identity_ok, &ok), 0);
}

static void camera_plays(void)
{
	static const char *const sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

	begin(INGEST_RTSP, -1);
	expect_hello();
	camera_answers("OPTIONS " URL " ", "200 \r\n");
	camera_answers("DESCRIBE " URL " ", "200 Server: cam 1\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(sdp), sdp);
	identify("cam 1");
	camera_answers("SETUP " URL " ",
		"200 Session: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n");
	camera_answers("PLAY " URL " ", "200 Session: 1\r\n\r\n");
	expect_stream(STREAM_CODEC);
	ck_assert_uint_eq(get_le32(body), STREAM_H264);
}

START_TEST(a_camera_from_describe_to_teardown)
{
	struct msg_ingest_news news;

	camera_plays();
	camera_sends(1, 3000, true, 0x65);
	/* Nothing more comes, and it goes all the same. */
	ck_assert_uint_eq(expect_stream(STREAM_UNIT), STREAM_UNIT_BYTES + 7);
	ck_assert_uint_eq(get_le32(body + 24), STREAM_UNIT_KEY);
	for (uint16_t i = 2; i < 10; i++) {
		camera_sends(i, 3000u * i, true, 0x41);
		ck_assert_uint_eq(expect_stream(STREAM_UNIT), STREAM_UNIT_BYTES + 7);
		ck_assert_uint_eq(get_le32(body + 24), 0);
	}
	do
		expect(&wire_ingest_news, &news);
	while (!news.playing);
	hang_up(&units);
	camera_answers("TEARDOWN " URL " ", NULL);
	end(0);
}
END_TEST

START_TEST(a_slow_decoder_does_not_slow_the_camera)
{
	static uint8_t frame[4 + 12 + 60000] = {'$', 0, 0xea, 0x6c, 0x80, 0xe0};
	const size_t size = sizeof(frame);

	camera_plays();
	for (unsigned i = 0; i < 1000; i++) { /* 60 MB, and nobody reads */
		size_t done = 0;

		frame[6] = (uint8_t)(i >> 8);
		frame[7] = (uint8_t)i;
		frame[9] = (uint8_t)i;
		frame[16] = i % 10 ? 0x41 : 0x65;
		memset(frame + 17, 0x55, size - 17);
		while (done < size) {
			struct pollfd p = {camera, POLLOUT, 0};
			ssize_t n;

			ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
			n = write(camera, frame + done, size - done);
			ck_assert_int_gt(n, 0);
			done += (size_t)n;
		}
	}
	hang_up(&to_role);
	end(0);
}
END_TEST

START_TEST(cameras_that_refuse)
{
	begin(INGEST_RTSP, -1);
	camera_answers("OPTIONS", "200 \r\n");
	camera_answers("DESCRIBE", "404 \r\n");
	expect_failure(true, "404: the camera has no such stream");
	begin(INGEST_RTSP, -1);
	hang_up(&camera);
	expect_failure(false, "camera closed the connection during OPTIONS");
	begin(INGEST_RTSP, -1);
	camera_answers("OPTIONS", "200 \r\n");
	camera_answers("DESCRIBE", "200 Content-Length: 2147483648\r\n\r\n");
	expect_failure(false, "a body is larger than allowed");
}
END_TEST

START_TEST(questions_go_to_framemuxd)
{
	struct msg_digest_ask ask;
	struct msg_digest_answer answer = {.authorization = "Digest it"};
	struct msg_ingest_start start = start_message(INGEST_RTSP);
	int links[2], streams[2], cameras[2];

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, links), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, streams), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, cameras), 0);
	to_role = links[0];
	units = streams[0];
	camera = cameras[0];
	spawn(links[1], cameras[1], streams[1]);
	start.has_password = 1;
	ck_assert_int_eq(sock_send_msg(to_role, &wire_ingest_start, &start), 0);
	camera_answers("OPTIONS", "200 \r\n");
	camera_answers("DESCRIBE", "401 WWW-Authenticate: Digest realm=\"R\", nonce=\"N\"\r\n\r\n");
	expect(&wire_digest_ask, &ask);
	ck_assert_str_eq(ask.realm, "R");
	answer.request = ask.request;
	ck_assert_int_eq(sock_send_msg(to_role, &wire_digest_answer, &answer), 0);
	camera_answers("DESCRIBE", "401 WWW-Authenticate: Digest realm=\"R\", nonce=\"N\"\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(request, "\r\nAuthorization: Digest it\r\n"));
	expect_failure(true, "401: wrong user or password");
}
END_TEST

static void datagram(int fd, uint16_t sequence, uint8_t nal)
{
	uint8_t p[] = {0x80, 96 | 0x80, (uint8_t)(sequence >> 8), (uint8_t)sequence, 0, 0,
		(uint8_t)(sequence * 3000 >> 8), (uint8_t)(sequence * 3000), 1, 2, 3, 4, nal, 0x91,
		0x22};

	ck_assert_int_eq(send(fd, p, sizeof(p), MSG_NOSIGNAL), sizeof(p));
}

/* Up to PLAY over UDP; ours: the camera's ends of the two sockets. */
static void camera_plays_udp(int ours[UDP_FDS])
{
	static const char *const sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
	struct msg_ingest_start start = start_message(INGEST_RTSP);
	struct msg_udp_bind bind;
	struct msg_udp_bound bound = {.rtp_port = 5000, .rtcp_port = 5001};
	struct msg_udp_connect ports;
	struct msg_udp_connected connected = {.rtp_port = 6970};
	int links[2], streams[2], cameras[2], pair[2], theirs[UDP_FDS];
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, links), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, streams), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, cameras), 0);
	to_role = links[0];
	units = streams[0];
	camera = cameras[0];
	spawn(links[1], cameras[1], streams[1]);
	start.transport = TRANSPORT_UDP;
	ck_assert_int_eq(sock_send_msg(to_role, &wire_ingest_start, &start), 0);
	expect_hello();
	camera_answers("OPTIONS " URL " ", "200 \r\n");
	camera_answers("DESCRIBE " URL " ", "200 Content-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
	identify("");
	expect(&wire_udp_bind, &bind);
	ck_assert_uint_eq(bind.generation, 7);
	ck_assert_int_eq(sock_send_msg(to_role, &wire_udp_bound, &bound), 0);
	camera_answers("SETUP " URL " ",
		"200 Session: 1\r\nTransport: RTP/AVP;unicast;server_port=6970-6971\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(request, "client_port=5000-5001"));
	expect(&wire_udp_connect, &ports);
	ck_assert_uint_eq(ports.rtp_port, 6970);
	ck_assert_uint_eq(ports.rtcp_port, 6971);
	for (size_t i = 0; i < UDP_FDS; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	n = wire_encode(&wire_udp_connected, &connected, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(sock_send(to_role, buf, (size_t)n, theirs, UDP_FDS), 0);
	for (size_t i = 0; i < UDP_FDS; i++)
		close(theirs[i]);
	camera_answers("PLAY " URL " ", "200 Session: 1\r\n\r\n");
	expect_stream(STREAM_CODEC);
}

START_TEST(a_camera_over_udp)
{
	static const uint8_t bye[] = {0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 203, 0, 1, 1, 2, 3, 4};
	static const uint8_t another[] = {0x80, 201, 0, 1, 9, 9, 9, 9, 0x81, 203, 0, 1, 9, 9, 9, 9};
	int ours[UDP_FDS];

	camera_plays_udp(ours);
	datagram(ours[UDP_FD_RTP], 2, 0x41); /* overtook the first */
	datagram(ours[UDP_FD_RTP], 1, 0x65);
	datagram(ours[UDP_FD_RTP], 3, 0x41);
	datagram(ours[UDP_FD_RTP], 3, 0x41);
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_uint_eq(expect_stream(STREAM_UNIT), STREAM_UNIT_BYTES + 7);
		ck_assert_uint_eq(get_le32(body + 24), i == 1 ? STREAM_UNIT_KEY : 0);
	}
	ck_assert_int_eq(
		send(ours[UDP_FD_RTCP], another, sizeof(another), MSG_NOSIGNAL), sizeof(another));
	datagram(ours[UDP_FD_RTP], 4, 0x41);
	expect_stream(STREAM_UNIT); /* it was not this camera that left */
	ck_assert_int_eq(send(ours[UDP_FD_RTCP], bye, sizeof(bye), MSG_NOSIGNAL), sizeof(bye));
	camera_answers("TEARDOWN " URL " ", NULL);
	expect_failure(false, "camera said goodbye");
	hang_up(&ours[UDP_FD_RTP]);
	hang_up(&ours[UDP_FD_RTCP]);
}
END_TEST

START_TEST(nonsense_from_framemuxd)
{
	struct msg_digest_answer answer = {.request = 1};
	int links[2], streams[2];

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, links), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, streams), 0);
	to_role = links[0];
	units = streams[0];
	camera = -1;
	spawn(links[1], open("/dev/null", O_RDONLY | O_CLOEXEC), streams[1]);
	ck_assert_int_eq(sock_send_msg(to_role, &wire_digest_answer, &answer), 0);
	end(1);
}
END_TEST

static int fds_before;

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	fds_before = unit_count_fds();
}

static void teardown(void)
{
	ck_assert_int_eq(unit_count_fds(), fds_before);
}

int main(void)
{
	Suite *s = suite_create("ingest role");
	TCase *t = tcase_create("role");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_pattern_camera);
	tcase_add_test(t, it_ends_with_framemuxd);
	tcase_add_test(t, files_that_are_none);
	tcase_add_test(t, playlists_are_refused);
	tcase_add_test(t, a_single_picture);
	tcase_add_test(t, a_camera_from_describe_to_teardown);
	tcase_add_test(t, a_slow_decoder_does_not_slow_the_camera);
	tcase_add_test(t, cameras_that_refuse);
	tcase_add_test(t, questions_go_to_framemuxd);
	tcase_add_test(t, a_camera_over_udp);
	tcase_add_test(t, nonsense_from_framemuxd);
	suite_add_tcase(s, t);
	return unit_run(s);
}
