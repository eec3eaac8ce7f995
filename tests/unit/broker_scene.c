/*
 * The broker's surroundings, played: framemuxd, and what is said. In the test's process; the broker is
 * its child. The other players: broker_players.c.
 */
#include "tests/unit/broker_scene.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/camera_state.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "framemux.h"
#include "mux/broker/broker.h"
#include "mux/broker/grant.h"

#define PATIENCE_MS 10000

const char *const scene_names[SCENE_CAMERAS] = {"porch", "yard"};

/* --- messages ------------------------------------------------------------------------------- */

/*
 * framemuxd hears of everything that is to be recorded, at any moment: it says that it is on the
 * disk. What else it was told waits here for the test to expect it.
 */
struct heard {
	STAILQ_ENTRY(heard) next;
	size_t len;
	uint8_t bytes[];
};

static int the_daemon = -1;
static pid_t daemon_pid; /* a test may play somebody else in a child */
static bool daemon_has_ended;
static STAILQ_HEAD(, heard) unheard = STAILQ_HEAD_INITIALIZER(unheard);
struct scene_audit scene_audit;

static void take_note(const struct msg_audit_note *m)
{
	struct scene_audit *a = &scene_audit;
	struct msg_audit_written written = {.request = m->request, .status = a->status};

	if (a->n < SCENE_NOTES)
		a->notes[a->n++] = *m;
	if (m->request && !a->is_held)
		(void)sock_send_msg(the_daemon, &wire_audit_written, &written);
}

static void hear(void)
{
	uint8_t buf[LIMIT_MESSAGE];
	struct msg_audit_note note;
	struct heard *h;
	ssize_t n;

	while (the_daemon >= 0 && daemon_pid == getpid() && !daemon_has_ended &&
		(n = sock_recv(the_daemon, buf, sizeof(buf), NULL, NULL)) != -EAGAIN) {
		if (n < 0) {
			daemon_has_ended = true;
		} else if (wire_decode(&wire_audit_note, buf, (size_t)n, &note) == 0) {
			take_note(&note);
		} else {
			h = malloc(sizeof(*h) + (size_t)n);
			ck_assert_ptr_nonnull(h);
			h->len = (size_t)n;
			memcpy(h->bytes, buf, (size_t)n);
			STAILQ_INSERT_TAIL(&unheard, h, next);
		}
	}
}

static void forget_unheard(void)
{
	struct heard *h;

	while ((h = STAILQ_FIRST(&unheard))) {
		STAILQ_REMOVE_HEAD(&unheard, next);
		free(h);
	}
}

static bool has_come(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd == the_daemon)
		return !STAILQ_EMPTY(&unheard) || daemon_has_ended;
	return poll(&p, 1, 0) == 1;
}

/* Meanwhile framemuxd does its work. */
static bool comes_within(int fd, int ms)
{
	struct timespec t;
	int64_t end, now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = t.tv_sec * 1000ll + t.tv_nsec / 1000000 + ms;
	for (;;) {
		struct pollfd p[] = {{.fd = fd, .events = POLLIN},
			{.fd = daemon_has_ended || daemon_pid != getpid() ? -1 : the_daemon,
				.events = POLLIN}};

		hear();
		if (has_come(fd))
			return true;
		clock_gettime(CLOCK_MONOTONIC, &t);
		now = t.tv_sec * 1000ll + t.tv_nsec / 1000000;
		if (now >= end)
			return false;
		poll(p, 2, (int)(end - now));
	}
}

static void wait_readable(int fd)
{
	ck_assert_msg(comes_within(fd, PATIENCE_MS), "nothing came");
}

/* From framemuxd's link what was heard already comes first. */
static ssize_t take_message(int fd, uint8_t *buf, size_t cap, int *fds, size_t *ret_n_fds)
{
	struct heard *h = STAILQ_FIRST(&unheard);
	ssize_t n;

	if (fd != the_daemon)
		return sock_recv(fd, buf, cap, fds, ret_n_fds);
	if (!h)
		return -EPIPE;
	n = (ssize_t)h->len;
	memcpy(buf, h->bytes, h->len);
	STAILQ_REMOVE_HEAD(&unheard, next);
	free(h);
	return n;
}

void expect_something(int fd)
{
	wait_readable(fd);
}

void scene_audit_wait(unsigned n)
{
	for (int i = 0; i < PATIENCE_MS && scene_audit.n < n; i++) {
		hear();
		usleep(1000);
	}
	ck_assert_uint_ge(scene_audit.n, n);
}

const struct msg_audit_note *scene_note(uint32_t event)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		hear();
		for (unsigned k = 0; k < scene_audit.n; k++)
			if (scene_audit.notes[k].event == event)
				return &scene_audit.notes[k];
		usleep(1000);
	}
	ck_abort_msg("no record of event %u", event);
}

void expect(int fd, const struct wire_message *m, void *msg, int *fds, size_t n_fds)
{
	uint8_t buf[LIMIT_MESSAGE];
	int got[SOCK_FDS_MAX];
	size_t n_got = 0;
	ssize_t n;

	wait_readable(fd);
	n = take_message(fd, buf, sizeof(buf), got, &n_got);
	ck_assert_msg(n > 0, "the end came instead of %s", m->name);
	ck_assert_msg(wire_type(buf, (size_t)n) == m->type, "type %#x came instead of %s",
		wire_type(buf, (size_t)n), m->name);
	ck_assert_int_eq(wire_decode(m, buf, (size_t)n, msg), 0);
	ck_assert_uint_eq(n_got, n_fds);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = got[i];
}

void expect_silence(int fd, int ms)
{
	ck_assert(!comes_within(fd, ms));
}

