/* framemuxctl policy apply and show: a fleet's policy, which is framemuxd's own. In its process. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/cleanup.h"
#include "common/protocol.h"

#define BUNDLE_MAX 65536u
#define TIME_TEXT  32u

static int usage(const char *what)
{
	fprintf(stderr, "framemuxctl: policy: %s\n", what);
	return EXIT_USAGE;
}

/* ---- what is in force ---------------------------------------------------------------- */

struct shown {
	struct msg_ctl_policy policy;
	json_t *keys, *statements, *cameras; /* owned */
};

static void on_record(void *data, const struct wire_message *m, const void *record)
{
	struct shown *s = data;

	if (m == &wire_ctl_policy) {
		s->policy = *(const struct msg_ctl_policy *)record;
	} else if (m == &wire_ctl_policy_key) {
		const struct msg_ctl_policy_key *k = record;

		json_array_append_new(s->keys,
			json_pack("{s:o, s:b}", "id", json_text(k->id), "signed", k->has_signed));
	} else if (m == &wire_ctl_policy_line) {
		const struct msg_ctl_policy_line *l = record;

		json_array_append_new(s->statements, json_text(l->text));
	} else if (m == &wire_ctl_policy_camera) {
		const struct msg_ctl_policy_camera *c = record;

		json_array_append_new(s->cameras,
			json_pack("{s:o, s:o}", "camera", json_text(c->camera), "reason",
				json_text(c->reason)));
	}
}

static int ask_shown(struct control *c, struct shown *ret)
{
	struct msg_ctl_policy_show rq = {0};

	*ret = (struct shown){
		.keys = json_array(), .statements = json_array(), .cameras = json_array()};
	return ask(c, &wire_ctl_policy_show, &rq, on_record, ret, NULL);
}

static void shown_free(struct shown *s)
{
	json_decref(s->keys);
	json_decref(s->statements);
	json_decref(s->cameras);
}

static bool is_expired(const struct msg_ctl_policy *p)
{
	return p->expires_s && p->now_s >= p->expires_s;
}

static const char *hash_text(const struct msg_ctl_policy *p, char ret[65])
{
	return sodium_bin2hex(ret, 65, p->hash, sizeof(p->hash));
}

static int show_json(const struct shown *s)
{
	const struct msg_ctl_policy *p = &s->policy;
	json_t *o = json_object();
	char hash[65];

	json_object_set_new(o, "version", p->version ? json_u64(p->version) : json_null());
	json_object_set_new(o, "fleet", *p->fleet ? json_text(p->fleet) : json_null());
	json_object_set_new(o, "issued", json_time(p->issued_s));
	json_object_set_new(o, "expires", json_time(p->expires_s));
	json_object_set_new(o, "expired", json_boolean(is_expired(p)));
	json_object_set_new(o, "now", json_time(p->now_s));
	json_object_set_new(o, "hash", p->version ? json_text(hash_text(p, hash)) : json_null());
	json_object_set_new(o, "recorded", json_boolean(p->kept));
	json_object_set_new(o, "quorum", json_u64(p->quorum));
	json_object_set(o, "keys", s->keys);
	json_object_set(o, "statements", s->statements);
	json_object_set(o, "blocked", s->cameras);
	return json_print(o);
}

/* RFC 3339, or "never". */
static void time_text(uint64_t unix_s, char ret[TIME_TEXT])
{
	json_t *t = json_time(unix_s);

	snprintf(ret, TIME_TEXT, "%s", json_is_string(t) ? json_string_value(t) : "never");
	json_decref(t);
}

