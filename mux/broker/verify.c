/* Verification of capabilities and requests. Owns nothing, logs nothing; runs in the broker. */
#include "mux/broker/verify.h"

#include <drm_fourcc.h>
#include <sodium.h>
#include <string.h>

#include "common/breakage.h"
#include "common/picture.h"
#include "framemux.h"

#define OPEN_FLAGS (FRAMEMUX_OPEN_DUMP | FRAMEMUX_OPEN_VERIFY_FULL | FRAMEMUX_OPEN_RECONNECT)

static const struct {
	const char *log;
	const char *client; /* NULL: the sentence that tells nothing */
} sentences[] = {
	[VERDICT_GOOD] = {"good", "good"},
	[VERDICT_MALFORMED] = {"the token is malformed", NULL},
	[VERDICT_OTHER_KEY] = {"the token is of another mux, or its key was retired", NULL},
	[VERDICT_NOT_PROVEN] = {"the proof of possession is wrong", NULL},
	[VERDICT_CAVEATS] = {"the token has an unknown, contradictory or missing caveat", NULL},
	[VERDICT_OTHER_CAMERA] = {"the token is for another camera", NULL},
	[VERDICT_NO_CAMERA] = {"the token's camera is unknown or has changed", NULL},
	[VERDICT_KILLED] = {"the token was revoked", "the capability was revoked"},
	[VERDICT_OTHER_USER] = {"the token is another user's", "the capability is another user's"},
	[VERDICT_BARRED] = {"the kill switch is on for the user",
		"the kill switch is on for this user"},
	[VERDICT_EXPIRED] = {"the token has expired", "the capability has expired"},
	[VERDICT_UNIT] = {"the token is bound to another unit",
		"the capability is bound to another unit than this process's"},
	[VERDICT_NO_DUMP] = {"dump without the right to", "the capability does not permit dumping"},
	[VERDICT_FLAGS] = {"unknown flags", "unknown flags"},
	[VERDICT_SIZE] = {"an impossible size", "the size is impossible"},
	[VERDICT_TOO_LARGE] = {"a size above the limit",
		"the size is above the capability's limit"},
	[VERDICT_FOURCC] = {"an unknown pixel format", "the pixel format is not supported"},
	[VERDICT_SLOTS] = {"an impossible number of slots", "the number of slots is impossible"},
};

const char *verdict_for_log(enum verdict v)
{
	return sentences[v].log;
}

const char *verdict_for_client(enum verdict v)
{
	return sentences[v].client ? sentences[v].client : "no capability for this camera";
}

/* The message as the client encoded it, but for the proof: decoding is strict, so this is unique.
 */
static ssize_t encode_request(const struct msg_open *open, uint8_t ret_request[LIMIT_MESSAGE])
{
	struct msg_open bare = *open;

	memset(bare.proof, 0, sizeof(bare.proof));
	return wire_encode(&wire_open, &bare, ret_request, LIMIT_MESSAGE);
}

static bool is_proven(const struct verify_facts *facts, const uint8_t root[KEY_BYTES],
	const struct msg_open *open)
{
	uint8_t request[LIMIT_MESSAGE];
	uint8_t tag[TOKEN_TAG_BYTES], proof[TOKEN_PROOF_BYTES];
	ssize_t n = encode_request(open, request);
	bool good = false;

	if (n > 0 && token_body_tag(root, open->token, open->token_len, tag) == 0) {
		token_prove(tag, facts->challenge, request, (size_t)n, proof);
		good = sodium_memcmp(proof, open->proof, sizeof(proof)) == 0;
	}
	sodium_memzero(tag, sizeof(tag));
	sodium_memzero(proof, sizeof(proof));
	return good || breakage("broker-skip-proof");
}

/* Everything that may not be told apart from outside. */
static enum verdict check_camera(
	const struct verify_facts *facts, const struct msg_open *open, const struct rights *rights)
{
	uint32_t epoch;

	if (!rights->has_camera || !rights->has_uid || !rights->has_expiry)
		return VERDICT_CAVEATS;
	if (strcmp(rights->camera, open->camera))
		return VERDICT_OTHER_CAMERA;
	if (!facts->find_epoch(facts->data, rights->camera, &epoch) || epoch != rights->epoch)
		return VERDICT_NO_CAMERA;
	return VERDICT_GOOD;
}

