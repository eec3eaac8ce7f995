/* The stage's machinery: framemuxd, ingest and the loop. In the test's process. */
#include "tests/fault/stage.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pattern.h"
#include "common/sock.h"
#include "mux/broker/broker.h"
#include "mux/link/birth.h"
#include "mux/link/daemon_broker.h"
#include "mux/link/daemon_decode.h"
#include "mux/link/stream.h"

#define CAMERA_WIDTH  128u
#define CAMERA_HEIGHT 96u
#define VIEW_WIDTH    384u /* four slots of it: more than half of the quota */
#define VIEW_HEIGHT   288u
#define QUOTA_MB      1u
#define UNIT_NS       (10 * NS_PER_MS)
#define QUIET_MS      20000u

static struct stage *current; /* of the hook below */

/* What the client's library does happens as the client. */
#define as_client(call)                                                                            \
	do {                                                                                       \
		fault_set_role(FAULT_CLIENT);                                                      \
		call;                                                                              \
		fault_set_role(FAULT_NOBODY);                                                      \
	} while (0)

/* --- the broker ----------------------------------------------------------------------------- */

/* The linker puts this in the place of the real one (--wrap): the scene's child becomes the broker.
 */
int __real_broker_run_on(int daemon_fd, int clients_fd, int control_fd, void (*confine)(void));
int __wrap_broker_run_on(int daemon_fd, int clients_fd, int control_fd, void (*confine)(void));

int __wrap_broker_run_on(int daemon_fd, int clients_fd, int control_fd, void (*confine)(void))
{
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	fault_begin_broker();
	return __real_broker_run_on(daemon_fd, clients_fd, control_fd, confine);
}

static void keep_file(int fd)
{
	struct stat st;
	struct seen *s;
	void *map;

	if (fstat(fd, &st) < 0 || current->n_seen == STAGE_SEEN_MAX)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return;
	s = &current->seen[current->n_seen++];
	*s = (struct seen){.map = map, .bytes = (size_t)st.st_size};
}

/* So that the broker has its table of revoked tokens, which stays. */
static void revoke_something(struct stage *t)
{
	struct msg_revoked_kept kept = {0};
	struct msg_ctl_revoke m = {.request = 1, .id = "00112233445566778899aabbccddeeff"};
	struct msg_revoked_keep keep;
	struct msg_drained drained;
	struct msg_ctl_done done;
	int control = control_open(&t->scene);
	unsigned n;

	tell(control, &wire_ctl_revoke, &m);
	expect(t->scene.daemon, &wire_revoked_keep, &keep, NULL, 0);
	kept.request = keep.request;
	tell(t->scene.daemon, &wire_revoked_kept, &kept);
	control_finish(control, &done, &n);
	close(control);
	for (int i = 0; i < 3000 && scene_broker_fds(&t->scene) != t->scene.idle_fds; i++)
		usleep(1000);
	/* The descriptor goes first, its memory after it: both have when this is answered. */
	tell(t->scene.daemon, &wire_drain, &(struct msg_drain){.request = 1});
	expect(t->scene.daemon, &wire_drained, &drained, NULL, 0);
}

static void begin_broker(struct stage *t)
{
	const struct scene_setup setup = {.quota_mb = QUOTA_MB};

	atomic_store(&fault_page->boot_skip_ns, 0);
	scene_begin(&t->scene, &setup);
	t->has_broker = true;
	t->broker_code = -1;
	revoke_something(t);
	t->blocks = atomic_load(&fault_page->balance[FAULT_BROKER].blocks);
	t->events = atomic_load(&fault_page->balance[FAULT_BROKER].events);
}

void stage_begin(struct stage *t)
{
	*t = (struct stage){.begins = t->begins + 1};
	t->decode_daemon = t->stream = t->control = -1;
	current = t;
	fault_on_file = keep_file;
	atomic_store(&fault_page->balance[FAULT_BROKER].blocks, 0);
	atomic_store(&fault_page->balance[FAULT_BROKER].events, 0);
	atomic_store(&fault_page->hurry, false);
	begin_broker(t);
}

/* It ended by itself: how, and its sockets' folder. */
static void broker_is_gone(struct stage *t)
{
	t->broker_code = scene_end(&t->scene);
	t->has_broker = false;
	t->wanted = 0;
}

static int count_folder(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool has_ring_map(pid_t pid)
{
	char path[64], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, "framemux-") && strstr(line, "/memfd:");
	if (f)
		fclose(f);
	return found;
}

