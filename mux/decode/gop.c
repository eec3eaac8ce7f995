/* The current group of pictures. Owns one block of memory, which grows and is kept; runs in
 * framemux-decode. */
#include "mux/decode/gop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY (64u * 1024u)

struct entry {
	struct unit_times times;
	uint32_t flags;
	size_t at, len; /* in bytes */
};

struct gop {
	uint8_t *bytes; /* owned */
	size_t capacity, used;
	size_t n;
	struct entry unit[GOP_UNITS_MAX];
};

struct gop *gop_new(void)
{
	return calloc(1, sizeof(struct gop));
}

void gop_free(struct gop *g)
{
	if (!g)
		return;
	free(g->bytes);
	free(g);
}

void gop_clear(struct gop *g)
{
	g->n = 0;
	g->used = 0;
}

/* need: at most GOP_BYTES_MAX. */
static int make_room(struct gop *g, size_t need)
{
	size_t capacity = g->capacity ? g->capacity : FIRST_CAPACITY;
	uint8_t *bytes;

	while (capacity < need)
		capacity *= 2;
	if (capacity == g->capacity)
		return 0;
	bytes = realloc(g->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	g->bytes = bytes;
	g->capacity = capacity;
	return 0;
}

int gop_add(struct gop *g, const struct gop_unit *u)
{
	int r;

	if (g->n == GOP_UNITS_MAX || u->len > GOP_BYTES_MAX - GOP_PADDING ||
		g->used > GOP_BYTES_MAX - GOP_PADDING - u->len)
		return -ENOSPC;
	r = make_room(g, g->used + u->len + GOP_PADDING);
	if (r < 0)
		return r;
	memcpy(g->bytes + g->used, u->data, u->len);
	memset(g->bytes + g->used + u->len, 0, GOP_PADDING);
	g->unit[g->n++] = (struct entry){u->times, u->flags, g->used, u->len};
	g->used += u->len + GOP_PADDING;
	return 0;
}

size_t gop_count(const struct gop *g)
{
	return g->n;
}

void gop_get(const struct gop *g, size_t i, struct gop_unit *ret)
{
	const struct entry *e = &g->unit[i];

	*ret = (struct gop_unit){e->times, e->flags, g->bytes + e->at, e->len};
}
