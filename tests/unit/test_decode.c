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
#include "decode_stage.h"
#include "mux/link/broker_decode.h"
#include "mux/link/daemon_decode.h"
#include "mux/link/stream.h"
#include "unit.h"

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

START_TEST(above_its_limits_the_pair_ends)
{
	start_within(NULL, NULL, 0, 40, _i == 0 ? LIMIT_PIXELS : WIDTH * HEIGHT);
	hello(0xaa, GENERATION);
	if (_i == 0) {
		codec(STREAM_PATTERN, 8192, 4352);
		check_failed("above its memory limit of 40 MB");
	} else {
		codec(STREAM_PATTERN, WIDTH, HEIGHT);
		codec(STREAM_PATTERN, WIDTH + 2, HEIGHT);
		check_failed("a picture of 322x240 is above the limit (max_picture)");
	}
	finish();
}
END_TEST

/* Not a beat later: the broker has to erase at that moment. */
START_TEST(it_beats_when_the_newest_frame_is_stale)
{
	struct msg_decode_beat news;
	uint64_t late;

	begin(NULL);
	do
		ck_assert_int_eq(receive(st.daemon, &wire_decode_beat, &news), 0);
	while (news.frames_decoded == 0 || clock_monotonic_ns() < news.last_frame_ns + NS_PER_S);
	late = clock_monotonic_ns() - news.last_frame_ns - NS_PER_S;
	ck_assert_msg(late < 100 * NS_PER_MS, "%llu us", (unsigned long long)(late / NS_PER_US));
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
#ifndef __SANITIZE_ADDRESS__ /* whose memory is not limited */
	tcase_add_loop_test(t, above_its_limits_the_pair_ends, 0, 1);
#endif
	tcase_add_loop_test(t, above_its_limits_the_pair_ends, 1, 2);
	tcase_add_test(t, it_beats_when_the_newest_frame_is_stale);
	tcase_add_test(t, alone_it_refuses_to_run);
#ifdef ENABLE_BREAKAGE
	tcase_add_loop_test(t, breakages_are_seen, 0, 2);
	tcase_add_test(t, a_skipped_hello_is_seen);
#endif
	suite_add_tcase(s, t);
	return unit_run(s);
}