bool stage_broker_is_idle(const struct stage *t, const char **ret_why)
{
	static char why[128];
	long blocks = atomic_load(&fault_page->balance[FAULT_BROKER].blocks) - t->blocks;
	long events = atomic_load(&fault_page->balance[FAULT_BROKER].events) - t->events;
	int fds = scene_broker_fds(&t->scene) - t->scene.idle_fds;
	bool has_map = has_ring_map(t->scene.broker);

	if (t->decode) { /* the pair that is still there: its record, link, outbox */
		fds -= 1;
		blocks -= 3;
		events -= 4;
	}
	snprintf(why, sizeof(why), "%d descriptors, %ld blocks, %ld events%s", fds, blocks, events,
		has_map ? ", a ring's map" : "");
	*ret_why = why;
	return fds == 0 && blocks == 0 && events == 0 && !has_map;
}

/* --- the pair ------------------------------------------------------------------------------- */

static void place(int from, int to)
{
	if (dup2(from, to) < 0)
		_exit(97);
}

static _Noreturn void run_decoder(int daemon_fd, int broker_fd, int stream_fd)
{
	char *argv[] = {(char *)"decode", NULL},
	     *envp[] = {(char *)"ASAN_OPTIONS=detect_leaks=0", NULL};
	int high[] = {fcntl(daemon_fd, F_DUPFD_CLOEXEC, 20), fcntl(broker_fd, F_DUPFD_CLOEXEC, 20),
		fcntl(stream_fd, F_DUPFD_CLOEXEC, 20)};

	place(high[0], LINK_FD_DAEMON);
	place(high[1], LINK_FD_DECODE_BROKER);
	place(high[2], LINK_FD_DECODE_STREAM);
	execve(FAULT_DECODE_BINARY, argv, envp);
	_exit(98);
}

static void put(struct stage *t, uint32_t kind, const uint8_t *body, size_t len)
{
	uint8_t buf[STREAM_HEADER_BYTES + 64];

	put_le32(buf, kind);
	put_le32(buf + 4, (uint32_t)len);
	memcpy(buf + STREAM_HEADER_BYTES, body, len);
	(void)send(t->stream, buf, STREAM_HEADER_BYTES + len, MSG_NOSIGNAL);
}

static void put_beginning(struct stage *t)
{
	uint8_t body[64] = {0};

	memcpy(body, t->scene.camera[0].b, CAMERA_ID_BYTES);
	put_le64(body + CAMERA_ID_BYTES, t->generation);
	put(t, STREAM_HELLO, body, STREAM_HELLO_BYTES);
	memset(body, 0, sizeof(body));
	put_le32(body, STREAM_PATTERN);
	put_le32(body + 4, CAMERA_WIDTH);
	put_le32(body + 8, CAMERA_HEIGHT);
	put(t, STREAM_CODEC, body, STREAM_CODEC_BYTES);
}

static void put_unit(struct stage *t)
{
	uint8_t body[STREAM_UNIT_BYTES + 2] = {0};
	uint64_t now = clock_monotonic_ns();

	if (t->is_stopped || now < t->next_unit_ns)
		return;
	t->next_unit_ns = now + UNIT_NS;
	t->sent++;
	put_le64(body, t->sent * UNIT_NS);
	put_le64(body + 8, now);
	put_le32(body + 24, STREAM_UNIT_KEY);
	put_le16(body + 28, pattern_code("porch", t->sent));
	put(t, STREAM_UNIT, body, sizeof(body));
}

static void tell_decode_start(struct stage *t)
{
	struct msg_decode_start m = {.generation = t->generation,
		.name = "porch",
		.stale_after_ms = 1000,
		.memory_mb = 256,
		.max_pixels = LIMIT_PIXELS};

	memcpy(m.id, t->scene.camera[0].b, sizeof(m.id));
	key_camera(t->scene.k_session, &t->scene.camera[0], m.k_cam);
	(void)sock_send_msg(t->decode_daemon, &wire_decode_start, &m);
}

static void tell_broker(struct stage *t, const struct wire_message *m, const void *msg, int fd)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = wire_encode(m, msg, buf, sizeof(buf));

	if (t->has_broker)
		(void)sock_send(t->scene.daemon, buf, (size_t)n, &fd, fd >= 0 ? 1 : 0);
}

static void bear(struct stage *t)
{
	struct msg_pair_born born = {.generation = ++t->generation};
	int daemon_pair[2], link[2], stream[2];

	if (sock_pair(SOCK_SEQPACKET, daemon_pair) < 0 || sock_pair(SOCK_SEQPACKET, link) < 0 ||
		sock_pair(SOCK_STREAM, stream) < 0)
		abort();
	t->births++;
	t->decode = fork();
	if (t->decode == 0)
		run_decoder(daemon_pair[1], link[1], stream[1]);
	close(daemon_pair[1]);
	close(link[1]);
	close(stream[1]);
	t->decode_daemon = daemon_pair[0];
	t->stream = stream[0];
	tell_decode_start(t);
	put_beginning(t);
	memcpy(born.id, t->scene.camera[0].b, sizeof(born.id));
	tell_broker(t, &wire_pair_born, &born, link[0]);
	close(link[0]);
}

