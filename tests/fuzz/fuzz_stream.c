/*
 * Decode's end of the stream from ingest. First byte: bit 0, whether a right hello comes first.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "fuzz.h"
#include "mux/decode/input.h"
#include "mux/link/stream.h"

static void say_hello(int fd, const struct camera_id *id)
{
	uint8_t hello[STREAM_HEADER_BYTES + STREAM_HELLO_BYTES];

	put_le32(hello, STREAM_HELLO);
	put_le32(hello + 4, STREAM_HELLO_BYTES);
	memcpy(hello + 8, id->b, CAMERA_ID_BYTES);
	put_le64(hello + 8 + CAMERA_ID_BYTES, 7);
	MUST(write(fd, hello, sizeof(hello)) == (ssize_t)sizeof(hello));
}

static int read_all(struct input *in)
{
	struct input_message m;
	int r;

	while ((r = input_next(in, &m)) == 0) {
		MUST(m.kind == STREAM_CODEC || m.kind == STREAM_UNIT || m.kind == STREAM_DRAIN);
		if (m.kind == STREAM_UNIT) {
			MUST(m.len > 0 && m.len <= LIMIT_ACCESS_UNIT);
			MUST(m.unit[m.len] == 0); /* padding for libavcodec */
		}
		if (m.kind == STREAM_CODEC)
			MUST(m.setup.extradata_len <= LIMIT_EXTRADATA);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct camera_id id = {.b = {1, 2, 3}};
	struct fuzz f = {data, len};
	uint8_t how = fuzz_byte(&f);
	struct input *in;
	int fds[2], r = -EAGAIN;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	in = input_new(fds[0], &id, 7);
	MUST(in);
	if (how & 1)
		say_hello(fds[1], &id);
	while (r == -EAGAIN && f.len) {
		ssize_t n = write(fds[1], f.at, f.len < 4096 ? f.len : 4096);

		MUST(n > 0);
		f.at += n;
		f.len -= (size_t)n;
		r = read_all(in);
	}
	MUST(r == -EAGAIN || r == -EPROTO || r == -EREMCHG || r == -ENOMEM);
	close(fds[1]);
	if (r == -EAGAIN)
		MUST(read_all(in) == -EPIPE);
	input_free(in);
	close(fds[0]);
	return 0;
}
