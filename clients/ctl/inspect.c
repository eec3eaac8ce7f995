/* framemuxctl inspect: what a token says. In framemuxctl's process. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/json.h"
#include "clients/ctl/source.h"
#include "clients/ctl/units.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/clock.h"
#include "common/utc.h"

#define LAST_TIME "9999-12-31T23:59:59Z"

static json_t *text_or_null(const char *text)
{
	return *text ? json_text(text) : json_null();
}

/* A time that no calendar has is not "never": the last one that has a form is said for it. */
static json_t *expiry_json(const struct rights *r)
{
	char text[UTC_TEXT_MAX];

	if (!r->has_expiry || r->never_expires)
		return json_null();
	utc_text(r->not_after, text);
	return json_string(*text ? text : LAST_TIME);
}

static void mask_text(const struct mask *m, char ret[48])
{
	snprintf(ret, 48, "%u,%u,%ux%u", m->x, m->y, m->width, m->height);
}

static int print_json(const char *id, uint32_t key_id, const struct rights *r)
{
	json_t *j = json_object(), *masks = json_array();
	char text[48];

	for (uint32_t i = 0; i < r->n_masks; i++) {
		mask_text(&r->masks[i], text);
		json_array_append_new(masks, json_string(text));
	}
	json_object_set_new(j, "id", json_string(id));
	json_object_set_new(j, "key", json_integer(key_id));
	json_object_set_new(j, "camera", text_or_null(r->camera));
	json_object_set_new(j, "epoch", r->has_camera ? json_integer(r->epoch) : json_null());
	json_object_set_new(j, "uid", r->has_uid ? json_integer(r->uid) : json_null());
	json_object_set_new(j, "unit", text_or_null(r->unit));
	json_object_set_new(j, "not_after", expiry_json(r));
	json_object_set_new(j, "max_size",
		r->max_width ? json_sprintf("%ux%u", r->max_width, r->max_height) : json_null());
	json_object_set_new(j, "max_fps", r->max_fps ? json_integer(r->max_fps) : json_null());
	json_object_set_new(j, "masks", masks);
	json_object_set_new(j, "dump", json_boolean(!r->no_dump));
	json_object_set_new(j, "label", text_or_null(r->label));
	return json_print(j);
}

static void print_expiry(const struct rights *r)
{
	uint64_t now = clock_unix_s();
	char at[UTC_TEXT_MAX], span[UNITS_TEXT];

	if (!r->has_expiry) {
		puts("expires   not stated: no mux accepts it");
		return;
	}
	if (r->never_expires) {
		puts("expires   never");
		return;
	}
	utc_text(r->not_after, at);
	units_span(r->not_after > now ? r->not_after - now : now - r->not_after, span);
	printf("expires   %s (%s%s%s)\n", *at ? at : "after " LAST_TIME,
		r->not_after > now ? "in " : "EXPIRED ", span, r->not_after > now ? "" : " ago");
}

static int print_text(const char *id, uint32_t key_id, const struct rights *r)
{
	char text[48];

	printf("id        %s, made with root key %" PRIu32 "\n", id, key_id);
	if (r->has_camera)
		printf("camera    %s, epoch %u\n", r->camera, r->epoch);
	else
		puts("camera    not stated: no mux accepts it");
	if (r->has_uid)
		printf("holder    uid %u%s%s\n", r->uid, *r->unit ? ", unit " : "", r->unit);
	else
		puts("holder    not stated: no mux accepts it");
	print_expiry(r);
	if (r->max_width)
		printf("size      at most %ux%u\n", r->max_width, r->max_height);
	else
		puts("size      any");
	if (r->max_fps)
		printf("rate      at most %u frames a second\n", r->max_fps);
	else
		puts("rate      any");
	for (uint32_t i = 0; i < r->n_masks; i++) {
		mask_text(&r->masks[i], text);
		printf("mask      %s\n", text);
	}
	printf("dump      %s\n", r->no_dump ? "no" : "yes");
	if (*r->label)
		printf("label     %s\n", r->label);
	puts("(what it says; only the mux can tell whether it is genuine)");
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fputs("framemuxctl: cannot write\n", stderr);
	return EXIT_WRITE;
}

int verb_inspect(const struct options *o)
{
	char id[2 * TOKEN_ID_BYTES + 1];
	struct rights rights;
	uint32_t key_id = 0;
	struct token t;
	int code = source_token(o->key_file, o->limits.camera, &t), r = 0;

	if (code == 0) {
		r = token_body_rights(t.body, t.body_len, &rights);
		token_id_text(token_body_id(t.body, t.body_len), id);
		(void)token_body_key_id(t.body, t.body_len, &key_id); /* it is well formed */
	}
	sodium_memzero(&t, sizeof(t));
	if (code)
		return code;
	if (r < 0) {
		fprintf(stderr, "framemuxctl: token %s %s\n", id,
			r == -EACCES ? "contradicts itself or says something unknown: every mux "
				       "refuses it"
				     : "is malformed");
		return EXIT_BAD_DATA;
	}
	return o->json ? print_json(id, key_id, &rights) : print_text(id, key_id, &rights);
}
