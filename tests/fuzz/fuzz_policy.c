/*
 * A fleet's policy: the split, the signatures, and then, whoever has signed it, the body and what it
 * says about cameras.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fuzz.h"
#include "mux/daemon/policy/policy_file.h"
#include "mux/daemon/policy/policy_keys.h"

#define N_KEYS 3u

static struct policy_key keys[N_KEYS]; /* those of tests/unit/policy */

static void make_keys(void)
{
	uint8_t seed[crypto_sign_SEEDBYTES], secret[crypto_sign_SECRETKEYBYTES];
	char text[64];
	const char *why;

	MUST(sodium_init() >= 0);
	for (unsigned i = 0; i < N_KEYS; i++) {
		uint8_t key[POLICY_KEY_BYTES];

		memset(seed, (int)i + 1, sizeof(seed));
		crypto_sign_seed_keypair(key, secret, seed);
		sodium_bin2base64(
			text, sizeof(text), key, sizeof(key), sodium_base64_VARIANT_ORIGINAL);
		MUST(policy_key_parse(text, &keys[i], &why) == 0);
	}
}

static void judge(const struct policy *p)
{
	struct camera_record cam = {.kind = INGEST_RTSP, .vendor = "Acme Eyes", .model = "good-1"};
	char why[LIMIT_REASON], late[LIMIT_REASON];
	bool before, after;

	MUST(p->version && p->issued_s < p->expires_s && p->n <= POLICY_STATEMENTS_MAX);
	before = policy_blocks(p, &cam, p->expires_s - 1, why);
	after = policy_blocks(p, &cam, p->expires_s, late);
	MUST(!before || after); /* nothing that is blocked is free when the policy has expired */
	MUST(!before || strlen(why) < sizeof(why));
	cam.tls = cam.has_pin = true;
	(void)policy_blocks(p, &cam, 0, why);
}

static void read_bundle(const char *bytes, size_t len)
{
	bool has_signed[POLICY_KEYS_MAX];
	struct policy_bundle *b = NULL;
	char why[POLICY_WHY] = "";
	int n;

	if (policy_bundle_make(bytes, len, &b, why) < 0) {
		MUST(*why);
		return;
	}
	MUST(b->body_len <= b->len);
	n = policy_keys_count(keys, N_KEYS, b->bytes, b->body_len, b->bytes + b->body_len,
		b->len - b->body_len, has_signed, why);
	MUST(n <= (int)N_KEYS && (n >= 0 || *why));
	if (policy_parse(b->bytes, b->body_len, &b->policy, why) == 0)
		judge(b->policy);
	else
		MUST(*why && !b->policy);
	policy_bundle_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *copy = malloc(len + !len); /* of its own size, so that a step too far is seen */

	MUST(copy);
	if (!keys[0].id[0])
		make_keys();
	if (len)
		memcpy(copy, data, len);
	read_bundle(copy, len);
	free(copy);
	return 0;
}
