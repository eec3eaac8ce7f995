/*
 * What the kill switch does. Owns the lists and the requests that are not answered yet.
 *
 * Two lists: what is in force, and what is to be on disk. Cutting off changes both at once, and then
 * the disk; letting live again changes the disk first, so that no crash and no failing disk leaves a
 * camera running that a restart would show as cut off, or the other way round.
 */
#include "mux/daemon/cutoff/kill_switch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "mux/daemon/cutoff/cut.h"
#include "mux/daemon/cutoff/disabled.h"
#include "mux/daemon/cutoff/kill_socket.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/state/folder.h"

struct request {
	struct cut cut; /* first: it is what waits */
	LIST_ENTRY(request) link;
	struct kill_switch *kill; /* borrowed */
	struct talk *asker;       /* borrowed; NULL once it has gone */
	uint32_t number;          /* the asker's */
	struct disabled_entry what;
	uint64_t change; /* the one that it made */
};

struct kill_switch {
	struct mux *mux;                 /* borrowed */
	struct disabled in_force, asked; /* asked: to be on disk; never more than in_force */
	uint64_t changes;                /* of asked, so far */
	bool is_writing, is_changed;     /* a job runs; and asked has changed since it began */
	LIST_HEAD(, request) requests;
};

/* The state folder's file as it was when the job began. */
struct job {
	struct kill_switch *kill;
	int folder;
	char *text; /* owned */
	size_t len;
	uint64_t change;         /* all up to this one are in it */
	struct disabled written; /* owned */
};

static void persist(struct kill_switch *k);

/* ---- in force ------------------------------------------------------------------------ */

bool kill_switch_cuts_off(
	const struct kill_switch *k, const struct camera_record *cam, char ret_why[LIMIT_REASON])
{
	return disabled_why(&k->in_force, cam->name, cam->vendor, ret_why);
}

static void tell_user(const struct kill_switch *k, uint32_t uid, bool is_on)
{
	const struct msg_broker_user m = {.uid = uid, .disabled = is_on};

	broker_send(k->mux->broker, &wire_broker_user, &m, NULL, 0);
}

void kill_switch_introduce(struct kill_switch *k)
{
	for (size_t i = 0; i < k->in_force.n; i++)
		if (k->in_force.list[i].kind == SWITCH_UID)
			tell_user(k, k->in_force.list[i].uid, true);
}

size_t kill_switch_messages(const struct kill_switch *k)
{
	return k->in_force.n;
}

static void put_in_force(struct kill_switch *k, const struct disabled_entry *e, bool is_on)
{
	if (e->kind == SWITCH_UID)
		tell_user(k, e->uid, is_on);
	else
		cuts_apply(k->mux->cuts);
}

/* ---- answers ------------------------------------------------------------------------- */

static bool concerns(const struct cut *c, const struct camera_record *cam)
{
	const struct disabled_entry *e = &((const struct request *)c)->what;

	return disabled_concerns(e, cam->name, cam->vendor);
}

static void request_free(struct request *r)
{
	LIST_REMOVE(r, link);
	free(r);
}

/*
 * Lifted, and yet not free: a camera whose vendor is cut off, say, or one that a policy blocks. Of a
 * vendor's cameras the first.
 */
static void still_off(const struct request *r, char ret[LIMIT_REASON])
{
	const struct mux *m = r->kill->mux;
	const struct pair_host *h = &m->pair_host;
	char why[LIMIT_REASON];

	*ret = 0;
	for (size_t i = 0; !r->cut.is_on && !*ret && i < h->n_pairs; i++) {
		const struct camera_record *cam = pair_camera(h->pairs[i]);

		if (!concerns(&r->cut, cam))
			continue;
		if (kill_switch_cuts_off(r->kill, cam, why))
			memcpy(ret, why, sizeof(why));
		else if (enforce_blocks(m->enforce, cam, why))
			snprintf(ret, LIMIT_REASON, "camera %.40s stays blocked: %.90s", cam->name,
				why);
	}
}

static const char *say(const struct request *r, enum cut_end end)
{
	bool is_on = r->cut.is_on;

	switch (end) {
	case CUT_NOT_KEPT:
		return is_on ? "it is in force, but could not be recorded: it would not outlast a "
			       "restart"
			     : "it could not be recorded: nothing is lifted";
	case CUT_DISK_LATE:
		return is_on ? "it is in force, but the disk has not recorded it yet"
			     : "the disk has not recorded it yet";
	default:
		return cut_what_is_late(end);
	}
}

