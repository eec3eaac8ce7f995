/* mux/ingest/channel, tls and trust: what must be refused. */
#include "tests/unit/channel_live.h"

START_TEST(another_pin)
{
	uint8_t seen[TLS_PIN_BYTES];
	char text[64];
	gnutls_datum_t raw = {seen, sizeof(seen)}, base64;

	server_priority = versions[_i];
	start.has_pin = 1;
	pin_of_key(seen);
	memcpy(start.tls_pin, seen, sizeof(seen));
	start.tls_pin[TLS_PIN_BYTES - 1] ^= 1;
	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	channel_send(channel, REQUEST, strlen(REQUEST));
	assert_failed(shake_hands(65536), INGEST_BLOCK, "certificate pin differs");
	gnutls_base64_encode2(&raw, &base64);
	snprintf(text, sizeof(text), "sha256//%.*s", (int)base64.size, base64.data);
	gnutls_free(base64.data);
	assert_failed(-1, INGEST_BLOCK, text); /* so that a person can compare */
	assert_nothing_said();
}
END_TEST

START_TEST(certificates_that_are_not_right)
{
	const struct {
		struct paper paper;
		bool by_itself;
		const char *why;
	} table[] = {
		{{.dns = "cam.lan", .from = -9 * DAY, .to = -8 * DAY}, false, "has expired"},
		{{.dns = "cam.lan", .from = DAY, .to = 9 * DAY}, false, "not valid yet"},
		{{.dns = "cam.lan"}, true,
			"not signed by anyone trusted: use tls_pin or tls_ca; "
			"its pin is sha256//"},
		{{.dns = "porch.lan"}, false, "is for another host than cam.lan"},
	};
	const struct paper *paper = &table[_i / 3].paper;
	bool by_itself = table[_i / 3].by_itself;

	server_priority = versions[_i % 3];
	serve(make_certificate(paper, key, by_itself ? NULL : ca, by_itself ? NULL : ca_key));
	ck_assert_int_eq(open_channel(), 0);
	channel_send(channel, REQUEST, strlen(REQUEST));
	assert_failed(shake_hands(65536), INGEST_FINAL, table[_i / 3].why);
	assert_nothing_said();
}
END_TEST

/* Signed by a certificate that may not sign, of somebody who is trusted. */
START_TEST(not_everybody_may_sign)
{
	const struct paper middle = {.dns = "somebody.lan", .common_name = "somebody"};
	gnutls_x509_privkey_t middle_key = make_key();
	gnutls_x509_crt_t chain[2];

	chain[1] = make_certificate(&middle, middle_key, ca, ca_key);
	chain[0] = make_certificate(&good, key, chain[1], middle_key);
	serve_good();
	gnutls_certificate_free_keys(server_cred);
	ck_assert_int_eq(gnutls_certificate_set_x509_key(server_cred, chain, 2, key), 0);
	ck_assert_int_eq(open_channel(), 0);
	assert_failed(shake_hands(65536), INGEST_FINAL, "the camera's certificate is not");
	assert_nothing_said();
	gnutls_x509_crt_deinit(chain[0]);
	gnutls_x509_crt_deinit(chain[1]);
	gnutls_x509_privkey_deinit(middle_key);
}
END_TEST

START_TEST(nothing_to_trust)
{
	give_trust(NULL);
	assert_failed(channel_open(ours, &start, &failure, &channel), INGEST_FINAL, "is empty");
	dup2(theirs, LINK_FD_INGEST_TRUST);
	assert_failed(
		channel_open(ours, &start, &failure, &channel), INGEST_FINAL, "no plain file");
	start.tls_host[0] = 0;
	give_trust(ca);
	assert_failed(channel_open(ours, &start, &failure, &channel), INGEST_FINAL, "no host name");
}
END_TEST

START_TEST(rubbish_to_trust)
{
	int fd = memfd_create("trust", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, "no certificate\n", 15), 15);
	lseek(fd, 0, SEEK_SET);
	fd = high(fd);
	dup2(fd, LINK_FD_INGEST_TRUST);
	close(fd);
	serve_good();
	ck_assert_int_eq(channel_open(ours, &start, &failure, &channel), 0);
	assert_failed(shake_hands(65536), INGEST_FINAL, "holds none");
	assert_nothing_said();
}
END_TEST

