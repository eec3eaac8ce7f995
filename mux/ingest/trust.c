/* A camera's certificates against what is configured. */
#include "mux/ingest/trust.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"

#define PIN_PREFIX     "sha256//"
#define PIN_TEXT_BYTES (sizeof(PIN_PREFIX) + 44)

/*
 * 2048 bits of RSA, SHA-2. Whoever has an older key than that can still pin it: then nothing depends
 * on signatures.
 */
#define VERIFY_FLAGS GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM)

/* ---- what is trusted ---------------------------------------------------------------------- */

static int read_whole(int fd, uint8_t *buf, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, buf + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		have += (size_t)n;
	}
	return 0;
}

static int read_pem(int fd, struct failure *failure, gnutls_datum_t *ret)
{
	cleanup_free uint8_t *buf = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail_final(failure, "the certificates to trust are no plain file");
	if (st.st_size <= 0 || st.st_size > TRUST_PEM_BYTES_MAX)
		return fail_final(failure, "the file of certificates to trust %s",
			st.st_size <= 0 ? "is empty" : "is larger than 512 KiB");
	buf = malloc((size_t)st.st_size);
	if (!buf)
		return fail_no_memory(failure);
	if (read_whole(fd, buf, (size_t)st.st_size) < 0)
		return fail(failure, "the file of certificates to trust cannot be read");
	ret->data = buf;
	ret->size = (unsigned)st.st_size;
	buf = NULL;
	return 0;
}

int trust_init(
	const struct msg_ingest_start *start, int fd, struct failure *failure, struct trust *ret)
{
	cleanup_fd int owned = fd;
	struct trust t = {.has_pin = start->has_pin};
	int r;

	memcpy(t.pin, start->tls_pin, sizeof(t.pin));
	memcpy(t.host, start->tls_host, sizeof(t.host));
	if (!t.has_pin) {
		if (!t.host[0])
			return fail_final(failure, "no host name to compare the certificate with");
		r = read_pem(owned, failure, &t.pem);
		if (r < 0)
			return r;
	}
	*ret = t;
	return 0;
}

void trust_clear(struct trust *t)
{
	free(t->pem.data);
	memset(t, 0, sizeof(*t));
}

/* ---- what the camera shows ---------------------------------------------------------------- */

static int import(const gnutls_datum_t *der, struct failure *failure, gnutls_x509_crt_t *ret)
{
	gnutls_x509_crt_t crt;

	if (gnutls_x509_crt_init(&crt) < 0)
		return fail_no_memory(failure);
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(crt);
		return fail_final(failure, "the camera's certificate is malformed");
	}
	*ret = crt;
	return 0;
}

/* The SHA-256 of the SubjectPublicKeyInfo. */
static int pin_of(gnutls_x509_crt_t crt, struct failure *failure, uint8_t ret[TLS_PIN_BYTES])
{
	size_t len = TLS_PIN_BYTES;

	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, ret, &len) < 0 ||
		len != TLS_PIN_BYTES)
		return fail_final(failure, "the camera's key is of an unknown kind");
	return 0;
}

static void pin_text(const uint8_t pin[TLS_PIN_BYTES], char ret[PIN_TEXT_BYTES])
{
	memcpy(ret, PIN_PREFIX, sizeof(PIN_PREFIX));
	sodium_bin2base64(ret + sizeof(PIN_PREFIX) - 1, PIN_TEXT_BYTES - sizeof(PIN_PREFIX) + 1,
		pin, TLS_PIN_BYTES, sodium_base64_VARIANT_ORIGINAL);
}

static int check_key_size(gnutls_x509_crt_t crt, struct failure *failure)
{
	unsigned bits = 0;

	if (gnutls_x509_crt_get_pk_algorithm(crt, &bits) < 0 || bits > TRUST_KEY_BITS_MAX)
		return fail_final(failure, "the camera's key is unknown or larger than %u bits",
			TRUST_KEY_BITS_MAX);
	return 0;
}

static int check_pin(
	const struct trust *t, const uint8_t seen[TLS_PIN_BYTES], struct failure *failure)
{
	char text[PIN_TEXT_BYTES];

	if (sodium_memcmp(seen, t->pin, TLS_PIN_BYTES) == 0)
		return 0;
	pin_text(seen, text);
	return fail_as(failure, INGEST_BLOCK, "certificate pin differs: the camera's is %s", text);
}

enum tail { TAIL_NOTHING, TAIL_HOST, TAIL_PIN };

