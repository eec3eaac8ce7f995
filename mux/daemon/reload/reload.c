/* The steps of a reload, and who asked for it. Runs in framemuxd's loop. */
#include "mux/daemon/reload/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "mux/daemon/notify.h"
#include "mux/daemon/reload/reload_private.h"

/* ---- the answer ---------------------------------------------------------------------- */

static void tell_done(struct mux *m, uint32_t request, int error, const char *reason)
{
	struct msg_reload_done done = {.request = request, .status = (uint32_t)error};

	snprintf(done.reason, sizeof(done.reason), "%s", reason);
	text_make_plain(done.reason, strlen(done.reason));
	broker_send(m->broker, &wire_reload_done, &done, NULL, 0);
}

/* A broker that died in between took the asker's connection with it. */
static bool is_awaited(const struct reload *r)
{
	return r->is_asked && r->life == broker_life(r->mux->broker);
}

static void report_changes(const struct reload *r)
{
	for (size_t i = 0; i < r->diff.n; i++) {
		const struct reload_change *c = &r->diff.changes[i];
		struct msg_reload_change m = {.request = r->request};

		log_notice("reload: %s %s: %s%s%s%s", c->kind, c->name, c->what,
			*c->detail ? " (" : "", c->detail, *c->detail ? ")" : "");
		if (c->epoch)
			mux_note_camera(r->mux, c->name, c->epoch, c->what);
		else
			mux_note_change(r->mux, c->kind, c->name, c->what);
		if (!is_awaited(r))
			continue;
		memcpy(m.kind, c->kind, sizeof(m.kind));
		memcpy(m.name, c->name, sizeof(m.name));
		memcpy(m.what, c->what, sizeof(m.what));
		memcpy(m.detail, c->detail, sizeof(m.detail));
		text_make_plain(m.detail, strlen(m.detail)); /* a path may be anything */
		broker_send(r->mux->broker, &wire_reload_change, &m, NULL, 0);
	}
}

static void over(struct reload *r)
{
	struct mux *m = r->mux;
	char status[64];

	m->reload = NULL;
	reload_free(r);
	snprintf(status, sizeof(status), "%zu cameras", m->config->n_cameras);
	notify_status(status);
	notify_ready();
	mux_reload_go_on(m); /* there may be another */
}

static void refuse(struct reload *r, int error, const char *reason)
{
	struct msg_reload_fault fault = {.request = r->request};
	bool has_fault = r->fault.text[0];

	log_error("reload: %s%s%s", reason, has_fault ? ": " : "", r->fault.text);
	if (is_awaited(r)) {
		snprintf(fault.text, sizeof(fault.text), "%s", r->fault.text);
		text_make_plain(fault.text, strlen(fault.text)); /* it may quote the file */
		if (has_fault)
			broker_send(r->mux->broker, &wire_reload_fault, &fault, NULL, 0);
		tell_done(r->mux, r->request, error, reason);
	}
	over(r);
}

static void succeed(struct reload *r)
{
	const struct mux *m = r->mux;

	report_changes(r);
	log_notice("reloaded: %zu cameras, %zu grants; %zu changes", m->config->n_cameras,
		m->config->n_grants, r->diff.n);
	if (is_awaited(r) && m->files_failed)
		tell_done(r->mux, r->request, EIO,
			"the configuration is in force, but a token file was not written; the log "
			"says which");
	else if (is_awaited(r))
		tell_done(r->mux, r->request, 0, "");
	over(r);
}

/* ---- the jobs ------------------------------------------------------------------------ */

static void submit(struct reload *r, struct disk *disk, enum reload_phase phase, int (*run)(void *),
	void (*done)(void *, int))
{
	struct disk_job job = {.run = run, .done = done, .data = r};
	int rc = disk_submit(disk, &job);

	r->phase = phase;
	r->is_in_thread = rc == 0;
	if (rc < 0)
		refuse(r, -rc, "the mux is short of memory; nothing has changed");
}

