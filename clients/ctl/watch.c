/* Shows events, a JSON object a line, until it is ended. In framemuxctl's process. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/audit_record.h"
#include "common/camera_state.h"
#include "common/utc.h"

struct watch {
	const char *camera; /* NULL: all */
	bool knows_camera;
	int code; /* not 0: it is over */
};

static void event_name(const struct msg_ctl_event *e, char ret[LIMIT_KIND])
{
	static const char *const names[] = {
		[EVENT_CAMERA] = "camera-",
		[EVENT_CAMERA_REMOVED] = "camera-removed",
		[EVENT_LEASE_OPENED] = "lease-opened",
		[EVENT_LEASE_CLOSED] = "lease-closed",
		[EVENT_REVOKED] = "revoked",
		[EVENT_USER_DISABLED] = "user-disabled",
		[EVENT_USER_ENABLED] = "user-enabled",
		[EVENT_NOW] = "now",
		[EVENT_MISSED] = "missed",
	};
	bool is_known = e->event && e->event < sizeof(names) / sizeof(names[0]);

	snprintf(ret, LIMIT_KIND, "%s%s", is_known ? names[e->event] : "unknown",
		e->event == EVENT_CAMERA ? camera_state_name(e->state) : "");
}

static json_t *event_json(const struct msg_ctl_event *e)
{
	char time[UTC_TEXT_MAX], name[LIMIT_KIND], lease[17];
	json_t *o = json_object();

	utc_text_ms(e->time_ms, time);
	event_name(e, name);
	snprintf(lease, sizeof(lease), "%016" PRIx64, e->lease);
	json_object_set_new(o, "time", json_string(time));
	json_object_set_new(o, "event", json_string(name));
	json_object_set_new(o, "camera", *e->camera ? json_text(e->camera) : json_null());
	json_object_set_new(o, "lease", e->lease ? json_string(lease) : json_null());
	json_object_set_new(o, "uid", e->uid == EVENT_NO_UID ? json_null() : json_integer(e->uid));
	json_object_set_new(o, "pid", e->pid ? json_integer(e->pid) : json_null());
	json_object_set_new(o, "reason", json_text(e->reason));
	return o;
}

/* What concerns no camera in particular may concern this one. */
static bool is_asked_for(struct watch *w, const struct msg_ctl_event *e)
{
	if (!w->camera || !*e->camera)
		return true;
	if (strcmp(w->camera, e->camera) != 0)
		return false;
	w->knows_camera = true;
	return true;
}

static void on_event(void *data, const struct wire_message *m, const void *record)
{
	const struct msg_ctl_event *e = record;
	struct watch *w = data;

	if (m != &wire_ctl_event || w->code || !is_asked_for(w, e))
		return;
	if (e->event == EVENT_NOW && w->camera && !w->knows_camera) {
		fputs("framemuxctl: refused: no such camera\n", stderr);
		w->code = EXIT_REFUSED;
		return;
	}
	w->code = json_print(event_json(e));
}

/* Each line is written whole by then, or nobody reads it. */
static void on_interrupt(int number)
{
	(void)number;
	_exit(0);
}

/* Until there is something to read; whoever reads this may go meanwhile. */
static int await(const struct control *c)
{
	struct pollfd p[] = {
		{.fd = control_fd(c), .events = POLLIN},
		{.fd = STDOUT_FILENO},
	};

	if (poll(p, 2, -1) < 0 && errno != EINTR)
		return ask_failed(-errno);
	if (!(p[1].revents & (POLLERR | POLLHUP | POLLNVAL)))
		return 0;
	fputs("framemuxctl: cannot write: nobody reads it any more\n", stderr);
	return EXIT_WRITE;
}

static int watch(struct control *c, struct watch *w)
{
	struct msg_ctl_done done;
	int r;

	w->code = await(c);
	if (w->code)
		return w->code;
	r = control_take(c, on_event, w, &done);
	if (r < 0)
		return ask_failed(r);
	if (r > 0) /* it comes only instead of events */
		return ask_refused(&done);
	return w->code;
}

int verb_watch(const struct options *o)
{
	struct watch w = {.camera = o->limits.camera};
	struct msg_ctl_watch rq = {0};
	struct control *c = NULL;
	int code, r;

	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	code = ask_connect(o, &c);
	if (code)
		return code;
	r = control_send(c, &wire_ctl_watch, &rq);
	code = r < 0 ? ask_failed(r) : 0;
	while (code == 0)
		code = watch(c, &w);
	control_close(c);
	return code;
}
