/* framemuxctl disable and enable: the kill switch, which is framemuxd's own. In its process. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/protocol.h"

static int make_request(const struct options *o, struct msg_ctl_switch *ret, char text[96])
{
	const struct limits *l = &o->limits;
	const char *name = l->camera ? l->camera : o->vendor;

	if (!!l->camera + !!o->vendor + l->has_uid != 1) {
		fprintf(stderr, "framemuxctl: %s: one of --camera, --vendor and --uid\n",
			o->verb->name);
		return EXIT_USAGE;
	}
	ret->kind = l->camera ? SWITCH_CAMERA : o->vendor ? SWITCH_VENDOR : SWITCH_UID;
	ret->uid = l->uid;
	if (name)
		memcpy(ret->name, name,
			strlen(name) + 1); /* its length was checked with the options */
	if (name)
		snprintf(text, 96, "%s %s", l->camera ? "camera" : "vendor", name);
	else
		snprintf(text, 96, "uid %" PRIu32, l->uid);
	return 0;
}

static void on_camera(void *data, const struct wire_message *m, const void *record)
{
	const struct msg_ctl_switched *s = record;

	if (m == &wire_ctl_switched)
		json_array_append_new(data, json_text(s->camera));
}

static int report(const struct options *o, const char *what, bool is_on, json_t *cameras,
	const struct msg_ctl_done *done)
{
	json_t *j;

	if (*done->reason)
		fprintf(stderr, "framemuxctl: %s\n", done->reason);
	if (o->json) {
		j = json_object();
		json_object_set(j, is_on ? "disabled" : "enabled", cameras);
		json_object_set_new(j, "elapsed_us", json_u64(done->elapsed_us));
		return json_print(j);
	}
	printf("%s is %s", what, is_on ? "disabled" : "enabled");
	if (o->vendor)
		printf(": %zu camera%s", json_array_size(cameras),
			json_array_size(cameras) == 1 ? "" : "s");
	printf(" (%" PRIu64 " us)\n", done->elapsed_us);
	return 0;
}

static int work(const struct options *o, bool is_on)
{
	struct msg_ctl_switch rq = {.on = is_on};
	struct msg_ctl_done done = {0};
	struct control *c = NULL;
	json_t *cameras;
	char what[96];
	int code = make_request(o, &rq, what);

	if (code)
		return code;
	cameras = json_array();
	code = ask_connect_kill(o, &c);
	if (code == 0)
		code = ask(c, &wire_ctl_switch, &rq, on_camera, cameras, &done);
	control_close(c);
	if (code == 0)
		code = report(o, what, is_on, cameras, &done);
	json_decref(cameras);
	return code;
}

int verb_disable(const struct options *o)
{
	return work(o, true);
}

int verb_enable(const struct options *o)
{
	return work(o, false);
}
