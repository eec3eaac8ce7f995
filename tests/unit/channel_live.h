/*
 * A channel of ingest against a TLS server that the test plays, with certificates made here. Between the
 * two the test carries the bytes, in pieces as small as it likes. For one including file each, linked
 * with --wrap=clock_gettime.
 */
#ifndef FRAMEMUX_TESTS_CHANNEL_LIVE_H
#define FRAMEMUX_TESTS_CHANNEL_LIVE_H

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
#include "mux/ingest/channel.h"
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

/* ---- certificates ------------------------------------------------------------------------------ */

struct paper {
	const char *dns, *common_name;
	const uint8_t *ip; /* IPv4 */
	time_t from, to;   /* from now; 0: a day before, a day after */
	bool ca;
};

static gnutls_x509_privkey_t key, ca_key;
static gnutls_x509_crt_t ca;

static inline gnutls_x509_privkey_t make_key(void)
{
	gnutls_x509_privkey_t k;

	ck_assert_int_eq(gnutls_x509_privkey_init(&k), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(k, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	return k;
}

/* of: whose key it certifies. by: NULL for itself. */
static inline gnutls_x509_crt_t make_certificate(const struct paper *p, gnutls_x509_privkey_t of,
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

static inline void make_authority(void)
{
	const struct paper paper = {.ca = true, .common_name = "an authority"};

	key = make_key();
	ca_key = make_key();
	ca = make_certificate(&paper, ca_key, NULL, NULL);
}

/* The SHA-256 of the public key, computed another way than the code under test does. */
static inline void pin_of_key(uint8_t ret[TLS_PIN_BYTES])
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

/* ---- the two sides and what carries the bytes -------------------------------------------------- */

static struct msg_ingest_start start;
static struct failure failure;
static struct channel *channel;
static int ours = -1, ours_mid = -1, theirs = -1, theirs_mid = -1;
static gnutls_session_t server;
static gnutls_certificate_credentials_t server_cred;
static const char *server_priority;
static bool server_open;
static int fds_before;

static inline int high(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 100);

	ck_assert_int_ge(moved, 0);
	close(fd);
	return moved;
}

/* What framemuxd passes: these certificates, or nothing. */
static inline void give_trust(gnutls_x509_crt_t trusted)
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

static inline void connect_them(void)
{
	int a[2], b[2];

	ck_assert_int_eq(sock_pair(SOCK_STREAM, a), 0);
	ck_assert_int_eq(sock_pair(SOCK_STREAM, b), 0);
	ours = high(a[0]);
	ours_mid = high(a[1]);
	theirs = high(b[0]);
	theirs_mid = high(b[1]);
}

static inline void set_up(void)
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

static inline void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void hang_up(void)
{
	if (server)
		gnutls_deinit(server);
	if (server_cred)
		gnutls_certificate_free_credentials(server_cred);
	server = NULL;
	server_cred = NULL;
	close_one(&theirs);
}

static inline void tear_down(void)
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
static inline void serve_with(gnutls_x509_crt_t crt, gnutls_x509_privkey_t with)
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

static inline void serve(gnutls_x509_crt_t crt)
{
	serve_with(crt, key);
}

static inline void carry(int from, int to, size_t piece)
{
	uint8_t buf[65536];
	ssize_t n = recv(from, buf, piece, MSG_DONTWAIT);

	if (n > 0) /* one who has hung up loses it */
		ck_assert(send(to, buf, (size_t)n, MSG_NOSIGNAL) == n || theirs < 0);
	else if (n == 0)
		shutdown(to, SHUT_WR);
}

/* One step of everybody. channel_run's result. */
static inline int step(size_t piece)
{
	struct pollfd p = {ours, channel_events(channel), 0};

	carry(ours_mid, theirs_mid, piece);
	if (server && !server_open)
		server_open = gnutls_handshake(server) == 0;
	carry(theirs_mid, ours_mid, piece);
	poll(&p, 1, 0);
	return channel_run(channel, p.revents);
}

static inline int open_channel(void)
{
	give_trust(start.has_pin ? NULL : ca);
	return channel_open(ours, &start, &failure, &channel);
}

/* Until the handshake is complete on both sides or has failed. */
static inline int shake_hands(size_t piece)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && !(server_open && channel_is_open(channel)); i++) {
		ck_assert_uint_lt(i, STEPS_MAX);
		r = step(piece);
	}
	return r;
}

static inline void assert_failed(int r, enum ingest_failure what, const char *part)
{
	ck_assert_int_lt(r, 0);
	ck_assert_msg(
		strstr(failure.reason, part) != NULL, "'%s' is not in '%s'", part, failure.reason);
	ck_assert_int_eq(failure.what, what);
}

/* The camera has not been told a byte of what was queued. */
static inline void assert_nothing_said(void)
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

static inline void read_exactly(char *buf, size_t len, size_t piece)
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

static inline void serve_good(void)
{
	serve(make_certificate(&good, key, ca, ca_key));
}

static const char *const versions[] = {
	"NORMAL:-VERS-ALL:+VERS-TLS1.2",
	"NORMAL:-VERS-ALL:+VERS-TLS1.3",
	"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+"
	"SHA1",
};

#endif
