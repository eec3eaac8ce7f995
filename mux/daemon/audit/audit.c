/*
 * Queue and batches of the audit log. Owns the log's files, which the writer thread alone touches
 * while a job is under way. Runs in framemuxd's loop.
 */
#include "mux/daemon/audit/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/daemon/audit/audit_private.h"

#define BATCH_MAX   512u               /* records written at once */
#define WAITING_MAX (4u * 1024 * 1024) /* bytes of what waits: beyond that nothing is granted */
#define KEPT_MAX    (2 * WAITING_MAX)  /* beyond that what has happened is lost, and counted */
#define RETRY_S     1

uint64_t audit_now_ms(void)
{
	return clock_read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

/* ---- in the writer thread ------------------------------------------------------------ */

static bool is_full(int status)
{
	return status == -ENOSPC || status == -EDQUOT;
}

int audit_append_anyway(struct audit *a, const struct audit_entry *entries, size_t n)
{
	int rc = audit_file_append(a->file, entries, n);

	if (!is_full(rc) || !audit_file_has_reserve(a->file))
		return rc;
	audit_file_free_reserve(a->file);
	return audit_file_append(a->file, entries, n);
}

/* asked: with what somebody waits for, or only what has happened. */
static int append(struct audit *a, bool asked)
{
	struct audit_entry entries[BATCH_MAX];
	const struct entry *e;
	size_t n = 0;

	STAILQ_FOREACH(e, &a->batch.entries, next)
	if (asked || !e->is_asked)
		entries[n++] = (struct audit_entry){e->unix_ms, e->body};
	return asked ? audit_file_append(a->file, entries, n) : audit_append_anyway(a, entries, n);
}

static bool has_asked(const struct audit *a)
{
	const struct entry *e;

	STAILQ_FOREACH(e, &a->batch.entries, next)
	if (e->is_asked)
		return true;
	return false;
}

/*
 * Nothing is granted while the reserve is not whole: what it has room for is what has to be recorded
 * whatever happens.
 */
static int write_batch(void *data)
{
	struct audit *a = data;
	struct batch *b = &a->batch;
	bool asked = has_asked(a);

	b->asked_status = b->noted_status = 0;
	if (asked)
		b->asked_status = audit_file_make_reserve(a->file);
	if (asked && !b->asked_status) {
		b->asked_status = b->noted_status = append(a, true);
		asked = b->asked_status < 0;
		if (!asked)
			goto out;
	}
	b->noted_status = append(a, false);
out:
	b->room_status = audit_file_make_reserve(a->file);
	audit_file_mark(a->file, &b->mark);
	return b->noted_status;
}

static int settle(void *data)
{
	struct audit *a = data;
	struct audit_mark mark;
	int rc = audit_file_settle(a->file);

	if (!rc && a->doubt_is_unkept) {
		rc = audit_file_doubt(a->file, true);
		a->doubt_is_unkept = rc < 0;
	}
	/* What the anchor says of a folder that was turned back stays until somebody has seen it. */
	if (rc < 0 || a->is_doubted)
		return rc;
	audit_file_mark(a->file, &mark);
	return audit_anchor_save(&a->anchor, &mark, audit_now_ms());
}

/* ---- batches, in the loop ------------------------------------------------------------ */

static void fill_batch(struct audit *a)
{
	struct batch *b = &a->batch;
	struct entry *e;

	STAILQ_INIT(&b->entries);
	b->n = 0;
	while (b->n < BATCH_MAX && (e = STAILQ_FIRST(&a->waiting))) {
		STAILQ_REMOVE_HEAD(&a->waiting, next);
		STAILQ_INSERT_TAIL(&b->entries, e, next);
		b->n++;
	}
}

static void entry_free(struct audit *a, struct entry *e)
{
	a->waiting_bytes -= e->len;
	free(e);
}

static void tell(const struct audit *a, const struct entry *e, int status)
{
	if (a->host.written)
		a->host.written(a->host.self, e->life, e->request, status);
}

/* What was not written and has happened all the same waits for the next time, in its place. */
static void empty_batch(struct audit *a)
{
	struct entries again = STAILQ_HEAD_INITIALIZER(again);
	struct batch *b = &a->batch;
	struct entry *e;

	while ((e = STAILQ_FIRST(&b->entries))) {
		STAILQ_REMOVE_HEAD(&b->entries, next);
		if (!e->is_asked && b->noted_status < 0) {
			STAILQ_INSERT_TAIL(&again, e, next);
			continue;
		}
		if (e->is_asked)
			tell(a, e, b->asked_status);
		entry_free(a, e);
	}
	STAILQ_CONCAT(&again, &a->waiting);
	STAILQ_CONCAT(&a->waiting, &again);
}

static int worst(const struct batch *b)
{
	if (b->noted_status < 0)
		return b->noted_status;
	return b->asked_status < 0 ? b->asked_status : b->room_status;
}

static void note_status(struct audit *a, int status)
{
	if (status == a->status)
		return;
	a->status = status;
	if (status)
		log_error("the audit log cannot be written: %s; nothing is granted",
			strerror(-status));
	else
		log_notice("the audit log can be written again");
}

static void submit_batch(struct audit *a);
static void submit_settle(struct audit *a);

static void batch_done(void *data, int result)
{
	const struct timeval later = {.tv_sec = RETRY_S};
	struct audit *a = data;

	a->is_writing = false;
	a->records = a->batch.mark.head.n;
	note_status(a, worst(&a->batch));
	empty_batch(a);
	if (result == 0)
		submit_settle(a);
	if (result == 0)
		audit_anchor_tell(&a->anchor, &a->batch.mark, audit_now_ms(), false);
	if (result < 0)
		event_add(a->retry, &later);
	else
		submit_batch(a);
}

static void submit_batch(struct audit *a)
{
	const struct timeval later = {.tv_sec = RETRY_S};
	const struct disk_job job = {.run = write_batch, .done = batch_done, .data = a};

	if (a->is_writing || a->is_ending || !a->host.disk || STAILQ_EMPTY(&a->waiting))
		return;
	fill_batch(a);
	a->is_writing = true;
	if (disk_submit(a->host.disk, &job) == 0)
		return;
	a->is_writing = false;
	a->batch.asked_status = a->batch.noted_status = -ENOBUFS;
	empty_batch(a);
	event_add(a->retry, &later);
}

static void settle_done(void *data, int result)
{
	struct audit *a = data;

	a->is_settling = false;
	if (result < 0)
		log_error("how far the audit log has got is not kept: %s", strerror(-result));
	else if (a->has_to_settle)
		submit_settle(a);
}

/* Behind the batch, so that nobody waits for it; many batches may come before one. */
static void submit_settle(struct audit *a)
{
	const struct disk_job job = {.run = settle, .done = settle_done, .data = a};

	a->has_to_settle = a->is_settling;
	if (a->is_settling || a->is_ending)
		return;
	a->is_settling = disk_submit(a->host.disk, &job) == 0;
}

static void on_retry(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	submit_batch(data);
}

/* ---- what is noted ------------------------------------------------------------------- */

static struct entry *make_entry(struct audit *a, const struct msg_audit_note *m)
{
	struct audit_body body;
	struct entry *e;

	audit_note_body(m, &body);
	e = malloc(sizeof(*e) + body.len + 1);
	if (!e)
		return NULL;
	*e = (struct entry){.unix_ms = audit_now_ms(), .len = sizeof(*e) + body.len};
	memcpy(e->body, body.text, body.len + 1);
	a->waiting_bytes += e->len;
	return e;
}

static void note_lost(struct audit *a)
{
	struct msg_audit_note m = {.event = AUDIT_EVENT_LOST,
		.count = a->lost,
		.reason = "there was no room to keep them until they could be written"};
	struct entry *e = make_entry(a, &m);

	if (!e)
		return;
	a->lost = 0;
	STAILQ_INSERT_TAIL(&a->waiting, e, next);
}

void audit_note(struct audit *a, const struct msg_audit_note *m)
{
	struct entry *e = NULL;

	if (a->lost && a->waiting_bytes < WAITING_MAX)
		note_lost(a);
	if (!a->lost && a->waiting_bytes < KEPT_MAX)
		e = make_entry(a, m);
	if (!e) {
		if (a->lost++ == 0)
			log_error("the audit log loses records: too many wait to be written");
		return;
	}
	STAILQ_INSERT_TAIL(&a->waiting, e, next);
	submit_batch(a);
}

int audit_request(struct audit *a, const struct msg_audit_note *m, uint64_t life, uint32_t request)
{
	struct entry *e;

	if (breakage("audit-skip")) {
		a->host.written(a->host.self, life, request, 0);
		return 0;
	}
	if (a->is_doubted)
		return -EUCLEAN;
	if (a->waiting_bytes >= WAITING_MAX)
		return -ENOBUFS;
	e = make_entry(a, m);
	if (!e)
		return -ENOMEM;
	e->is_asked = true;
	e->life = life;
	e->request = request;
	STAILQ_INSERT_TAIL(&a->waiting, e, next);
	submit_batch(a);
	return 0;
}

/* ---- beginning and end --------------------------------------------------------------- */

/* Without the writer thread: before there is one, and when it has ended. */
static void write_now(struct audit *a)
{
	int rc = 0;

	while (!rc && !STAILQ_EMPTY(&a->waiting)) {
		fill_batch(a);
		rc = write_batch(a);
		a->records = a->batch.mark.head.n;
		empty_batch(a);
	}
	note_status(a, rc);
	if (!rc)
		rc = settle(a);
	if (rc < 0)
		log_error("the audit log is not up to date on the disk: %s", strerror(-rc));
}

int audit_begin(struct audit *a, const struct audit_host *host)
{
	const struct timeval later = {.tv_sec = RETRY_S};

	a->host = *host;
	a->retry = evtimer_new(host->base, on_retry, a);
	if (!a->retry)
		return -ENOMEM;
	write_now(a);
	return STAILQ_EMPTY(&a->waiting) ? 0 : event_add(a->retry, &later) < 0 ? -ENOMEM : 0;
}

void audit_stop(struct audit *a)
{
	if (a)
		a->is_ending = true;
}

void audit_end(struct audit *a)
{
	struct entry *e;

	if (!a)
		return;
	a->host.written = NULL;
	/* Still at it: the disk hangs, the thread has the file, and the process ends now. */
	if (a->is_writing || a->is_settling)
		return;
	write_now(a);
	while ((e = STAILQ_FIRST(&a->waiting))) {
		STAILQ_REMOVE_HEAD(&a->waiting, next);
		entry_free(a, e);
	}
	if (a->retry)
		event_free(a->retry);
	audit_file_mark(a->file, &a->batch.mark);
	audit_anchor_tell(&a->anchor, &a->batch.mark, audit_now_ms(), true);
	audit_anchor_close(&a->anchor);
	audit_file_close(a->file);
	free(a);
}

enum audit_state audit_state(const struct audit *a)
{
	if (a->is_doubted)
		return AUDIT_STATE_ROLLED_BACK;
	if (is_full(a->status))
		return AUDIT_STATE_FULL;
	if (a->status == -EROFS)
		return AUDIT_STATE_READ_ONLY;
	if (a->status)
		return AUDIT_STATE_FAILING;
	return a->was_cut ? AUDIT_STATE_CUT : AUDIT_STATE_OK;
}

uint64_t audit_records(const struct audit *a)
{
	return a->records;
}
