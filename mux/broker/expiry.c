/* The expiry of leases, on CLOCK_BOOTTIME, which libevent has no timers for. Runs in the broker. */
#include "mux/broker/expiry.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/broker/tenure.h"

static void on_time(evutil_socket_t fd, short what, void *data)
{
	struct broker *b = data;
	uint64_t now = clock_boot_ns(), times;
	struct tenure *t, *next;

	(void)what;
	(void)!read(fd, &times, sizeof(times)); /* EAGAIN: it was set anew meanwhile */
	LIST_FOREACH_SAFE (t, &b->tenures, in_broker, next)
		if (t->expires_boot_ns <= now)
			tenure_end(t, FRAMEMUX_STATE_REVOKED, "the capability has expired");
	expiry_arm(b);
}

int expiry_init(struct broker *b)
{
	b->expiry_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (b->expiry_fd < 0)
		return -errno;
	b->expiry_timer = event_new(b->base, b->expiry_fd, EV_READ | EV_PERSIST, on_time, b);
	return b->expiry_timer && event_add(b->expiry_timer, NULL) == 0 ? 0 : -ENOMEM;
}

void expiry_free(struct broker *b)
{
	if (b->expiry_timer)
		event_free(b->expiry_timer);
	b->expiry_timer = NULL;
	if (b->expiry_fd >= 0)
		close(b->expiry_fd);
	b->expiry_fd = -1;
}

void expiry_arm(struct broker *b)
{
	struct itimerspec when = {0};
	uint64_t earliest = UINT64_MAX;
	const struct tenure *t;

	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->expires_boot_ns < earliest && !lease_is_ending(&t->life))
			earliest = t->expires_boot_ns;
	if (earliest != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(earliest / NS_PER_S);
		when.it_value.tv_nsec = (long)(earliest % NS_PER_S);
	}
	if (timerfd_settime(b->expiry_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		broker_fail(b, "the expiry of leases cannot be timed");
}
