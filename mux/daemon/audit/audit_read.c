/*
 * What is not appending: handing the log out to be read, and accepting what was found. In the writer
 * thread, between two batches. Owns nothing but its jobs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mux/daemon/audit/audit_private.h"

struct read_job {
	struct audit *audit;
	struct audit_reading reading;
	void (*done)(void *data, int status, const struct audit_reading *reading);
	void *data;
};

/* One that is missing is for the reader to find: the numbers tell. */
static int add(struct audit_reading *r, uint32_t segment, int fd, uint64_t bytes)
{
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (r->n == AUDIT_PARTS_MAX || fstat(fd, &st) < 0) {
		close(fd);
		return -E2BIG;
	}
	r->parts[r->n].segment = segment;
	r->parts[r->n].fd = fd;
	r->parts[r->n++].bytes = bytes ? bytes : (uint64_t)st.st_size;
	return 0;
}

static int run_read(void *data)
{
	struct read_job *j = data;
	const struct audit_file *f = j->audit->file;
	uint32_t oldest, last;
	uint64_t bytes;
	int rc = 0;

	last = audit_file_segment(f, &oldest, &bytes);
	audit_file_mark(f, &j->reading.mark);
	for (uint32_t i = oldest; !rc && i && i <= last; i++)
		if (i < last || bytes)
			rc = add(&j->reading, i, audit_file_reader(f, i), i == last ? bytes : 0);
	if (!rc)
		rc = add(&j->reading, 0, audit_anchor_reader(&j->audit->anchor), 0);
	return rc;
}

static void read_done(void *data, int result)
{
	struct read_job *j = data;

	j->done(j->data, result, &j->reading);
	for (size_t i = 0; i < j->reading.n; i++)
		close(j->reading.parts[i].fd);
	free(j);
}

int audit_read(struct audit *a,
	void (*done)(void *data, int status, const struct audit_reading *reading), void *data)
{
	struct read_job *j = calloc(1, sizeof(*j));
	const struct disk_job job = {.run = run_read, .done = read_done, .data = j};
	int rc;

	if (!j)
		return -ENOMEM;
	j->audit = a;
	j->done = done;
	j->data = data;
	rc = a->is_ending ? -ESHUTDOWN : disk_submit(a->host.disk, &job);
	if (rc < 0)
		free(j);
	return rc;
}

struct accept_job {
	struct audit *audit;
	uint64_t unix_ms;
	struct audit_body body,
		failed; /* what is recorded first; what follows it where it was not done */
	void (*done)(void *data, int status);
	void *data;
};

static int end_doubt(struct audit *a)
{
	struct audit_mark mark;
	int rc = audit_file_settle(a->file);

	audit_file_mark(a->file, &mark);
	if (!rc)
		rc = audit_anchor_save(&a->anchor, &mark, audit_now_ms());
	if (!rc)
		rc = audit_file_doubt(a->file, false);
	if (!rc)
		a->doubt_is_unkept = false;
	return rc;
}

/*
 * The record first, and what stands elsewhere: cut off in the middle, the doubt stays. It may be the
 * full disk that a person has to see to next: the record has the space kept back.
 */
static int run_accept(void *data)
{
	const struct accept_job *j = data;
	const struct audit_entry entry = {j->unix_ms, j->body.text};
	struct audit *a = j->audit;
	int rc = audit_append_anyway(a, &entry, 1);

	if (rc < 0)
		return rc;
	rc = end_doubt(a);
	if (rc < 0) {
		const struct audit_entry failed = {audit_now_ms(), j->failed.text};

		(void)audit_append_anyway(a, &failed, 1); /* the asker hears of it in any case */
	}
	(void)audit_file_make_reserve(a->file); /* else before anything is granted */
	return rc;
}

static void accept_done(void *data, int result)
{
	struct accept_job *j = data;

	if (!result)
		j->audit->is_doubted = j->audit->was_cut = false;
	j->done(j->data, result);
	free(j);
}

int audit_accept(struct audit *a, const struct msg_audit_note *m,
	void (*done)(void *data, int status), void *data)
{
	struct accept_job *j = calloc(1, sizeof(*j));
	struct msg_audit_note failed = *m;
	const struct disk_job job = {.run = run_accept, .done = accept_done, .data = j};
	int rc;

	if (!j)
		return -ENOMEM;
	*j = (struct accept_job){.audit = a, .unix_ms = audit_now_ms(), .done = done, .data = data};
	audit_note_body(m, &j->body);
	strcpy(failed.what, "state, failed");
	audit_note_body(&failed, &j->failed);
	rc = a->is_ending ? -ESHUTDOWN : disk_submit(a->host.disk, &job);
	if (rc < 0)
		free(j);
	return rc;
}

enum audit_anchor_kind audit_anchor_kind(const struct audit *a)
{
	if (a->anchor.folder >= 0)
		return AUDIT_ANCHOR_FILE;
	return a->anchor.is_in_journal ? AUDIT_ANCHOR_JOURNAL : AUDIT_ANCHOR_NONE;
}
