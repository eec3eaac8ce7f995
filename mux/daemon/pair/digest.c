/* Computes digest answers. Pure code, in framemuxd; the hashes are nettle's. */
#include "mux/daemon/pair/digest.h"

#include <errno.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "mux/daemon/config/url.h"

#define DIGEST_WINDOW_NS (60 * NS_PER_S)

/* H() over texts joined by colons; the list ends in NULL. */
static void hash_joined(
	enum digest_algorithm a, const char *const *parts, char ret_hex[DIGEST_HEX_MAX])
{
	uint8_t out[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	struct md5_ctx md5;
	size_t size = a == DIGEST_SHA256 ? SHA256_DIGEST_SIZE : MD5_DIGEST_SIZE;

	sha256_init(&sha);
	md5_init(&md5);
	for (size_t i = 0; parts[i]; i++) {
		const uint8_t *text = (const uint8_t *)parts[i];
		size_t len = strlen(parts[i]);

		if (a == DIGEST_SHA256) {
			sha256_update(&sha, i ? 1 : 0, (const uint8_t *)":");
			sha256_update(&sha, len, text);
		} else {
			md5_update(&md5, i ? 1 : 0, (const uint8_t *)":");
			md5_update(&md5, len, text);
		}
	}
	if (a == DIGEST_SHA256)
		sha256_digest(&sha, size, out);
	else
		md5_digest(&md5, size, out);
	sodium_bin2hex(ret_hex, DIGEST_HEX_MAX, out, size);
	sodium_memzero(&sha, sizeof(sha));
	sodium_memzero(&md5, sizeof(md5));
	sodium_memzero(out, sizeof(out));
}

int digest_response(const struct digest_input *in, char ret_hex[DIGEST_HEX_MAX])
{
	char ha1[DIGEST_HEX_MAX], ha2[DIGEST_HEX_MAX], nc[9];
	enum digest_algorithm a = in->algorithm;

	if (a != DIGEST_MD5 && a != DIGEST_MD5_SESS && a != DIGEST_SHA256)
		return -EINVAL;
	snprintf(nc, sizeof(nc), "%08x", in->nc);
	hash_joined(a, (const char *[]){in->username, in->realm, in->password, NULL}, ha1);
	if (a == DIGEST_MD5_SESS)
		hash_joined(a, (const char *[]){ha1, in->nonce, in->cnonce, NULL}, ha1);
	hash_joined(a, (const char *[]){in->method, in->uri, NULL}, ha2);
	if (in->qop)
		hash_joined(a, (const char *[]){ha1, in->nonce, nc, in->cnonce, "auth", ha2, NULL},
			ret_hex);
	else
		hash_joined(a, (const char *[]){ha1, in->nonce, ha2, NULL}, ret_hex);
	sodium_memzero(ha1, sizeof(ha1));
	return 0;
}

static const char *method_name(uint32_t method)
{
	switch (method) {
	case RTSP_OPTIONS:
		return "OPTIONS";
	case RTSP_DESCRIBE:
		return "DESCRIBE";
	case RTSP_SETUP:
		return "SETUP";
	case RTSP_PLAY:
		return "PLAY";
	case RTSP_TEARDOWN:
		return "TEARDOWN";
	case RTSP_GET_PARAMETER:
		return "GET_PARAMETER";
	case HTTP_GET:
		return "GET";
	default:
		return NULL;
	}
}

static const char *algorithm_name(uint32_t algorithm)
{
	switch (algorithm) {
	case DIGEST_MD5:
		return "MD5";
	case DIGEST_MD5_SESS:
		return "MD5-sess";
	case DIGEST_SHA256:
		return "SHA-256";
	default:
		return NULL;
	}
}

/* Header under construction; full: something did not fit or was no text. */
struct header {
	char *out;
	size_t size, len;
	bool full;
};

static void add_char(struct header *h, char c)
{
	if (h->len + 1 >= h->size || (unsigned char)c < 0x20 || c == 0x7f) {
		h->full = true;
		return;
	}
	h->out[h->len++] = c;
	h->out[h->len] = 0;
}

static void add(struct header *h, const char *text)
{
	for (; *text; text++)
		add_char(h, *text);
}

/* name="value", quotes and backslashes escaped (RFC 9110 quoted-string). */
static void add_quoted(struct header *h, const char *name, const char *value)
{
	add(h, name);
	add(h, "=\"");
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			add_char(h, '\\');
		add_char(h, *value);
	}
	add_char(h, '"');
}

