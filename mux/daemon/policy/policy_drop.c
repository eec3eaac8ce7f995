/*
 * The drop folder in the loop: which files have come, one after another to a thread of its own, and to
 * enforce.h. A file is taken when it was moved in or closed after writing; at the start, and when so
 * many come that the kernel cannot tell them all, whatever is there. One that cannot be judged or
 * recorded for now stays, and is tried again.
 */
#include "mux/daemon/policy/policy_drop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/policy/policy_drop_disk.h"
#include "mux/daemon/state/disk.h"
#include "mux/daemon/state/folder.h"

#define AGAIN_S     1u /* before what was left is tried again; doubled each time, */
#define AGAIN_MAX_S 60u

struct policy_drop {
	struct mux *mux;          /* borrowed */
	int folder_fd, notify_fd; /* owned */
	struct disk *disk;        /* owned: a folder that hangs holds up nothing else */
	struct event *changed;    /* owned */
	struct event *again;      /* owned */
	unsigned again_s;         /* the pause before; 0: nothing was left since the last success */
	char (*names)[NAME_MAX + 1]; /* owned; DROP_NAMES_MAX, those that wait are [at, n) */
	size_t at, n;
	bool is_busy;      /* a file or a list is under way */
	bool is_in_thread; /* and the thread has it: a list's names, a file */
	bool is_listing;   /* it is a list */
	bool is_to_list;   /* there may be more files than those whose names are known */
	bool is_partial;   /* the last list was full */
	unsigned n_taken;  /* away since then */
	bool is_ending;
	struct drop_file file; /* under way */
	bool is_applied;
	char reason[LIMIT_REASON]; /* of its outcome */
};

static void go_on(struct policy_drop *d);

/* ---- jobs ---------------------------------------------------------------------------- */

static void drop_file(struct policy_drop *d)
{
	free(d->file.bytes);
	d->file = (struct drop_file){0};
	d->is_busy = false;
}

static void try_again(struct policy_drop *d)
{
	unsigned longer_s = d->again_s ? d->again_s * 2 : AGAIN_S;
	struct timeval pause;

	if (d->is_ending || event_pending(d->again, EV_TIMEOUT, NULL))
		return;
	d->again_s = longer_s < AGAIN_MAX_S ? longer_s : AGAIN_MAX_S;
	pause = (struct timeval){.tv_sec = d->again_s};
	if (event_add(d->again, &pause) < 0)
		log_error("out of memory: the policy folder is read when something comes");
}

static void submit(struct policy_drop *d, int (*run)(void *), void (*done)(void *, int))
{
	const struct disk_job job = {.run = run, .done = done, .data = d};
	int rc = d->mux->stopping || d->is_ending ? -ECANCELED : disk_submit(d->disk, &job);

	d->is_busy = d->is_in_thread = rc == 0;
	if (rc == 0)
		return;
	drop_file(d);
	d->is_listing = false;
	if (rc == -ECANCELED)
		return;
	log_error("the policy folder is not read: %s", strerror(-rc));
	try_again(d);
}

static int run_settle(void *data)
{
	struct policy_drop *d = data;

	return drop_settle(d->folder_fd, &d->file, d->is_applied, d->reason);
}

static void on_settled(void *data, int result)
{
	struct policy_drop *d = data;
	char name[NAME_MAX + 1];

	d->is_in_thread = false;
	memcpy(name, d->file.name, sizeof(name));
	text_make_plain(name, strlen(name));
	if (result == 0) {
		d->n_taken++;
		d->again_s = 0;
	}
	if (result == -EAGAIN) /* it was written anew meanwhile */
		try_again(d);
	else if (result < 0)
		log_error("the policy folder: what became of %s cannot be left there: %s", name,
			strerror(-result));
	drop_file(d);
	go_on(d);
}

static void settle(struct policy_drop *d, bool is_applied, const char *reason)
{
	d->is_applied = is_applied;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	submit(d, run_settle, on_settled);
}

/* No verdict: the file stays, and its turn comes again. */
static void leave(struct policy_drop *d, const char *why)
{
	char name[NAME_MAX + 1];

	memcpy(name, d->file.name, sizeof(name));
	text_make_plain(name, strlen(name));
	log_warning("the policy folder: %s stays, and is tried again: %s", name, why);
	drop_file(d);
	try_again(d);
	go_on(d);
}

/* In force, but not recorded: a restart would forget it, and the file must not be gone then. */
static void on_applied(void *data, uint32_t status, uint64_t elapsed_us, const char *reason)
{
	(void)elapsed_us;
	if (status && !breakage("policy-drop-final"))
		leave(data, reason);
	else
		settle(data, status == 0, *reason ? reason : "it is in force");
}

static int run_read(void *data)
{
	struct policy_drop *d = data;

	return drop_read(d->folder_fd, &d->file, d->reason);
}

static void on_read(void *data, int result)
{
	struct policy_drop *d = data;
	const struct enforce_asker asker = {
		.uid = UINT32_MAX, .name = d->file.name, .data = d, .done = on_applied};
	char why[LIMIT_REASON];
	int rc;

	d->is_in_thread = false;
	if (d->mux->stopping || d->is_ending)
		return;
	if (result == -ENOENT) {
		drop_file(d);
		go_on(d);
	} else if (result < 0 && result != -EPERM && result != -EACCES) {
		memcpy(why, d->reason, sizeof(why));
		leave(d, why);
	} else if (result < 0) {
		memcpy(why, d->reason, sizeof(why));
		enforce_refuse(d->mux->enforce, &asker, why);
		settle(d, false, why);
	} else {
		rc = enforce_ask(d->mux->enforce, d->file.bytes, d->file.len, &asker, why);
		if (rc == -ENOMEM || rc == -EBUSY)
			leave(d, why);
		else if (rc < 0)
			settle(d, false, why);
	}
}