/* Whether the mux still wants it. */
static bool is_back(struct reload *r)
{
	r->is_in_thread = false;
	return !r->mux->stopping;
}

static void on_kept(void *data, int result)
{
	struct reload *r = data;
	char why[LIMIT_REASON];

	if (!is_back(r))
		return;
	if (result < 0) {
		snprintf(why, sizeof(why), "%.120s; nothing has changed", r->why);
		refuse(r, -result, why);
		return;
	}
	r->phase = RELOAD_KEPT;
	mux_reload_go_on(r->mux);
}

static void on_planned(void *data, int result)
{
	struct reload *r = data;
	char why[LIMIT_REASON];

	if (!is_back(r))
		return;
	if (!result)
		result = reload_make(r);
	if (result < 0) {
		snprintf(why, sizeof(why), "%.120s; nothing has changed",
			r->why[0] ? r->why : strerror(-result));
		refuse(r, -result, why);
		return;
	}
	submit(r, r->mux->disk, RELOAD_KEEPING, reload_keep, on_kept);
}

static void on_read(void *data, int result)
{
	struct reload *r = data;
	struct mux *m = r->mux;

	if (!is_back(r))
		return;
	if (result < 0) {
		refuse(r, -result == ENOMEM ? ENOMEM : EINVAL,
			"the configuration is wrong; nothing has changed");
		return;
	}
	r->revoked = malloc((m->n_revoked + 1) * TOKEN_ID_BYTES);
	if (!r->revoked) {
		refuse(r, ENOMEM, "the mux is short of memory; nothing has changed");
		return;
	}
	if (m->n_revoked)
		memcpy(r->revoked, m->revoked, m->n_revoked * TOKEN_ID_BYTES);
	r->n_before = r->n_revoked = m->n_revoked;
	r->now_s = mux_now_s(m);
	submit(r, m->disk, RELOAD_PLANNING, reload_plan, on_planned);
}

/* ---- the steps ----------------------------------------------------------------------- */

static bool concerns_cut(const struct cut *c, const struct camera_record *cam)
{
	return cuts_concern(c->cuts, cam);
}

static void on_cut(struct cut *c, enum cut_end end)
{
	struct reload *r = (struct reload *)c;

	if (end != CUT_OVER)
		log_warning("reload: what is cut off is not all erased and reaped yet");
	r->is_cutting = false;
	mux_reload_go_on(r->mux);
}

/* A vendor that is cut off may be the vendor of a camera that runs, now. */
static void begin_cut(struct reload *r)
{
	r->cut = (struct cut){.is_on = true, .concerns = concerns_cut, .ended = on_cut};
	r->is_cutting = cut_begin(r->mux->cuts, &r->cut) == 0;
	if (r->is_cutting)
		cut_kept(&r->cut, 0); /* nothing of it goes to the disk */
}

static void swap(struct reload *r)
{
	struct mux *m = r->mux;

	if (broker_state(m->broker) == BROKER_STARTING)
		return; /* with the old configuration: it has to know that before the difference */
	begin_cut(r);
	reload_swap(r);
	if (r->is_cutting)
		cut_drain(&r->cut);
	if (broker_state(m->broker) == BROKER_GONE) {
		r->phase = RELOAD_RESTARTING;
		return;
	}
	r->phase = RELOAD_ENDING;
	reload_tell_over(r);
	cuts_look(m->cuts);
}

static bool all_have_ended(const struct pair_host *h)
{
	for (size_t i = 0; i < h->n_retired; i++)
		if (!pair_is_at_rest(h->retired[i]))
			return false;
	for (size_t i = 0; i < h->n_pairs; i++)
		if (pair_is_restarting(h->pairs[i]))
			return false;
	return true;
}

static void add(struct reload *r)
{
	if (!r->is_cleared || r->is_cutting || !all_have_ended(&r->mux->pair_host))
		return;
	reload_bury(r);
	r->phase = RELOAD_ADDING;
	reload_tell_new(r);
}

