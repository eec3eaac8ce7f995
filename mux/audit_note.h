/*
 * What the audit log records: a table of events and the members each has. Whoever has something to
 * record fills in a msg_audit_note (mux/link/daemon_broker.h); another event is another row here. Shared by
 * framemuxd, who writes all of it, and the broker.
 */
#ifndef FRAMEMUX_AUDIT_NOTE_H
#define FRAMEMUX_AUDIT_NOTE_H

#include "common/audit_record.h"
#include "mux/link/daemon_broker.h"

enum audit_event {
	/* framemuxd's own */
	AUDIT_EVENT_START = 1,
	AUDIT_EVENT_STOP,
	AUDIT_EVENT_TORN,        /* the end of the log was not whole */
	AUDIT_EVENT_CUT,         /* records are missing at its end */
	AUDIT_EVENT_KEY_LOST,    /* it goes on under another key */
	AUDIT_EVENT_ROLLED_BACK, /* state_anchor knows more of it */
	AUDIT_EVENT_LOST,        /* so many records could not be kept */
	AUDIT_EVENT_ROLE_START,
	AUDIT_EVENT_ROLE_DEATH,
	AUDIT_EVENT_RELOAD,
	AUDIT_EVENT_CHANGE, /* one thing that a reload changed */
	AUDIT_EVENT_ACCEPT,
	AUDIT_EVENT_DISABLE,
	AUDIT_EVENT_ENABLE,
	AUDIT_EVENT_POLICY,
	AUDIT_EVENT_KEY, /* a root key */
	/* the broker's too */
	AUDIT_EVENT_GRANT,
	AUDIT_EVENT_OPEN,
	AUDIT_EVENT_ALIVE,
	AUDIT_EVENT_CLOSE,
	AUDIT_EVENT_REVOKE,
	AUDIT_EVENT_ERASE,
	AUDIT_EVENT_REFUSED,
	AUDIT_EVENT_PROVENANCE,
	AUDIT_EVENT_DENIED, /* a control verb */
	AUDIT_EVENTS
};

/* Of the log as a whole. */
enum audit_state {
	AUDIT_STATE_OK = 1,
	AUDIT_STATE_FULL,
	AUDIT_STATE_READ_ONLY,
	AUDIT_STATE_FAILING,     /* another error of the disk's */
	AUDIT_STATE_CUT,         /* it was, when framemuxd started */
	AUDIT_STATE_ROLLED_BACK, /* the state folder was; nothing is granted until a person accepts */
};

enum audit_anchor_kind { AUDIT_ANCHOR_NONE, AUDIT_ANCHOR_JOURNAL, AUDIT_ANCHOR_FILE };

/* "ok", "full", ...; "" for none of them. */
const char *audit_state_name(uint32_t state);

/* Whether the broker may note it. */
bool audit_event_is_brokers(uint32_t event);

/* The members as text. An event that is none is written as "unknown". */
void audit_note_body(const struct msg_audit_note *m, struct audit_body *ret);

#endif