static int run_list(void *data)
{
	struct policy_drop *d = data;

	return drop_list(d->folder_fd, d->names);
}

static void on_listed(void *data, int result)
{
	struct policy_drop *d = data;

	d->is_busy = d->is_in_thread = d->is_listing = false;
	if (result < 0) {
		log_error("the policy folder cannot be listed: %s", strerror(-result));
		try_again(d);
	}
	d->is_partial = result == (int)DROP_NAMES_MAX;
	d->n_taken = 0;
	d->at = 0;
	d->n = result < 0 ? 0 : (size_t)result;
	go_on(d);
}

/* While a list is made the names are the thread's. */
static void go_on(struct policy_drop *d)
{
	if (d->is_busy || d->mux->stopping || d->is_ending)
		return;
	if (d->at < d->n) {
		memcpy(d->file.name, d->names[d->at++], sizeof(d->file.name));
		if (d->at == d->n)
			d->at = d->n = 0;
		submit(d, run_read, on_read);
		return;
	}
	if (d->is_partial && d->n_taken)
		d->is_to_list = true;
	if (!d->is_to_list)
		return;
	d->is_to_list = d->is_partial = false;
	d->is_listing = true;
	submit(d, run_list, on_listed);
}

/* ---- what comes ---------------------------------------------------------------------- */

static void take_name(struct policy_drop *d, const char *name)
{
	if (!drop_is_meant(name))
		return;
	for (size_t i = d->at; !d->is_listing && i < d->n; i++)
		if (!strcmp(d->names[i], name))
			return;
	if (d->is_listing || d->n == DROP_NAMES_MAX)
		d->is_to_list = true;
	else
		memcpy(d->names[d->n++], name, strlen(name) + 1);
}

static void take_event(struct policy_drop *d, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		d->is_to_list = true;
	else if (e->mask & IN_IGNORED)
		log_error("the policy folder is gone: nothing is read from it until a restart");
	else if (e->len && !(e->mask & IN_ISDIR))
		take_name(d, e->name);
}

static void on_changed(evutil_socket_t fd, short what, void *data)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	struct policy_drop *d = data;
	ssize_t n = read(fd, buf, sizeof(buf)); /* once: the loop comes back for the rest */

	(void)what;
	for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
		const struct inotify_event *e = (const struct inotify_event *)(buf + at);

		take_event(d, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	go_on(d);
}

static void on_again(evutil_socket_t fd, short what, void *data)
{
	struct policy_drop *d = data;

	(void)fd;
	(void)what;
	d->is_to_list = true;
	go_on(d);
}

/* ---- life and death ------------------------------------------------------------------ */

/* Of the very folder that was checked, whatever its path leads to by now. */
static int watch(struct policy_drop *d)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", d->folder_fd);
	d->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d->notify_fd < 0 ||
		inotify_add_watch(d->notify_fd, path, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) <
			0)
		return -errno;
	d->changed = event_new(d->mux->base, d->notify_fd, EV_READ | EV_PERSIST, on_changed, d);
	d->again = evtimer_new(d->mux->base, on_again, d);
	return d->changed && d->again && event_add(d->changed, NULL) == 0 ? 0 : -ENOMEM;
}

int policy_drop_new(struct mux *m, struct policy_drop **ret, char *ret_why, size_t why_size)
{
	struct policy_drop *d;
	int rc = -ENOMEM;

	if (!m->config->policy_folder[0])
		return 0;
	d = calloc(1, sizeof(*d));
	snprintf(ret_why, why_size, "out of memory");
	if (!d)
		return rc;
	d->mux = m;
	d->folder_fd = d->notify_fd = -1;
	d->names = calloc(DROP_NAMES_MAX, sizeof(*d->names));
	if (d->names)
		rc = folder_open(m->config->policy_folder, FOLDER_MUST_EXIST, &d->folder_fd,
			ret_why, why_size);
	if (!rc && (rc = watch(d)) < 0)
		snprintf(ret_why, why_size, "it cannot be watched: %s", strerror(-rc));
	if (!rc && (rc = disk_new(m->base, &d->disk)) < 0)
		snprintf(ret_why, why_size, "no thread to read it: %s", strerror(-rc));
	if (rc < 0) {
		policy_drop_free(d);
		return rc;
	}
	d->is_to_list = true;
	go_on(d);
	*ret = d;
	return 0;
}

/* What the thread still has is left to it: the process ends now. */
void policy_drop_free(struct policy_drop *d)
{
	if (!d)
		return;
	d->is_ending = true;
	enforce_forget(d->mux->enforce, d);
	disk_free(d->disk);
	if (d->changed)
		event_free(d->changed);
	if (d->again)
		event_free(d->again);
	if (d->is_in_thread)
		return;
	cleanup_close(&d->folder_fd);
	cleanup_close(&d->notify_fd);
	free(d->file.bytes);
	free(d->names);
	free(d);
}