void expect_end(int fd)
{
	uint8_t buf[LIMIT_MESSAGE];

	wait_readable(fd);
	ck_assert_int_eq(take_message(fd, buf, sizeof(buf), NULL, NULL), -EPIPE);
}

void tell(int fd, const struct wire_message *m, const void *msg)
{
	ck_assert_int_eq(sock_send_msg(fd, m, msg), 0);
}

void expect_state(int fd, uint32_t view, uint32_t state)
{
	struct msg_state m;

	expect(fd, &wire_state, &m, NULL, 0);
	ck_assert_msg(m.view == view && m.state == state, "view %u: state %u (%s), not %u", m.view,
		m.state, m.reason, state);
}

/* --- framemuxd ------------------------------------------------------------------------------ */

int scene_broker_fds(const struct scene *s)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)s->broker);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void start_broker(struct scene *s)
{
	int pair[2], clients, control;

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_listen(s->clients_path, 0666, &clients), 0);
	ck_assert_int_eq(sock_listen(s->control_path, 0666, &control), 0);
	fflush(NULL);
	s->broker = fork();
	ck_assert_int_ge(s->broker, 0);
	if (s->broker == 0) {
		close(pair[0]);
		exit(broker_run_on(pair[1], clients, control, NULL));
	}
	close(pair[1]);
	close(clients);
	close(control);
	s->daemon = the_daemon = pair[0];
}

static void describe(const struct scene *s, const struct scene_setup *setup)
{
	struct msg_broker_start start = {.key_id = SCENE_KEY_ID,
		.stale_after_ms = setup->stale_after_ms ? setup->stale_after_ms : 1000,
		.uid_quota_mb = setup->quota_mb ? setup->quota_mb : 64,
		.mux_uid = UINT32_MAX,
		.verbose = getenv("BROKER_VERBOSE") ? 2 : 0};
	const struct msg_broker_setup_done done = {.cameras = SCENE_CAMERAS};
	struct msg_broker_revoked revoked;

	memcpy(start.root_key, s->root, KEY_BYTES);
	memcpy(start.k_session, s->k_session, KEY_BYTES);
	tell(s->daemon, &wire_broker_start, &start);
	if (setup->older)
		tell(s->daemon, &wire_broker_key, setup->older);
	for (unsigned i = 0; i < SCENE_CAMERAS; i++) {
		struct msg_broker_camera camera = {.epoch = 1};

		memcpy(camera.id, s->camera[i].b, sizeof(camera.id));
		strcpy(camera.name, scene_names[i]);
		tell(s->daemon, &wire_broker_camera, &camera);
	}
	if (setup->grant)
		tell(s->daemon, &wire_broker_grant, setup->grant);
	if (setup->revoked) {
		memcpy(revoked.id, setup->revoked, sizeof(revoked.id));
		tell(s->daemon, &wire_broker_revoked, &revoked);
	}
	tell(s->daemon, &wire_broker_setup_done, &done);
}

void scene_begin(struct scene *s, const struct scene_setup *setup)
{
	static const struct scene_setup none;

	if (!setup)
		setup = &none;
	memset(s, 0, sizeof(*s));
	memset(s->root, 1, sizeof(s->root));
	memset(s->k_session, 2, sizeof(s->k_session));
	for (unsigned i = 0; i < SCENE_CAMERAS; i++)
		camera_id_make(scene_names[i], "test:", "", 1, &s->camera[i]);
	strcpy(s->folder, "/tmp/framemux-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->folder));
	ck_assert_int_eq(chmod(s->folder, 0755), 0);
	snprintf(s->clients_path, sizeof(s->clients_path), "%s/client", s->folder);
	snprintf(s->control_path, sizeof(s->control_path), "%s/control", s->folder);
	forget_unheard();
	daemon_has_ended = false;
	daemon_pid = getpid();
	scene_audit.n = scene_audit.status = 0;
	scene_audit.is_held = false;
	start_broker(s);
	describe(s, setup);
	if (setup->grant)
		expect(s->daemon, &wire_grant_token, setup->ret_token, NULL, 0);
	expect(s->daemon, &wire_broker_ready, &s->ready, NULL, 0);
	s->idle_fds = scene_broker_fds(s);
}

int scene_end(struct scene *s)
{
	int status = -1;

	close(s->daemon);
	the_daemon = -1;
	forget_unheard();
	for (int i = 0; i < PATIENCE_MS && waitpid(s->broker, &status, WNOHANG) == 0; i++)
		usleep(1000);
	unlink(s->clients_path);
	unlink(s->control_path);
	rmdir(s->folder);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A pair that ended by itself is also asked to be killed: framemuxd ignores that, and so do we. */
static void skip_kills(int fd)
{
	uint8_t buf[LIMIT_MESSAGE];
	const struct heard *h;

	for (;;) {
		wait_readable(fd);
		h = STAILQ_FIRST(&unheard);
		if (!h || wire_type(h->bytes, h->len) != wire_pair_kill.type)
			return;
		(void)take_message(fd, buf, sizeof(buf), NULL, NULL);
	}
}

void expect_but_kills(const struct scene *s, const struct wire_message *m, void *msg)
{
	skip_kills(s->daemon);
	expect(s->daemon, m, msg, NULL, 0);
}

void expect_want(const struct scene *s, unsigned camera, uint32_t leases)
{
	struct msg_camera_want m;

	expect_but_kills(s, &wire_camera_want, &m);
	ck_assert_mem_eq(m.id, s->camera[camera].b, sizeof(m.id));
	ck_assert_uint_eq(m.leases, leases);
}

void camera_says(const struct scene *s, unsigned camera, uint32_t state, const char *reason)
{
	struct msg_camera_news m = {.state = state};

	memcpy(m.id, s->camera[camera].b, sizeof(m.id));
	strcpy(m.reason, reason);
	tell(s->daemon, &wire_camera_news, &m);
}