static const char *member(json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static void show_keys(const struct shown *s)
{
	size_t n = 0, i;
	json_t *k;

	json_array_foreach(s->keys, i, k) n += json_is_true(json_object_get(k, "signed"));
	printf("signed by %zu of the %" PRIu32 " policy_keys, %" PRIu32 " are needed:", n,
		s->policy.keys, s->policy.quorum);
	json_array_foreach(s->keys, i, k) if (json_is_true(json_object_get(k, "signed")))
		printf(" %s", member(k, "id"));
	printf("\n");
}

static int show_text(const struct shown *s)
{
	const struct msg_ctl_policy *p = &s->policy;
	char issued[TIME_TEXT], expires[TIME_TEXT], hash[65];
	json_t *v;
	size_t i;

	if (!p->version) {
		printf("no policy is in force; %" PRIu32 " policy_keys, %" PRIu32
		       " are needed to sign one\n",
			p->keys, p->quorum);
		return 0;
	}
	time_text(p->issued_s, issued);
	time_text(p->expires_s, expires);
	printf("policy %" PRIu64 "%s%s%s\nissued %s, expires %s%s\nhash %s\n", p->version,
		*p->fleet ? " of fleet \"" : "", p->fleet, *p->fleet ? "\"" : "", issued, expires,
		is_expired(p) ? ": it has, what it permits is over" : "", hash_text(p, hash));
	show_keys(s);
	if (!p->kept)
		printf("not recorded on disk: it would not outlast a restart\n");
	printf("\n");
	json_array_foreach(s->statements, i, v) printf("  %s\n", json_string_value(v));
	printf("\n%zu camera%s blocked by it%s\n", json_array_size(s->cameras),
		json_array_size(s->cameras) == 1 ? " is" : "s are",
		json_array_size(s->cameras) ? ":" : "");
	json_array_foreach(s->cameras, i, v)
		printf("  %s: %s\n", member(v, "camera"), member(v, "reason"));
	return 0;
}

static int finish(int code)
{
	if (code == 0 && fflush(stdout)) {
		fputs("framemuxctl: cannot write\n", stderr);
		return EXIT_WRITE;
	}
	return code;
}

static int show(const struct options *o)
{
	struct control *c = NULL;
	struct shown s;
	int code = ask_connect_kill(o, &c);

	if (code)
		return code;
	code = ask_shown(c, &s);
	if (code == 0)
		code = o->json ? show_json(&s) : show_text(&s);
	shown_free(&s);
	control_close(c);
	return finish(code);
}

/* ---- applying one -------------------------------------------------------------------- */

/* One byte more than there may be is for the mux to refuse. */
static int read_bundle(const char *path, char **ret, size_t *ret_len)
{
	FILE *f = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	cleanup_free char *bytes = malloc(BUNDLE_MAX + 1);
	int bad = 0;

	if (f && bytes) {
		*ret_len = fread(bytes, 1, BUNDLE_MAX + 1, f);
		bad = ferror(f);
	}
	if (!f || !bytes || bad)
		fprintf(stderr, "framemuxctl: %s: %s\n", path, strerror(errno));
	if (f && f != stdin)
		fclose(f);
	if (!f || !bytes || bad)
		return EXIT_BAD_DATA;
	*ret = take_ptr(bytes);
	return 0;
}

static int send_bundle(
	struct control *c, const char *bytes, size_t len, struct msg_ctl_done *ret_done)
{
	struct msg_ctl_policy_apply rq = {.total = (uint32_t)len};
	int code = 0;

	do {
		size_t left = len - rq.at;

		rq.bytes_len = (uint16_t)(left < CTL_POLICY_PIECE ? left : CTL_POLICY_PIECE);
		memcpy(rq.bytes, bytes + rq.at, rq.bytes_len);
		code = ask(c, &wire_ctl_policy_apply, &rq, NULL, NULL, ret_done);
		rq.at += rq.bytes_len;
	} while (code == 0 && rq.at < len);
	return code;
}

/* A refusal in one word, for programs. */
static const char *refusal(uint32_t status)
{
	switch (status) {
	case ENOKEY:
		return "no-keys";
	case EKEYREJECTED:
		return "under-signed";
	case ESTALE:
		return "rollback";
	case ENOTUNIQ:
		return "equivocation";
	case EKEYEXPIRED:
		return "expired";
	case EBADMSG:
		return "no-policy";
	default:
		return "other";
	}
}

static int print_refusal(const struct options *o, const struct msg_ctl_done *done, int code)
{
	if (o->json && done->status)
		(void)json_print(json_pack("{s:b, s:s, s:o}", "applied", 0, "refused",
			refusal(done->status), "reason", json_text(done->reason)));
	return code;
}

static int print_applied(
	const struct options *o, const struct shown *s, const struct msg_ctl_done *done)
{
	size_t n = json_array_size(s->cameras);
	char hash[65];

	if (*done->reason)
		fprintf(stderr, "framemuxctl: %s\n", done->reason);
	if (o->json)
		return json_print(json_pack("{s:b, s:o, s:o, s:O, s:o}", "applied", 1, "version",
			json_u64(s->policy.version), "hash", json_text(hash_text(&s->policy, hash)),
			"blocked", s->cameras, "elapsed_us", json_u64(done->elapsed_us)));
	printf("policy %" PRIu64 " is in force: it blocks %zu camera%s (%" PRIu64 " us)\n",
		s->policy.version, n, n == 1 ? "" : "s", done->elapsed_us);
	return 0;
}

static int apply(const struct options *o)
{
	struct msg_ctl_done done = {0};
	cleanup_free char *bytes = NULL;
	struct control *c = NULL;
	struct shown s = {0};
	size_t len = 0;
	int code = read_bundle(o->second, &bytes, &len);

	if (code == 0)
		code = ask_connect_kill(o, &c);
	if (code)
		return code;
	code = send_bundle(c, bytes, len, &done);
	if (code) {
		control_close(c);
		return finish(print_refusal(o, &done, code));
	}
	code = ask_shown(c, &s);
	if (code == 0)
		code = print_applied(o, &s, &done);
	shown_free(&s);
	control_close(c);
	return finish(code);
}

int verb_policy(const struct options *o)
{
	const char *what = o->operand ? o->operand : "";

	if (!strcmp(what, "show"))
		return o->second ? usage("show takes nothing more") : show(o);
	if (strcmp(what, "apply") != 0)
		return usage("apply FILE, or show");
	return o->second ? apply(o) : usage("apply: which file?");
}
