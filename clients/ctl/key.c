/* framemuxctl key: the root keys of all tokens, never their bytes. In framemuxctl's process. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/exit_code.h"
#include "clients/ctl/json.h"
#include "clients/ctl/units.h"
#include "clients/ctl/verbs.h"
#include "common/protocol.h"

#define ENDED_MAX 65536u

static void on_key(void *data, const struct wire_message *m, const void *record)
{
	const struct msg_ctl_key *key = record;
	json_t *j;

	if (m != &wire_ctl_key)
		return;
	j = json_object();
	json_object_set_new(j, "id", json_integer(key->key_id));
	json_object_set_new(j, "since", json_time(key->since_s));
	json_object_set_new(j, "current", json_boolean(key->is_current));
	json_array_append_new(data, j);
}

static int print_keys(const struct options *o, json_t *keys)
{
	json_t *j, *key;
	size_t i;

	if (o->json) {
		j = json_object();
		json_object_set(j, "keys", keys);
		return json_print(j);
	}
	json_array_foreach(keys, i, key)
	{
		const char *since = json_string_value(json_object_get(key, "since"));

		printf("key %" JSON_INTEGER_FORMAT "  since %s  %s\n",
			json_integer_value(json_object_get(key, "id")),
			since ? since : "the beginning",
			json_is_true(json_object_get(key, "current"))
				? "tokens are made with it"
				: "its tokens are good until it is retired");
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fputs("framemuxctl: cannot write\n", stderr);
	return EXIT_WRITE;
}

static int list_keys(
	const struct options *o, struct control *c, const struct wire_message *ask_for, void *rq)
{
	json_t *keys = json_array();
	int code = ask(c, ask_for, rq, on_key, keys, NULL);

	if (code == 0)
		code = print_keys(o, keys);
	json_decref(keys);
	return code;
}

static void on_ended(void *data, const struct wire_message *m, const void *record)
{
	const struct msg_ctl_ended *e = record;
	char id[17];

	if (m != &wire_ctl_ended || json_array_size(data) == ENDED_MAX)
		return;
	snprintf(id, sizeof(id), "%016" PRIx64, e->lease);
	json_array_append_new(data, json_string(id));
}

static int retire(const struct options *o, struct control *c)
{
	struct msg_ctl_key_retire rq = {0};
	struct msg_ctl_done done = {0};
	json_t *ended = json_array(), *j;
	int code = ask(c, &wire_ctl_key_retire, &rq, on_ended, ended, &done);

	if (code == 0 && o->json) {
		j = json_object();
		json_object_set(j, "ended", ended);
		json_object_set_new(j, "elapsed_us", json_u64(done.elapsed_us));
		code = json_print(j);
	} else if (code == 0) {
		printf("retired the older key: %zu lease%s ended, erased after %" PRIu64 " us\n",
			json_array_size(ended), json_array_size(ended) == 1 ? "" : "s",
			done.elapsed_us);
	}
	json_decref(ended);
	return code;
}

int verb_key(const struct options *o)
{
	struct msg_ctl_key_rotate rotate = {0};
	struct msg_ctl_key_show show = {0};
	const char *what = o->operand ? o->operand : "show";
	struct control *c = NULL;
	int code;

	if (strcmp(what, "show") != 0 && strcmp(what, "rotate") != 0 &&
		strcmp(what, "retire") != 0) {
		fputs("framemuxctl: key: show, rotate or retire\n", stderr);
		return EXIT_USAGE;
	}
	code = ask_connect(o, &c);
	if (code == 0 && !strcmp(what, "show"))
		code = list_keys(o, c, &wire_ctl_key_show, &show);
	else if (code == 0 && !strcmp(what, "rotate"))
		code = list_keys(o, c, &wire_ctl_key_rotate, &rotate);
	else if (code == 0)
		code = retire(o, c);
	control_close(c);
	return code;
}
