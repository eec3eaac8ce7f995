/* The table of the audit's events. Owns nothing. */
#include "mux/audit_note.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/utc.h"

enum {
	CAMERA = 1 << 0, /* with its epoch */
	LEASE = 1 << 1,
	TOKEN = 1 << 2,
	WHO = 1 << 3, /* uid */
	PID = 1 << 4,
	BY = 1 << 5,
	LIMITS = 1 << 6, /* size, fps, masks, dump */
	EXPIRY = 1 << 7,
	LABEL = 1 << 8,
	NAME = 1 << 9,
	WHAT = 1 << 10,
	GENERATION = 1 << 11,
	GENERATIONS = 1 << 12, /* from, to */
	COUNTS = 1 << 13,
	SHOWN = 1 << 14, /* from, until */
	COUNT = 1 << 15,
	BYTES = 1 << 16,
	ELAPSED = 1 << 17,
	REASON = 1 << 18,
	UNIT = 1 << 19,
	VERSION = 1 << 20, /* of a policy; or how many bundles */
	ISSUE = 1 << 21,
	KEY = 1 << 22,
};

static const struct {
	const char *name;
	unsigned members;
	bool is_brokers;
} events[AUDIT_EVENTS] = {
	[AUDIT_EVENT_START] = {"start", PID | WHAT | REASON, false},
	[AUDIT_EVENT_STOP] = {"stop", REASON, false},
	[AUDIT_EVENT_TORN] = {"torn", COUNT | BYTES | REASON, false},
	[AUDIT_EVENT_CUT] = {"cut", COUNT | REASON, false},
	[AUDIT_EVENT_KEY_LOST] = {"key_lost", REASON, false},
	[AUDIT_EVENT_ROLLED_BACK] = {"rolled_back", COUNT | REASON, false},
	[AUDIT_EVENT_LOST] = {"lost", COUNT | REASON, false},
	[AUDIT_EVENT_ROLE_START] = {"role_start", CAMERA | PID | NAME | GENERATION, false},
	[AUDIT_EVENT_ROLE_DEATH] = {"role_death", CAMERA | PID | NAME | GENERATION | REASON, false},
	[AUDIT_EVENT_RELOAD] = {"reload", BY | WHAT, false},
	[AUDIT_EVENT_CHANGE] = {"change", CAMERA | NAME | WHAT | REASON, false},
	[AUDIT_EVENT_ACCEPT] = {"accept", CAMERA | BY | WHAT, true},
	[AUDIT_EVENT_DISABLE] = {"disable", CAMERA | WHO | BY | NAME | WHAT | REASON, false},
	[AUDIT_EVENT_ENABLE] = {"enable", CAMERA | WHO | BY | NAME | WHAT | REASON, false},
	[AUDIT_EVENT_POLICY] = {"policy", CAMERA | BY | VERSION | NAME | WHAT | REASON, false},
	[AUDIT_EVENT_KEY] = {"key", BY | WHAT | KEY, false},
	[AUDIT_EVENT_GRANT] = {"grant",
		CAMERA | TOKEN | KEY | WHO | BY | UNIT | LIMITS | EXPIRY | LABEL | NAME | ISSUE,
		true},
	[AUDIT_EVENT_OPEN] = {"open",
		CAMERA | LEASE | TOKEN | WHO | PID | UNIT | LIMITS | EXPIRY | LABEL | GENERATION,
		true},
	[AUDIT_EVENT_ALIVE] = {"alive", CAMERA | LEASE | TOKEN | WHO | PID | GENERATIONS | COUNTS,
		true},
	[AUDIT_EVENT_CLOSE] = {"close",
		CAMERA | LEASE | TOKEN | WHO | PID | GENERATIONS | COUNTS | SHOWN | COUNT | BYTES |
			REASON,
		true},
	[AUDIT_EVENT_REVOKE] = {"revoke",
		CAMERA | TOKEN | KEY | WHO | BY | COUNT | WHAT | ELAPSED | REASON | ISSUE, true},
	[AUDIT_EVENT_ERASE] = {"erase", CAMERA | LEASE | GENERATION | BYTES | ELAPSED | REASON,
		true},
	[AUDIT_EVENT_REFUSED] = {"refused", CAMERA | WHO | COUNT | REASON, true},
	[AUDIT_EVENT_PROVENANCE] = {"provenance", CAMERA | WHO | COUNT | REASON, true},
	[AUDIT_EVENT_DENIED] = {"denied", WHO | WHAT | COUNT, true},
};

static const char *const states[] = {[AUDIT_STATE_OK] = "ok",
	[AUDIT_STATE_FULL] = "full",
	[AUDIT_STATE_READ_ONLY] = "read-only",
	[AUDIT_STATE_FAILING] = "failing",
	[AUDIT_STATE_CUT] = "cut",
	[AUDIT_STATE_ROLLED_BACK] = "rolled-back"};

