/*
 * Tokens, as a client makes them up: first byte whether the rest is text or the body that travels.
 * What is accepted says the same when it is written again, and whoever narrows it gains nothing.
 */
#include <string.h>

#include "common/token.h"
#include "fuzz.h"

static void must_be_sane(const struct rights *r)
{
	MUST(memchr(r->camera, 0, sizeof(r->camera)) && memchr(r->unit, 0, sizeof(r->unit)));
	MUST(memchr(r->label, 0, sizeof(r->label)) && r->n_masks <= LIMIT_MASKS);
	MUST(!r->max_width == !r->max_height);
}

static bool is_within(uint32_t value, uint32_t limit)
{
	return !limit || (value && value <= limit);
}

static void must_be_narrower(const struct rights *is, const struct rights *was)
{
	MUST(!was->has_camera || (!strcmp(is->camera, was->camera) && is->epoch == was->epoch));
	MUST(!was->has_uid || (is->has_uid && is->uid == was->uid));
	MUST(!was->no_dump || is->no_dump);
	MUST(is_within(is->max_width, was->max_width) && is_within(is->max_height, was->max_height));
	MUST(is_within(is->max_fps, was->max_fps) && is->n_masks >= was->n_masks);
	MUST(!was->has_expiry || was->never_expires ||
		(!is->never_expires && is->not_after <= was->not_after));
}

static void narrow(const struct token *t, const struct rights *was)
{
	const struct mask mask = {2, 2, 8, 8};
	struct token narrowed = *t;
	struct rights is;

	if (token_limit_fps(&narrowed, 3) < 0 || token_limit_size(&narrowed, 320, 240) < 0 ||
		token_limit_expiry(&narrowed, 4000000000u) < 0 ||
		token_limit_mask(&narrowed, &mask) < 0)
		return;
	if (token_body_rights(narrowed.body, narrowed.body_len, &is) == 0) {
		must_be_sane(&is);
		must_be_narrower(&is, was);
		MUST(is.max_fps && is.max_fps <= 3 && is.has_expiry);
	}
}

static void read_body(const uint8_t *body, size_t len)
{
	static const uint8_t root[KEY_BYTES] = {1};
	uint8_t tag[TOKEN_TAG_BYTES];
	struct rights rights;
	uint32_t key_id;
	bool is_body = token_body_tag(root, body, len, tag) == 0;

	MUST(!token_body_id(body, len) == (token_body_key_id(body, len, &key_id) < 0));
	if (token_body_rights(body, len, &rights) < 0)
		return;
	MUST(is_body && token_body_id(body, len));
	must_be_sane(&rights);
}

static void read_text(const char *text)
{
	char again[LIMIT_TOKEN];
	struct token t, same;
	struct rights rights;

	if (token_parse(text, &t) < 0)
		return;
	MUST(t.body_len <= LIMIT_TOKEN_BODY);
	MUST(token_format(&t, again) == 0 && !strncmp(again, text, strlen(again)));
	MUST(token_parse(again, &same) == 0 && same.body_len == t.body_len);
	MUST(!memcmp(same.body, t.body, t.body_len) && !memcmp(same.tag, t.tag, sizeof(t.tag)));
	if (token_body_rights(t.body, t.body_len, &rights) == 0)
		narrow(&t, &rights);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz f = {data, len};
	uint8_t how = fuzz_byte(&f);
	uint8_t *copy = malloc(f.len + 1); /* of its own size, so that a step too far is seen */
	struct token t = {.body_len = f.len};
	struct rights rights;

	MUST(copy);
	memcpy(copy, f.at, f.len);
	copy[f.len] = 0;
	if (how & 1) {
		read_text((const char *)copy);
	} else {
		read_body(copy, f.len);
		if (f.len <= sizeof(t.body)) {
			memcpy(t.body, copy, f.len);
			if (token_body_rights(t.body, t.body_len, &rights) == 0)
				narrow(&t, &rights);
		}
	}
	free(copy);
	return 0;
}
