/*
 * The bundle that was accepted, to disk: one job at a time, and again while the disk refuses. In
 * framemuxd's loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/policy/enforce_private.h"

#define AGAIN_S     1u /* after a failure; doubled each time, */
#define AGAIN_MAX_S 60u

struct job {
	struct enforce *enforce;
	int folder;
	uint64_t change;
	const struct policy_bundle *bundle; /* borrowed: enforce keeps it until the job is done */
};

static void settle(struct enforce *e, uint64_t change, int result)
{
	struct request *r;

	LIST_FOREACH (r, &e->requests, link)
		if (!r->cut.is_kept && r->change <= change)
			cut_kept(&r->cut, result);
}

/* ---- again --------------------------------------------------------------------------- */

static void failed(struct enforce *e, int error)
{
	struct timeval pause;

	log_error("the policy is not on disk: %s", strerror(-error));
	e->again_s = !e->again_s               ? AGAIN_S
		: e->again_s * 2 < AGAIN_MAX_S ? e->again_s * 2
					       : AGAIN_MAX_S;
	pause = (struct timeval){.tv_sec = e->again_s};
	if (!e->again || event_add(e->again, &pause) < 0)
		log_error("out of memory: it is not tried again until it is applied again");
}

static void on_again(evutil_socket_t fd, short what, void *data)
{
	struct enforce *e = data;

	(void)fd;
	(void)what;
	if (e->coming && !e->is_writing && !e->mux->stopping)
		enforce_keep(e);
}

int enforce_keep_begin(struct enforce *e)
{
	e->again = evtimer_new(e->mux->base, on_again, e);
	return e->again ? 0 : -ENOMEM;
}

void enforce_keep_end(struct enforce *e)
{
	if (e->again)
		event_free(e->again);
	e->again = NULL;
}

/* ---- the job ------------------------------------------------------------------------- */

static int run_job(void *data)
{
	struct job *j = data;

	return policy_file_keep(j->folder, j->bundle);
}

/* What the one before blocked, and neither this one does nor one that is to come, may live again. */
static void take_over(struct enforce *e, struct policy_bundle *written)
{
	policy_bundle_free(e->kept);
	e->kept = written;
	e->again_s = 0;
	cuts_apply(e->mux->cuts);
}

static void job_done(void *data, int result)
{
	struct job *j = data;
	struct enforce *e = j->enforce;
	bool is_changed = e->is_changed;

	e->is_writing = e->is_changed = false;
	if (result == 0)
		take_over(e, is_changed ? take_ptr(e->stale) : take_ptr(e->coming));
	policy_bundle_free(take_ptr(e->stale));
	if (result < 0)
		failed(e, result);
	if (!is_changed) /* else the next attempt says so for all of them */
		settle(e, j->change, result);
	free(j);
	if (is_changed && !e->mux->stopping)
		enforce_keep(e);
	else
		e->is_changed = is_changed; /* for enforce_write_rest */
	cuts_look(e->mux->cuts);
}

/* A thread that hangs in its job still is: it would hang here as well. */
void enforce_write_rest(struct enforce *e)
{
	int rc;

	if (!e || e->is_writing || !e->is_changed || !e->coming)
		return;
	rc = policy_file_keep(state_folder(e->mux->state), e->coming);
	if (rc < 0)
		log_error("the policy is not on disk: %s", strerror(-rc));
}

static int submit(struct enforce *e)
{
	struct job *j = calloc(1, sizeof(*j));
	struct disk_job job = {.run = run_job, .done = job_done, .data = j};
	int rc;

	if (!j)
		return -ENOMEM;
	*j = (struct job){.enforce = e,
		.folder = state_folder(e->mux->state),
		.change = e->changes,
		.bundle = e->coming};
	rc = disk_submit(e->mux->disk, &job);
	if (rc < 0)
		free(j);
	return rc;
}

void enforce_keep(struct enforce *e)
{
	int rc;

	e->is_changed = e->is_writing;
	if (e->is_writing)
		return;
	rc = submit(e);
	e->is_writing = rc == 0;
	if (rc == 0)
		return;
	failed(e, rc);
	settle(e, e->changes, rc);
}

/* The job that runs has the newest but one at most; what it has stays until it is done. */
void enforce_replace_coming(struct enforce *e, struct policy_bundle *b)
{
	if (e->is_writing && e->coming && !e->stale)
		e->stale = take_ptr(e->coming);
	policy_bundle_free(e->coming);
	e->coming = b;
}
