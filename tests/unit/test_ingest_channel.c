/* mux/ingest/channel, tls and trust: what must work. */
#include "tests/unit/channel_live.h"

static void a_whole_conversation(size_t piece)
{
	char buf[1024];
	ssize_t n;

	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	ck_assert(!channel_is_open(channel));
	ck_assert_uint_ne(channel_deadline(channel), UINT64_MAX);
	ck_assert_int_eq(channel_recv(channel, buf, sizeof(buf)), -EAGAIN);
	ck_assert_int_eq(channel_send(channel, REQUEST, strlen(REQUEST)), 0); /* waits */
	ck_assert_int_eq(shake_hands(piece), 0);
	ck_assert_uint_eq(channel_deadline(channel), UINT64_MAX);
	read_exactly(buf, strlen(REQUEST), piece);
	ck_assert_int_eq(memcmp(buf, REQUEST, strlen(REQUEST)), 0);
	ck_assert_int_eq(gnutls_record_send(server, "pong", 4), 4);
	do {
		ck_assert_int_eq(step(piece), 0);
		n = channel_recv(channel, buf, sizeof(buf));
	} while (n == -EAGAIN);
	ck_assert_int_eq(n, 4);
	ck_assert_int_eq(memcmp(buf, "pong", 4), 0);
}

START_TEST(handshake_at_once)
{
	server_priority = versions[_i];
	a_whole_conversation(65536);
}
END_TEST

START_TEST(handshake_byte_by_byte)
{
	server_priority = versions[_i];
	a_whole_conversation(1);
}
END_TEST

START_TEST(a_pin_is_all_that_is_asked)
{
	/* Nobody's signature, another name, and long expired. */
	const struct paper paper = {.dns = "elsewhere.lan", .from = -9 * DAY, .to = -8 * DAY};

	server_priority = versions[_i];
	start.has_pin = 1;
	pin_of_key(start.tls_pin);
	serve(make_certificate(&paper, key, NULL, NULL));
	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
}
END_TEST

START_TEST(names_and_addresses)
{
	static const uint8_t ip[] = {192, 0, 2, 7};
	static const struct {
		const char *host;
		struct paper paper;
		bool fits;
	} table[] = {
		{"192.0.2.7", {.dns = "cam.lan", .ip = ip}, true},
		{"192.0.2.8", {.dns = "cam.lan", .ip = ip}, false},
		{"cam.home.lan", {.dns = "*.home.lan"}, true},
		{"cam.lan", {.dns = "*.lan"}, false},
		{"cam.lan", {.dns = "cam.lan.evil"}, false},
		{"cam.lan", {.ip = ip}, false},
		{"192.0.2.7", {.dns = "cam.lan"}, false},
		{"cam.lan", {.common_name = "cam.lan"}, true},
		{"cam.lan", {.common_name = "cam.lan", .dns = "other.lan"}, false},
	};

	strcpy(start.tls_host, table[_i].host);
	serve(make_certificate(&table[_i].paper, key, ca, ca_key));
	ck_assert_int_eq(open_channel(), 0);
	if (table[_i].fits) {
		ck_assert_int_eq(shake_hands(65536), 0);
		return;
	}
	channel_send(channel, REQUEST, strlen(REQUEST));
	assert_failed(shake_hands(65536), INGEST_FINAL, "is for another host than");
	assert_nothing_said();
}
END_TEST

START_TEST(its_own_certificate_may_be_trusted)
{
	gnutls_x509_crt_t own = make_certificate(&good, key, NULL, NULL);

	give_trust(own);
	serve(own);
	ck_assert_int_eq(channel_open(ours, &start, &failure, &channel), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
}
END_TEST

START_TEST(much_in_both_directions)
{
	static char out[CHANNEL_OUT_BYTES], in[400000], got[400000];
	size_t sent = 0, have = 0;
	unsigned ready = 0;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (char)(i * 7 + i / 251);
	memcpy(out, in, sizeof(out));
	server_priority = versions[_i];
	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
	ck_assert_int_eq(channel_send(channel, out, sizeof(out)), 0);
	read_exactly(got, sizeof(out), 1000);
	ck_assert_int_eq(memcmp(got, out, sizeof(out)), 0);
	/* What is taken in small bites is there without poll() saying so. */
	for (unsigned i = 0; have < sizeof(in); i++) {
		ssize_t n;

		ck_assert_uint_lt(i, STEPS_MAX);
		if (sent < sizeof(in)) {
			n = gnutls_record_send(server, in + sent, sizeof(in) - sent);
			ck_assert(n > 0 || n == GNUTLS_E_AGAIN);
			sent += n > 0 ? (size_t)n : 0;
		}
		ck_assert_int_eq(step(65536), 0);
		do {
			n = channel_recv(channel, got + have,
				sizeof(in) - have < 1000 ? sizeof(in) - have : 1000);
			ck_assert(n > 0 || n == -EAGAIN);
			have += n > 0 ? (size_t)n : 0;
			ready += channel_is_ready(channel);
		} while (channel_is_ready(channel));
	}
	ck_assert_uint_gt(ready, sizeof(in) / 2000);
	ck_assert_int_eq(memcmp(got, in, sizeof(in)), 0);
}
END_TEST

START_TEST(a_camera_that_reads_nothing)
{
	static char buf[CHANNEL_OUT_BYTES];
	unsigned i = 0;

	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
	while (channel_send(channel, buf, sizeof(buf)) == 0)
		ck_assert_uint_lt(i++, 1000);
	ck_assert_int_eq(channel_send(channel, buf, sizeof(buf)), -ENOBUFS);
	ck_assert(channel_events(channel) & POLLOUT);
}
END_TEST

START_TEST(the_end)
{
	char buf[8];

	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
	if (_i == 0)
		gnutls_bye(server, GNUTLS_SHUT_WR);
	else
		hang_up(); /* without a goodbye */
	ck_assert_int_eq(step(65536), 0);
	ck_assert_int_eq(channel_recv(channel, buf, sizeof(buf)), 0);
	ck_assert(!channel_is_ready(channel));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest channel");
	TCase *t = tcase_create("channel");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, handshake_at_once, 0, 3);
	tcase_add_loop_test(t, handshake_byte_by_byte, 0, 3);
	tcase_add_loop_test(t, a_pin_is_all_that_is_asked, 0, 3);
	tcase_add_loop_test(t, names_and_addresses, 0, 9);
	tcase_add_test(t, its_own_certificate_may_be_trusted);
	tcase_add_loop_test(t, much_in_both_directions, 0, 3);
	tcase_add_test(t, a_camera_that_reads_nothing);
	tcase_add_loop_test(t, the_end, 0, 2);
	suite_add_tcase(s, t);
	return unit_run(s);
}
