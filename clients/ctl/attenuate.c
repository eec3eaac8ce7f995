/*
 * framemuxctl attenuate: a narrower token, offline. The mux would take the intersection anyhow;
 * asking for more than a token has is said here, so that nobody believes to have got it. In
 * framemuxctl's process.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/json.h"
#include "clients/ctl/source.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/clock.h"
#include "common/number.h"

/* NULL, or what would be wider than the token. */
static const char *widened(const struct rights *r, const struct limits *l, uint64_t not_after)
{
	if (l->camera && (!r->has_camera || strcmp(l->camera, r->camera)))
		return "this token is for another camera";
	if (l->has_uid && (!r->has_uid || l->uid != r->uid))
		return "this token is for another uid";
	if (l->unit && *r->unit && strcmp(l->unit, r->unit))
		return "this token is for another unit";
	if (l->has_size &&
		((r->max_width && l->width > r->max_width) ||
			(r->max_height && l->height > r->max_height)))
		return "--max-size is larger than the token's";
	if (l->has_fps && r->max_fps && l->fps > r->max_fps)
		return "--max-fps is more than the token's";
	if (l->has_expiry && r->has_expiry && !r->never_expires && not_after > r->not_after)
		return "--expires is later than the token's";
	if (r->n_masks + l->n_masks > LIMIT_MASKS)
		return "too many masks";
	return NULL;
}

static int narrow(struct token *t, const struct limits *l, uint64_t not_after)
{
	int r = 0;

	if (l->unit)
		r = token_limit_unit(t, l->unit);
	if (r == 0 && l->has_size)
		r = token_limit_size(t, l->width, l->height);
	if (r == 0 && l->has_fps)
		r = token_limit_fps(t, l->fps);
	if (r == 0 && l->has_expiry)
		r = token_limit_expiry(t, not_after);
	for (uint32_t i = 0; r == 0 && i < l->n_masks; i++)
		r = token_limit_mask(t, &l->masks[i]);
	if (r == 0 && l->no_dump)
		r = token_limit_no_dump(t);
	if (r == 0 && l->label)
		r = token_limit_label(t, l->label);
	return r;
}

static int print(const struct options *o, const struct token *t)
{
	char text[LIMIT_TOKEN], id[2 * TOKEN_ID_BYTES + 1];
	struct rights r;
	json_t *j;

	if (!o->json)
		return source_print(t);
	if (token_format(t, text) < 0 || token_body_rights(t->body, t->body_len, &r) < 0)
		return EXIT_INTERNAL;
	token_id_text(token_body_id(t->body, t->body_len), id);
	j = json_object();
	json_object_set_new(j, "token", json_string(text));
	json_object_set_new(j, "id", json_string(id));
	json_object_set_new(j, "camera", json_text(r.camera));
	json_object_set_new(j, "not_after", json_time(r.never_expires ? 0 : r.not_after));
	sodium_memzero(text, sizeof(text));
	return json_print(j);
}

static int attenuate(const struct options *o, struct token *t)
{
	const struct limits *l = &o->limits;
	uint64_t not_after = UINT64_MAX;
	struct rights rights;
	const char *what;
	int r = token_body_rights(t->body, t->body_len, &rights);

	if (r < 0) {
		fputs("framemuxctl: this token says something that this version does not know\n",
			stderr);
		return EXIT_BAD_DATA;
	}
	if (l->has_expiry && l->expires_s != NUMBER_NEVER)
		not_after = clock_unix_s() + l->expires_s;
	what = widened(&rights, l, not_after);
	if (what) {
		fprintf(stderr, "framemuxctl: %s; a token can only be narrowed\n", what);
		return EXIT_USAGE;
	}
	r = narrow(t, l, not_after);
	if (r < 0) {
		fprintf(stderr, "framemuxctl: %s\n",
			r == -E2BIG ? "the token would become too long" : "a bad value");
		return EXIT_USAGE;
	}
	return print(o, t);
}

int verb_attenuate(const struct options *o)
{
	struct token t;
	int code = source_token(o->key_file, o->limits.camera, &t);

	if (code == 0)
		code = attenuate(o, &t);
	sodium_memzero(&t, sizeof(t));
	return code;
}
