/*
 * framemuxd from its start to its end: opens what it needs in order, runs the loop, and takes
 * everything down again. Interprets nothing foreign; nothing in the loop waits.
 */
#include "mux/daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <config.h>

#include "common/breakage.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memfd.h"
#include "mux/daemon/cutoff/cutoff_file.h"
#include "mux/daemon/cutoff/kill_socket.h"
#include "mux/daemon/daemon_private.h"
#include "mux/daemon/notify.h"
#include "mux/daemon/policy/policy_drop.h"
#include "mux/daemon/reload/reload.h"
#include "mux/daemon/roles/privilege.h"
#include "mux/locked.h"

#define FDS_WANTED 65536u

/* ---- the end ------------------------------------------------------------------------- */

static bool pairs_are_at_rest(const struct mux *m)
{
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		if (!pair_is_at_rest(m->pair_host.pairs[i]))
			return false;
	for (size_t i = 0; i < m->pair_host.n_retired; i++)
		if (!pair_is_at_rest(m->pair_host.retired[i]))
			return false;
	return true;
}

/* Whatever has just come to rest: is it time for the next step? */
static void step(struct mux *m)
{
	if (!broker_is_gone(m->broker) || !pairs_are_at_rest(m))
		return;
	if (m->stopping)
		event_base_loopbreak(m->base);
	else
		broker_start(m->broker);
}

static void on_pair_at_rest(void *self)
{
	struct mux *m = self;

	cuts_look(m->cuts);
	mux_reload_go_on(self);
	step(self);
}

/* With its broker a pair has lost whom it writes for, and its key is of the old session. */
static void on_broker_fell(void *self)
{
	struct mux *m = self;

	m->broker_ready = false;
	if (m->stopping)
		return;
	mux_note_broker(m, AUDIT_EVENT_ROLE_DEATH);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		pair_abort(m->pair_host.pairs[i]);
	for (size_t i = 0; i < m->pair_host.n_retired; i++)
		pair_abort(m->pair_host.retired[i]);
	mux_reload_broker_fell(m);
	cuts_broker_fell(m->cuts);
}

static void on_broker_reaped(void *self)
{
	step(self);
}

static void on_end_signal(evutil_socket_t signo, short what, void *data)
{
	struct mux *m = data;

	(void)what;
	if (m->stopping) { /* erasing is not cut short; it is bounded anyway */
		log_notice("already ending");
		return;
	}
	log_notice("ending: signal %d", (int)signo);
	m->stopping = true;
	notify_stopping();
	/* It marks every ring as dead, erases it, tells every client; those who write are killed. */
	broker_stop(m->broker);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		pair_stop(m->pair_host.pairs[i]);
}

static void on_reload_signal(evutil_socket_t signo, short what, void *data)
{
	(void)signo;
	(void)what;
	mux_reload(data, NULL);
}

/* ---- ready --------------------------------------------------------------------------- */

bool mux_may_change(const struct mux *m, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < m->config->n_admins; i++)
		if (m->config->admins[i] == uid)
			return true;
	return false;
}

void mux_announce(struct mux *m)
{
	char status[64];

	if (m->announced || m->stopping || !m->broker_ready || m->files_pending)
		return;
	m->announced = true;
	log_notice("ready: %zu cameras, %zu grants; missing walls: %s", m->config->n_cameras,
		m->config->n_grants, m->roles.missing[0] ? m->roles.missing : "none");
	snprintf(status, sizeof(status), "%zu cameras", m->config->n_cameras);
	notify_status(status);
	notify_ready();
	mux_reload_go_on(m);
}

static void tell_broker(void *self, const struct wire_message *message, const void *msg,
	const int *fds, size_t n_fds)
{
	struct mux *m = self;

	broker_send(m->broker, message, msg, fds, n_fds);
}

static void note_of_pair(void *self, const struct msg_audit_note *note)
{
	struct mux *m = self;

	audit_note(m->audit, note);
}

/* ---- the beginning
 * -------------------------------------------------------------------------------- */

