/*
 * The clock floor while the mux runs: looked at once a minute, told to the broker, kept in the state
 * folder. Runs in framemuxd's loop; the writer thread gets copies.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state/folder.h"

#define LOOK_S   60
#define KEEP_S   600u /* so much of what is believed a power cut may cost */
#define BEHIND_S 60u  /* worth a word */

struct clock_job {
	struct mux *mux;
	int folder;
	uint64_t s;
	char text[CLOCK_TEXT_MAX];
	size_t len;
};

uint64_t mux_now_s(const struct mux *m)
{
	return clock_floor_now_s(&m->clock, clock_unix_s(), clock_boot_ns());
}

int mux_clock_load(struct mux *m, char *ret_why, size_t why_size)
{
	int rc = clock_floor_load(state_folder(m->state), &m->clock_kept_s, ret_why, why_size);

	if (!rc)
		clock_floor_begin(&m->clock, m->clock_kept_s, clock_unix_s(), clock_boot_ns());
	return rc;
}

void mux_send_clock(struct mux *m)
{
	const struct msg_broker_clock msg = {
		.real_s = m->clock.least.real_s, .boot_ns = m->clock.least.boot_ns};

	if (msg.real_s)
		broker_send(m->broker, &wire_broker_clock, &msg, NULL, 0);
}

/* Once, until it is over. */
static void say_if_behind(struct mux *m)
{
	uint64_t real_s = clock_unix_s(), now_s = mux_now_s(m);
	bool is_behind = now_s - real_s > BEHIND_S;

	if (is_behind && !m->clock_is_behind)
		log_warning("the clock is %llu s behind a time that it has shown before: tokens "
			    "and policies are "
			    "judged by that one until the clock has caught up. If it was wrong "
			    "then, stop framemuxd and remove %s/" CLOCK_FILE,
			(unsigned long long)(now_s - real_s), m->config->state_dir);
	if (!is_behind && m->clock_is_behind)
		log_notice("the clock has caught up");
	m->clock_is_behind = is_behind;
}

/* ---- to disk ------------------------------------------------------------------------- */

static int run_keep(void *data)
{
	struct clock_job *j = data;

	return folder_replace(j->folder, CLOCK_FILE, j->text, j->len, 0600, (unsigned)-1);
}

static void keep_done(void *data, int result)
{
	struct clock_job *j = data;
	struct mux *m = j->mux;

	m->clock_pending = false;
	if (result == 0)
		m->clock_kept_s = j->s;
	else if (!m->clock_failed)
		log_error("the time is not kept in the state folder: %s; after a restart a clock "
			  "that is set back would not be noticed",
			strerror(-result));
	m->clock_failed = result < 0;
	free(j);
}

static void fill(struct clock_job *j, struct mux *m, uint64_t s)
{
	*j = (struct clock_job){.mux = m, .folder = state_folder(m->state), .s = s};
	j->len = clock_floor_text(s, j->text);
}

/* What cannot be queued now is tried at the next look. */
static void keep(struct mux *m, uint64_t s)
{
	struct clock_job *j = malloc(sizeof(*j));
	struct disk_job job = {.run = run_keep, .done = keep_done, .data = j};

	if (!j)
		return;
	fill(j, m, s);
	if (disk_submit(m->disk, &job) == 0)
		m->clock_pending = true;
	else
		free(j);
}

void mux_clock_write(struct mux *m)
{
	struct clock_job j;

	if (!m->clock.least.real_s)
		return;
	fill(&j, m, clock_mark_now_s(&m->clock.least, clock_boot_ns()));
	if (run_keep(&j) < 0)
		log_error("the time is not kept in the state folder");
}

/* ---- the look ------------------------------------------------------------------------ */

static int arm(struct mux *m)
{
	const struct timeval look = {.tv_sec = LOOK_S};

	return evtimer_add(m->clock_timer, &look) == 0 ? 0 : -ENOMEM;
}

static void on_look(evutil_socket_t fd, short what, void *data)
{
	uint64_t boot_ns = clock_boot_ns(), s;
	struct mux *m = data;

	(void)fd;
	(void)what;
	if (clock_floor_look(&m->clock, clock_unix_s(), boot_ns))
		mux_send_clock(m);
	say_if_behind(m);
	s = clock_mark_now_s(&m->clock.least, boot_ns);
	if (m->clock.least.real_s && s >= m->clock_kept_s + KEEP_S && !m->clock_pending)
		keep(m, s);
	if (arm(m) < 0)
		log_error("out of memory: the clock is not watched any more");
}

int mux_clock_watch(struct mux *m)
{
	say_if_behind(m);
	m->clock_timer = evtimer_new(m->base, on_look, m);
	return m->clock_timer ? arm(m) : -ENOMEM;
}

void mux_clock_free(struct mux *m)
{
	if (m->clock_timer)
		event_free(m->clock_timer);
	m->clock_timer = NULL;
}
