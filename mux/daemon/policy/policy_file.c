/*
 * The policy's file. Whatever cannot be read ends the start: without its policy a camera would work
 * that the fleet has blocked. What is in "policy" was accepted by the keys of its day; that the keys
 * of the configuration have changed since, or are gone, lifts nothing.
 */
#include "mux/daemon/policy/policy_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/daemon/state/folder.h"

#define HASH_HEX (2 * POLICY_HASH_BYTES)
#define HEADER   "framemux policy in force 1\nhash "
#define HEAD_LEN (sizeof(HEADER) - 1 + HASH_HEX + 1)

/* ---- the bundle ---------------------------------------------------------------------- */

int policy_bundle_make(
	const char *bytes, size_t len, struct policy_bundle **ret, char ret_why[POLICY_WHY])
{
	struct policy_bundle *b;
	size_t body_len = 0;
	int rc = policy_split(bytes, len, &body_len, ret_why);

	if (rc < 0)
		return rc;
	b = calloc(1, sizeof(*b));
	if (b)
		b->bytes = malloc(len);
	if (!b || !b->bytes) {
		policy_bundle_free(b);
		snprintf(ret_why, POLICY_WHY, "framemuxd is short of memory");
		return -ENOMEM;
	}
	memcpy(b->bytes, bytes, len);
	b->len = len;
	b->body_len = body_len;
	policy_hash(bytes, body_len, b->hash);
	*ret = b;
	return 0;
}

void policy_bundle_free(struct policy_bundle *b)
{
	if (!b)
		return;
	policy_free(b->policy);
	free(b->bytes);
	free(b);
}

static int read_bundle(const char *text, size_t len, struct policy_bundle **ret)
{
	struct policy_bundle *b = NULL;
	char hex[HASH_HEX + 1], why[POLICY_WHY];
	int rc;

	if (len <= HEAD_LEN || memcmp(text, HEADER, sizeof(HEADER) - 1) != 0 ||
		text[HEAD_LEN - 1] != '\n')
		return -EBADMSG;
	rc = policy_bundle_make(text + HEAD_LEN, len - HEAD_LEN, &b, why);
	if (rc < 0)
		return rc;
	sodium_bin2hex(hex, sizeof(hex), b->hash, sizeof(b->hash));
	rc = memcmp(hex, text + sizeof(HEADER) - 1, HASH_HEX) != 0
		? -EBADMSG
		: policy_parse(b->bytes, b->body_len, &b->policy, why);
	if (rc < 0) {
		policy_bundle_free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

int policy_file_keep(int folder, const struct policy_bundle *b)
{
	cleanup_free char *text = malloc(HEAD_LEN + b->len);

	if (!text)
		return -ENOMEM;
	memcpy(text, HEADER, sizeof(HEADER) - 1);
	sodium_bin2hex(text + sizeof(HEADER) - 1, HASH_HEX + 1, b->hash, sizeof(b->hash));
	text[HEAD_LEN - 1] = '\n';
	memcpy(text + HEAD_LEN, b->bytes, b->len);
	return folder_replace(folder, POLICY_FILE, text, HEAD_LEN + b->len, 0600, (unsigned)-1);
}

/* ---- while starting ------------------------------------------------------------------- */

int policy_file_load(int folder, struct policy_bundle **ret, char *ret_why, size_t why_size)
{
	cleanup_free char *text = NULL;
	struct policy_bundle *b = NULL;
	size_t len = 0;
	int rc = folder_read(folder, POLICY_FILE, HEAD_LEN + POLICY_BYTES_MAX, &text, &len);

	if (rc == -ENOENT)
		rc = 0;
	else if (!rc)
		rc = read_bundle(text, len, &b);
	if (rc == -EBADMSG || rc == -EFBIG) {
		snprintf(ret_why, why_size,
			POLICY_FILE
			" is damaged: put a good copy back, or remove it to go on without "
			"the fleet's policy and then apply the newest bundle");
		return -EBADMSG;
	}
	if (rc < 0) {
		snprintf(ret_why, why_size, POLICY_FILE ": %s", strerror(-rc));
		return rc;
	}
	*ret = b;
	return 0;
}
