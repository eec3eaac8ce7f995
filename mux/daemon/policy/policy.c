/* Reads policies and judges cameras by them. Pure code, in framemuxd. */
#include "mux/daemon/policy/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/number.h"
#include "common/text.h"
#include "mux/daemon/policy/policy_keys.h"

#define MAGIC      "framemux-policy 1\n"
#define WORDS_MAX  4u
#define ROOM_FIRST 16u

/* ---- the bundle ---------------------------------------------------------------------- */

static int no_bundle(char why[POLICY_WHY], const char *what)
{
	snprintf(why, POLICY_WHY, "%s", what);
	return -EBADMSG;
}

int policy_split(const char *bytes, size_t len, size_t *ret_body_len, char ret_why[POLICY_WHY])
{
	static const char mark[] = "\n" POLICY_SIGNATURE_WORD;
	const char *found;

	if (len > POLICY_BYTES_MAX)
		return no_bundle(ret_why, "that is no policy: it is larger than 64 KiB");
	if (len < strlen(MAGIC) || memcmp(bytes, MAGIC, strlen(MAGIC)) != 0)
		return no_bundle(
			ret_why, "that is no policy: its first line is not \"framemux-policy 1\"");
	if (bytes[len - 1] != '\n')
		return no_bundle(ret_why, "that is no policy: its last line has no end");
	if (memchr(bytes, 0, len))
		return no_bundle(ret_why, "that is no policy: it is no text");
	found = memmem(bytes, len, mark, strlen(mark));
	*ret_body_len = found ? (size_t)(found - bytes) + 1 : len;
	return 0;
}

void policy_hash(const char *body, size_t len, uint8_t ret[POLICY_HASH_BYTES])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, POLICY_HASH_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)POLICY_DOMAIN, sizeof(POLICY_DOMAIN));
	crypto_generichash_update(&h, (const uint8_t *)body, len);
	crypto_generichash_final(&h, ret, POLICY_HASH_BYTES);
}

/* ---- times --------------------------------------------------------------------------- */

void policy_time_text(uint64_t unix_s, char ret[UTC_TEXT_MAX])
{
	utc_text(unix_s, ret);
	if (unix_s == POLICY_NEVER || !*ret)
		memcpy(ret, "never", sizeof("never"));
}

int policy_time_parse(const char *text, uint64_t *ret_s)
{
	uint64_t ms;

	if (strlen(text) != UTC_S_LEN || utc_parse(text, UTC_S_LEN, &ms) < 0)
		return -EINVAL;
	*ret_s = ms / 1000;
	return 0;
}

/* ---- lines --------------------------------------------------------------------------- */

struct reader {
	struct policy *policy; /* borrowed */
	bool has_version, has_issued, has_expires;
	unsigned line;
	char *why; /* POLICY_WHY bytes; borrowed */
};

static int fail(const struct reader *r, const char *what)
{
	snprintf(r->why, POLICY_WHY, "line %u: %s", r->line, what);
	return -EBADMSG;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		strchr("._:/+=-", c) != NULL;
}

/*
 * A word is bare, or in double quotes with neither a quote nor a backslash in it; words are one
 * blank apart. The first is bare: by it whoever reads the text knows a statement. line is cut up. The number of words, 0 for what is none of that.
 */
static unsigned cut_words(char *line, const char *words[WORDS_MAX])
{
	unsigned n = 0;
	char *p = line;

	for (;;) {
		bool is_quoted = *p == '"';
		char *end;

		if (n == WORDS_MAX || (is_quoted && n == 0))
			return 0;
		p += is_quoted;
		words[n++] = end = p;
		while (*end && (is_quoted ? *end != '"' && *end != '\\' : is_bare(*end)))
			end++;
		if (end == p || (is_quoted && *end != '"'))
			return 0;
		p = end + is_quoted;
		if (!*p || *p == ' ') {
			bool is_last = !*p;

			*end = 0;
			if (is_last)
				return n;
			p++;
			continue;
		}
		return 0;
	}
}

static int take_header(struct reader *r, const char *const *w)
{
	struct policy *p = r->policy;
	bool *has = !strcmp(w[0], "version") ? &r->has_version
		: !strcmp(w[0], "issued")    ? &r->has_issued
					     : &r->has_expires;

	if (*has)
		return fail(r, "it is there twice");
	*has = true;
	if (has == &r->has_version)
		return number_parse(w[1], 1, UINT64_MAX, &p->version) < 0
			? fail(r, "a version is a whole number from 1 on")
			: 0;
	if (has == &r->has_expires && !strcmp(w[1], "never")) {
		p->expires_s = POLICY_NEVER;
		return 0;
	}
	return policy_time_parse(w[1], has == &r->has_issued ? &p->issued_s : &p->expires_s) < 0
		? fail(r, "a time is written as 2026-11-28T12:00:00Z")
		: 0;
}

