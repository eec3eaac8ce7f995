/*
 * bench_live PORT MOUNT SECONDS: the least that can be between a live RTSP H.264 camera and a decoded
 * frame: one process, RTP over the RTSP connection, an access unit decoded as soon as its marker bit
 * is there, no isolation, no copy. Prints "CPU NS_PER_FRAME", then a line "FRAME MONOTONIC_NS" for
 * each decoded frame. A yardstick for the loopback, not a client for real cameras.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/bench/bench_code.h"
#include "tests/bench/bench_decoder.h"

#define FRAMES_MAX 100000u
#define UNIT_MAX   (4u * 1024u * 1024u)
#define BUFFER     (256u * 1024u)

enum { NAL_STAP_A = 24, NAL_FU_A = 28 };

static struct {
	unsigned frame;
	uint64_t held_ns;
} seen[FRAMES_MAX];
static size_t n_seen;

static uint8_t in[BUFFER], unit[UNIT_MAX + AV_INPUT_BUFFER_PADDING_SIZE];
static size_t in_len, in_at, unit_len;

static void fail(const char *what)
{
	fprintf(stderr, "bench_live: %s\n", what);
	exit(69);
}

/* At least n bytes stand at in + in_at. */
static void need(int fd, size_t n)
{
	if (in_len - in_at >= n)
		return;
	memmove(in, in + in_at, in_len - in_at);
	in_len -= in_at;
	in_at = 0;
	while (in_len < n) {
		ssize_t got = read(fd, in + in_len, sizeof(in) - in_len);

		if (got <= 0)
			fail("the camera hung up");
		in_len += (size_t)got;
	}
}

/* Sends a request and reads the answer's head into head; skips its body. */
static void ask(int fd, const char *request, char *head, size_t cap)
{
	size_t n = 0;
	const char *length;

	if (write(fd, request, strlen(request)) < 0)
		fail("cannot write");
	do {
		need(fd, 1);
		if (n + 1 >= cap)
			fail("an endless answer");
		head[n++] = (char)in[in_at++];
		head[n] = '\0';
	} while (n < 4 || strcmp(head + n - 4, "\r\n\r\n"));
	if (strncmp(head, "RTSP/1.0 200", 12))
		fail(head);
	length = strcasestr(head, "Content-Length:");
	for (unsigned long left = length ? strtoul(length + 15, NULL, 10) : 0; left; left--) {
		need(fd, 1);
		in_at++;
	}
}

static void put(const void *data, size_t n)
{
	if (unit_len + n > UNIT_MAX)
		fail("an access unit too large");
	memcpy(unit + unit_len, data, n);
	unit_len += n;
}

static const uint8_t start_code[] = {0, 0, 0, 1};

/* RFC 6184: single NAL units, STAP-A, FU-A. */
static void depacketise(const uint8_t *p, size_t n)
{
	unsigned type = n ? p[0] & 31 : 0;

	if (type && type < NAL_STAP_A) {
		put(start_code, sizeof(start_code));
		put(p, n);
	} else if (type == NAL_STAP_A) {
		for (size_t at = 1; at + 2 < n;) {
			size_t size = (size_t)p[at] << 8 | p[at + 1];

			at += 2;
			if (size > n - at)
				break;
			put(start_code, sizeof(start_code));
			put(p + at, size);
			at += size;
		}
	} else if (type == NAL_FU_A && n > 2) {
		if (p[1] & 0x80) {
			uint8_t nal = (uint8_t)((p[0] & 0xe0) | (p[1] & 31));

			put(start_code, sizeof(start_code));
			put(&nal, 1);
		}
		put(p + 2, n - 2);
	}
}

static void decode(AVCodecContext *ctx, AVPacket *pkt, AVFrame *frame)
{
	memset(unit + unit_len, 0, AV_INPUT_BUFFER_PADDING_SIZE);
	pkt->data = unit;
	pkt->size = (int)unit_len;
	avcodec_send_packet(ctx, pkt);
	while (avcodec_receive_frame(ctx, frame) == 0 && n_seen < FRAMES_MAX) {
		seen[n_seen].frame = bench_code_read(frame->data[0], (uint32_t)frame->linesize[0]);
		seen[n_seen++].held_ns = clock_monotonic_ns();
	}
	unit_len = 0;
}

static int connect_loopback(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("cannot connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void play(int fd, const char *port, const char *mount)
{
	char request[512], head[4096], session[128] = "";
	const char *s;

	snprintf(request, sizeof(request),
		"DESCRIBE rtsp://127.0.0.1:%s/%s RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n",
		port, mount);
	ask(fd, request, head, sizeof(head));
	snprintf(request, sizeof(request),
		"SETUP rtsp://127.0.0.1:%s/%s/stream=0 RTSP/1.0\r\nCSeq: 2\r\n"
		"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
		port, mount);
	ask(fd, request, head, sizeof(head));
	s = strcasestr(head, "Session:");
	if (!s || sscanf(s + 8, " %127[^;\r\n]", session) != 1)
		fail("no session");
	snprintf(request, sizeof(request),
		"PLAY rtsp://127.0.0.1:%s/%s RTSP/1.0\r\nCSeq: 3\r\nSession: %s\r\n\r\n", port, mount,
		session);
	if (write(fd, request, strlen(request)) < 0)
		fail("cannot write");
}

int main(int argc, char **argv)
{
	AVCodecContext *ctx = bench_decoder_open(AV_CODEC_ID_H264);
	AVPacket *pkt = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	uint64_t end_ns, cpu_ns;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_live PORT MOUNT SECONDS\n");
		return 64;
	}
	fd = connect_loopback((uint16_t)strtoul(argv[1], NULL, 10));
	play(fd, argv[1], argv[2]);
	end_ns = clock_monotonic_ns() + strtoull(argv[3], NULL, 10) * NS_PER_S;
	cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
	while (clock_monotonic_ns() < end_ns) {
		size_t length;

		need(fd, 4);
		if (in[in_at] != '$') { /* the answer to PLAY, a line at a time */
			in_at++;
			continue;
		}
		length = (size_t)in[in_at + 2] << 8 | in[in_at + 3];
		need(fd, 4 + length);
		if (in[in_at + 1] == 0 && length > 12) {
			const uint8_t *rtp = in + in_at + 4;

			depacketise(rtp + 12, length - 12);
			if (rtp[1] & 0x80)
				decode(ctx, pkt, frame);
		}
		in_at += 4 + length;
	}
	cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	close(fd);
	if (!n_seen)
		fail("no frame");
	printf("CPU %.0f\n", (double)cpu_ns / (double)n_seen);
	for (size_t i = 0; i < n_seen; i++)
		printf("%u %llu\n", seen[i].frame, (unsigned long long)seen[i].held_ns);
	av_frame_free(&frame);
	av_packet_free(&pkt);
	avcodec_free_context(&ctx);
	return 0;
}