/* A certificate is no secret: whoever shows it must also have its key. */
START_TEST(somebody_elses_certificate)
{
	gnutls_x509_privkey_t other = make_key();

	server_priority = versions[_i / 2];
	if (_i % 2) {
		start.has_pin = 1;
		pin_of_key(start.tls_pin);
	}
	serve_with(make_certificate(&good, key, ca, ca_key), other);
	gnutls_x509_privkey_deinit(other);
	ck_assert_int_eq(open_channel(), 0);
	channel_send(channel, REQUEST, strlen(REQUEST));
	assert_failed(shake_hands(65536), INGEST_FINAL, "TLS handshake: ");
	assert_nothing_said();
}
END_TEST

/* For an RSA key with a modulus of that many bits, of which nobody has the private part. */
static gnutls_x509_crt_t make_huge(unsigned bits)
{
	static uint8_t modulus[4096];
	const gnutls_datum_t m = {modulus, bits / 8}, e = {(uint8_t *)"\1\0\1", 3};
	gnutls_x509_crt_t c = make_certificate(&good, key, NULL, NULL);
	gnutls_pubkey_t public;

	memset(modulus, 0xff, sizeof(modulus));
	gnutls_pubkey_init(&public);
	ck_assert_int_eq(gnutls_pubkey_import_rsa_raw(public, &m, &e), 0);
	ck_assert_int_eq(gnutls_x509_crt_set_pubkey(c, public), 0);
	ck_assert_int_eq(gnutls_x509_crt_sign2(c, ca, ca_key, GNUTLS_DIG_SHA256, 0), 0);
	gnutls_pubkey_deinit(public);
	return c;
}

/* Refused before its signature is computed with. */
START_TEST(a_key_that_would_take_minutes)
{
	gnutls_x509_privkey_t rsa;

	gnutls_x509_privkey_init(&rsa);
	ck_assert_int_eq(gnutls_x509_privkey_generate(rsa, GNUTLS_PK_RSA, 2048, 0), 0);
	server_priority = _i ? "NORMAL:-VERS-ALL:+VERS-TLS1.3" : "NORMAL:-VERS-ALL:+VERS-TLS1.2";
	serve_with(make_huge(TRUST_KEY_BITS_MAX + 64), rsa);
	gnutls_x509_privkey_deinit(rsa);
	ck_assert_int_eq(open_channel(), 0);
	channel_send(channel, REQUEST, strlen(REQUEST));
	assert_failed(shake_hands(65536), INGEST_FINAL, "larger than 16384 bits");
	assert_nothing_said();
}
END_TEST

START_TEST(no_certificate_at_all)
{
	struct trust trust = {.has_pin = true};
	gnutls_x509_crt_t c = make_certificate(&good, key, NULL, NULL);
	gnutls_datum_t der;

	ck_assert_int_eq(gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_DER, &der), 0);
	der.size -= 9;
	assert_failed(trust_check(&trust, &der, 1, &failure), INGEST_FINAL, "malformed");
	assert_failed(trust_check(&trust, NULL, 0, &failure), INGEST_FINAL, "no certificate");
	gnutls_free(der.data);
	gnutls_x509_crt_deinit(c);
}
END_TEST

