/* Events for those who watch. Owns nothing. Runs in the broker. */
#include "mux/broker/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "mux/broker/camera.h"
#include "mux/broker/control.h"
#include "mux/broker/tenure.h"

#define WATCHERS_MAX    16u   /* of those who may only read, and again of the others */
#define WATCHED_BEHIND  1024u /* messages that wait for one before it is left behind */
#define LEASE_ID_DIGITS 16u

static struct msg_ctl_event new_event(enum ctl_event_kind kind)
{
	return (struct msg_ctl_event){.event = kind,
		.time_ms = clock_read_ns(CLOCK_REALTIME) / NS_PER_MS,
		.uid = EVENT_NO_UID};
}

static void tell(struct control *c, const struct msg_ctl_event *m)
{
	control_record(c, &wire_ctl_event, m);
}

static void tell_all(const struct broker *b, const struct msg_ctl_event *m)
{
	struct control *c;

	LIST_FOREACH (c, &b->controls, link) {
		if (!c->watching.is_on || c->watching.is_behind)
			continue;
		if (conn_waiting(c->conn) >= WATCHED_BEHIND)
			c->watching.is_behind = true;
		else
			tell(c, m);
	}
}

static struct msg_ctl_event of_camera(const struct camera *c)
{
	struct msg_ctl_event m = new_event(EVENT_CAMERA);

	m.state = c->state;
	memcpy(m.camera, c->name, sizeof(m.camera));
	memcpy(m.reason, c->reason, sizeof(m.reason));
	return m;
}

/* That frames are to be saved is what somebody in front of the camera wants to know first. */
static struct msg_ctl_event of_lease(const struct tenure *t, enum ctl_event_kind kind)
{
	struct msg_ctl_event m = new_event(kind);

	m.lease = t->id;
	m.uid = t->uid;
	m.pid = t->pid;
	memcpy(m.camera, t->camera_name, sizeof(m.camera));
	if (kind == EVENT_LEASE_CLOSED)
		memcpy(m.reason, t->life.reason, sizeof(m.reason));
	else if (t->record.is_dump)
		snprintf(m.reason, sizeof(m.reason), "dump");
	return m;
}

static void tell_present(struct control *c)
{
	const struct broker *b = c->broker;
	struct msg_ctl_event m;
	const struct camera *camera;
	const struct tenure *t;

	LIST_FOREACH (camera, &b->cameras, link) {
		m = of_camera(camera);
		if (!camera->is_gone)
			tell(c, &m);
	}
	LIST_FOREACH (t, &b->tenures, in_broker) {
		m = of_lease(t, EVENT_LEASE_OPENED);
		if (t->is_open)
			tell(c, &m);
	}
	m = new_event(EVENT_NOW);
	tell(c, &m);
}

int watch_begin(struct control *c)
{
	bool may_change = control_may_change(c);
	const struct control *other;
	unsigned n = 0;

	LIST_FOREACH (other, &c->broker->controls, link)
		n += other->watching.is_on && control_may_change(other) == may_change;
	if (n >= WATCHERS_MAX)
		return -EUSERS;
	c->watching.is_on = true;
	tell_present(c);
	return 0;
}

void watch_drained(struct control *c)
{
	struct msg_ctl_event missed = new_event(EVENT_MISSED);

	if (!c->watching.is_behind)
		return;
	c->watching.is_behind = false;
	snprintf(missed.reason, sizeof(missed.reason),
		"not read in time; what is follows, and forget what was");
	tell(c, &missed);
	tell_present(c);
}

void watch_lease(const struct tenure *t, enum ctl_event_kind event)
{
	const struct msg_ctl_event m = of_lease(t, event);

	if (event == EVENT_LEASE_OPENED && breakage("watch-no-open"))
		return;
	tell_all(t->broker, &m);
}

void watch_camera(const struct camera *c)
{
	const struct msg_ctl_event m = of_camera(c);

	tell_all(c->broker, &m);
}

void watch_camera_removed(const struct camera *c)
{
	struct msg_ctl_event m = of_camera(c);

	m.event = EVENT_CAMERA_REMOVED;
	m.state = 0;
	memset(m.reason, 0, sizeof(m.reason));
	tell_all(c->broker, &m);
}

void watch_revoked(const struct control *asker, const struct cutoff *target, const char *id)
{
	static const char *const whats[] = {"one token", "every token issued so far",
		"every token issued so far for this camera", "every token issued so far to uid "};
	struct msg_ctl_event m = new_event(EVENT_REVOKED);

	m.uid = asker->uid;
	m.pid = asker->pid;
	memcpy(m.camera, target->camera, sizeof(m.camera));
	if (target->kind == CUTOFF_UID)
		snprintf(m.reason, sizeof(m.reason), "%s%u", whats[target->kind], target->uid);
	else
		snprintf(m.reason, sizeof(m.reason), "%s",
			id ? whats[target->kind] : "every token under the retired key");
	if (id && !target->kind && strlen(id) == LEASE_ID_DIGITS)
		m.lease = strtoull(id, NULL, 16);
	tell_all(asker->broker, &m);
}

void watch_user(const struct broker *b, uint32_t uid, bool is_off)
{
	struct msg_ctl_event m = new_event(is_off ? EVENT_USER_DISABLED : EVENT_USER_ENABLED);

	m.uid = uid;
	tell_all(b, &m);
}
