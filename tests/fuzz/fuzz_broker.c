/*
 * The broker between two clients, framemuxctl and a decoder, none of which it believes. The input is
 * a sequence of deeds: well-formed messages of each, as they come in a working mux, and bytes of any
 * kind. Whatever comes, when all have gone nothing is left: no lease, no ring, nothing charged.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <event2/event.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sock.h"
#include "fuzz.h"
#include "mux/broker/audit.h"
#include "mux/broker/barred.h"
#include "mux/broker/camera.h"
#include "mux/broker/client.h"
#include "mux/broker/control.h"
#include "mux/broker/daemon_link.h"
#include "mux/broker/decoder.h"
#include "mux/broker/drain.h"
#include "mux/broker/erase.h"
#include "mux/broker/expiry.h"
#include "mux/broker/held.h"
#include "mux/broker/revoke.h"
#include "mux/broker/secrets.h"
#include "mux/broker/tenure.h"
#include "mux/link/broker_decode.h"
#include "mux/link/daemon_broker.h"
#include "mux/locked.h"

#define DEEDS_MAX 96u
#define RINGS_MAX 16u
#define KEY_ID    7u

enum { CLIENT_A, CLIENT_B, CONTROL, DECODER, PEERS };

/* What somebody has been told, so that it can answer. */
struct peer_end {
	int fd; /* -1: gone */
	uint8_t challenge[TOKEN_CHALLENGE_BYTES];
	uint64_t lease, attach;
};

static struct {
	struct broker broker;
	struct camera *camera;
	struct token token;
	int daemon;
	struct peer_end end[PEERS];
	uint64_t generation;
	int rings[RINGS_MAX]; /* that the decoder keeps */
	unsigned n_rings;
} s;

/* --- everybody's ends ------------------------------------------------------------------------ */

static void keep_ring(int fd)
{
	if (s.n_rings == RINGS_MAX)
		close(s.rings[--s.n_rings]);
	s.rings[s.n_rings++] = fd;
}

static void drop_rings(void)
{
	while (s.n_rings)
		close(s.rings[--s.n_rings]);
}

/* Taken notice of, as far as an answer needs it. */
static void hear(unsigned who, const uint8_t *buf, size_t len, int *fds, size_t n_fds)
{
	static union {
		struct msg_welcome welcome;
		struct msg_lease lease;
		struct msg_attach attach;
		struct msg_ring_give give;
	} m;
	struct peer_end *e = &s.end[who];

	if (wire_decode(&wire_welcome, buf, len, &m) == 0)
		memcpy(e->challenge, m.welcome.challenge, sizeof(e->challenge));
	else if (wire_decode(&wire_lease, buf, len, &m) == 0)
		e->lease = m.lease.lease;
	else if (wire_decode(&wire_attach, buf, len, &m) == 0)
		e->attach = m.attach.attach;
	else if (wire_decode(&wire_ring_give, buf, len, &m) == 0) {
		e->lease = m.give.lease;
		e->attach = m.give.attach;
		if (n_fds) {
			keep_ring(fds[0]);
			fds[0] = -1;
		}
	}
}

/* framemuxd's audit log: now and then its disk is full. */
static void record(const uint8_t *buf, size_t len)
{
	static struct msg_audit_note note;
	struct msg_audit_written written = {.status = s.generation % 4 == 3 ? ENOSPC : 0};

	if (wire_decode(&wire_audit_note, buf, len, &note) < 0 || !note.request)
		return;
	written.request = note.request;
	(void)sock_send_msg(s.daemon, &wire_audit_written, &written);
}

static void listen_to_all(void)
{
	static uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	for (unsigned i = 0; i < PEERS; i++) {
		int fds[SOCK_FDS_MAX];
		size_t n_fds = 0;

		while (s.end[i].fd >= 0 &&
			(n = sock_recv(s.end[i].fd, buf, sizeof(buf), fds, &n_fds)) > 0) {
			hear(i, buf, (size_t)n, fds, n_fds);
			sock_close_fds(fds, n_fds);
		}
	}
	while ((n = sock_recv(s.daemon, buf, sizeof(buf), NULL, NULL)) > 0)
		record(buf, (size_t)n);
}

static void turn(void)
{
	for (unsigned i = 0; i < 3; i++)
		event_base_loop(s.broker.base, EVLOOP_NONBLOCK);
	listen_to_all();
}

static void leave(unsigned who)
{
	if (s.end[who].fd >= 0)
		close(s.end[who].fd);
	s.end[who].fd = -1;
}

static void come(unsigned who)
{
	int pair[2];
	struct peer peer;

	leave(who);
	memset(&s.end[who], 0, sizeof(s.end[who]));
	MUST(sock_pair(SOCK_SEQPACKET, pair) == 0);
	s.end[who].fd = pair[1];
	peer = (struct peer){pair[0], getpid(), getuid()};
	if (who == CONTROL)
		control_accept(&s.broker, peer);
	else
		client_accept(&s.broker, peer);
}

static void tell(unsigned who, const struct wire_message *m, const void *msg)
{
	if (s.end[who].fd >= 0)
		(void)sock_send_msg(s.end[who].fd, m, msg);
}

