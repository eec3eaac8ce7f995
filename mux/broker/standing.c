/*
 * Standing grants between setup and service, and which tokens came of them. Owns both. Runs in the
 * broker.
 */
#include "mux/broker/standing.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/broker/grant.h"
#include "mux/broker/secrets.h"

struct standing {
	LIST_ENTRY(standing) link;
	char grant[LIMIT_NAME];
	uint32_t round;
	uint8_t id[TOKEN_ID_BYTES]; /* 0: none yet */
	struct rights rights;
};

/* A standing grant's token: whom a cutoff would hit. */
struct minted {
	LIST_ENTRY(minted) link;
	uint8_t id[TOKEN_ID_BYTES];
	char camera[LIMIT_NAME];
	uint32_t uid;
};

int standing_add(struct broker *b, const struct msg_broker_grant *m)
{
	const struct camera *camera = camera_by_name(b, m->camera);
	struct standing *s;

	if (!camera)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	if (grant_from_standing(m, camera->epoch, &s->rights) < 0) {
		free(s);
		return -EINVAL;
	}
	memcpy(s->grant, m->grant, sizeof(s->grant));
	s->round = m->round;
	memcpy(s->id, m->id, sizeof(s->id));
	LIST_INSERT_HEAD(&b->standing, s, link);
	return 0;
}

/*
 * One that goes on keeps its id, whatever root key it was chosen under. A killed token stays dead: the
 * grant gets the next one that never was.
 */
static void choose_id(
	const struct broker *b, const struct standing *s, uint8_t ret_id[TOKEN_ID_BYTES])
{
	uint32_t round = s->round;

	if (!sodium_is_zero(s->id, sizeof(s->id)) && !revoked_has(&b->revoked, s->id)) {
		memcpy(ret_id, s->id, TOKEN_ID_BYTES);
		return;
	}
	do {
		grant_standing_id(b->secrets->root, s->grant, &s->rights, round++, ret_id);
	} while (revoked_has(
		&b->revoked, ret_id)); /* ends: there are fewer revoked ids than rounds */
}

static int remember(struct broker *b, const struct standing *s, const uint8_t id[TOKEN_ID_BYTES])
{
	struct minted *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	memcpy(m->id, id, sizeof(m->id));
	memcpy(m->camera, s->rights.camera, sizeof(m->camera));
	m->uid = s->rights.uid;
	LIST_INSERT_HEAD(&b->minted, m, link);
	return 0;
}

static int mint(struct broker *b, const struct standing *s)
{
	struct msg_grant_token m = {0};
	uint8_t id[TOKEN_ID_BYTES];
	struct token token;
	int r;

	choose_id(b, s, id);
	r = grant_mint(b->secrets->root, b->settings.key_id, id, &s->rights, &token);
	if (r == 0)
		r = token_format(&token, m.token);
	if (r == 0)
		r = remember(b, s, id);
	if (r == 0) {
		memcpy(m.grant, s->grant, sizeof(m.grant));
		memcpy(m.camera, s->rights.camera, sizeof(m.camera));
		conn_send(b->daemon, &wire_grant_token, &m, NULL, 0);
	}
	sodium_memzero(&token, sizeof(token));
	sodium_memzero(&m, sizeof(m));
	return r;
}

static void forget_grants(struct broker *b)
{
	struct standing *s;

	while ((s = LIST_FIRST(&b->standing))) {
		LIST_REMOVE(s, link);
		free(s);
	}
}

int standing_mint_all(struct broker *b, uint32_t *ret_n)
{
	const struct standing *s;
	uint32_t n = 0;
	int r;

	LIST_FOREACH (s, &b->standing, link) {
		r = mint(b, s);
		if (r < 0)
			return r;
		n++;
	}
	forget_grants(b);
	*ret_n = n;
	return 0;
}

/* Room first: an id that could not be noted would be a right that lives on. */
int standing_cut(struct broker *b, const struct cutoff *c, uint8_t **ret_ids, size_t *ret_n)
{
	cleanup_free uint8_t *ids = NULL;
	const struct minted *m;
	size_t n = 0;

	LIST_FOREACH (m, &b->minted, link)
		n += cutoff_hits(c, m->camera, m->uid);
	ids = reallocarray(NULL, n + 1, TOKEN_ID_BYTES);
	if (!ids || revoked_make_room(&b->revoked, n) < 0)
		return -ENOMEM;
	n = 0;
	LIST_FOREACH (m, &b->minted, link) {
		if (!cutoff_hits(c, m->camera, m->uid))
			continue;
		memcpy(ids + n++ * TOKEN_ID_BYTES, m->id, TOKEN_ID_BYTES);
		(void)revoked_add(&b->revoked, m->id); /* has its room */
	}
	*ret_ids = take_ptr(ids);
	*ret_n = n;
	return 0;
}

void standing_forget(struct broker *b, const uint8_t id[TOKEN_ID_BYTES])
{
	struct minted *m, *next;

	LIST_FOREACH_SAFE (m, &b->minted, link, next) {
		if (memcmp(m->id, id, TOKEN_ID_BYTES) != 0)
			continue;
		LIST_REMOVE(m, link);
		free(m);
	}
}

void standing_free_all(struct broker *b)
{
	struct minted *m;

	forget_grants(b);
	while ((m = LIST_FIRST(&b->minted))) {
		LIST_REMOVE(m, link);
		free(m);
	}
}
