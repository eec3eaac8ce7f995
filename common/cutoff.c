/* Cutoffs in memory. Pure; framemuxd and the broker. */
#include "common/cutoff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 16u

void cutoffs_free(struct cutoffs *s)
{
	free(s->list);
	*s = (struct cutoffs){0};
}

static bool is_well_formed(const struct cutoff *c)
{
	if (c->issue == 0 || c->issue == UINT64_MAX)
		return false;
	switch (c->kind) {
	case CUTOFF_ALL:
		return true;
	case CUTOFF_CAMERA:
		return *c->camera && memchr(c->camera, 0, sizeof(c->camera));
	case CUTOFF_UID:
		return c->uid != UINT32_MAX;
	default:
		return false;
	}
}

static bool is_same(const struct cutoff *a, const struct cutoff *b)
{
	return a->kind == b->kind && (a->kind != CUTOFF_CAMERA || !strcmp(a->camera, b->camera)) &&
		(a->kind != CUTOFF_UID || a->uid == b->uid);
}

static int make_room(struct cutoffs *s)
{
	size_t room = s->room ? 2 * s->room : ROOM_FIRST;
	void *list;

	if (s->n < s->room)
		return 0;
	list = reallocarray(s->list, room, sizeof(*s->list));
	if (!list)
		return -ENOMEM;
	s->list = list;
	s->room = room;
	return 0;
}

static struct cutoff *find(struct cutoffs *s, const struct cutoff *c)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_same(&s->list[i], c))
			return &s->list[i];
	return NULL;
}

/* A cutoff of everything: those of its number and before say nothing more. */
static void drop_older(struct cutoffs *s, uint64_t issue)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].issue > issue)
			s->list[kept++] = s->list[i];
	s->n = kept;
}

int cutoffs_add(struct cutoffs *s, const struct cutoff *c)
{
	struct cutoff *known;
	int r;

	if (!is_well_formed(c))
		return -EINVAL;
	known = find(s, c);
	if (known && known->issue > c->issue)
		return -EINVAL;
	if (c->kind == CUTOFF_ALL) {
		r = make_room(s);
		if (r < 0)
			return r;
		drop_older(s, c->issue);
		known = NULL;
	}
	if (known) {
		known->issue = c->issue;
		return 0;
	}
	if (s->n >= CUTOFFS_MAX)
		return -ENOSPC;
	r = make_room(s);
	if (r == 0)
		s->list[s->n++] = *c;
	return r;
}

uint64_t cutoffs_next_issue(const struct cutoffs *s)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].issue > newest)
			newest = s->list[i].issue;
	return newest + 1;
}

bool cutoff_hits(const struct cutoff *c, const char *camera, uint32_t uid)
{
	switch (c->kind) {
	case CUTOFF_CAMERA:
		return !strcmp(c->camera, camera);
	case CUTOFF_UID:
		return c->uid == uid;
	default:
		return true;
	}
}

bool cutoffs_kill(const struct cutoffs *s, const struct rights *r, uint64_t newest)
{
	if (!r->has_issue)
		return false;
	if (r->issue > newest)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (r->issue <= s->list[i].issue && cutoff_hits(&s->list[i], r->camera, r->uid))
			return true;
	return false;
}
