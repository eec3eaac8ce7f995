/* The verifier's one loop. Owns nothing. */
#include "common/audit_walk.h"

#include <string.h>

void audit_walk_begin(struct audit_walk *w)
{
	*w = (struct audit_walk){0};
}

void audit_walk_resume(struct audit_walk *w, const struct audit_head *head, uint64_t seal,
	const uint8_t key[AUDIT_KEY_BYTES])
{
	*w = (struct audit_walk){.head = *head, .has_begun = true, .seal = seal};
	memcpy(w->key, key, sizeof(w->key));
}

/* What a segment says of the log before it; at the beginning it is taken as it is. */
static enum audit_fault begin_segment(
	struct audit_walk *w, const struct audit_line *l, const char *line, size_t len)
{
	uint8_t before[AUDIT_HASH_BYTES], key[AUDIT_KEY_BYTES];
	uint64_t segment, seal;

	if (!audit_member_number(line, len, "segment", &segment) ||
		!audit_member_number(line, len, "seal", &seal) ||
		!audit_member_hex(line, len, "before", before, sizeof(before)) ||
		!audit_member_hex(line, len, "key", key, sizeof(key)))
		return AUDIT_NO_RECORD;
	if (!w->has_begun) {
		w->head.n = l->n - 1;
		memcpy(w->head.chain, before, sizeof(before));
		memcpy(w->key, key, sizeof(key));
		w->seal = seal;
		w->has_begun = true;
	}
	if (l->n != w->head.n + 1)
		return AUDIT_MISSING;
	if (memcmp(before, w->head.chain, sizeof(before)) || memcmp(key, w->key, sizeof(key)) ||
		seal != w->seal)
		return AUDIT_FOREIGN;
	w->segment = segment;
	return AUDIT_WHOLE;
}

static void take(struct audit_walk *w, const struct audit_line *l, const char *line, size_t len)
{
	w->head.n = l->n;
	memcpy(w->head.chain, l->chain, sizeof(w->head.chain));
	if (!w->first_n) {
		w->first_n = l->n;
		w->first_ms = l->unix_ms;
	}
	w->last_ms = l->unix_ms;
	if (audit_line_is(l, "pruned"))
		(void)audit_member_number(line, len, "record", &w->pruned_n);
	if (!l->is_seal)
		return;
	w->seal = l->seal + 1;
	memcpy(w->key, l->next, sizeof(w->key));
	w->sealed_n = l->n;
	w->sealed_ms = l->unix_ms;
}

enum audit_fault audit_walk_line(struct audit_walk *w, const char *line, size_t len)
{
	struct audit_walk next = *w;
	struct audit_line l;
	enum audit_fault fault = AUDIT_WHOLE;

	if (audit_line_parse(line, len, &l) < 0)
		return AUDIT_NO_RECORD;
	if (audit_line_is(&l, "segment"))
		fault = begin_segment(&next, &l, line, len);
	else if (!w->has_begun)
		return AUDIT_FOREIGN;
	if (fault != AUDIT_WHOLE)
		return fault;
	if (l.n != next.head.n + 1)
		return AUDIT_MISSING;
	if (!audit_line_continues(&l, line, next.head.chain))
		return AUDIT_ALTERED;
	if (l.is_seal && (l.seal != next.seal || !audit_seal_is_by(&l, next.key)))
		return AUDIT_FORGED;
	take(&next, &l, line, len);
	*w = next;
	return AUDIT_WHOLE;
}

enum audit_fault audit_walk_text(
	struct audit_walk *w, const char *text, size_t len, size_t *ret_at, size_t *ret_sealed)
{
	size_t at = 0;

	while (at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		uint64_t sealed_n = w->sealed_n;
		enum audit_fault fault = end
			? audit_walk_line(w, text + at, (size_t)(end - text) - at)
			: AUDIT_NO_LINE;

		*ret_at = at;
		if (fault != AUDIT_WHOLE)
			return fault;
		at = (size_t)(end - text) + 1;
		if (w->sealed_n != sealed_n)
			*ret_sealed = at;
	}
	*ret_at = at;
	return AUDIT_WHOLE;
}
