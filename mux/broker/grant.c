/* Minting. Owns nothing; runs in the broker, the one process besides framemuxd that has the root
 * key. */
#include "mux/broker/grant.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "common/bytes.h"

#define EXPIRY_MAX_S (100ull * 366u * 86400u) /* far enough, and no sum of it wraps */

/* Fields of both messages that mean the same. */
#define COPY_LIMITS(g, r)                                                                          \
	do {                                                                                       \
		memcpy((r)->camera, (g)->camera, sizeof((r)->camera));                             \
		memcpy((r)->unit, (g)->unit, sizeof((r)->unit));                                   \
		memcpy((r)->label, (g)->label, sizeof((r)->label));                                \
		(r)->max_width = (g)->max_width;                                                   \
		(r)->max_height = (g)->max_height;                                                 \
		(r)->max_fps = (g)->max_fps;                                                       \
		(r)->no_dump = !(g)->dump;                                                         \
	} while (0)

static int finish(struct rights *r, const uint8_t *masks, uint16_t masks_len, uint32_t epoch)
{
	r->has_camera = r->has_uid = r->has_expiry = true;
	r->epoch = epoch;
	if (r->never_expires)
		r->not_after = UINT64_MAX;
	return masks_unpack(masks, masks_len, r->masks, &r->n_masks) < 0 ? -EINVAL : 0;
}

int grant_from_standing(const struct msg_broker_grant *g, uint32_t epoch, struct rights *ret)
{
	struct rights r = {
		.uid = g->uid, .not_after = g->not_after, .never_expires = g->not_after == 0};

	COPY_LIMITS(g, &r);
	if (finish(&r, g->masks, g->masks_len, epoch) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

int grant_from_request(const struct msg_ctl_grant *g, uint32_t epoch, uint32_t caller,
	uint64_t issue, uint64_t now_s, struct rights *ret)
{
	struct rights r = {.uid = g->has_uid ? g->uid : caller,
		.never_expires = g->never_expires != 0,
		.has_issue = true,
		.issue = issue};

	if (!r.never_expires && (g->expires_s == 0 || g->expires_s > EXPIRY_MAX_S))
		return -EINVAL;
	r.not_after = now_s + g->expires_s;
	COPY_LIMITS(g, &r);
	if (finish(&r, g->masks, g->masks_len, epoch) < 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

static void hash_u32(crypto_generichash_state *st, uint32_t v)
{
	uint8_t le[4];

	put_le32(le, v);
	crypto_generichash_update(st, le, sizeof(le));
}

/* With its length in front: no two lists of texts hash alike. */
static void hash_text(crypto_generichash_state *st, const char *text)
{
	hash_u32(st, (uint32_t)strlen(text));
	crypto_generichash_update(st, (const uint8_t *)text, strlen(text));
}

void grant_standing_id(const uint8_t root[KEY_BYTES], const char *grant,
	const struct rights *rights, uint32_t round, uint8_t ret_id[TOKEN_ID_BYTES])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, root, KEY_BYTES, TOKEN_ID_BYTES);
	hash_text(&st, "framemux standing 1");
	hash_text(&st, grant);
	hash_text(&st, rights->camera);
	hash_u32(&st, rights->epoch);
	hash_u32(&st, rights->uid);
	hash_text(&st, rights->unit);
	hash_u32(&st, (uint32_t)rights->not_after);
	hash_u32(&st, (uint32_t)(rights->not_after >> 32));
	hash_u32(&st, rights->max_width);
	hash_u32(&st, rights->max_height);
	hash_u32(&st, rights->max_fps);
	hash_u32(&st, rights->no_dump);
	hash_text(&st, rights->label);
	hash_u32(&st, rights->n_masks);
	for (uint32_t i = 0; i < rights->n_masks; i++) {
		const struct mask *m = &rights->masks[i];

		hash_u32(&st, m->x);
		hash_u32(&st, m->y);
		hash_u32(&st, m->width);
		hash_u32(&st, m->height);
	}
	hash_u32(&st, round);
	crypto_generichash_final(&st, ret_id, TOKEN_ID_BYTES);
	sodium_memzero(&st, sizeof(st));
}

static int limit_optional(struct token *t, const struct rights *r)
{
	int e = 0;

	if (r->max_width || r->max_height)
		e = token_limit_size(t, r->max_width, r->max_height);
	if (e == 0 && r->max_fps)
		e = token_limit_fps(t, r->max_fps);
	for (uint32_t i = 0; e == 0 && i < r->n_masks; i++)
		e = token_limit_mask(t, &r->masks[i]);
	if (e == 0 && *r->unit)
		e = token_limit_unit(t, r->unit);
	if (e == 0 && *r->label)
		e = token_limit_label(t, r->label);
	if (e == 0 && r->no_dump)
		e = token_limit_no_dump(t);
	if (e == 0 && r->has_issue)
		e = token_limit_issue(t, r->issue);
	return e;
}

int grant_mint(const uint8_t root[KEY_BYTES], uint32_t key_id, const uint8_t id[TOKEN_ID_BYTES],
	const struct rights *rights, struct token *ret)
{
	struct token t;
	int e;

	if (!rights->has_camera || !rights->has_uid || !rights->has_expiry)
		return -EINVAL;
	token_begin(root, key_id, id, &t);
	e = token_limit_camera(&t, rights->camera, rights->epoch);
	if (e == 0)
		e = token_limit_uid(&t, rights->uid);
	if (e == 0)
		e = token_limit_expiry(&t, rights->never_expires ? UINT64_MAX : rights->not_after);
	if (e == 0)
		e = limit_optional(&t, rights);
	if (e == 0)
		*ret = t;
	sodium_memzero(&t, sizeof(t));
	return e;
}