/* Before any secret is read: nobody looks into this process, and nothing it starts rises. */
static int harden(const char **ret_what)
{
	struct rlimit files;
	int rc;

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	rc = privilege_reduce(ret_what);
	if (rc < 0)
		return rc;
	/* The broker inherits it: descriptors in flight count against the sender. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FDS_WANTED) {
		files.rlim_cur = files.rlim_max < FDS_WANTED ? files.rlim_max : FDS_WANTED;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	return 0;
}

static int fail(int code, const char *what, const char *why)
{
	log_error("%s: %s", what, why);
	return code;
}

/* why may be empty: what has run out says no more than its number does. */
static int fail_state(int rc, const char *dir, const char *why)
{
	return fail(rc == -EBADMSG ? EX_DATAERR : EX_CANTCREAT, dir, *why ? why : strerror(-rc));
}

/* The epochs, the records, what was revoked, the standing grants: all that tells who is who. */
static int read_state(struct mux *m)
{
	const char *dir = m->config->state_dir;
	cleanup_free uint32_t *epochs = calloc(m->config->n_cameras + 1, sizeof(*epochs));
	char why[512] = "";
	int rc;

	m->cameras = calloc(m->config->n_cameras + 1, sizeof(*m->cameras));
	m->prints = calloc(m->config->n_cameras + 1, sizeof(*m->prints));
	m->keys = locked_alloc(sizeof(*m->keys));
	if (!epochs || !m->cameras || !m->prints || !m->keys)
		return fail(EX_OSERR, "start", "out of memory");
	rc = state_open(dir, &m->state, why, sizeof(why));
	if (rc < 0)
		return fail(EX_CANTCREAT, dir, why);
	if ((rc = key_file_load(m->state, &m->keys->root, why, sizeof(why))) < 0 ||
		(rc = state_revoked_load(m->state, &m->revoked, &m->n_revoked, why, sizeof(why))) <
			0 ||
		(rc = cutoff_file_load(state_folder(m->state), &m->cutoffs, why, sizeof(why))) <
			0 ||
		(rc = mux_clock_load(m, why, sizeof(why))) < 0 ||
		(rc = cuts_new(m, &m->cuts)) < 0 ||
		(rc = kill_switch_load(m, &m->kill_switch, why, sizeof(why))) < 0 ||
		(rc = enforce_load(m, &m->enforce, why, sizeof(why))) < 0 ||
		(rc = state_epochs_plan(m->state, m->config->cameras, m->config->n_cameras, epochs,
			 &m->epochs_text, &m->epochs_len, why, sizeof(why))) < 0)
		return fail_state(rc, dir, why);
	rc = audit_open(&(struct audit_place){.state_folder = state_folder(m->state),
				.limits = &audit_limits_usual,
				.anchor = m->config->state_anchor,
				.anchor_in_journal = m->config->anchor_in_journal},
		&m->audit, why, sizeof(why));
	if (rc < 0)
		return fail(EX_CANTCREAT, dir, why);
	for (size_t i = 0; i < m->config->n_cameras; i++)
		camera_record_make(&m->config->cameras[i], epochs[i], &m->cameras[i]);
	rc = grants_load(m->state, m->config, m->cameras, mux_now_s(m), &m->revoked, &m->n_revoked,
		&m->grants, why, sizeof(why));
	if (!rc)
		rc = revoked_add_all(&m->revoked_set, m->revoked, m->n_revoked);
	if (!rc)
		rc = fingerprint_file_load(state_folder(m->state), m->cameras, m->config->n_cameras,
			m->prints, &m->prints_changed, why, sizeof(why));
	if (rc < 0)
		return fail_state(rc, dir, why);
	grants_clean_up(m->grants);
	return 0;
}

static int watch_signal(struct mux *m, size_t i, int signo, event_callback_fn on_signal)
{
	m->signals[i] = evsignal_new(m->base, signo, on_signal, m);
	return m->signals[i] && event_add(m->signals[i], NULL) == 0 ? 0 : -ENOMEM;
}

static int make_pairs(struct mux *m)
{
	struct pair_host *h = &m->pair_host;

	*h = (struct pair_host){.base = m->base,
		.roles = &m->roles,
		.k_session = m->keys->session,
		.stale_after_ms = m->config->stale_after_ms,
		.linger_s = m->config->linger_s,
		.verbose = m->options->verbose,
		.self = m,
		.tell = tell_broker,
		.note = note_of_pair,
		.at_rest = on_pair_at_rest,
		.keep = mux_keep_prints};
	h->pairs = calloc(m->config->n_cameras + 1, sizeof(struct pair *));
	if (!h->pairs)
		return -ENOMEM;
	for (size_t i = 0; i < m->config->n_cameras; i++) {
		h->pairs[i] = pair_new(h, &m->cameras[i]);
		if (!h->pairs[i])
			return -ENOMEM;
		pair_restore(h->pairs[i], &m->prints[i]);
		h->n_pairs++;
	}
	cuts_apply(m->cuts);
	config_forget_passwords(m->config);
	free(m->cameras);
	m->cameras = NULL;
	return 0;
}

static int open_all(struct mux *m)
{
	struct broker_spec spec;
	char why[512] = "";
	int rc;

	if (roles_find(&m->roles, why, sizeof(why)) < 0)
		return fail(EX_SOFTWARE, "start", why);
	rc = memfd_self_test();
	if (rc < 0)
		return fail(EX_SOFTWARE,
			"this kernel cannot seal memory as framemux needs (Linux 5.10 can)",
			strerror(-rc));
	rc = read_state(m);
	if (rc)
		return rc;
	if (roles_wall_in(&m->roles, state_folder(m->state), why, sizeof(why)) < 0)
		return fail(EX_SOFTWARE, "walls", why);
	m->base = event_base_new();
	mux_note_start(m); /* what is cut off is noted after it */
	if (!m->base || make_pairs(m) < 0 || watch_signal(m, 0, SIGTERM, on_end_signal) < 0 ||
		watch_signal(m, 1, SIGINT, on_end_signal) < 0 ||
		watch_signal(m, 2, SIGHUP, on_reload_signal) < 0 ||
		disk_new(m->base, &m->disk) < 0 || mux_reload_init(m) < 0 || mux_clock_watch(m) < 0)
		return fail(EX_OSERR, "start", "out of memory");
	if (audit_begin(m->audit,
		    &(struct audit_host){
			    .base = m->base, .disk = m->disk, .self = m, .written = mux_written}) <
		0)
		return fail(EX_OSERR, "start", "out of memory");
	/* Cut off before it, the next start records what is gone: rather twice than never. */
	if (state_epochs_keep(m->state, m->epochs_text, m->epochs_len, why, sizeof(why)) < 0)
		return fail(EX_CANTCREAT, m->config->state_dir, why);
	if (enforce_begin(m->enforce) < 0)
		return fail(EX_OSERR, "start", "no timer for the policy's expiry");
	if (policy_drop_new(m, &m->policy_drop, why, sizeof(why)) < 0)
		return fail(EX_CANTCREAT, m->config->policy_folder, why);
	if (listen_open(m->config, &m->listening, why, sizeof(why)) < 0)
		return fail(EX_CANTCREAT, "sockets", why);
	spec = (struct broker_spec){.base = m->base,
		.roles = &m->roles,
		.clients_fd = m->listening.clients_fd,
		.control_fd = m->listening.control_fd,
		.rules = mux_broker_rules,
		.n_rules = mux_n_broker_rules,
		.outbox_max = mux_set_up_messages(m) + MUX_OUTBOX_SPARE,
		.self = m,
		.set_up = mux_set_up_broker,
		.fell = on_broker_fell,
		.reaped = on_broker_reaped};
	if (broker_new(&spec, &m->broker) < 0)
		return fail(EX_OSERR, "start", "out of memory");
	if (kill_socket_new(m, &m->kill_socket) < 0)
		return fail(EX_OSERR, "start", "out of memory");
	if (m->prints_changed) /* cameras that are gone */
		mux_keep_prints(m);
	notify_init(m->base, m->options->ready_fd, mux_ask_alive, m);
	return 0;
}

static void close_all(struct mux *m)
{
	disk_free(m->reader);
	audit_stop(m->audit);
	disk_free(m->disk); /* first: the ends of its jobs want all the others */
	if (m->stopping) {
		if (!breakage("daemon-skip-rest")) {
			kill_switch_write_rest(m->kill_switch);
			enforce_write_rest(m->enforce);
		}
		enforce_flush(m->enforce);
		kill_socket_flush(m->kill_socket);
		mux_note_stop(m);
	}
	audit_end(m->audit);
	if (m->stopping && m->prints_changed && !m->prints_pending)
		mux_write_prints(m);
	mux_free_prints(m);
	if (m->stopping)
		mux_clock_write(m);
	mux_clock_free(m);
	mux_reload_free(m);
	kill_socket_free(m->kill_socket);
	broker_free(m->broker);
	for (size_t i = 0; i < m->pair_host.n_pairs; i++)
		pair_free(m->pair_host.pairs[i]);
	for (size_t i = 0; i < m->pair_host.n_retired; i++)
		pair_free(m->pair_host.retired[i]);
	free(m->pair_host.pairs);
	free(m->pair_host.retired);
	notify_end();
	listen_close(m->config, &m->listening);
	for (size_t i = 0; i < ARRAY_SIZE(m->signals); i++)
		if (m->signals[i])
			event_free(m->signals[i]);
	kill_switch_free(m->kill_switch); /* their timers are of the base */
	policy_drop_free(m->policy_drop);
	enforce_free(m->enforce);
	cuts_free(m->cuts);
	if (m->base)
		event_base_free(m->base);
	grants_free(m->grants);
	state_close(m->state);
	locked_free(m->keys);
	free(m->revoked);
	revoked_free(&m->revoked_set);
	cutoffs_free(&m->cutoffs);
	free(m->prints);
	free(m->cameras);
	free(m->epochs_text);
	config_free(m->config);
}

int daemon_run(const struct options *options)
{
	struct mux m = {.options = options,
		.listening = {.clients_fd = -1, .control_fd = -1, .kill_fd = -1}};
	struct config_error error;
	const char *what = "";
	int code;

	log_init("framemuxd", options->verbose);
	code = harden(&what);
	if (code < 0)
		return fail(EX_OSERR, what, strerror(-code));
	if (sodium_init() < 0)
		return fail(EX_OSERR, "start", "no randomness");
	if (config_load(options->config, &m.config, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return EX_CONFIG;
	}
	if (options->check_only) {
		config_free(m.config);
		return 0;
	}
	m.started_ns = clock_boot_ns();
	code = open_all(&m);
	if (!code) {
		log_notice("framemuxd " PACKAGE_VERSION " starts");
		broker_start(m.broker);
		if (event_base_dispatch(m.base) < 0)
			code = EX_SOFTWARE;
		log_notice("ended");
	}
	close_all(&m);
	return code;
}
