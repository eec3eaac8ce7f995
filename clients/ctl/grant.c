/* framemuxctl grant and revoke: what the mux does for an admin. In framemuxctl's process. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/ended.h"
#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/cutoff.h"
#include "common/number.h"
#include "common/protocol.h"

#define EXPIRES_DEFAULT_S (24u * 3600u)

static void copy_text(char *ret, const char *text)
{
	if (text)
		memcpy(ret, text, strlen(text) + 1); /* its length was checked with the options */
}

static void on_token(void *data, const struct wire_message *m, const void *record)
{
	if (m == &wire_ctl_token)
		memcpy(data, record, sizeof(struct msg_ctl_token));
}

static int print_token(const struct options *o, const struct msg_ctl_token *t)
{
	char id[2 * TOKEN_ID_BYTES + 1];
	json_t *j;

	if (!*t->token) {
		fputs("framemuxctl: the mux left the token out\n", stderr);
		return EXIT_INTERNAL;
	}
	if (!o->json) {
		if (puts(t->token) != EOF && fflush(stdout) == 0)
			return 0;
		fputs("framemuxctl: cannot write the token\n", stderr);
		return EXIT_WRITE;
	}
	token_id_text(t->id, id);
	j = json_object();
	json_object_set_new(j, "token", json_text(t->token));
	json_object_set_new(j, "id", json_string(id));
	json_object_set_new(j, "camera", json_text(o->limits.camera));
	json_object_set_new(j, "not_after", json_time(t->not_after));
	return json_print(j);
}

int verb_grant(const struct options *o)
{
	const struct limits *l = &o->limits;
	struct msg_ctl_token token = {0};
	struct control *c = NULL;
	struct msg_ctl_grant rq = {
		.has_uid = l->has_uid,
		.uid = l->uid,
		.max_width = l->width,
		.max_height = l->height,
		.max_fps = l->fps,
		.never_expires = l->has_expiry && l->expires_s == NUMBER_NEVER,
		.expires_s = l->has_expiry ? l->expires_s : EXPIRES_DEFAULT_S,
		.dump = l->dump,
	};
	int code;

	if (!l->camera) {
		fputs("framemuxctl: grant: which --camera?\n", stderr);
		return EXIT_USAGE;
	}
	if (rq.never_expires)
		rq.expires_s = 0;
	copy_text(rq.camera, l->camera);
	copy_text(rq.label, l->label);
	copy_text(rq.unit, l->unit);
	masks_pack(l->masks, l->n_masks, rq.masks, &rq.masks_len);
	code = ask_connect(o, &c);
	if (code == 0)
		code = ask(c, &wire_ctl_grant, &rq, on_token, &token, NULL);
	control_close(c);
	if (code == 0)
		code = print_token(o, &token);
	sodium_memzero(&token, sizeof(token));
	return code;
}

static bool is_id(const char *s)
{
	size_t len = strlen(s);

	return (len == 16 || len == 2 * TOKEN_ID_BYTES) &&
		strspn(s, "0123456789abcdefABCDEF") == len;
}

/* What is to be revoked, in words. 0, or an exit code. */
static int revoke_request(const struct options *o, struct msg_ctl_revoke *ret, char text[96])
{
	const struct limits *l = &o->limits;

	if (!!o->operand + !!l->camera + l->has_uid + o->all != 1) {
		fputs("framemuxctl: revoke: one of ID, --camera, --uid and --all\n", stderr);
		return EXIT_USAGE;
	}
	if (l->camera) {
		ret->cutoff = CUTOFF_CAMERA;
		copy_text(ret->camera, l->camera);
		snprintf(text, 96, "revoked all tokens for camera %s", l->camera);
	} else if (l->has_uid) {
		ret->cutoff = CUTOFF_UID;
		ret->uid = l->uid;
		snprintf(text, 96, "revoked all tokens of uid %" PRIu32, l->uid);
	} else if (o->all) {
		ret->cutoff = CUTOFF_ALL;
		snprintf(text, 96, "revoked all tokens");
	} else if (!is_id(o->operand)) {
		fputs("framemuxctl: revoke: an ID has 16 hexadecimal digits (a lease) or 32 (a "
		      "token)\n",
			stderr);
		return EXIT_USAGE;
	} else {
		copy_text(ret->id, o->operand);
		snprintf(text, 96, "revoked %s", o->operand);
	}
	return 0;
}

int verb_revoke(const struct options *o)
{
	struct msg_ctl_revoke rq = {0};
	struct msg_ctl_done done = {0};
	struct control *c = NULL;
	char what[96];
	int code = revoke_request(o, &rq, what);

	if (!code)
		code = ask_connect(o, &c);
	if (code == 0)
		code = ended_ask(o, c, &wire_ctl_revoke, &rq, what, &done);
	if (done.status == ENOENT && o->operand) /* an id of nothing, not a right that is missing */
		code = EXIT_BAD_DATA;
	control_close(c);
	return code;
}
