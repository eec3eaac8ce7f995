/* framemuxctl accept: a camera that calls itself something else is the right one. In its process. */
#include <stdio.h>
#include <string.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/protocol.h"

static int accept_state(const struct options *o)
{
	struct msg_ctl_accept_state rq = {0};
	struct control *c = NULL;
	int code = ask_connect(o, &c);
	json_t *j;

	if (code == 0)
		code = ask(c, &wire_ctl_accept_state, &rq, NULL, NULL, NULL);
	control_close(c);
	if (code)
		return code;
	if (o->json) {
		j = json_object();
		json_object_set_new(j, "accepted", json_text("state"));
		return json_print(j);
	}
	puts("accepted the state folder as it is: the mux grants again");
	return 0;
}

int verb_accept(const struct options *o)
{
	const char *camera = o->limits.camera;
	struct msg_ctl_accept rq = {0};
	struct control *c = NULL;
	json_t *j;
	int code;

	if (!camera == !o->state) {
		fputs("framemuxctl: accept: which --camera, or --state?\n", stderr);
		return EXIT_USAGE;
	}
	if (o->state)
		return accept_state(o);
	memcpy(rq.camera, camera, strlen(camera) + 1); /* its length was checked with the options */
	code = ask_connect(o, &c);
	if (code == 0)
		code = ask(c, &wire_ctl_accept, &rq, NULL, NULL, NULL);
	control_close(c);
	if (code)
		return code;
	if (o->json) {
		j = json_object();
		json_object_set_new(j, "accepted", json_text(camera));
		return json_print(j);
	}
	printf("accepted %s: what it calls itself next is remembered\n", camera);
	return 0;
}