/* framemuxd reaps the pair, if there is one; and another is born. */
static void pair_dies(void)
{
	leave(DECODER);
	drop_rings();
	if (s.generation)
		camera_pair_dead(s.camera, s.generation, "the end");
}

static void pair_is_born(void)
{
	int pair[2];

	pair_dies();
	MUST(sock_pair(SOCK_SEQPACKET, pair) == 0);
	s.end[DECODER] = (struct peer_end){.fd = pair[1]};
	MUST(camera_pair_born(s.camera, ++s.generation, &pair[0]) == 0);
}

/* --- deeds ----------------------------------------------------------------------------------- */

static void say_hello(unsigned who)
{
	const struct msg_hello m = {PROTOCOL_MAGIC, PROTOCOL_VERSION};

	tell(who, &wire_hello, &m);
}

static void ask_for_lease(unsigned who, struct fuzz *f)
{
	struct msg_open m = {.view = fuzz_byte(f) % 4, .camera = "porch"};
	static uint8_t request[LIMIT_MESSAGE];
	struct token t = s.token;
	uint8_t how = fuzz_byte(f);
	ssize_t n;

	m.width = how & 1 ? fuzz_byte(f) : 64;
	m.height = how & 1 ? fuzz_byte(f) : 32;
	m.fourcc = how & 2 ? DRM_FORMAT_XRGB8888 : 0;
	m.slots = how & 4 ? fuzz_byte(f) : 0;
	m.fps = how & 8 ? fuzz_byte(f) : 0;
	if (how & 16)
		m.width = m.height = 0;
	if (how & 32) /* narrowed by the client: some bytes of its own, well chained or not */
		(void)token_limit_fps(&t, fuzz_byte(f));
	if (how & 64)
		t.body[t.body_len - 1] ^= fuzz_byte(f);
	memcpy(m.token, t.body, t.body_len);
	m.token_len = (uint16_t)t.body_len;
	n = wire_encode(&wire_open, &m, request, sizeof(request));
	MUST(n > 0);
	token_prove(t.tag, s.end[who].challenge, request, (size_t)n, m.proof);
	tell(who, &wire_open, &m);
}

static void acknowledge(unsigned who, struct fuzz *f)
{
	const struct msg_attached m = {.view = fuzz_byte(f) % 4,
		.attach = s.end[who].attach,
		.status = fuzz_byte(f) & 0x1f};

	tell(who, &wire_attached, &m);
}

static void report_or_shut(unsigned who, struct fuzz *f)
{
	const struct msg_report report = {
		.view = fuzz_byte(f) % 4, .attach = s.end[who].attach, .seq = 1};
	const struct msg_shut shut = {.view = report.view};

	if (fuzz_byte(f) & 1)
		tell(who, &wire_report, &report);
	else
		tell(who, &wire_shut, &shut);
}

static void client_does(unsigned who, uint8_t what, struct fuzz *f)
{
	switch (what % 6) {
	case 0:
		come(who);
		say_hello(who);
		break;
	case 1:
	case 2:
		ask_for_lease(who, f);
		break;
	case 3:
		acknowledge(who, f);
		break;
	case 4:
		report_or_shut(who, f);
		break;
	default:
		leave(who);
	}
}

static void control_does(uint8_t what, struct fuzz *f)
{
	struct msg_ctl_revoke revoke = {.request = 1,
		.cutoff = what & 64 ? what >> 4 & 3 : 0,
		.camera = "porch",
		.uid = what >> 5};
	const struct msg_ctl_status status = {.request = 2};
	const struct msg_ctl_grant grant = {.request = 3,
		.camera = "porch",
		.has_uid = 1,
		.uid = fuzz_byte(f),
		.expires_s = fuzz_byte(f),
		.dump = fuzz_byte(f) & 3,
		.max_width = fuzz_byte(f),
		.max_height = fuzz_byte(f)};

	snprintf(revoke.id, sizeof(revoke.id), "%016llx",
		(unsigned long long)s.end[what & 8 ? CLIENT_A : DECODER].lease);
	switch (what % 5) {
	case 0:
		come(CONTROL);
		say_hello(CONTROL);
		break;
	case 1:
		tell(CONTROL, &wire_ctl_revoke, &revoke);
		break;
	case 2:
		tell(CONTROL, &wire_ctl_status, &status);
		break;
	case 3:
		tell(CONTROL, &wire_ctl_grant, &grant);
		break;
	default:
		leave(CONTROL);
	}
}

static void map_and_say_so(uint32_t status)
{
	const struct peer_end *e = &s.end[DECODER];
	const struct msg_ring_mapped m = {.lease = e->lease, .attach = e->attach, .status = status};

	tell(DECODER, &wire_ring_mapped, &m);
}

