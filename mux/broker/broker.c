/*
 * The broker's life: made, set up by framemuxd, serving, stopped. Owns struct broker. Never opens a
 * socket to anywhere, starts nothing, reads no file. This is the process framemux-broker.
 */
#include "mux/broker/broker.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "common/breakage.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memfd.h"
#include "mux/broker/accept.h"
#include "mux/broker/attach.h"
#include "mux/broker/audit.h"
#include "mux/broker/audit_read.h"
#include "mux/broker/barred.h"
#include "mux/broker/camera.h"
#include "mux/broker/client.h"
#include "mux/broker/control.h"
#include "mux/broker/daemon_link.h"
#include "mux/broker/drain.h"
#include "mux/broker/erase.h"
#include "mux/broker/expiry.h"
#include "mux/broker/held.h"
#include "mux/broker/keys.h"
#include "mux/broker/listener.h"
#include "mux/broker/reload.h"
#include "mux/broker/revoke.h"
#include "mux/broker/secrets.h"
#include "mux/broker/standing.h"
#include "mux/broker/tenure.h"
#include "mux/link/birth.h"
#include "mux/locked.h"

#define CONNECTIONS_MAX     2048u
#define CONNECTIONS_UID_MAX 512u
#define LEASES_UID_MAX      512u
#define FDS_OWN_MAX         1024u /* for cameras, control connections and the broker itself */
#define LAST_MS             100   /* for framemuxd to take the last records */
#define STOP_MS             300u  /* for decoders to let go, before the broker goes anyway */

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* As many descriptors as the hard limit gives; what clients may cost is reckoned with them. */
static uint32_t fds_for_clients(void)
{
	struct rlimit files;
	uint32_t n;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return FDS_OWN_MAX;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_warning("RLIMIT_NOFILE cannot be raised: %s", strerror(errno));
	(void)getrlimit(RLIMIT_NOFILE, &files);
	n = files.rlim_cur < INT32_MAX ? (uint32_t)files.rlim_cur : INT32_MAX;
	return n - lower(n / 4, FDS_OWN_MAX);
}

/* framemuxd decides when the broker ends, by closing the link: a signal to the whole group, from a
 * terminal or an init system, must not come first and leave frames behind. */
static void ignore_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

/* Timers are set right after erasing, which takes milliseconds: the loop's cached time is too old.
 */
static struct event_base *make_loop(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static void on_stop_limit(evutil_socket_t fd, short what, void *data)
{
	struct broker *b = data;

	(void)fd;
	(void)what;
	event_base_loopbreak(b->base);
}

static void on_failure(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	broker_stop(data, EX_SOFTWARE);
}

static int broker_init(struct broker *b, int daemon_fd)
{
	const uint32_t fds = fds_for_clients();
	const struct quota_limits limits = {
		.connections = CONNECTIONS_MAX,
		.uid_connections = CONNECTIONS_UID_MAX,
		.uid_leases = LEASES_UID_MAX,
		.fds = fds,
		.uid_fds = fds / 2, /* however few there are, no one uid takes them all */
	};
	int r;

	b->expiry_fd = -1;
	quota_init(&b->quota, &limits);
	if (sodium_init() < 0)
		return -ENOSYS;
	r = memfd_self_test();
	if (r < 0) {
		log_error("this kernel cannot seal memory as framemux needs it: %s", strerror(-r));
		return r;
	}
	b->base = make_loop();
	b->secrets = locked_alloc(sizeof(*b->secrets));
	b->stop_timer = b->base ? evtimer_new(b->base, on_stop_limit, b) : NULL;
	b->failure = b->base ? event_new(b->base, -1, 0, on_failure, b) : NULL;
	if (!b->secrets || !b->stop_timer || !b->failure)
		return -ENOMEM;
	r = held_init(b);
	if (r == 0)
		r = tenure_init_line(b);
	if (r == 0)
		r = audit_init(b);
	if (r == 0)
		r = expiry_init(b);
	if (r == 0)
		r = reload_init(b);
	return r == 0 ? daemon_link_begin(b, daemon_fd) : r;
}

static void broker_free(struct broker *b)
{
	listener_free(b->clients_listener);
	listener_free(b->control_listener);
	control_free_all(b);
	client_free_all(b);
	revoke_free_all(b);
	accept_free_all(b);
	keys_free_all(b);
	audit_read_free_all(b);
	reload_free_all(b);
	standing_free_all(b);
	camera_free_all(b);
	held_free_all(b);
	tenure_free_line(b);
	expiry_free(b);
	audit_free(b);
	if (b->daemon)
		conn_drain(b->daemon, LAST_MS);
	conn_free(b->daemon);
	if (b->stop_timer)
		event_free(b->stop_timer);
	if (b->failure)
		event_free(b->failure);
	if (b->base)
		event_base_free(b->base);
	revoked_free(&b->revoked);
	cutoffs_free(&b->cutoffs);
	drain_free_all(b);
	barred_free(b);
	quota_free(&b->quota);
	free(b->settings.admins);
	locked_free(b->secrets);
}

uint64_t broker_now_s(const struct broker *b)
{
	uint64_t real_s = clock_unix_s(), least_s = clock_mark_now_s(&b->least, clock_boot_ns());

	return real_s > least_s || breakage("clock-no-floor") ? real_s : least_s;
}

int broker_serve(struct broker *b)
{
	int r = listener_new(b->base, b->clients_fd, client_accept, b, &b->clients_listener);

	if (r == 0)
		r = listener_new(b->base, b->control_fd, control_accept, b, &b->control_listener);
	return r;
}

void broker_check_stopped(struct broker *b)
{
	if (b->is_stopping && LIST_EMPTY(&b->tenures))
		event_base_loopbreak(b->base);
}

void broker_stop(struct broker *b, int exit_code)
{
	const struct timeval limit = {.tv_usec = STOP_MS * 1000};
	struct tenure *t, *next;

	if (b->exit_code == 0)
		b->exit_code = exit_code;
	if (b->is_stopping)
		return;
	b->is_stopping = true;
	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->attach)
			ring_mark_dead(&t->attach->ring);
	LIST_FOREACH_SAFE (t, &b->tenures, in_broker, next)
		tenure_end(t, FRAMEMUX_STATE_CLOSED, "the mux stops");
	if (evtimer_add(b->stop_timer, &limit) < 0)
		event_base_loopbreak(b->base);
	broker_check_stopped(b);
}

void broker_fail(struct broker *b, const char *why)
{
	log_error("%s: the broker ends", why);
	event_active(b->failure, 0, 0); /* needs no memory */
}

int broker_run_on(int daemon_fd, int clients_fd, int control_fd, void (*confine)(void))
{
	struct broker b = {.clients_fd = clients_fd, .control_fd = control_fd};
	int r = broker_init(&b, daemon_fd);

	if (r == 0 && confine)
		confine();
	if (r < 0) {
		log_error("the broker cannot start: %s", strerror(-r));
		b.exit_code = EX_SOFTWARE;
	} else if (event_base_dispatch(b.base) < 0) {
		log_error("the broker's loop has failed");
		b.exit_code = EX_SOFTWARE;
	}
	if (r == 0)
		broker_stop(&b, 0); /* has been, unless the loop failed */
	/* Rings that a decoder may still write: cleared for the last time; it ends with our link.
	 */
	erase_all_now(&b);
	b.is_over = true;
	broker_free(&b);
	return b.exit_code;
}

int broker_run(void (*confine)(void))
{
	ignore_signals();
	return broker_run_on(
		LINK_FD_DAEMON, LINK_FD_BROKER_CLIENTS, LINK_FD_BROKER_CONTROL, confine);
}
