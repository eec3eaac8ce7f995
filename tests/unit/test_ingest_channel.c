/*
 * mux/ingest/channel, tls and trust: against a TLS server that the test plays, with certificates
 * made here. Between the two the test carries the bytes, in pieces as small as it likes.
 */
#include "mux/ingest/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"
#include "mux/ingest/trust.h"
#include "mux/link/birth.h"
#include "unit.h"

#define REQUEST   "OPTIONS rtsps://cam.lan/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
#define PATIENCE  10u
#define STEPS_MAX 200000u
#define DAY       86400

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

static time_t later_s; /* how much later than now it is, for the code under test */

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = __real_clock_gettime(id, ts);

	ts->tv_sec += later_s;
	return r;
}

/* ---- certificates ------------------------------------------------------------------------- */

struct paper {
	const char *dns, *common_name;
	const uint8_t *ip; /* IPv4 */
	time_t from, to;   /* from now; 0: a day before, a day after */
	bool ca;
};

static gnutls_x509_privkey_t key, ca_key;
static gnutls_x509_crt_t ca;

static gnutls_x509_privkey_t make_key(void)
{
	gnutls_x509_privkey_t k;

	ck_assert_int_eq(gnutls_x509_privkey_init(&k), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	return k;
}

/* of: whose key it certifies. by: NULL for itself. */
static gnutls_x509_crt_t make_certificate(const struct paper *p, gnutls_x509_privkey_t of,
	gnutls_x509_crt_t by, gnutls_x509_privkey_t by_key)
{
	const char *name = p->common_name ? p->common_name : "a test";
	time_t now = time(NULL);
	gnutls_x509_crt_t c;

	ck_assert_int_eq(gnutls_x509_crt_init(&c), 0);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "\1", 1);
	gnutls_x509_crt_set_activation_time(c, now + (p->from ? p->from : -DAY));
	gnutls_x509_crt_set_expiration_time(c, now + (p->to ? p->to : DAY));
	gnutls_x509_crt_set_dn_by_oid(
		c, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	if (p->dns)
		gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, p->dns,
			(unsigned)strlen(p->dns), GNUTLS_FSAN_APPEND);
	if (p->ip)
		gnutls_x509_crt_set_subject_alt_name(
			c, GNUTLS_SAN_IPADDRESS, p->ip, 4, GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_set_basic_constraints(c, p->ca, -1);
	if (p->ca)
		gnutls_x509_crt_set_key_usage(c, GNUTLS_KEY_KEY_CERT_SIGN);
	ck_assert_int_eq(gnutls_x509_crt_set_key(c, of), 0);
	ck_assert_int_eq(
		gnutls_x509_crt_sign2(c, by ? by : c, by ? by_key : of, GNUTLS_DIG_SHA256, 0), 0);
	return c;
}

static void make_authority(void)
{
	const struct paper paper = {.ca = true, .common_name = "an authority"};

	key = make_key();
	ca_key = make_key();
	ca = make_certificate(&paper, ca_key, NULL, NULL);
}

/* The SHA-256 of the public key, computed another way than the code under test does. */
static void pin_of_key(uint8_t ret[TLS_PIN_BYTES])
{
	gnutls_pubkey_t public;
	gnutls_privkey_t private;
	gnutls_datum_t der;

	gnutls_privkey_init(&private);
	gnutls_pubkey_init(&public);
	ck_assert_int_eq(gnutls_privkey_import_x509(private, key, 0), 0);
	ck_assert_int_eq(gnutls_pubkey_import_privkey(public, private, 0, 0), 0);
	ck_assert_int_eq(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_DER, &der), 0);
	gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, ret);
	gnutls_free(der.data);
	gnutls_pubkey_deinit(public);
	gnutls_privkey_deinit(private);
}

/* ---- the two sides and what carries the bytes --------------------------------------------- */

static struct msg_ingest_start start;
static struct failure failure;
static struct channel *channel;
static int ours = -1, ours_mid = -1, theirs = -1, theirs_mid = -1;
static gnutls_session_t server;
static gnutls_certificate_credentials_t server_cred;
static const char *server_priority;
static bool server_open;
static int fds_before;

static int high(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	ck_assert_int_ge(moved, 0);
	close(fd);
	return moved;
}

/* What framemuxd passes: these certificates, or nothing. */
static void give_trust(gnutls_x509_crt_t trusted)
{
	int fd = memfd_create("trust", MFD_CLOEXEC);
	gnutls_datum_t pem;

	if (trusted) {
		ck_assert_int_eq(gnutls_x509_crt_export2(trusted, GNUTLS_X509_FMT_PEM, &pem), 0);
		ck_assert_int_eq(write(fd, pem.data, pem.size), (ssize_t)pem.size);
		lseek(fd, 0, SEEK_SET);
		gnutls_free(pem.data);
	}
	fd = high(fd);
	ck_assert_int_eq(dup2(fd, LINK_FD_INGEST_TRUST), LINK_FD_INGEST_TRUST);
	close(fd);
}

