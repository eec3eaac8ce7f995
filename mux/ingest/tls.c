/* TLS by GnuTLS, as a client. */
#include "mux/ingest/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/ingest/trust.h"

/* One message of the handshake; a camera's certificates take 1 to 6 KiB. */
#define TLS_HANDSHAKE_BYTES_MAX 32768u

/*
 * 1.2 and 1.3 with X.509 certificates. No finite-field Diffie-Hellman: the camera chooses the size
 * of the numbers, and we compute with them.
 */
#define TLS_PRIORITY                                                                               \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-DHE-RSA:-GROUP-DH-ALL:-CTYPE-ALL:+CTYPE-X509"

struct tls {
	gnutls_session_t session;                     /* owned */
	gnutls_certificate_credentials_t credentials; /* owned; empty: trust.c verifies */
	struct trust trust;                           /* owned, until the handshake is complete */
	struct failure *failure;                      /* borrowed */
	int fd;                                       /* borrowed */
	bool verified, refused;                       /* refused: failure says why */
	bool open, ended;
	bool heard; /* the camera has said something: first is its first byte */
	bool gone;  /* the connection is closed, perhaps within a record */
	uint8_t first;
	uint32_t patience_s;
	uint64_t end_ns; /* of the handshake */
};

/* ---- the socket --------------------------------------------------------------------------- */

static ssize_t on_push(gnutls_transport_ptr_t self, const void *buf, size_t len)
{
	struct tls *t = self;
	ssize_t n;

	do
		n = send(t->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		gnutls_transport_set_errno(t->session, errno);
	return n;
}

static ssize_t on_pull(gnutls_transport_ptr_t self, void *buf, size_t len)
{
	struct tls *t = self;
	ssize_t n;

	do
		n = recv(t->fd, buf, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		gnutls_transport_set_errno(t->session, errno);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
		t->gone = true;
	if (n > 0 && !t->heard) {
		t->heard = true;
		t->first = *(const uint8_t *)buf;
	}
	return n;
}

/* Never asked for, since no function of GnuTLS may wait; its own would poll() the socket. */
static int on_pull_timeout(gnutls_transport_ptr_t self, unsigned ms)
{
	(void)self;
	(void)ms;
	return 1;
}

/* ---- verification ------------------------------------------------------------------------- */

static int on_certificate(gnutls_session_t session)
{
	struct tls *t = gnutls_session_get_ptr(session);
	const gnutls_datum_t *chain;
	unsigned n = 0;

	if (t->verified)
		return 0;
	chain = gnutls_certificate_get_peers(session, &n);
	if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_SERVER) != GNUTLS_CRT_X509)
		chain = NULL;
	if (trust_check(&t->trust, chain, n, t->failure) < 0) {
		t->refused = true;
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	t->verified = true;
	return 0;
}

/*
 * TLS 1.3 would verify the camera's signature first, with a key of whatever size it likes; 1.2 asks
 * on_certificate before that.
 */
static int on_certificate_verify(gnutls_session_t session, unsigned type, unsigned when,
	unsigned incoming, const gnutls_datum_t *msg)
{
	(void)type;
	(void)when;
	(void)msg;
	return incoming ? on_certificate(session) : 0;
}

/* ---- birth and death ---------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static int set_up(struct tls *t, const char *host)
{
	int r = gnutls_certificate_allocate_credentials(&t->credentials);

	if (r < 0)
		return r;
	gnutls_certificate_set_verify_function(t->credentials, on_certificate);
	r = gnutls_init(&t->session,
		GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS);
	if (r < 0)
		return r;
	gnutls_session_set_ptr(t->session, t);
	gnutls_transport_set_ptr(t->session, t);
	gnutls_transport_set_push_function(t->session, on_push);
	gnutls_transport_set_pull_function(t->session, on_pull);
	gnutls_transport_set_pull_timeout_function(t->session, on_pull_timeout);
	gnutls_handshake_set_max_packet_length(t->session, TLS_HANDSHAKE_BYTES_MAX);
	gnutls_handshake_set_hook_function(t->session, GNUTLS_HANDSHAKE_CERTIFICATE_VERIFY,
		GNUTLS_HOOK_PRE, on_certificate_verify);
	r = gnutls_priority_set_direct(t->session, TLS_PRIORITY, NULL);
	if (r == 0)
		r = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->credentials);
	if (r == 0 && host[0] && !is_address(host)) /* RFC 6066 3: no addresses */
		r = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, host, strlen(host));
	return r;
}

