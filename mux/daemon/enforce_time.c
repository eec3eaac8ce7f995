/*
 * When the policy in force expires, on a clock that runs during suspend, and the latest time that was
 * seen, to disk: when a policy comes or expires, and each hour. In framemuxd's loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/enforce_private.h"

#define HOUR_S 3600u
#define FAR_S  9000000000 /* in the 23rd century */

/* ---- what was seen ------------------------------------------------------------------- */

struct time_job {
	struct enforce *enforce;
	int folder;
	uint64_t seen_s;
};

static int run_job(void *data)
{
	const struct time_job *j = data;

	return policy_file_keep_time(j->folder, j->seen_s);
}

static void job_done(void *data, int result)
{
	struct time_job *j = data;

	j->enforce->is_keeping_time = false;
	if (result < 0)
		log_error(
			"the time by which policies expire is not on disk: %s", strerror(-result));
	free(j);
}

/* Whoever sets the clock back wins less than an hour by it, over a restart. */
static void keep_time(struct enforce *e)
{
	struct disk_job job = {.run = run_job, .done = job_done};
	struct time_job *j;

	if (e->is_keeping_time || (!e->mux->config->n_policy_keys && !enforce_bundle(e)))
		return;
	j = calloc(1, sizeof(*j));
	if (!j)
		return;
	*j = (struct time_job){e, state_folder(e->mux->state), enforce_now(e)};
	job.data = j;
	e->is_keeping_time = disk_submit(e->mux->disk, &job) == 0;
	if (e->is_keeping_time)
		e->seen_s = j->seen_s;
	else
		free(j);
}

/* ---- expiry -------------------------------------------------------------------------- */

static void notice_expiry(struct enforce *e)
{
	const struct policy_bundle *b = enforce_bundle(e);

	if (!b || !policy_is_expired(b->policy, enforce_now(e)) ||
		e->expired_version == b->policy->version)
		return;
	e->expired_version = b->policy->version;
	enforce_note_expired(e);
	cuts_apply(e->mux->cuts); /* its permits are gone */
}

static void arm(struct enforce *e)
{
	const struct policy_bundle *b = enforce_bundle(e);
	uint64_t now = enforce_now(e);
	struct itimerspec in = {.it_value = {.tv_sec = HOUR_S}};

	if (b && b->policy->expires_s > now && b->policy->expires_s - now < HOUR_S)
		in.it_value.tv_sec = (time_t)(b->policy->expires_s - now);
	if (timerfd_settime(e->due_fd, 0, &in, NULL) < 0)
		log_error("the policy's expiry cannot be timed: %s", strerror(errno));
}

void enforce_time_changed(struct enforce *e)
{
	notice_expiry(e);
	keep_time(e);
	arm(e);
}

static void on_due(evutil_socket_t fd, short what, void *data)
{
	uint64_t times;

	(void)what;
	(void)!read(fd, &times, sizeof(times));
	enforce_time_changed(data);
}

/* A timer that never comes due: what it tells is that the clock was set. */
static void watch_clock(struct enforce *e)
{
	const struct itimerspec never = {.it_value = {.tv_sec = FAR_S}};

	if (timerfd_settime(e->jump_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) <
			0 &&
		errno != ECANCELED)
		log_error("whether the clock is set cannot be watched: %s", strerror(errno));
}

static void on_jump(evutil_socket_t fd, short what, void *data)
{
	uint64_t times;

	(void)what;
	(void)!read(fd, &times, sizeof(times)); /* ECANCELED */
	watch_clock(data);
	enforce_time_changed(data);
}

int enforce_time_begin(struct enforce *e)
{
	e->due_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	e->jump_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (e->due_fd < 0 || e->jump_fd < 0)
		return -errno;
	e->due = event_new(e->mux->base, e->due_fd, EV_READ | EV_PERSIST, on_due, e);
	e->jump = event_new(e->mux->base, e->jump_fd, EV_READ | EV_PERSIST, on_jump, e);
	if (!e->due || !e->jump || event_add(e->due, NULL) < 0 || event_add(e->jump, NULL) < 0)
		return -ENOMEM;
	watch_clock(e);
	enforce_time_changed(e);
	return 0;
}

void enforce_time_end(struct enforce *e)
{
	if (e->due)
		event_free(e->due);
	if (e->jump)
		event_free(e->jump);
	if (e->due_fd >= 0)
		close(e->due_fd);
	if (e->jump_fd >= 0)
		close(e->jump_fd);
}
