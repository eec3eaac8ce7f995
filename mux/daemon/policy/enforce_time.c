/*
 * When the policy in force expires, on a clock that runs during suspend. That is judged anew whenever
 * the clock is set: one that is wrong for a moment ends permits for that moment. In framemuxd's loop.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/policy/enforce_private.h"

#define HOUR_S 3600u
#define FAR_S  9000000000 /* in the 23rd century */

static void notice_expiry(struct enforce *e)
{
	const struct policy_bundle *b = enforce_bundle(e);
	bool is_expired = b && policy_is_expired(b->policy, enforce_now(e));
	uint64_t version = is_expired ? b->policy->version : 0, before = e->expired_version;

	if (version == before)
		return;
	e->expired_version = version;
	if (is_expired)
		enforce_note_expired(e);
	else if (b && b->policy->version == before)
		log_notice("policy %" PRIu64 " has not expired: the clock that said so was put "
			   "right",
			before);
	cuts_apply(e->mux->cuts); /* its permits are gone, or are there again */
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