const char *audit_state_name(uint32_t state)
{
	return state < ARRAY_SIZE(states) && states[state] ? states[state] : "";
}

bool audit_event_is_brokers(uint32_t event)
{
	return event < AUDIT_EVENTS && events[event].is_brokers;
}

/* ---- members: left out where they say nothing ----------------------------------------------- */

static void add_text(struct audit_body *b, const char *name, const char *value)
{
	if (*value)
		audit_body_text(b, name, value);
}

static void add_number(struct audit_body *b, const char *name, uint64_t value)
{
	if (value)
		audit_body_number(b, name, value);
}

static void add_who(struct audit_body *b, const struct msg_audit_note *m, unsigned members)
{
	char lease[17];

	if (members & CAMERA) {
		add_text(b, "camera", m->camera);
		add_number(b, "epoch", m->epoch);
	}
	if ((members & LEASE) && m->lease) {
		snprintf(lease, sizeof(lease), "%016" PRIx64, m->lease);
		audit_body_text(b, "lease", lease);
	}
	if ((members & TOKEN) && !sodium_is_zero(m->token, sizeof(m->token)))
		audit_body_hex(b, "token", m->token, sizeof(m->token));
	if (members & KEY)
		add_number(b, "key", m->key_id);
	if ((members & WHO) && m->uid != UINT32_MAX) /* 0 is somebody */
		audit_body_number(b, "uid", m->uid);
	if (members & PID)
		add_number(b, "pid", m->pid);
	if ((members & BY) && m->by_pid) {
		audit_body_number(b, "by_uid", m->by_uid);
		audit_body_number(b, "by_pid", m->by_pid);
	}
	if (members & UNIT)
		add_text(b, "unit", m->unit);
	if (members & NAME)
		add_text(b, "name", m->name);
	if (members & WHAT)
		add_text(b, "what", m->what);
	if (members & LABEL)
		add_text(b, "label", m->label);
}

static void add_limits(struct audit_body *b, const struct msg_audit_note *m, unsigned members)
{
	char until[UTC_TEXT_MAX];

	if (members & LIMITS) {
		add_number(b, "width", m->width);
		add_number(b, "height", m->height);
		add_number(b, "fps", m->fps);
		add_number(b, "masks", m->masks);
		audit_body_bool(b, "dump", m->dump != 0);
	}
	if ((members & EXPIRY) && m->not_after) {
		utc_text_ms(
			m->not_after > UINT64_MAX / 1000 ? UINT64_MAX : m->not_after * 1000, until);
		audit_body_text(b, "not_after", until);
	}
	if (members & ISSUE)
		add_number(b, "issue", m->issue);
	if (members & GENERATION)
		add_number(b, "generation", m->generation);
	if ((members & GENERATIONS) && m->generation) {
		audit_body_number(b, "first_generation", m->generation);
		audit_body_number(b, "last_generation", m->last_generation);
	}
}

static void add_time(struct audit_body *b, const char *name, uint64_t unix_ms)
{
	char text[UTC_TEXT_MAX];

	utc_text_ms(unix_ms, text);
	if (unix_ms)
		audit_body_text(b, name, text);
}

static void add_outcome(struct audit_body *b, const struct msg_audit_note *m, unsigned members)
{
	if (members & SHOWN) {
		add_time(b, "shown_from", m->first_ms);
		add_time(b, "shown_until", m->last_ms);
	}
	if (members & COUNTS) {
		audit_body_number(b, "published", m->published);
		audit_body_number(b, "delivered", m->delivered);
		audit_body_number(b, "dropped", m->dropped);
		audit_body_number(b, "withheld", m->withheld);
	}
	if (members & COUNT)
		audit_body_number(b, "count", m->count);
	if (members & VERSION) {
		add_number(b, "version", m->generation);
		add_number(b, "count", m->count);
	}
	if (members & BYTES)
		audit_body_number(b, "bytes", m->bytes);
	if (members & ELAPSED)
		audit_body_number(b, "elapsed_us", m->elapsed_us);
	if (members & REASON)
		add_text(b, "reason", m->reason);
}

void audit_note_body(const struct msg_audit_note *m, struct audit_body *ret)
{
	unsigned members = ~0u;
	const char *name = "unknown";

	if (m->event < AUDIT_EVENTS && events[m->event].name) {
		members = events[m->event].members;
		name = events[m->event].name;
	}
	audit_body_begin(ret, name);
	add_who(ret, m, members);
	add_limits(ret, m, members);
	add_outcome(ret, m, members);
}