static void connect_them(void)
{
	int a[2], b[2];

	ck_assert_int_eq(sock_pair(SOCK_STREAM, a), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, b), 0);
	ours = high(a[0]);
	ours_mid = high(a[1]);
	theirs = high(b[0]);
	theirs_mid = high(b[1]);
}

static void set_up(void)
{
	fds_before = unit_count_fds();
	later_s = 0;
	make_authority();
	server_priority = "NORMAL";
	server_open = false;
	memset(&failure, 0, sizeof(failure));
	start = (struct msg_ingest_start){.tls = 1, .patience_s = PATIENCE, .tls_host = "cam.lan"};
	connect_them();
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void hang_up(void)
{
	if (server)
		gnutls_deinit(server);
	if (server_cred)
		gnutls_certificate_free_credentials(server_cred);
	server = NULL;
	server_cred = NULL;
	close_one(&theirs);
}

static void tear_down(void)
{
	channel_free(channel);
	channel = NULL;
	hang_up();
	close_one(&ours);
	close_one(&ours_mid);
	close_one(&theirs_mid);
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_privkey_deinit(ca_key);
	gnutls_x509_privkey_deinit(key);
	ck_assert_int_eq(unit_count_fds(), fds_before); /* LINK_FD_INGEST_TRUST too */
}

/* crt is taken over; with may be another's private key. */
static void serve_with(gnutls_x509_crt_t crt, gnutls_x509_privkey_t with)
{
	ck_assert_int_eq(gnutls_certificate_allocate_credentials(&server_cred), 0);
	gnutls_certificate_set_flags(server_cred, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	ck_assert_int_eq(gnutls_certificate_set_x509_key(server_cred, &crt, 1, with), 0);
	gnutls_x509_crt_deinit(crt);
	ck_assert_int_eq(gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
	ck_assert_int_eq(gnutls_priority_set_direct(server, server_priority, NULL), 0);
	gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, server_cred);
	gnutls_transport_set_int(server, theirs);
}

static void serve(gnutls_x509_crt_t crt)
{
	serve_with(crt, key);
}

static void carry(int from, int to, size_t piece)
{
	uint8_t buf[65536];
	ssize_t n = recv(from, buf, piece, MSG_DONTWAIT);

	if (n > 0) /* one who has hung up loses it */
		ck_assert(send(to, buf, (size_t)n, MSG_NOSIGNAL) == n || theirs < 0);
	else if (n == 0)
		shutdown(to, SHUT_WR);
}

/* One step of everybody. channel_run's result. */
static int step(size_t piece)
{
	struct pollfd p = {ours, channel_events(channel), 0};

	carry(ours_mid, theirs_mid, piece);
	if (server && !server_open)
		server_open = gnutls_handshake(server) == 0;
	carry(theirs_mid, ours_mid, piece);
	poll(&p, 1, 0);
	return channel_run(channel, p.revents);
}

static int open_channel(void)
{
	give_trust(start.has_pin ? NULL : ca);
	return channel_open(ours, &start, &failure, &channel);
}

/* Until the handshake is complete on both sides or has failed. */
static int shake_hands(size_t piece)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && !(server_open && channel_is_open(channel)); i++) {
		ck_assert_uint_lt(i, STEPS_MAX);
		r = step(piece);
	}
	return r;
}

static void assert_failed(int r, enum ingest_failure what, const char *part)
{
	ck_assert_int_lt(r, 0);
	ck_assert_msg(
		strstr(failure.reason, part) != NULL, "'%s' is not in '%s'", part, failure.reason);
	ck_assert_int_eq(failure.what, what);
}

/* The camera has not been told a byte of what was queued. */
static void assert_nothing_said(void)
{
	char buf[64];

	for (unsigned i = 0; i < 100; i++) {
		carry(ours_mid, theirs_mid, 65536);
		if (server && !server_open)
			server_open = gnutls_handshake(server) == 0;
	}
	ck_assert(!server_open);
	ck_assert_int_lt(gnutls_record_recv(server, buf, sizeof(buf)), 0);
}

static void read_exactly(char *buf, size_t len, size_t piece)
{
	size_t have = 0;

	for (unsigned i = 0; have < len; i++) {
		ssize_t n = gnutls_record_recv(server, buf + have, len - have);

		ck_assert_uint_lt(i, STEPS_MAX);
		ck_assert(n > 0 || n == GNUTLS_E_AGAIN);
		if (n > 0)
			have += (size_t)n;
		else
			ck_assert_int_eq(step(piece), 0);
	}
}

static const struct paper good = {.dns = "cam.lan"};

static void serve_good(void)
{
	serve(make_certificate(&good, key, ca, ca_key));
}

/* ---- what must work ----------------------------------------------------------------------- */

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

static const char *const versions[] = {
	"NORMAL:-VERS-ALL:+VERS-TLS1.2",
	"NORMAL:-VERS-ALL:+VERS-TLS1.3",
	"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+"
	"SHA1",
};

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

/* ---- what must be refused ----------------------------------------------------------------- */

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
