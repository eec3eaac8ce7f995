/*
 * What waited in ingest's socket while the machine slept is never handed on. Ingest's real loop in a
 * child, with boot time that the test moves: clock_gettime() is this program's.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/sock.h"
#include "mux/ingest/ingest.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_ingest.h"
#include "mux/link/stream.h"
#include "unit.h"

#define WAIT_MS 10000

/* Shared with the child: for how long the machine has slept. */
static volatile uint64_t *asleep_s;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	long r = syscall(SYS_clock_gettime, id, ts);

	if (r == 0 && id == CLOCK_BOOTTIME && asleep_s)
		ts->tv_sec += (time_t)*asleep_s;
	return (int)r;
}

static int link_fd, camera, units;
static pid_t child;

static void begin(void)
{
	struct msg_ingest_start start = {.generation = 7,
		.kind = INGEST_HTTP,
		.memory_mb = 96,
		.patience_s = 10,
		.name = "porch",
		.url = "http://cam.lan/video"};
	int links[2], streams[2], cameras[2];

	asleep_s = mmap(
		NULL, sizeof(*asleep_s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne((const void *)asleep_s, MAP_FAILED);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, links), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, streams), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, cameras), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		int from[3] = {dup(links[1]), dup(cameras[1]), dup(streams[1])};
		int above[3];

		for (int i = 0; i < 3; i++)
			above[i] = dup2(from[i], 100 + i);
		for (int i = 0; i < 3; i++)
			dup2(above[i], LINK_FD_DAEMON + i);
		for (int fd = LINK_FD_INGEST_STREAM + 1; fd < 128; fd++)
			close(fd);
		_exit(ingest_run());
	}
	close(links[1]);
	close(streams[1]);
	close(cameras[1]);
	link_fd = links[0];
	units = streams[0];
	camera = cameras[0];
	ck_assert_int_eq(sock_send_msg(link_fd, &wire_ingest_start, &start), 0);
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
		wait_for(link_fd);
		n = sock_recv(link_fd, buf, sizeof(buf), NULL, NULL);
		ck_assert_int_gt(n, 0);
	} while (wire_type(buf, (size_t)n) != wire->type);
	ck_assert_int_eq(wire_decode(wire, buf, (size_t)n, ret), 0);
}

/* Reads up to the next access unit; false when the stream ends without one. */
static bool next_unit(void)
{
	uint8_t header[STREAM_HEADER_BYTES], body[4096];
	uint32_t kind;

	do {
		wait_for(units);
		if (recv(units, header, sizeof(header), MSG_WAITALL) != sizeof(header))
			return false;
		kind = get_le32(header);
		ck_assert_uint_le(get_le32(header + 4), sizeof(body));
		ck_assert_int_eq(
			recv(units, body, get_le32(header + 4), MSG_WAITALL), get_le32(header + 4));
	} while (kind != STREAM_UNIT);
	return true;
}

static void camera_sends(const char *text, size_t len)
{
	ck_assert_int_eq(write(camera, text, len), len);
}

static void camera_sends_a_picture(void)
{
	static const char jpeg[] = "--b\r\n\r\n\xff\xd8\xff\xda\0\2\x55\x55\xff\xd9\r\n";

	camera_sends(jpeg, sizeof(jpeg) - 1);
}

static void play(void)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n";
	const struct msg_identity_ok ok = {7};
	struct msg_identity identity;
	char request[4096];

	begin();
	wait_for(camera);
	ck_assert_int_gt(read(camera, request, sizeof(request)), 0);
	camera_sends(answer, sizeof(answer) - 1);
	expect(&wire_identity, &identity);
	ck_assert_int_eq(sock_send_msg(link_fd, &wire_identity_ok, &ok), 0);
	camera_sends_a_picture();
	ck_assert(next_unit());
}

static void end(void)
{
	int status;

	close(link_fd);
	close(camera);
	close(units);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
}

static void sleep_for(uint64_t s)
{
	int status;

	kill(child, SIGSTOP);
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert(WIFSTOPPED(status));
	camera_sends_a_picture(); /* it comes before the machine sleeps, and is not read any more */
	*asleep_s += s;
	kill(child, SIGCONT);
}

START_TEST(what_waited_is_not_handed_on)
{
	struct msg_ingest_failed failed;

	play();
	sleep_for(3600);
	ck_assert(!next_unit());
	expect(&wire_ingest_failed, &failed);
	ck_assert_uint_eq(failed.what, INGEST_AGAIN);
	ck_assert_ptr_nonnull(strstr(failed.reason, "suspend"));
	end();
}
END_TEST

START_TEST(a_pause_is_no_sleep)
{
	play();
	sleep_for(0);
	ck_assert(next_unit());
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest_suspend");
	TCase *c = tcase_create("ingest_suspend");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, what_waited_is_not_handed_on);
	tcase_add_test(c, a_pause_is_no_sleep);
	suite_add_tcase(s, c);
	return unit_run(s);
}
