/* Asks for an end of leases and says which it were. */
#include "clients/ctl/ended.h"

#include <inttypes.h>
#include <stdio.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/options.h"

#define ENDED_MAX 65536u

static void on_ended(void *data, const struct wire_message *m, const void *record)
{
	const struct msg_ctl_ended *e = record;
	char id[17];

	if (m != &wire_ctl_ended || json_array_size(data) == ENDED_MAX)
		return;
	snprintf(id, sizeof(id), "%016" PRIx64, e->lease);
	json_array_append_new(data, json_string(id));
}

int ended_ask(const struct options *o, struct control *c, const struct wire_message *kind, void *rq,
	const char *what, struct msg_ctl_done *ret_done)
{
	json_t *ended = json_array(), *j;
	int code = ask(c, kind, rq, on_ended, ended, ret_done);

	if (code == 0 && o->json) {
		j = json_object();
		json_object_set(j, "ended", ended);
		json_object_set_new(j, "elapsed_us", json_u64(ret_done->elapsed_us));
		code = json_print(j);
	} else if (code == 0) {
		printf("%s: %zu lease%s ended, erased after %" PRIu64 " us\n", what,
			json_array_size(ended), json_array_size(ended) == 1 ? "" : "s",
			ret_done->elapsed_us);
	}
	json_decref(ended);
	return code;
}
