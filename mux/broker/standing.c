/* Standing grants between setup and service. Owns them. Runs in the broker. */
#include "mux/broker/standing.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/broker/grant.h"
#include "mux/broker/secrets.h"

struct standing {
	LIST_ENTRY(standing) link;
	char grant[LIMIT_NAME];
	uint32_t round;
	struct rights rights;
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
	LIST_INSERT_HEAD(&b->standing, s, link);
	return 0;
}

/* A killed token stays dead: the grant gets the next one that never was. */
static void choose_id(
	const struct broker *b, const struct standing *s, uint8_t ret_id[TOKEN_ID_BYTES])
{
	uint32_t round = s->round;

	do {
		grant_standing_id(b->secrets->root, s->grant, &s->rights, round++, ret_id);
	} while (revoked_has(
		&b->revoked, ret_id)); /* ends: there are fewer revoked ids than rounds */
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
	if (r == 0) {
		memcpy(m.grant, s->grant, sizeof(m.grant));
		memcpy(m.camera, s->rights.camera, sizeof(m.camera));
		conn_send(b->daemon, &wire_grant_token, &m, NULL, 0);
	}
	sodium_memzero(&token, sizeof(token));
	sodium_memzero(&m, sizeof(m));
	return r;
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
	standing_free_all(b);
	*ret_n = n;
	return 0;
}

void standing_free_all(struct broker *b)
{
	struct standing *s;

	while ((s = LIST_FIRST(&b->standing))) {
		LIST_REMOVE(s, link);
		free(s);
	}
}
