/* The library reconnects what was once connected; the first time is ours. In framemux-view's process. */
#include "clients/view/mux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

#define PAUSE_MIN_NS (250 * NS_PER_MS)
#define PAUSE_MAX_NS (5 * NS_PER_S)

static void say_why_not(struct scene *s, int error)
{
	char why[FEED_REASON_MAX];

	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		scene_without_mux(s, "framemux is not running; trying again");
		break;
	case EPERM:
		scene_without_mux(s, "somebody else listens in framemux's place; trying again");
		break;
	default:
		snprintf(why, sizeof(why), "framemux cannot be reached: %s; trying again",
			strerror(error));
		scene_without_mux(s, why);
	}
}

void mux_try(struct mux *m, struct scene *s, uint64_t now)
{
	int r;

	if (m->fm || now < m->try_at_ns || scene_is_over(s))
		return;
	r = framemux_connect(m->socket, &m->fm);
	if (r == 0) {
		m->pause_ns = 0;
		scene_begin(s, m->fm);
		return;
	}
	m->pause_ns = m->pause_ns ? m->pause_ns * 2 : PAUSE_MIN_NS;
	if (m->pause_ns > PAUSE_MAX_NS)
		m->pause_ns = PAUSE_MAX_NS;
	m->try_at_ns = now + m->pause_ns;
	say_why_not(s, -r);
}

int mux_fd(const struct mux *m)
{
	return m->fm ? framemux_fd(m->fm) : -1;
}

void mux_dispatch(struct mux *m, struct scene *s, uint64_t now)
{
	if (!m->fm || framemux_dispatch(m->fm, 0) == 0)
		return;
	scene_settle(s, now); /* takes what was told last; views are closed by their tiles */
	if (scene_is_over(s)) {
		mux_close(m); /* there is nothing to come back for */
		return;
	}
	scene_without_mux(s, "framemux is gone; trying again");
	mux_close(m);
	m->try_at_ns = now + PAUSE_MIN_NS;
}

uint64_t mux_next_ns(const struct mux *m, const struct scene *s)
{
	return m->fm || scene_is_over(s) ? UINT64_MAX : m->try_at_ns;
}

void mux_close(struct mux *m)
{
	framemux_close(m->fm);
	m->fm = NULL;
}