/* Reaped: nobody writes into its rings any more. */
static void bury(struct stage *t)
{
	struct msg_pair_dead dead = {.generation = t->generation, .reason = "ended"};
	int status;

	close(take_fd(&t->decode_daemon));
	close(take_fd(&t->stream));
	if (waitpid(t->decode, &status, 0) != t->decode)
		abort();
	t->decode = 0;
	t->is_stopped = t->is_dismissed = false;
	memcpy(dead.id, t->scene.camera[0].b, sizeof(dead.id));
	tell_broker(t, &wire_pair_dead, &dead, -1);
	if (t->wanted && t->has_broker)
		bear(t);
}

int stage_decode_fds(const struct stage *t)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)t->decode);
	return t->decode ? count_folder(path) : -1;
}

/* --- framemuxd ------------------------------------------------------------------------------ */

static void hear_broker(struct stage *t)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = sock_recv(t->scene.daemon, buf, sizeof(buf), NULL, NULL);
	struct msg_camera_want want;
	struct msg_pair_kill kill_it;
	struct msg_revoked_keep keep;
	struct msg_audit_note note;

	if (n == -EAGAIN)
		return;
	if (n < 0) {
		broker_is_gone(t);
		return;
	}
	if (wire_decode(&wire_camera_want, buf, (size_t)n, &want) == 0) {
		t->wanted = want.leases;
		if (t->wanted && !t->decode)
			bear(t);
	} else if (wire_decode(&wire_pair_kill, buf, (size_t)n, &kill_it) == 0) {
		if (t->decode && kill_it.generation == t->generation) {
			kill(t->decode, SIGKILL);
			bury(t);
		}
	} else if (wire_decode(&wire_revoked_keep, buf, (size_t)n, &keep) == 0) {
		const struct msg_revoked_kept kept = {.request = keep.request};

		tell_broker(t, &wire_revoked_kept, &kept, -1);
	} else if (wire_decode(&wire_audit_note, buf, (size_t)n, &note) == 0 && note.request) {
		const struct msg_audit_written written = {.request = note.request};

		tell_broker(t, &wire_audit_written, &written, -1);
	}
}

/* Beats; and its end. */
static void hear_decode(struct stage *t)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = sock_recv(t->decode_daemon, buf, sizeof(buf), NULL, NULL);

	if (n < 0 && n != -EAGAIN)
		bury(t);
}

static void hear_control(struct stage *t)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = sock_recv(t->control, buf, sizeof(buf), NULL, NULL);

	if (n == -EAGAIN)
		return;
	if (n < 0) {
		t->is_control_over = true;
		close(take_fd(&t->control));
	} else if (wire_decode(&wire_ctl_done, buf, (size_t)n, &t->done) == 0) {
		t->is_done = true;
	}
}

/* --- the client ----------------------------------------------------------------------------- */

static void take_frame(struct stage *t)
{
	const struct framemux_frame *f = NULL;
	int r;

	as_client(r = framemux_acquire(t->view, &f));
	if (r == -EBADMSG)
		t->bad_frames++;
	if (r < 0)
		return;
	as_client(r = framemux_check(t->view, f));
	if (r == 0) {
		t->frames++;
		t->generation_seen = f->generation;
	}
	as_client(framemux_release(t->view, f));
}

static void hear_client(struct stage *t)
{
	int r;

	as_client(r = framemux_dispatch(t->fm, 0));
	t->is_over |= r < 0;
	if (t->view)
		take_frame(t);
}

void stage_connect(struct stage *t, uint64_t not_after)
{
	struct framemux_request rq = {.size = sizeof(rq),
		.camera = "porch",
		.width = VIEW_WIDTH,
		.height = VIEW_HEIGHT,
		.token = t->token_text};

	t->is_leaving = t->is_forgetful = false;
	atomic_store(&fault_page->hurry, false);
	token_for(&t->scene, 0, not_after, &t->token);
	ck_assert_int_eq(token_format(&t->token, t->token_text), 0);
	t->frames = t->bad_frames = 0;
	t->is_over = false;
	t->open_error = 0;
	as_client(t->connect_error = framemux_connect(t->scene.clients_path, &t->fm));
	if (t->connect_error < 0)
		return;
	as_client(t->open_error = framemux_open(t->fm, &rq, NULL, NULL, &t->view));
}

void stage_shut(struct stage *t)
{
	struct framemux_view *v = take_ptr(t->view);

	if (v)
		as_client(framemux_view_close(v));
}

void stage_vanish(struct stage *t)
{
	shutdown(t->fm->sock_fd, SHUT_RDWR);
}

bool stage_has_frame(const struct stage *t)
{
	return t->frames > 0;
}

/* --- others --------------------------------------------------------------------------------- */