enum verdict verify_capability(const struct verify_facts *facts, const struct msg_open *open,
	struct rights *ret_rights, uint8_t ret_id[TOKEN_ID_BYTES])
{
	const uint8_t *id = token_body_id(open->token, open->token_len);
	struct rights rights;
	const uint8_t *root;
	uint32_t key_id;
	enum verdict v;

	if (!id || token_body_key_id(open->token, open->token_len, &key_id) < 0)
		return VERDICT_MALFORMED;
	root = facts->find_root(facts->data, key_id);
	if (!root)
		return VERDICT_OTHER_KEY;
	if (!is_proven(facts, root, open))
		return VERDICT_NOT_PROVEN;
	if (token_body_rights(open->token, open->token_len, &rights) < 0)
		return VERDICT_CAVEATS;
	v = check_camera(facts, open, &rights);
	if (v != VERDICT_GOOD)
		return v;
	if (facts->is_revoked(facts->data, id, &rights))
		return VERDICT_KILLED;
	if (rights.uid != facts->uid)
		return VERDICT_OTHER_USER;
	if (facts->is_barred && !breakage("broker-skip-switch"))
		return VERDICT_BARRED;
	if (!rights.never_expires && facts->now_s >= rights.not_after)
		return VERDICT_EXPIRED;
	*ret_rights = rights;
	memcpy(ret_id, id, TOKEN_ID_BYTES);
	return VERDICT_GOOD;
}

static uint32_t lower_nonzero(uint32_t a, uint32_t b)
{
	if (a == 0 || b == 0)
		return a ? a : b;
	return a < b ? a : b;
}

static bool is_above(uint32_t value, uint32_t limit)
{
	return limit && value > limit;
}

static enum verdict check_size(
	const struct msg_open *open, const struct rights *rights, uint32_t fourcc)
{
	struct picture p;

	/* A picture of any possible size tells whether the format is known. */
	if (picture_layout(fourcc, 2, 2, &p) < 0)
		return VERDICT_FOURCC;
	if (open->width == 0 && open->height == 0)
		return VERDICT_GOOD;
	if (open->width == 0 || open->height == 0)
		return VERDICT_SIZE;
	if (picture_layout(fourcc, open->width, open->height, &p) < 0)
		return VERDICT_SIZE;
	if (is_above(open->width, rights->max_width) || is_above(open->height, rights->max_height))
		return VERDICT_TOO_LARGE;
	return VERDICT_GOOD;
}

enum verdict verify_terms(
	const struct msg_open *open, const struct rights *rights, struct terms *ret)
{
	struct terms t = {
		.width = open->width,
		.height = open->height,
		.max_width = breakage("broker-skip-size") ? 0 : rights->max_width,
		.max_height = breakage("broker-skip-size") ? 0 : rights->max_height,
		.fourcc = open->fourcc ? open->fourcc : DRM_FORMAT_NV12,
		.slots = open->slots ? open->slots : LIMIT_SLOTS_DEFAULT,
		.fps = lower_nonzero(open->fps, rights->max_fps),
		.tag_mode = open->flags & FRAMEMUX_OPEN_VERIFY_FULL ? TAG_FULL : TAG_SAMPLED,
		.n_masks = rights->n_masks,
	};
	enum verdict v;

	if (open->flags & ~OPEN_FLAGS)
		return VERDICT_FLAGS;
	if ((open->flags & FRAMEMUX_OPEN_DUMP) && rights->no_dump)
		return VERDICT_NO_DUMP;
	v = check_size(open, rights, t.fourcc);
	if (v != VERDICT_GOOD)
		return v;
	if (t.slots < LIMIT_SLOTS_MIN || t.slots > LIMIT_SLOTS_MAX)
		return VERDICT_SLOTS;
	if (t.fps > LIMIT_FPS)
		t.fps = LIMIT_FPS;
	memcpy(t.masks, rights->masks, sizeof(t.masks));
	*ret = t;
	return VERDICT_GOOD;
}