START_TEST(plain_text)
{
	static const char *const said[] = {"RTSP/1.0 400 Bad Request\r\nCSeq: 0\r\n\r\n",
		"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "\0\0\0\0\0\0\0\0"};
	int r = 0;

	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_gt(send(theirs, said[_i], _i == 3 ? 8 : strlen(said[_i]), 0), 0);
	for (unsigned i = 0; r == 0 && i < 100; i++)
		r = step(7);
	assert_failed(r, INGEST_FINAL, "does not speak TLS");
}
END_TEST

START_TEST(old_versions)
{
	server_priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0";
	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	assert_failed(shake_hands(65536), INGEST_FINAL, "TLS");
	assert_nothing_said();
}
END_TEST

START_TEST(closed_in_the_handshake)
{
	char lost[65536];
	int r = 0;

	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	for (int i = 0; i < _i * 300; i++)
		ck_assert_int_eq(step(1), 0);
	ck_assert(!channel_is_open(channel));
	hang_up();
	while (recv(theirs_mid, lost, sizeof(lost), MSG_DONTWAIT) > 0)
		;
	for (unsigned i = 0; r == 0 && i < STEPS_MAX; i++)
		r = step(65536);
	assert_failed(r, INGEST_AGAIN, "closed the connection during the TLS handshake");
}
END_TEST

/* A byte now and then does not help: the whole handshake has its time. */
START_TEST(stalled_in_the_handshake)
{
	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	for (unsigned i = 0; i < PATIENCE - 1; i++) {
		later_s++;
		for (unsigned k = 0; k < 20; k++)
			ck_assert_int_eq(step(1), 0);
	}
	ck_assert_uint_le(channel_deadline(channel), clock_monotonic_ns() + NS_PER_S);
	later_s += 2;
	assert_failed(step(1), INGEST_AGAIN, "TLS handshake: no answer for 10 s");
}
END_TEST

START_TEST(renegotiation)
{
	char buf[8];
	ssize_t n;

	server_priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
	gnutls_rehandshake(server);
	do {
		ck_assert_int_eq(step(65536), 0);
		n = channel_recv(channel, buf, sizeof(buf));
	} while (n == -EAGAIN);
	assert_failed((int)n, INGEST_AGAIN, "renegotiate");
}
END_TEST

/* A bit that was changed on the way ends it. */
START_TEST(a_changed_record)
{
	uint8_t buf[4096];
	ssize_t n;

	serve_good();
	ck_assert_int_eq(open_channel(), 0);
	ck_assert_int_eq(shake_hands(65536), 0);
	step(65536);
	while (channel_recv(channel, buf, sizeof(buf)) > 0)
		;
	gnutls_record_send(server, "picture", 7);
	n = recv(theirs_mid, buf, sizeof(buf), 0);
	ck_assert_int_gt(n, 10);
	buf[n - 1] ^= 1;
	ck_assert_int_eq(send(ours_mid, buf, (size_t)n, 0), n);
	n = channel_recv(channel, buf, sizeof(buf));
	if (n == -EAGAIN) /* tickets came before it */
		n = channel_recv(channel, buf, sizeof(buf));
	assert_failed((int)n, INGEST_AGAIN, "TLS: ");
}
END_TEST

START_TEST(without_tls)
{
	char buf[64];

	start.tls = 0;
	ck_assert_int_eq(channel_open(ours, &start, &failure, &channel), 0);
	ck_assert(channel_is_open(channel));
	ck_assert_uint_eq(channel_deadline(channel), UINT64_MAX);
	ck_assert_int_eq(channel_send(channel, "ping", 4), 0);
	ck_assert_int_eq(recv(ours_mid, buf, sizeof(buf), MSG_DONTWAIT), 4);
	ck_assert_int_eq(channel_recv(channel, buf, sizeof(buf)), -EAGAIN);
	close_one(&ours_mid);
	ck_assert_int_eq(channel_recv(channel, buf, sizeof(buf)), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ingest channel refused");
	TCase *t = tcase_create("channel");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, another_pin, 0, 3);
	tcase_add_loop_test(t, certificates_that_are_not_right, 0, 12);
	tcase_add_test(t, not_everybody_may_sign);
	tcase_add_test(t, nothing_to_trust);
	tcase_add_test(t, rubbish_to_trust);
	tcase_add_loop_test(t, somebody_elses_certificate, 0, 6);
	tcase_add_loop_test(t, a_key_that_would_take_minutes, 0, 2);
	tcase_add_test(t, no_certificate_at_all);
	tcase_add_loop_test(t, plain_text, 0, 4);
	tcase_add_test(t, old_versions);
	tcase_add_loop_test(t, closed_in_the_handshake, 0, 3);
	tcase_add_test(t, stalled_in_the_handshake);
	tcase_add_test(t, renegotiation);
	tcase_add_test(t, a_changed_record);
	tcase_add_test(t, without_tls);
	suite_add_tcase(s, t);
	return unit_run(s);
}