/* The first that applies: a certificate of nobody's is that, whatever else is wrong with it. */
static const struct refusal {
	unsigned status; /* any of these bits */
	enum tail tail;
	const char *why;
} refusals[] = {
	{GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA, TAIL_PIN,
		"is not signed by anyone trusted: use tls_pin or tls_ca; its pin is "},
	{GNUTLS_CERT_EXPIRED, TAIL_NOTHING, "has expired"},
	{GNUTLS_CERT_NOT_ACTIVATED, TAIL_NOTHING,
		"is not valid yet; is this machine's clock right?"},
	{GNUTLS_CERT_UNEXPECTED_OWNER, TAIL_HOST, "is for another host than "},
	{GNUTLS_CERT_INSECURE_ALGORITHM, TAIL_PIN, "is signed too weakly; its pin is "},
	{GNUTLS_CERT_PURPOSE_MISMATCH, TAIL_NOTHING, "is not one of a server"},
	{~0u, TAIL_PIN, "is not valid; its pin is "},
};

static int refuse(const struct trust *t, unsigned status, const uint8_t seen[TLS_PIN_BYTES],
	struct failure *failure)
{
	char pin[PIN_TEXT_BYTES];
	const char *const tails[] = {[TAIL_HOST] = t->host, [TAIL_PIN] = pin, [TAIL_NOTHING] = ""};
	const struct refusal *r = refusals;

	pin_text(seen, pin);
	while (!(status & r->status))
		r++;
	return fail_final(failure, "the camera's certificate %s%.63s", r->why, tails[r->tail]);
}

/* certs: all of the chain. */
static int check_signed(const struct trust *t, gnutls_x509_crt_t *certs, unsigned n,
	const uint8_t seen[TLS_PIN_BYTES], struct failure *failure)
{
	gnutls_typed_vdata_st wanted[] = {
		{GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)t->host, 0},
		{GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER, 0},
	};
	gnutls_x509_trust_list_t list;
	unsigned status = ~0u;
	int r;

	if (gnutls_x509_trust_list_init(&list, 0) < 0)
		return fail_no_memory(failure);
	r = gnutls_x509_trust_list_add_trust_mem(list, &t->pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (r == GNUTLS_E_MEMORY_ERROR)
		r = fail_no_memory(failure);
	else if (r <= 0)
		r = fail_final(
			failure, "the file of certificates to trust holds none or a malformed one");
	else if (gnutls_x509_trust_list_verify_crt2(list, certs, n, wanted, ARRAY_SIZE(wanted),
			 VERIFY_FLAGS, &status, NULL) < 0)
		r = fail_final(failure, "the camera's certificate cannot be checked");
	else
		r = status == 0 ? 0 : refuse(t, status, seen, failure);
	gnutls_x509_trust_list_deinit(list, 1);
	return r;
}

static int check_chain(const struct trust *t, gnutls_x509_crt_t leaf, const gnutls_datum_t *chain,
	unsigned n_chain, const uint8_t seen[TLS_PIN_BYTES], struct failure *failure)
{
	gnutls_x509_crt_t certs[TRUST_CHAIN_MAX] = {leaf};
	unsigned n = 1;
	int r = 0;

	if (n_chain > TRUST_CHAIN_MAX)
		return fail_final(
			failure, "the camera shows more than %u certificates", TRUST_CHAIN_MAX);
	for (; r == 0 && n < n_chain; n += r == 0)
		r = import(&chain[n], failure, &certs[n]);
	if (r == 0)
		r = check_signed(t, certs, n, seen, failure);
	while (n > 1)
		gnutls_x509_crt_deinit(certs[--n]);
	return r;
}

int trust_check(const struct trust *t, const gnutls_datum_t *chain, unsigned n_chain,
	struct failure *failure)
{
	uint8_t seen[TLS_PIN_BYTES];
	gnutls_x509_crt_t leaf;
	int r;

	if (!chain || !n_chain)
		return fail_final(failure, "the camera shows no certificate");
	if (breakage("ingest-skip-verify"))
		return 0;
	r = import(&chain[0], failure, &leaf);
	if (r < 0)
		return r;
	r = check_key_size(leaf, failure);
	if (r == 0)
		r = pin_of(leaf, failure, seen);
	if (r == 0)
		r = t->has_pin ? check_pin(t, seen, failure)
			       : check_chain(t, leaf, chain, n_chain, seen, failure);
	gnutls_x509_crt_deinit(leaf);
	return r;
}