static void on_ended(struct cut *c, enum cut_end end)
{
	struct request *r = (struct request *)c;
	const struct pair_host *h = &r->kill->mux->pair_host;
	uint32_t status = end == CUT_NOT_KEPT ? (uint32_t)-c->kept_result
		: end == CUT_DISK_LATE        ? ETIMEDOUT
					      : 0;
	char reason[LIMIT_REASON];

	snprintf(reason, sizeof(reason), "%s", say(r, end));
	if (end == CUT_OVER)
		still_off(r, reason);
	for (size_t i = 0; r->asker && i < h->n_pairs; i++)
		if (concerns(c, pair_camera(h->pairs[i])))
			talk_camera(r->asker, pair_camera(h->pairs[i])->name);
	if (r->asker)
		talk_done(r->asker, r->number, status, cut_elapsed_us(c), reason);
	request_free(r);
}

void kill_switch_forget(struct kill_switch *k, const struct talk *asker)
{
	struct request *r;

	LIST_FOREACH (r, &k->requests, link)
		if (r->asker == asker)
			r->asker = NULL;
}

/* ---- the disk ------------------------------------------------------------------------ */

static void job_free(struct job *j)
{
	disabled_free(&j->written);
	free(j->text);
	free(j);
}

static int run_job(void *data)
{
	struct job *j = data;

	return folder_replace(j->folder, DISABLED_FILE, j->text, j->len, 0600, (unsigned)-1);
}

/* What is neither on disk nor to come there is lifted now. */
static void lift(struct kill_switch *k, const struct disabled *written)
{
	for (size_t i = k->in_force.n; i-- > 0;) {
		const struct disabled_entry e = k->in_force.list[i];

		if (disabled_has(written, &e) || disabled_has(&k->asked, &e))
			continue;
		disabled_remove(&k->in_force, &e);
		put_in_force(k, &e, false);
	}
}

/* Nothing was lifted. Without memory for that it is not asked for again: the next change is. */
static void take_back(struct kill_switch *k)
{
	for (size_t i = 0; i < k->in_force.n; i++)
		(void)disabled_add(&k->asked, &k->in_force.list[i]);
}

static void settle(struct kill_switch *k, uint64_t change, int result)
{
	struct request *r;

	LIST_FOREACH (r, &k->requests, link)
		if (!r->cut.is_kept && r->change <= change)
			cut_kept(&r->cut, result);
}

static void job_done(void *data, int result)
{
	struct job *j = data;
	struct kill_switch *k = j->kill;
	bool is_changed = k->is_changed;

	k->is_writing = k->is_changed = false;
	if (result < 0)
		log_error("the kill switch is not on disk: %s", strerror(-result));
	if (result == 0)
		lift(k, &j->written);
	else if (!is_changed)
		take_back(k);
	if (result == 0 || !is_changed) /* else the next attempt, which has all of it, says so */
		settle(k, j->change, result);
	job_free(j);
	if (is_changed && !k->mux->stopping)
		persist(k);
	else
		k->is_changed = is_changed; /* for kill_switch_write_rest */
	cuts_look(k->mux->cuts);
}

/* A thread that hangs in its job still is: it would hang here as well. */
void kill_switch_write_rest(struct kill_switch *k)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	int rc;

	if (!k || k->is_writing || !k->is_changed)
		return;
	rc = disabled_text(&k->asked, &text, &len);
	if (!rc)
		rc = folder_replace(
			state_folder(k->mux->state), DISABLED_FILE, text, len, 0600, (unsigned)-1);
	if (rc < 0)
		log_error("the kill switch is not on disk: %s", strerror(-rc));
}

static int submit(struct kill_switch *k)
{
	struct job *j = calloc(1, sizeof(*j));
	struct disk_job job = {.run = run_job, .done = job_done, .data = j};
	int rc;

	if (!j)
		return -ENOMEM;
	j->kill = k;
	j->folder = state_folder(k->mux->state);
	j->change = k->changes;
	rc = disabled_copy(&k->asked, &j->written);
	if (!rc)
		rc = disabled_text(&k->asked, &j->text, &j->len);
	if (!rc)
		rc = disk_submit(k->mux->disk, &job);
	if (rc < 0)
		job_free(j);
	return rc;
}

static void persist(struct kill_switch *k)
{
	int rc;

	k->is_changed = k->is_writing;
	if (k->is_writing)
		return;
	rc = submit(k);
	k->is_writing = rc == 0;
	if (rc == 0)
		return;
	log_error("the kill switch is not on disk: %s", strerror(-rc));
	take_back(k);
	settle(k, k->changes, rc);
}

/* ---- requests ------------------------------------------------------------------------ */

static bool is_known(const struct kill_switch *k, const struct disabled_entry *e)
{
	const struct pair_host *h = &k->mux->pair_host;

	if (e->kind != SWITCH_CAMERA || disabled_has(&k->in_force, e))
		return true;
	for (size_t i = 0; i < h->n_pairs; i++)
		if (!strcmp(pair_camera(h->pairs[i])->name, e->name))
			return true;
	return false;
}

