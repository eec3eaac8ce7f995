/* framemuxctl reload: the configuration is read again, all or nothing. In its process. */
#include <stdio.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/protocol.h"

struct answer {
	bool is_json, has_fault;
	json_t *changes; /* owned */
	unsigned n;
};

static void take_change(struct answer *a, const struct msg_ctl_change *m)
{
	json_t *j;

	a->n++;
	if (!a->is_json) {
		printf("%s %s: %s%s%s%s\n", m->kind, m->name, m->what, *m->detail ? " (" : "",
			m->detail, *m->detail ? ")" : "");
		return;
	}
	j = json_object();
	json_object_set_new(j, "kind", json_text(m->kind));
	json_object_set_new(j, "name", json_text(m->name));
	json_object_set_new(j, "what", json_text(m->what));
	json_object_set_new(j, "detail", json_text(m->detail));
	json_array_append_new(a->changes, j);
}

static void on_record(void *data, const struct wire_message *m, const void *record)
{
	const struct msg_ctl_fault *fault = record;
	struct answer *a = data;

	if (m == &wire_ctl_change)
		take_change(a, record);
	if (m != &wire_ctl_fault)
		return;
	a->has_fault = true;
	fprintf(stderr, "%s\n", fault->text);
}

int verb_reload(const struct options *o)
{
	struct answer a = {.is_json = o->json, .changes = json_array()};
	struct msg_ctl_reload rq = {0};
	struct control *c = NULL;
	json_t *j;
	int code = ask_connect(o, &c);

	if (code == 0)
		code = ask(c, &wire_ctl_reload, &rq, on_record, &a, NULL);
	control_close(c);
	if (code == 0 && o->json) {
		j = json_object();
		json_object_set(j, "changes", a.changes);
		code = json_print(j);
	} else if (code == 0 && a.n == 0) {
		puts("nothing has changed");
	}
	json_decref(a.changes);
	return code && a.has_fault ? EXIT_CONFIG : code;
}