static void begin(struct mux *m, const struct msg_reload_ask *ask)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (!r) {
		log_error("reload: out of memory; nothing has changed");
		if (ask)
			tell_done(m, ask->request, ENOMEM, "the mux is short of memory");
		return;
	}
	*r = (struct reload){.mux = m,
		.path = m->options->config,
		.is_asked = ask != NULL,
		.life = broker_life(m->broker),
		.request = ask ? ask->request : 0};
	m->reload = r;
	log_notice("reload: reading %s", r->path);
	notify_reloading();
	submit(r, m->reader, RELOAD_READING, reload_read, on_read);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct mux *m = data;
	struct reload *r = m->reload;

	(void)fd;
	(void)what;
	if (m->stopping || !m->announced)
		return;
	if (!r) {
		if (m->reload_again)
			begin(m, NULL);
		m->reload_again = false;
		return;
	}
	switch (r->phase) {
	case RELOAD_KEPT:
		swap(r);
		break;
	case RELOAD_ENDING:
		add(r);
		break;
	case RELOAD_RESTARTING:
		if (!m->broker_ready) /* it hands out its tokens when it is */
			break;
		mux_take_back(m);
		r->phase = RELOAD_WRITING;
		__attribute__((fallthrough));
	case RELOAD_WRITING:
		if (!m->files_pending)
			succeed(r);
		break;
	default:
		break;
	}
}

/* ---- what comes from outside ---------------------------------------------------------- */

void mux_reload(struct mux *m, const struct msg_reload_ask *ask)
{
	if (ask)
		log_notice("reload: asked for by uid %u pid %u", ask->uid, ask->pid);
	mux_note_reload(m, ask);
	if (m->stopping)
		return;
	if (ask && (m->reload || m->reload_again)) {
		tell_done(m, ask->request, EBUSY, "a reload is under way");
		return;
	}
	if (ask) {
		begin(m, ask);
		return;
	}
	m->reload_again = true;
	mux_reload_go_on(m);
}

void mux_reload_go_on(struct mux *m)
{
	const struct timeval now = {0};

	if (m->reload_timer && (m->reload || m->reload_again) &&
		event_add(m->reload_timer, &now) < 0)
		event_active(m->reload_timer, EV_TIMEOUT, 0); /* else it would wait for ever */
}

int mux_reload_cleared(struct mux *m)
{
	struct reload *r = m->reload;

	if (!r || r->phase != RELOAD_ENDING || r->is_cleared)
		return -EPROTO;
	r->is_cleared = true;
	mux_reload_go_on(m);
	return 0;
}

bool mux_reload_takes_tokens(const struct mux *m)
{
	return m->reload && m->reload->phase == RELOAD_ADDING;
}

int mux_reload_ready(struct mux *m)
{
	struct reload *r = m->reload;

	if (!r || r->phase != RELOAD_ADDING)
		return -EPROTO;
	r->phase = RELOAD_WRITING;
	mux_hand_out(m);
	mux_take_back(m);
	mux_reload_go_on(m);
	return 0;
}

void mux_reload_broker_fell(struct mux *m)
{
	struct reload *r = m->reload;

	if (r &&
		(r->phase == RELOAD_ENDING || r->phase == RELOAD_ADDING ||
			r->phase == RELOAD_WRITING)) {
		log_warning(
			"reload: the broker died in it; the next one gets the new configuration");
		r->phase = RELOAD_RESTARTING;
	}
}

void mux_reload_broker_new(struct mux *m)
{
	if (m->reload && m->reload->phase == RELOAD_RESTARTING)
		reload_bury(m->reload);
}

int mux_reload_init(struct mux *m)
{
	m->reload_timer = evtimer_new(m->base, on_timer, m);
	return m->reload_timer ? disk_new(m->base, &m->reader) : -ENOMEM;
}

/* What a thread still has is left to it: the process ends now. */
void mux_reload_free(struct mux *m)
{
	if (m->reload && !m->reload->is_in_thread)
		reload_free(m->reload);
	m->reload = NULL;
	if (m->reload_timer)
		event_free(m->reload_timer);
	m->reload_timer = NULL;
}