int tls_new(int fd, int trust_fd, const struct msg_ingest_start *start, struct failure *failure,
	struct tls **ret)
{
	struct trust trust;
	struct tls *t;
	int r = trust_init(start, trust_fd, failure, &trust);

	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t) {
		trust_clear(&trust);
		return fail_no_memory(failure);
	}
	t->trust = trust;
	t->failure = failure;
	t->fd = fd;
	t->patience_s = start->patience_s;
	t->end_ns = clock_monotonic_ns() + start->patience_s * NS_PER_S;
	r = set_up(t, start->tls_host);
	if (r < 0)
		r = fail(failure, "TLS cannot be set up: %s", gnutls_strerror(r));
	else
		r = tls_run(t);
	if (r < 0) {
		tls_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	if (t->open && !t->ended)
		gnutls_bye(t->session, GNUTLS_SHUT_WR);
	if (t->session)
		gnutls_deinit(t->session);
	if (t->credentials)
		gnutls_certificate_free_credentials(t->credentials);
	trust_clear(&t->trust);
	free(t);
}

/* ---- the handshake ------------------------------------------------------------------------ */

bool tls_is_open(const struct tls *t)
{
	return t->open;
}

short tls_events(const struct tls *t)
{
	return gnutls_record_get_direction(t->session) ? POLLOUT : POLLIN;
}

uint64_t tls_deadline(const struct tls *t)
{
	return t->open ? UINT64_MAX : t->end_ns;
}

static bool is_record(uint8_t first)
{
	return first >= 20 && first <= 24; /* RFC 8446 5.1, RFC 6520 */
}

static const char *alert_name(struct tls *t)
{
	const char *name = gnutls_alert_get_name(gnutls_alert_get(t->session));

	return name ? name : "an unknown alert";
}

static int handshake_failed(struct tls *t, int error)
{
	if (t->heard && is_record(t->first))
		gnutls_alert_send_appropriate(t->session, error);
	t->ended = true;
	if (t->refused)
		return -EPROTO;
	if (t->heard && !is_record(t->first))
		return fail_final(t->failure, "the camera does not speak TLS at this port");
	if (t->gone || error == GNUTLS_E_PUSH_ERROR)
		return fail(t->failure, "camera closed the connection during the TLS handshake");
	switch (error) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return fail_final(t->failure, "the camera refuses TLS: %s", alert_name(t));
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		return fail_final(t->failure, "the camera speaks no TLS newer than 1.1");
	default:
		return fail_final(t->failure, "TLS handshake: %s", gnutls_strerror(error));
	}
}

int tls_run(struct tls *t)
{
	int r;

	if (t->open)
		return 0;
	r = gnutls_handshake(t->session);
	if (r < 0 && gnutls_error_is_fatal(r))
		return handshake_failed(t, r);
	if (r < 0) { /* to be continued */
		if (clock_monotonic_ns() < t->end_ns)
			return 0;
		t->ended = true;
		return fail(t->failure, "TLS handshake: no answer for %u s", t->patience_s);
	}
	if (!t->verified) /* by no way that we know of */
		return fail_final(t->failure, "the camera's certificate was not verified");
	t->open = true;
	trust_clear(&t->trust);
	log_debug("TLS: %s", gnutls_protocol_get_name(gnutls_protocol_get_version(t->session)));
	return 0;
}

/* ---- bytes -------------------------------------------------------------------------------- */

bool tls_is_ready(const struct tls *t)
{
	return t->open && !t->ended && gnutls_record_check_pending(t->session) > 0;
}

ssize_t tls_recv(struct tls *t, void *buf, size_t len)
{
	ssize_t n;

	if (!t->open)
		return -EAGAIN;
	n = gnutls_record_recv(t->session, buf, len);
	if (n > 0)
		return n;
	switch (n) {
	case GNUTLS_E_AGAIN:
	case GNUTLS_E_INTERRUPTED:
	case GNUTLS_E_WARNING_ALERT_RECEIVED:
		return -EAGAIN;
	}
	t->ended = true;
	if (n == 0 || t->gone) /* many leave the goodbye out */
		return 0;
	switch (n) {
	case GNUTLS_E_REHANDSHAKE:
		return fail(t->failure, "camera wants to renegotiate TLS; refused");
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return fail(t->failure, "camera ended TLS: %s", alert_name(t));
	default:
		return fail(t->failure, "TLS: %s", gnutls_strerror((int)n));
	}
}

ssize_t tls_send(struct tls *t, const void *buf, size_t len)
{
	ssize_t n;

	if (!t->open)
		return -EAGAIN;
	if (t->ended)
		return -EPIPE;
	n = gnutls_record_send(t->session, buf, len);
	if (n >= 0)
		return n;
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? -EAGAIN : -EPIPE;
}
