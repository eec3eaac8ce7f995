/*
 * The broker from outside: decoders, clients and framemuxds that break the rules, or go.
 * Every test ends with the broker holding as many descriptors as it began with, and exit status 0.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/camera_state.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "framemux.h"
#include "tests/unit/broker_live.h"
#include "tests/unit/unit.h"

START_TEST(test_decoder_does_not_map)
{
	struct msg_ring_mapped lie;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &v);
	viewer_lease(&v, &token, small);
	expect_want(&s, 0, 1);
	pair_begin(&s, 0, 1, &p);
	pair_format(&p, 1, 128, 96);
	give_take(&p, &g);
	munmap(g.map, g.bytes);
	close(g.socket);
	if (_i) { /* says that it has, and has not */
		lie = (struct msg_ring_mapped){.lease = g.give.lease, .attach = g.give.attach};
		tell(p.fd, &wire_ring_mapped, &lie);
	}
	expect_kill(&p);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_decoder_breaks_protocol)
{
	static const struct msg_format bad[] = {
		{.serial = 2, .width = 0, .height = 5, .sar_num = 1, .sar_den = 1},
		{.serial = 2, .width = 16384, .height = 16384, .sar_num = 1, .sar_den = 1},
		{.serial = 1,
			.width = 64,
			.height = 64,
			.sar_num = 1,
			.sar_den = 1}, /* not newer */
	};
	const struct msg_hello stranger = {.magic = 1};

	begin_live(small);
	if (_i < 3)
		tell(p.fd, &wire_format, &bad[_i]);
	else if (_i == 3)
		tell(p.fd, &wire_hello, &stranger);
	else
		ck_assert_int_eq(send(p.fd, "", 0, 0), 0);
	expect_kill(&p);
	ck_assert_uint_eq(*w.dead, 1);
	munmap(g.map, g.bytes);
	close(g.socket);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	assert_blind(&w);
	watch_end(&w);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

START_TEST(test_decoder_floods)
{
	struct msg_counts m;
	uint64_t until = clock_monotonic_ns() + 10 * NS_PER_S;

	begin_live(small);
	m = (struct msg_counts){.lease = g.give.lease, .attach = g.give.attach};
	while (sock_send_msg(p.fd, &wire_counts, &m) != -EPIPE)
		ck_assert_uint_lt(clock_monotonic_ns(), until);
	expect_kill(&p);
	munmap(g.map, g.bytes);
	close(g.socket);
	pair_end(&s, &p, "killed");
	expect_state(v.fd, 1, FRAMEMUX_STATE_LOST);
	watch_end(&w);
	viewer_end(&v);
	expect_want(&s, 0, 0);
	end_empty();
}
END_TEST

/* Another camera's decoder names this one's attach: nothing happens to it. */
START_TEST(test_decoder_names_anothers_attach)
{
	struct msg_let_go m;
	struct msg_client_fault fault;
	struct pair other;

	begin_live(small);
	pair_begin(&s, 1, 1, &other);
	m = (struct msg_let_go){.lease = g.give.lease, .attach = g.give.attach};
	fault = (struct msg_client_fault){.lease = g.give.lease, .attach = g.give.attach};
	tell(other.fd, &wire_let_go, &m);
	tell(other.fd, &wire_client_fault, &fault);
	expect_silence(v.fd, 50);
	ck_assert_uint_eq(*w.dead, 0);
	pair_end(&s, &other, "");
	munmap(g.map, g.bytes);
	close(g.socket);
	watch_end(&w);
	end_live();
}
END_TEST

static void send_raw(const char *bytes, size_t len)
{
	ck_assert_int_eq(send(v.fd, bytes, len, 0), (ssize_t)len);
}

/* Only the one that misbehaves is dropped; another goes on. */
START_TEST(test_client_breaks_protocol)
{
	const struct msg_hello old = {.magic = PROTOCOL_MAGIC, .version = 0},
			       odd = {.magic = 1, .version = 1};
	const struct msg_attached unasked = {.view = 1, .attach = 5}, none = {.view = 1};
	static char big[LIMIT_MESSAGE + 1];
	struct viewer bystander;

	scene_begin(&s, NULL);
	token_for(&s, 0, UINT64_MAX, &token);
	viewer_connect(&s, &bystander);
	if (_i < 3)
		ck_assert_int_eq(sock_connect(s.clients_path, &v.fd), 0);
	else
		viewer_connect(&s, &v);
	switch (_i) {
	case 0:
		tell(v.fd, &wire_hello, &old);
		break;
	case 1:
		tell(v.fd, &wire_hello, &odd);
		break;
	case 2:
		viewer_ask(&v, &token, small); /* before hello */
		break;
	case 3:
		send_raw("", 0);
		break;
	case 4:
		send_raw("x", 1);
		break;
	case 5:
		send_raw(big, sizeof(big));
		break;
	case 6:
		tell(v.fd, &wire_attached, &unasked);
		break;
	default:
		tell(v.fd, &wire_attached, &none);
		break;
	}
	expect_end(v.fd);
	viewer_lease(&bystander, &token, small);
	viewer_end(&v);
	viewer_end(&bystander);
	end_empty();
}
END_TEST

/* Descriptors sent along do not arrive; the message does. */
START_TEST(test_client_sends_descriptors)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	struct msg_welcome welcome;
	uint8_t buf[64];
	ssize_t n = wire_encode(&wire_hello, &hello, buf, sizeof(buf));
	int fds[4] = {0, 1, 2, 0}, r;

	scene_begin(&s, NULL);
	ck_assert_int_eq(sock_connect(s.clients_path, &v.fd), 0);
	r = sock_send(v.fd, buf, (size_t)n, fds, 4);
	if (r == 0) { /* else the kernel refuses already (SO_PASSRIGHTS) */
		expect(v.fd, &wire_welcome, &welcome, NULL, 0);
		ck_assert_int_le(scene_broker_fds(&s), s.idle_fds + 2);
	}
	viewer_end(&v);
	end_empty();
}
END_TEST