static int take_name(const struct reader *r, const char *word, char ret[LIMIT_LABEL])
{
	if (strlen(word) >= LIMIT_LABEL)
		return fail(r, "a name has at most 63 bytes");
	memcpy(ret, word, strlen(word) + 1);
	return 0;
}

static int take_pin(const struct reader *r, const char *word, uint8_t ret[TLS_PIN_BYTES])
{
	static const char prefix[] = "sha256//";
	size_t n = sizeof(prefix) - 1, len = 0;

	if (strncmp(word, prefix, n) != 0 ||
		policy_base64(word + n, strlen(word + n), ret, TLS_PIN_BYTES, &len) < 0 ||
		len != TLS_PIN_BYTES)
		return fail(r, "a pin is sha256// and the 44 characters of a public key's hash");
	return 0;
}

/* The statements: their words but for names, and how many words there are in all. */
static const struct {
	const char *verb, *what;
	unsigned n_words;
	enum policy_kind kind;
} forms[] = {
	{"block", "vendor", 3, POLICY_BLOCK_VENDOR},
	{"block", "model", 4, POLICY_BLOCK_MODEL},
	{"block", "pin", 3, POLICY_BLOCK_PIN},
	{"require", "tls", 2, POLICY_REQUIRE_TLS},
	{"require", "pin", 2, POLICY_REQUIRE_PIN},
	{"require", "fingerprint", 2, POLICY_REQUIRE_FINGERPRINT},
	{"require", "digest", 2, POLICY_REQUIRE_DIGEST},
	{"permit", "model", 4, POLICY_PERMIT_MODEL},
};

static int add(struct reader *r, const struct policy_statement *s)
{
	struct policy *p = r->policy;
	size_t room = p->room ? 2 * p->room : ROOM_FIRST;
	void *grown;

	if (p->n == POLICY_STATEMENTS_MAX)
		return fail(r, "more than 1024 statements");
	if (p->n == p->room) {
		grown = reallocarray(p->statements, room, sizeof(*p->statements));
		if (!grown)
			return -ENOMEM;
		p->statements = grown;
		p->room = room;
	}
	p->statements[p->n++] = *s;
	return 0;
}

static int take_statement(struct reader *r, const char *const *w, unsigned n)
{
	struct policy_statement s = {0};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (n == forms[i].n_words && !strcmp(w[0], forms[i].verb) &&
			!strcmp(w[1], forms[i].what))
			s.kind = forms[i].kind;
	switch ((int)s.kind) {
	case 0: /* whatever it was to forbid, an older framemux would permit it */
		return fail(r, "this framemux does not know that statement");
	case POLICY_BLOCK_PIN:
		rc = take_pin(r, w[2], s.pin);
		break;
	case POLICY_BLOCK_MODEL:
	case POLICY_PERMIT_MODEL:
		rc = take_name(r, w[3], s.model);
		__attribute__((fallthrough));
	case POLICY_BLOCK_VENDOR:
		if (!rc)
			rc = take_name(r, w[2], s.vendor);
		break;
	default:
		break;
	}
	return rc < 0 ? rc : add(r, &s);
}

static int take_line(struct reader *r, char *line)
{
	const char *w[WORDS_MAX];
	unsigned n;

	if (!*line || *line == '#')
		return 0;
	n = cut_words(line, w);
	if (n < 2)
		return fail(r,
			"words are one blank apart; others than A-Za-z0-9._:/+=- in \"\", "
			"but not the first");
	if (n == 2 &&
		(!strcmp(w[0], "version") || !strcmp(w[0], "issued") || !strcmp(w[0], "expires")))
		return take_header(r, w);
	if (n == 2 && !strcmp(w[0], "fleet"))
		return r->policy->fleet[0] ? fail(r, "it is there twice")
					   : take_name(r, w[1], r->policy->fleet);
	return take_statement(r, w, n);
}

static int take_lines(struct reader *r, const char *body, size_t len)
{
	const char *end = body + len;
	char line[POLICY_LINE_MAX];
	int rc = 0;

	for (const char *at = body; !rc && at < end; r->line++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((eol ? eol : end) - at);

		if (n >= sizeof(line))
			return fail(r, "it is longer than 511 bytes");
		if (!text_is_plain(at, n))
			return fail(r, "it is no plain text");
		memcpy(line, at, n);
		line[n] = 0;
		if (r->line > 1) /* the first is the mark of a bundle */
			rc = take_line(r, line);
		at += n + 1;
	}
	return rc;
}