static void note_request(const struct request *r)
{
	const struct disabled_entry *e = &r->what;
	struct msg_audit_note note = {
		.event = r->cut.is_on ? AUDIT_EVENT_DISABLE : AUDIT_EVENT_ENABLE,
		.uid = e->kind == SWITCH_UID ? e->uid : UINT32_MAX,
		.by_uid = talk_uid(r->asker),
		.by_pid = talk_pid(r->asker)};

	memcpy(e->kind == SWITCH_CAMERA ? note.camera : note.name, e->name, sizeof(note.name));
	snprintf(note.what, sizeof(note.what), "%s",
		e->kind == SWITCH_CAMERA           ? "camera"
			: e->kind == SWITCH_VENDOR ? "vendor"
						   : "uid");
	audit_note(r->kill->mux->audit, &note);
}

static void log_request(const struct request *r)
{
	char what[LIMIT_LABEL + 16];

	if (r->what.kind == SWITCH_UID)
		snprintf(what, sizeof(what), "uid %u", r->what.uid);
	else
		snprintf(what, sizeof(what), "%s %s",
			r->what.kind == SWITCH_CAMERA ? "camera" : "vendor", r->what.name);
	log_notice("%s is %s by uid %u pid %u", what, r->cut.is_on ? "disabled" : "to be enabled",
		talk_uid(r->asker), talk_pid(r->asker));
}

static int change(struct kill_switch *k, const struct disabled_entry *e, bool is_on)
{
	int rc = 0;

	if (!is_on) {
		disabled_remove(&k->asked, e);
	} else {
		rc = disabled_add(&k->in_force, e);
		if (!rc)
			rc = disabled_add(
				&k->asked, e); /* never more than in_force: has room or ENOMEM */
	}
	if (!rc)
		k->changes++;
	return rc;
}

static int request_new(struct kill_switch *k, struct talk *asker, const struct msg_ctl_switch *ask,
	const struct disabled_entry *what, struct request **ret)
{
	struct request *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->cut = (struct cut){.is_on = ask->on, .concerns = concerns, .ended = on_ended};
	r->kill = k;
	r->asker = asker;
	r->number = ask->request;
	r->what = *what;
	rc = cut_begin(k->mux->cuts, &r->cut);
	if (rc < 0) {
		free(r);
		return rc;
	}
	LIST_INSERT_HEAD(&k->requests, r, link);
	*ret = r;
	return 0;
}

int kill_switch_ask(struct kill_switch *k, struct talk *asker, const struct msg_ctl_switch *ask)
{
	struct disabled_entry e = {.kind = ask->kind, .uid = ask->uid};
	struct request *r;
	int rc;

	if (ask->kind < SWITCH_CAMERA || ask->kind > SWITCH_UID)
		return -EINVAL;
	if (ask->kind != SWITCH_UID)
		memcpy(e.name, ask->name, sizeof(e.name));
	if (!is_known(k, &e))
		return -ENOENT;
	rc = request_new(k, asker, ask, &e, &r);
	if (rc < 0)
		return rc;
	rc = change(k, &e, r->cut.is_on);
	if (rc < 0) {
		cut_forget(&r->cut);
		request_free(r);
		return rc;
	}
	r->change = k->changes;
	log_request(r);
	note_request(r);
	if (r->cut.is_on)
		put_in_force(k, &e, true);
	cut_drain(&r->cut);
	persist(k);
	cuts_look(k->mux->cuts);
	return 0;
}

/* ---- life and death ------------------------------------------------------------------ */

int kill_switch_load(struct mux *m, struct kill_switch **ret, char *ret_why, size_t why_size)
{
	struct kill_switch *k = calloc(1, sizeof(*k));
	int rc = -ENOMEM;

	if (k) {
		k->mux = m;
		LIST_INIT(&k->requests);
		rc = disabled_load(state_folder(m->state), &k->in_force, ret_why, why_size);
		if (!rc)
			rc = disabled_copy(&k->in_force, &k->asked);
	}
	if (rc < 0) {
		if (rc == -ENOMEM)
			snprintf(ret_why, why_size, DISABLED_FILE ": out of memory");
		kill_switch_free(k);
		return rc;
	}
	*ret = k;
	return 0;
}

void kill_switch_free(struct kill_switch *k)
{
	if (!k)
		return;
	while (!LIST_EMPTY(&k->requests)) {
		cut_forget(&LIST_FIRST(&k->requests)->cut);
		request_free(LIST_FIRST(&k->requests));
	}
	disabled_free(&k->in_force);
	disabled_free(&k->asked);
	free(k);
}