START_TEST(test_client_reports_and_faults)
{
	struct msg_report report;
	struct msg_ctl_status ask = {.request = 3};
	struct msg_ctl_mux mux;
	int control;

	begin_live(small);
	report = (struct msg_report){.view = 1, .attach = w.attach.attach, .seq = 4};
	tell(v.fd, &wire_report, &report);
	tell(v.fd, &wire_report, &report); /* counts once */
	give_drop(&p, &g);
	expect_state(v.fd, 1, FRAMEMUX_STATE_STALE);
	watch_end(&w);
	for (unsigned i = 0; i < 2; i++) { /* two more in a row, and that was it */
		struct msg_client_fault fault;

		attach_all(&s, &p, &v, &g, &w);
		fault = (struct msg_client_fault){
			.lease = g.give.lease, .attach = g.give.attach, .reason = "credit"};
		tell(p.fd, &wire_client_fault, &fault);
		if (i == 1)
			expect_want(&s, 0, 0);
		give_drop(&p, &g);
		expect_state(v.fd, 1, i == 0 ? FRAMEMUX_STATE_STALE : FRAMEMUX_STATE_REVOKED);
		watch_end(&w);
	}
	control = control_open(&s);
	tell(control, &wire_ctl_status, &ask);
	expect(control, &wire_ctl_mux, &mux, NULL, 0); /* without framemuxd's answer, after 1 s */
	ck_assert_uint_eq(mux.provenance_failures, 1);
	ck_assert_uint_eq(mux.leases_opened, 1);
	close(control);
	viewer_end(&v);
	{
		struct msg_survey survey;

		expect(s.daemon, &wire_survey, &survey, NULL, 0);
	}
	pair_end(&s, &p, "");
	end_empty();
}
END_TEST

/* Somebody connects, greets, leaves its socket to us, and ends: it is nobody's socket then. */
START_TEST(test_process_end_ends_its_connection)
{
	int pair[2], fds[SOCK_FDS_MAX], status;
	size_t n = 0;
	pid_t child;
	char byte;

	scene_begin(&s, NULL);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	child = fork();
	if (child == 0) {
		viewer_connect(&s, &v);
		_exit(sock_send(pair[1], "x", 1, &v.fd, 1) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(sock_recv(pair[0], &byte, 1, fds, &n), 1);
	ck_assert_uint_eq(n, 1);
	expect_end(fds[0]);
	close(fds[0]);
	close(pair[0]);
	close(pair[1]);
	end_empty();
}
END_TEST

/* framemuxd is gone and the decoder does nothing: erased, told, ended, in bounded time. */
START_TEST(test_framemuxd_dies)
{
	uint64_t began;

	begin_live(small);
	began = clock_monotonic_ns();
	ck_assert_int_eq(scene_end(&s), 0);
	ck_assert_uint_le(clock_monotonic_ns() - began, 2 * NS_PER_S);
	assert_blind(&w);
	expect_end(v.fd);
	munmap(g.map, g.bytes);
	close(g.socket);
	close(p.fd);
	watch_end(&w);
	viewer_end(&v);
}
END_TEST

START_TEST(test_framemuxd_breaks_invariants)
{
	struct msg_pair_born born = {.generation = 2};
	struct msg_broker_admin late = {.uid = 1};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	begin_live(small);
	memcpy(born.id, s.camera[0].b, sizeof(born.id));
	n = wire_encode(&wire_pair_born, &born, buf, sizeof(buf));
	if (_i == 0) /* a second pair of one camera */
		ck_assert_int_eq(sock_send(s.daemon, buf, (size_t)n, &p.fd, 1), 0);
	else /* setup after the setup */
		tell(s.daemon, &wire_broker_admin, &late);
	munmap(g.map, g.bytes);
	expect_state(v.fd, 1, FRAMEMUX_STATE_CLOSED);
	expect_end(v.fd);
	assert_blind(&w);
	ck_assert_int_eq(scene_end(&s), 70);
	close(g.socket);
	close(p.fd);
	watch_end(&w);
	viewer_end(&v);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("broker breach");
	TCase *t = tcase_create("broker breach");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_decoder_does_not_map, 0, 2);
	tcase_add_loop_test(t, test_decoder_breaks_protocol, 0, 5);
	tcase_add_test(t, test_decoder_floods);
	tcase_add_test(t, test_decoder_names_anothers_attach);
	tcase_add_loop_test(t, test_client_breaks_protocol, 0, 8);
	tcase_add_test(t, test_client_sends_descriptors);
	tcase_add_test(t, test_client_reports_and_faults);
	tcase_add_test(t, test_process_end_ends_its_connection);
	tcase_add_test(t, test_framemuxd_dies);
	tcase_add_loop_test(t, test_framemuxd_breaks_invariants, 0, 2);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
