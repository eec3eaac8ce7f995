/*
 * A fleet's policy: the text of a bundle (framemux-policy(7)), and what it says about a camera. Pure;
 * the clock is passed in. The caller has checked the signatures before anything here reads a body.
 */
#ifndef FRAMEMUX_POLICY_H
#define FRAMEMUX_POLICY_H

#include "common/utc.h"
#include "mux/daemon/camera.h"

#define POLICY_BYTES_MAX      65536u /* a bundle, signatures included */
#define POLICY_STATEMENTS_MAX 1024u
#define POLICY_LINE_MAX       512u /* bytes of a line of the body, its NUL included */
#define POLICY_HASH_BYTES     32u
#define POLICY_NEVER          UINT64_MAX
#define POLICY_WHY            LIMIT_REASON

/* What is signed and hashed: this, its NUL included, and then the body. */
#define POLICY_DOMAIN "framemux policy 1"

enum policy_kind {
	POLICY_BLOCK_VENDOR = 1,
	POLICY_BLOCK_MODEL,
	POLICY_BLOCK_PIN,
	POLICY_REQUIRE_TLS,
	POLICY_REQUIRE_PIN,
	POLICY_REQUIRE_FINGERPRINT,
	POLICY_REQUIRE_DIGEST,
	POLICY_PERMIT_MODEL, /* from here on: what ends with the policy's expiry */
};

struct policy_statement {
	enum policy_kind kind;
	char vendor[LIMIT_LABEL], model[LIMIT_LABEL];
	uint8_t pin[TLS_PIN_BYTES];
};

struct policy {
	uint64_t version;
	uint64_t issued_s, expires_s;        /* since the Unix epoch; POLICY_NEVER */
	char fleet[LIMIT_LABEL];             /* "": not given */
	struct policy_statement *statements; /* owned */
	size_t n, room;
};

/*
 * Where the body ends and the signatures begin; the only thing that is looked at in a bundle that
 * nobody vouches for yet, but for its first words. 0, or -EBADMSG and why it is no bundle.
 */
int policy_split(const char *bytes, size_t len, size_t *ret_body_len, char ret_why[POLICY_WHY]);

void policy_hash(const char *body, size_t len, uint8_t ret[POLICY_HASH_BYTES]);

/* 0; -EBADMSG and why, with the line; -ENOMEM. */
int policy_parse(const char *body, size_t len, struct policy **ret, char ret_why[POLICY_WHY]);
void policy_free(struct policy *p);

bool policy_is_expired(const struct policy *p, uint64_t now_s);

/* Whether the policy keeps this camera from working at that time, and why. */
bool policy_blocks(const struct policy *p, const struct camera_record *cam, uint64_t now_s,
	char ret_why[LIMIT_REASON]);

/* "2026-11-28T12:00:00Z", exactly. 0 or -EINVAL. */
int policy_time_parse(const char *text, uint64_t *ret_s);
void policy_time_text(uint64_t unix_s, char ret[UTC_TEXT_MAX]); /* or "never" */

#endif
