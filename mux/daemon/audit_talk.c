/*
 * What framemuxd has to record of itself, and what the broker has it record. Runs in the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <config.h>

#include "mux/daemon/daemon_private.h"

void mux_note_start(struct mux *m)
{
	struct msg_audit_note note = {
		.event = AUDIT_EVENT_START, .pid = (uint32_t)getpid(), .what = PACKAGE_VERSION};

	snprintf(note.reason, sizeof(note.reason), "%s%.*s",
		m->roles.missing[0] ? "missing walls: " : "all walls", LIMIT_REASON - 32,
		m->roles.missing);
	audit_note(m->audit, &note);
}

void mux_note_stop(struct mux *m)
{
	audit_note(m->audit, &(struct msg_audit_note){.event = AUDIT_EVENT_STOP});
}

/* With its broker every lease has ended: who reads the log knows by this record. */
void mux_note_broker(struct mux *m, enum audit_event event)
{
	audit_note(m->audit, &(struct msg_audit_note){.event = event, .name = "broker"});
}

void mux_written(void *mux, uint64_t life, uint32_t request, int status)
{
	struct mux *m = mux;
	struct msg_audit_written written = {.request = request, .status = (uint32_t)-status};

	if (broker_life(m->broker) == life)
		broker_send(m->broker, &wire_audit_written, &written, NULL, 0);
}

int mux_on_audit_note(void *self, const void *msg, int *fds)
{
	const struct msg_audit_note *note = msg;
	struct mux *m = self;
	uint64_t life = broker_life(m->broker);
	int rc;

	(void)fds;
	if (!audit_event_is_brokers(note->event))
		return -EPROTO;
	if (!note->request) {
		audit_note(m->audit, note);
		return 0;
	}
	rc = audit_request(m->audit, note, life, note->request);
	if (rc < 0)
		mux_written(m, life, note->request, rc);
	return 0;
}
