/* framemuxctl key: the root keys of all tokens, never their bytes. In framemuxctl's process. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/ended.h"
#include "clients/ctl/json.h"
#include "clients/ctl/units.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/protocol.h"

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

static int retire(const struct options *o, struct control *c)
{
	struct msg_ctl_key_retire rq = {0};
	struct msg_ctl_done done = {0};

	return ended_ask(o, c, &wire_ctl_key_retire, &rq, "retired the older key", &done);
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
