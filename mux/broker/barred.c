/* The kill switch's users, in the broker. */
#include "mux/broker/barred.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "mux/broker/tenure.h"
#include "mux/broker/watch.h"

#define USERS_MAX 65536u

static uint32_t *find(const struct broker *b, uint32_t uid)
{
	for (size_t i = 0; i < b->n_barred; i++)
		if (b->barred[i] == uid)
			return &b->barred[i];
	return NULL;
}

bool barred_has(const struct broker *b, uint32_t uid)
{
	return find(b, uid) != NULL;
}

static bool is_of_user(const void *uid, const struct tenure *t)
{
	return t->uid == *(const uint32_t *)uid;
}

int barred_set(struct broker *b, uint32_t uid, bool is_on)
{
	uint32_t *known = find(b, uid), *barred;

	if (known && !is_on) {
		*known = b->barred[--b->n_barred];
		watch_user(b, uid, false);
	}
	if (known || !is_on)
		return 0;
	if (b->n_barred >= USERS_MAX)
		return -E2BIG;
	barred = reallocarray(b->barred, b->n_barred + 1, sizeof(*barred));
	if (!barred)
		return -ENOMEM;
	b->barred = barred;
	barred[b->n_barred++] = uid;
	log_notice("uid %u is cut off", uid);
	watch_user(b, uid, true);
	tenure_end_those(
		b, is_of_user, &uid, false, "revoked: the kill switch is on for this user");
	return 0;
}

void barred_free(struct broker *b)
{
	free(b->barred);
	b->barred = NULL;
	b->n_barred = 0;
}