void stage_ask_revoke(struct stage *t)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	struct msg_ctl_revoke m = {.request = 9};

	t->is_done = t->is_control_over = false;
	token_id_text(token_body_id(t->token.body, t->token.body_len), m.id);
	if (sock_connect(t->scene.control_path, &t->control) < 0)
		abort();
	(void)sock_send_msg(t->control, &wire_hello, &hello);
	(void)sock_send_msg(t->control, &wire_ctl_revoke, &m);
}

void stage_stop_decoder(struct stage *t)
{
	t->is_stopped = true;
	kill(t->decode, SIGSTOP);
}

void stage_kill_decoder(struct stage *t)
{
	kill(t->decode, SIGKILL);
}

void stage_skip_time(struct stage *t, uint64_t ns)
{
	atomic_store(&fault_page->boot_skip_ns, ns);
	kill(t->scene.broker, SIGUSR2);
}

/* --- the loop ------------------------------------------------------------------------------- */

static void turn(struct stage *t)
{
	struct pollfd p[] = {{t->has_broker ? t->scene.daemon : -1, POLLIN, 0},
		{t->decode_daemon, POLLIN, 0}, {t->control, POLLIN, 0},
		{t->fm && !t->is_over ? framemux_fd(t->fm) : -1, POLLIN, 0}};

	(void)poll(p, ARRAY_SIZE(p), 2);
	if (t->decode && t->is_leaving && (!t->wanted || !t->has_broker) && !t->is_dismissed) {
		t->is_dismissed = true; /* it sees the ends of its links */
		shutdown(t->decode_daemon, SHUT_WR);
	}
	if (t->decode && !t->is_dismissed)
		put_unit(t);
	/*
	 * Its memory can be used again. We keep a ring that a pair has left behind mapped; it counts,
	 * and as long as it does there may be no room for one of the next pair.
	 */
	if ((t->is_forgetful || t->births > 1) && stage_is_blind(t))
		stage_forget_seen(t);
	if (p[0].revents)
		hear_broker(t);
	if (p[1].revents && t->decode)
		hear_decode(t);
	if (p[2].revents)
		hear_control(t);
	if (p[3].revents)
		hear_client(t);
}

bool stage_run(struct stage *t, bool (*until)(const struct stage *t), unsigned limit_ms)
{
	uint64_t end = clock_monotonic_ns() + limit_ms * NS_PER_MS;

	while (!until(t)) {
		if (clock_monotonic_ns() >= end)
			return false;
		turn(t);
	}
	return true;
}

/* --- the end -------------------------------------------------------------------------------- */

bool stage_is_blind(const struct stage *t)
{
	for (size_t i = 0; i < t->n_seen; i++) {
		const struct seen *s = &t->seen[i];
		bool is_mark = s->bytes == DEAD_PAGE_BYTES;

		/* One that lost its broker was never marked, but it is empty. */
		if (is_mark && t->has_broker && *(const volatile uint32_t *)s->map != 1)
			return false;
		if (!is_mark && !all_zero(s->map, s->bytes))
			return false;
	}
	return true;
}

void stage_forget_seen(struct stage *t)
{
	for (size_t i = 0; i < t->n_seen; i++)
		munmap((void *)t->seen[i].map, t->seen[i].bytes);
	t->n_seen = 0;
}

static bool nobody_wants(const struct stage *t)
{
	return !t->wanted;
}

static bool has_no_decoder(const struct stage *t)
{
	return !t->decode;
}

bool stage_leave(struct stage *t)
{
	struct framemux *fm = take_ptr(t->fm);
	bool ok;

	atomic_store(&fault_page->hurry, true);
	t->view = NULL;
	if (t->decode && t->is_stopped)
		kill(t->decode, SIGCONT);
	t->is_stopped = false;
	if (fm)
		as_client(framemux_close(fm));
	if (t->control >= 0)
		close(take_fd(&t->control));
	ok = stage_run(t, nobody_wants, QUIET_MS) && stage_run(t, stage_is_blind, QUIET_MS);
	stage_forget_seen(t);
	return ok;
}

bool stage_dismiss(struct stage *t)
{
	t->is_leaving = true;
	return stage_run(t, has_no_decoder, QUIET_MS);
}

void stage_abandon(struct stage *t)
{
	struct framemux *fm = take_ptr(t->fm);

	fault_disarm();
	if (t->has_broker) {
		kill(t->scene.broker, SIGKILL);
		broker_is_gone(t);
	}
	if (t->decode) {
		kill(t->decode, SIGKILL);
		bury(t);
	}
	if (fm)
		framemux_close(fm);
	if (t->control >= 0)
		close(take_fd(&t->control));
	stage_forget_seen(t);
}

void stage_end(struct stage *t)
{
	if (t->has_broker)
		ck_assert_int_eq(scene_end(&t->scene), 0);
	t->has_broker = false;
}