int policy_parse(const char *body, size_t len, struct policy **ret, char ret_why[POLICY_WHY])
{
	struct policy *p = calloc(1, sizeof(*p));
	struct reader r = {.policy = p, .line = 1, .why = ret_why};
	int rc = p ? take_lines(&r, body, len) : -ENOMEM;

	if (rc == -ENOMEM)
		snprintf(ret_why, POLICY_WHY, "framemuxd is short of memory");
	if (!rc && (!r.has_version || !r.has_issued || !r.has_expires))
		rc = no_bundle(ret_why, "version, issued or expires is missing");
	if (!rc && p->expires_s <= p->issued_s)
		rc = no_bundle(ret_why, "it expires before it is issued");
	if (rc < 0) {
		policy_free(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->statements);
	free(p);
}

/* ---- judging ------------------------------------------------------------------------- */

bool policy_is_expired(const struct policy *p, uint64_t now_s)
{
	return now_s >= p->expires_s;
}

static bool is_on_network(const struct camera_record *cam)
{
	return cam->kind == INGEST_RTSP || cam->kind == INGEST_HTTP;
}

/* Names that are blocked are compared loosely, names that are permitted exactly: when in doubt, no. */
static bool concerns(const struct policy_statement *s, const struct camera_record *cam)
{
	bool on_network = is_on_network(cam);

	switch (s->kind) {
	case POLICY_BLOCK_VENDOR:
		return !strcasecmp(s->vendor, cam->vendor);
	case POLICY_BLOCK_MODEL:
		return !strcasecmp(s->vendor, cam->vendor) && !strcasecmp(s->model, cam->model);
	case POLICY_BLOCK_PIN:
		return cam->has_pin && !memcmp(s->pin, cam->tls_pin, sizeof(s->pin));
	case POLICY_REQUIRE_TLS:
		return on_network && !cam->tls;
	case POLICY_REQUIRE_PIN:
		return on_network && !cam->has_pin;
	case POLICY_REQUIRE_FINGERPRINT: /* a pin says more */
		return on_network && !cam->has_pin && !cam->fingerprint;
	case POLICY_REQUIRE_DIGEST:
		return on_network && cam->basic;
	case POLICY_PERMIT_MODEL:
		return !strcmp(s->vendor, cam->vendor) && !strcmp(s->model, cam->model);
	}
	return true;
}

static bool is_permitted(const struct policy *p, const struct camera_record *cam, uint64_t now_s)
{
	for (size_t i = 0; i < p->n && !policy_is_expired(p, now_s); i++)
		if (p->statements[i].kind >= POLICY_PERMIT_MODEL &&
			concerns(&p->statements[i], cam))
			return true;
	return false;
}

static void explain(const struct policy *p, const struct policy_statement *s,
	const struct camera_record *cam, char ret[LIMIT_REASON])
{
	static const char *const required[] = {[POLICY_REQUIRE_TLS] = "TLS",
		[POLICY_REQUIRE_PIN] = "a tls_pin",
		[POLICY_REQUIRE_FINGERPRINT] = "a fingerprint or a tls_pin",
		[POLICY_REQUIRE_DIGEST] = "auth = \"digest\""};

	switch (s->kind) {
	case POLICY_BLOCK_VENDOR:
		snprintf(ret, LIMIT_REASON, "policy %" PRIu64 " blocks vendor \"%s\"", p->version,
			cam->vendor);
		break;
	case POLICY_BLOCK_MODEL:
		snprintf(ret, LIMIT_REASON, "policy %" PRIu64 " blocks model \"%.50s\" \"%.50s\"",
			p->version, cam->vendor, cam->model);
		break;
	case POLICY_BLOCK_PIN:
		snprintf(ret, LIMIT_REASON, "policy %" PRIu64 " blocks its tls_pin", p->version);
		break;
	default:
		snprintf(ret, LIMIT_REASON, "policy %" PRIu64 " requires %s", p->version,
			required[s->kind]);
		break;
	}
}

/*
 * The most specific block counts: a permit makes an exception to a blocked vendor and to what is
 * required, never to a model or pin that is itself blocked.
 */
bool policy_blocks(const struct policy *p, const struct camera_record *cam, uint64_t now_s,
	char ret_why[LIMIT_REASON])
{
	bool permitted = is_permitted(p, cam, now_s);

	for (size_t i = 0; i < p->n; i++) {
		const struct policy_statement *s = &p->statements[i];
		bool is_specific = s->kind == POLICY_BLOCK_MODEL || s->kind == POLICY_BLOCK_PIN;

		if (s->kind >= POLICY_PERMIT_MODEL || (permitted && !is_specific) ||
			!concerns(s, cam))
			continue;
		explain(p, s, cam, ret_why);
		return true;
	}
	return false;
}