static bool uri_is_permitted(const struct digest_owner *owner, const struct msg_digest_ask *ask)
{
	if (!strcmp(ask->uri, "*"))
		return ask->method == RTSP_OPTIONS || ask->method == RTSP_GET_PARAMETER;
	return url_covers(owner->url, ask->uri);
}

/* At most DIGEST_PER_MINUTE in any minute: the oldest of the last ones must lie far enough back. */
static bool too_often(struct digest_memory *m, uint64_t now_ns)
{
	uint64_t oldest = m->asked_ns[m->next];

	if (oldest && now_ns - oldest < DIGEST_WINDOW_NS)
		return true;
	m->asked_ns[m->next] = now_ns;
	m->next = (m->next + 1) % DIGEST_PER_MINUTE;
	return false;
}

static void refuse(struct msg_digest_answer *ret, int error, const char *why)
{
	ret->status = (uint32_t)error;
	snprintf(ret->reason, sizeof(ret->reason), "%s", why);
}

static void remember_challenge(
	struct digest_memory *m, const struct msg_digest_ask *ask, const uint8_t *random)
{
	if (!m->has_realm)
		memcpy(m->realm, ask->realm, sizeof(m->realm));
	m->has_realm = true;
	if (m->nc && !strcmp(m->nonce, ask->nonce)) {
		m->nc++;
		return;
	}
	memcpy(m->nonce, ask->nonce, sizeof(m->nonce));
	sodium_bin2hex(m->cnonce, sizeof(m->cnonce), random, DIGEST_CNONCE_BYTES);
	m->nc = 1;
}

void digest_answer(struct digest_memory *memory, const struct digest_owner *owner,
	const struct msg_digest_ask *ask, uint64_t now_ns, const uint8_t *random,
	struct msg_digest_answer *ret)
{
	struct header h = {.out = ret->authorization, .size = sizeof(ret->authorization)};
	const char *method = method_name(ask->method), *algorithm = algorithm_name(ask->algorithm);
	char response[DIGEST_HEX_MAX], nc[9];
	bool with_cnonce;

	memset(ret, 0, sizeof(*ret));
	ret->request = ask->request;
	if (!owner->password) {
		refuse(ret, EACCES, "the camera asks for a password and none is configured");
		return;
	}
	if (!method || !algorithm || ask->qop > 1) {
		refuse(ret, EINVAL, "no such method or algorithm");
		return;
	}
	if (too_often(memory, now_ns)) {
		refuse(ret, EAGAIN, "the camera asks for the password too often");
		return;
	}
	if (!uri_is_permitted(owner, ask)) {
		refuse(ret, EPERM, "the camera asks for a signature outside of its configured URL");
		return;
	}
	if (breakage("daemon-any-realm"))
		memory->has_realm = false;
	if (memory->has_realm && strcmp(memory->realm, ask->realm) != 0) {
		refuse(ret, EPERM,
			"the camera's realm has changed: another camera may be answering");
		return;
	}
	remember_challenge(memory, ask, random);
	digest_response(&(struct digest_input){.algorithm = ask->algorithm,
				.qop = ask->qop,
				.username = owner->username,
				.password = owner->password,
				.realm = memory->realm,
				.nonce = memory->nonce,
				.cnonce = memory->cnonce,
				.method = method,
				.uri = ask->uri,
				.nc = memory->nc},
		response);
	with_cnonce = ask->qop || ask->algorithm == DIGEST_MD5_SESS;
	snprintf(nc, sizeof(nc), "%08x", memory->nc);
	add(&h, "Digest ");
	add_quoted(&h, "username", owner->username);
	add_quoted(&h, ", realm", memory->realm);
	add_quoted(&h, ", nonce", memory->nonce);
	add_quoted(&h, ", uri", ask->uri);
	add_quoted(&h, ", response", response);
	if (ask->named_algorithm) {
		add(&h, ", algorithm=");
		add(&h, algorithm);
	}
	if (with_cnonce)
		add_quoted(&h, ", cnonce", memory->cnonce);
	if (ask->qop) {
		add(&h, ", qop=auth, nc=");
		add(&h, nc);
	}
	if (ask->opaque[0])
		add_quoted(&h, ", opaque", ask->opaque);
	if (h.full) {
		memset(ret->authorization, 0, sizeof(ret->authorization));
		refuse(ret, EMSGSIZE, "the camera's challenge is too long");
	}
}
