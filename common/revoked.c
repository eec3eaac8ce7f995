/*
 * A sorted array of ids: small, searched at each open, grown by hand a few times a day. Broker and
 * framemuxd.
 */
#include "common/revoked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64u

void revoked_free(struct revoked *s)
{
	free(s->ids);
	*s = (struct revoked){0};
}

/* Where id is, or where it would go. */
static size_t position(const struct revoked *s, const uint8_t id[TOKEN_ID_BYTES])
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(s->ids[middle], id, TOKEN_ID_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool revoked_has(const struct revoked *s, const uint8_t id[TOKEN_ID_BYTES])
{
	size_t at = position(s, id);

	return at < s->n && !memcmp(s->ids[at], id, TOKEN_ID_BYTES);
}

int revoked_make_room(struct revoked *s, size_t more)
{
	size_t room = s->room ? s->room : ROOM_FIRST;
	void *ids;

	if (s->room - s->n >= more)
		return 0;
	while (room - s->n < more)
		room *= 2;
	ids = reallocarray(s->ids, room, sizeof(*s->ids));
	if (!ids)
		return -ENOMEM;
	s->ids = ids;
	s->room = room;
	return 0;
}

int revoked_add(struct revoked *s, const uint8_t id[TOKEN_ID_BYTES])
{
	size_t at;

	if (revoked_has(s, id))
		return 0;
	if (revoked_make_room(s, 1) < 0)
		return -ENOMEM;
	at = position(s, id);
	memmove(s->ids + at + 1, s->ids + at, (s->n - at) * sizeof(*s->ids));
	memcpy(s->ids[at], id, TOKEN_ID_BYTES);
	s->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, TOKEN_ID_BYTES);
}

int revoked_add_all(struct revoked *s, const uint8_t *ids, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	if (revoked_make_room(s, n) < 0)
		return -ENOMEM;
	memcpy(s->ids + s->n, ids, n * TOKEN_ID_BYTES);
	s->n += n;
	qsort(s->ids, s->n, sizeof(*s->ids), compare);
	for (size_t i = 0; i < s->n; i++)
		if (!kept || compare(s->ids[i], s->ids[kept - 1]) != 0)
			memmove(s->ids[kept++], s->ids[i], TOKEN_ID_BYTES);
	s->n = kept;
	return 0;
}
