/*
 * The log as framemuxd finds it at its start: what is wrong with it is said, recorded, and decides
 * whether anything is granted. Runs in framemuxd, before its loop.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "mux/daemon/audit/audit.h"
#include "mux/daemon/audit/audit_private.h"

static void say_what_was_found(struct audit *a, const struct audit_found *found)
{
	struct msg_audit_note m = {0};

	switch (found->condition) {
	case AUDIT_TORN:
		m.event = AUDIT_EVENT_TORN;
		m.count = found->segment;
		m.bytes = found->bytes;
		snprintf(m.reason, sizeof(m.reason),
			"segment %" PRIu32 " was torn at byte %" PRIu64
			"; what stood behind was never acknowledged",
			found->segment, found->at);
		break;
	case AUDIT_CUT:
		m.event = AUDIT_EVENT_CUT;
		m.count = found->expected_n - found->n;
		snprintf(m.reason, sizeof(m.reason),
			"the log had %" PRIu64 " records and was found with %" PRIu64,
			found->expected_n, found->n);
		break;
	case AUDIT_BACK:
		m.event = AUDIT_EVENT_ROLLED_BACK;
		m.count = found->expected_n;
		snprintf(m.reason, sizeof(m.reason),
			found->n < found->expected_n
				? "state_anchor knows of record %" PRIu64
				  ", the log was found with %" PRIu64
				  ": the state folder is an old copy, or another's"
				: "state_anchor knows another record %" PRIu64
				  " than the log, which has %" PRIu64
				  ": the state folder is an old copy, or another's",
			found->expected_n, found->n);
		break;
	case AUDIT_KEY_LOST:
		m.event = AUDIT_EVENT_KEY_LOST;
		snprintf(m.reason, sizeof(m.reason),
			"the key that signs the log is gone; it goes on under another, behind "
			"record "
			"%" PRIu64,
			found->n);
		break;
	default:
		return;
	}
	a->was_cut = found->condition != AUDIT_TORN;
	if (a->was_cut)
		log_error("AUDIT: %s", m.reason);
	else
		log_warning("audit: %s", m.reason);
	audit_note(a, &m);
}

/* What cannot be kept now, as the disk is full, is tried again behind each batch. */
static void doubt(struct audit *a)
{
	int rc = audit_file_doubt(a->file, true);

	a->doubt_is_unkept = rc < 0;
	if (rc < 0)
		log_error("that the state folder was rolled back is not kept: %s", strerror(-rc));
	a->is_doubted = true;
}

/* A file that cannot be read says nothing: the log is then as good as it looks by itself. */
static const struct audit_mark *load_anchor(const struct audit *a, struct audit_mark *ret)
{
	int rc = audit_anchor_load(&a->anchor, ret);

	if (rc < 0 && a->anchor.folder >= 0)
		log_warning(
			"state_anchor says nothing (%s): whether the state folder is an old copy "
			"cannot be told; the file is written anew",
			strerror(-rc));
	return rc < 0 ? NULL : ret;
}

static int open_files(struct audit *a, int state_folder, const struct audit_limits *limits)
{
	struct audit_found found;
	struct audit_mark mark;
	int rc = audit_file_open(state_folder, limits, load_anchor(a, &mark), &a->file, &found);

	if (rc < 0)
		return rc;
	audit_file_mark(a->file, &mark);
	a->records = mark.head.n;
	a->is_doubted = audit_file_is_doubted(a->file);
	if (found.condition == AUDIT_BACK)
		doubt(a);
	say_what_was_found(a, &found);
	if (a->is_doubted)
		log_error("AUDIT: the state folder was rolled back: nothing is granted until "
			  "framemuxctl accept --state");
	return 0;
}

int audit_open(const struct audit_place *place, struct audit **ret, char *ret_why, size_t why_size)
{
	struct audit *a = calloc(1, sizeof(*a));
	char why[256];
	int rc;

	if (!a) {
		snprintf(ret_why, why_size, "out of memory");
		return -ENOMEM;
	}
	STAILQ_INIT(&a->waiting);
	STAILQ_INIT(&a->batch.entries);
	rc = audit_anchor_open(
		&a->anchor, place->anchor, place->anchor_in_journal, why, sizeof(why));
	if (rc < 0) /* it lies elsewhere than what the caller speaks of */
		snprintf(ret_why, why_size, "state_anchor %s: %s", place->anchor, why);
	if (!rc && (rc = open_files(a, place->state_folder, place->limits)) < 0)
		snprintf(ret_why, why_size, "the audit log cannot be opened: %s", strerror(-rc));
	if (rc < 0) {
		audit_anchor_close(&a->anchor);
		free(a);
		return rc;
	}
	*ret = a;
	return 0;
}