static void decoder_does(uint8_t what, struct fuzz *f)
{
	struct peer_end *e = &s.end[DECODER];
	const struct msg_format format = {.serial = fuzz_byte(f),
		.width = what & 8 ? fuzz_byte(f) : 64,
		.height = what & 8 ? fuzz_byte(f) : 32,
		.fps_milli = fuzz_byte(f) * 100u};
	const struct msg_counts counts = {
		e->lease, e->attach, fuzz_byte(f), fuzz_byte(f), fuzz_byte(f)};
	const struct msg_let_go let_go = {e->lease, e->attach, 9, 5, 4};
	const struct msg_client_fault fault = {e->lease, e->attach, "a fault"};

	switch (what % 8) {
	case 0:
		pair_is_born();
		break;
	case 1:
		tell(DECODER, &wire_format, &format);
		break;
	case 2:
		map_and_say_so(0); /* it keeps the descriptor, which the kernel counts as well */
		break;
	case 3:
		map_and_say_so(fuzz_byte(f));
		break;
	case 4:
		tell(DECODER, &wire_counts, &counts);
		break;
	case 5:
		if (fuzz_byte(f) & 1)
			drop_rings();
		tell(DECODER, &wire_let_go, &let_go);
		break;
	case 6:
		tell(DECODER, &wire_client_fault, &fault);
		break;
	default:
		pair_dies();
	}
}

/* A message of the given type, of whoever it is, with a body of any kind; or any bytes at all. */
static void say_anything(unsigned who, struct fuzz *f)
{
	struct fuzz piece = fuzz_piece(f);

	if (s.end[who].fd >= 0)
		(void)send(s.end[who].fd, piece.at, piece.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void do_one(struct fuzz *f)
{
	uint8_t what = fuzz_byte(f);
	unsigned who = what & 3;

	if (what & 0x80)
		say_anything(who, f);
	else if (who == CONTROL)
		control_does(what >> 2, f);
	else if (who == DECODER)
		decoder_does(what >> 2, f);
	else
		client_does(who, what >> 2, f);
	if (!(what & 0x40))
		turn();
}

/* --- a broker -------------------------------------------------------------------------------- */

static void begin(void)
{
	const struct quota_limits limits = {
		.uid_bytes = 4u << 20,
		.connections = 64,
		.uid_connections = 64,
		.uid_leases = 64,
		.fds = 1024,
		.uid_fds = 512,
	};
	static const uint8_t id[TOKEN_ID_BYTES] = {5};
	struct msg_broker_camera camera = {.name = "porch", .epoch = 1, .id = {1}};
	struct event_config *config = event_config_new();
	struct broker *b = &s.broker;
	int pair[2];

	memset(&s, 0, sizeof(s));
	for (unsigned i = 0; i < PEERS; i++)
		s.end[i].fd = -1;
	b->expiry_fd = b->clients_fd = b->control_fd = -1;
	quota_init(&b->quota, &limits);
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	b->base = event_base_new_with_config(config);
	event_config_free(config);
	b->secrets = locked_alloc(sizeof(*b->secrets));
	MUST(b->base && b->secrets);
	b->settings.key_id = KEY_ID;
	b->settings.issue = 1;
	b->settings.stale_after_ns = 1000000000;
	b->settings.mux_uid = getuid();
	MUST(audit_init(b) == 0 && held_init(b) == 0 && tenure_init_line(b) == 0 &&
		expiry_init(b) == 0);
	MUST(sock_pair(SOCK_SEQPACKET, pair) == 0);
	s.daemon = pair[1];
	MUST(daemon_link_begin(b, pair[0]) == 0);
	conn_set_state(b->daemon, DAEMON_SERVING);
	MUST(camera_add(b, &camera) == 0);
	s.camera = camera_by_name(b, "porch");
	token_begin(b->secrets->root, KEY_ID, id, &s.token);
	MUST(token_limit_camera(&s.token, "porch", 1) == 0);
	MUST(token_limit_uid(&s.token, getuid()) == 0);
	MUST(token_limit_expiry(&s.token, UINT64_MAX) == 0);
}

static void end(void)
{
	struct broker *b = &s.broker;
	const struct quota_uid *q;

	for (unsigned i = 0; i < PEERS; i++)
		leave(i);
	pair_dies();
	turn();
	turn();
	MUST(LIST_EMPTY(&b->clients) && LIST_EMPTY(&b->controls));
	MUST(LIST_EMPTY(&b->ending) && LIST_EMPTY(&b->tenures) && TAILQ_EMPTY(&b->beginners));
	held_check(b);
	MUST(LIST_EMPTY(&b->held));
	q = quota_find(&b->quota, getuid());
	MUST(!q || (q->connections == 0 && q->leases == 0 && q->bytes == 0 && q->held == 0));
	MUST(s.camera->wanted == 0);
	revoke_free_all(b);
	camera_free_all(b);
	held_free_all(b);
	tenure_free_line(b);
	expiry_free(b);
	audit_free(b);
	conn_free(b->daemon);
	close(s.daemon);
	event_base_free(b->base);
	revoked_free(&b->revoked);
	cutoffs_free(&b->cutoffs);
	drain_free_all(b);
	barred_free(b);
	quota_free(&b->quota);
	locked_free(b->secrets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz f = {data, len};

	MUST(sodium_init() >= 0);
	log_init("broker", -1);
	begin();
	for (unsigned i = 0; f.len && i < DEEDS_MAX; i++)
		do_one(&f);
	end();
	return 0;
}
