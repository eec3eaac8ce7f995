/*
 * framemuxd between an ingest and a decode, neither of which it believes, and a broker that it does.
 * The input: what camera it is, then a sequence of deeds: well-formed messages in any order, bytes of
 * any kind with descriptors, ends of links, deaths, time, and what the rest of framemuxd asks of a
 * pair. What has to hold after each is in legal.h; that no process is started before the last ones
 * of its camera are reaped is seen by world.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sock.h"
#include "fuzz.h"
#include "legal.h"
#include "mux/link/daemon_decode.h"
#include "mux/locked.h"
#include "tests/fuzz/world.h"
#include "tests/unit/pair_scene.h"

#define DEEDS_MAX 128u
#define CAMERA    "porch"

static struct {
	struct pair_scene scene;
	struct pair *retired; /* whose heir scene.pair is */
	char *password;
	/* what the broker has been told */
	bool is_gone; /* and the next is not there */
	bool is_born;
	uint64_t generation;
	uint32_t leases; /* that it has said it has */
	unsigned rests;
	/* the same, of each life, so that it is not told of another */
	uint64_t last_born;
} s;

/* --- what it tells others -------------------------------------------------------------------- */

static void on_born(const struct msg_pair_born *born, const int *fds, size_t n_fds)
{
	MUST(!s.is_born && born->generation > s.last_born);
	MUST(world_count(CAMERA) == 2);
	MUST(n_fds == 1 && fcntl(fds[0], F_GETFD) >= 0);
	s.is_born = true;
	s.generation = s.last_born = born->generation;
}

static void tell(
	void *self, const struct wire_message *m, const void *msg, const int *fds, size_t n_fds)
{
	(void)self;
	if (m == &wire_pair_born) {
		on_born(msg, fds, n_fds);
	} else if (m == &wire_pair_dead) {
		const struct msg_pair_dead *dead = msg;

		MUST(s.is_born && dead->generation == s.generation);
		MUST(world_count(CAMERA) == 0);
		MUST(memchr(dead->reason, 0, sizeof(dead->reason)) && dead->reason[0]);
		s.is_born = false;
	} else {
		const struct msg_camera_news *news = msg;

		MUST(m == &wire_camera_news && !n_fds);
		MUST(news->state != CAMERA_LIVE || s.is_born);
		MUST(news->state != CAMERA_BLOCKED || news->reason[0]);
	}
}

static void at_rest(void *self)
{
	(void)self;
	s.rests++;
}

static void keep(void *self)
{
	(void)self;
}

/* --- what has to hold ------------------------------------------------------------------------- */

static void look(void)
{
	pair_must_be_legal(s.scene.pair);
	if (s.retired) {
		pair_must_be_legal(s.retired);
		MUST(s.scene.pair->phase == PAIR_REST);
	}
	MUST((s.retired ? s.retired : s.scene.pair)->leases == s.leases);
	MUST(world_count(CAMERA) ==
		(unsigned)!!s.scene.pair->ingest + !!s.scene.pair->decode +
			(s.retired ? (unsigned)!!s.retired->ingest + !!s.retired->decode : 0));
}

/* --- ingest and decode ------------------------------------------------------------------------- */

/* A few texts, so that the same comes twice. */
static void some_text(struct fuzz *f, char *ret, size_t size)
{
	static const char *const texts[] = {"", "r", "Hikvision", "- IN IP4 itself", "rtsp://h/x",
		"rtsp://h:554/x/track1", "/video", "rtsp://elsewhere/x", "a\r\nb", "%s%n",
		"\x1b[31m", "http://h/x"};

	snprintf(ret, size, "%s", texts[fuzz_byte(f) % (sizeof(texts) / sizeof(texts[0]))]);
}

static uint64_t some_generation(struct fuzz *f)
{
	uint64_t now = (s.retired ? s.retired : s.scene.pair)->generation;

	return fuzz_byte(f) & 7 ? now : now + fuzz_byte(f) - 1u;
}

static void ask_for_an_answer(const struct child *c, struct fuzz *f)
{
	struct msg_digest_ask m = {.request = fuzz_byte(f),
		.algorithm = fuzz_byte(f) % 5,
		.named_algorithm = fuzz_byte(f) & 1,
		.qop = fuzz_byte(f) & 1,
		.method = fuzz_byte(f) % 9};

	some_text(f, m.realm, sizeof(m.realm));
	some_text(f, m.nonce, sizeof(m.nonce));
	some_text(f, m.uri, sizeof(m.uri));
	world_say(c, &wire_digest_ask, &m);
}

static void ingest_says(const struct child *c, uint8_t what, struct fuzz *f)
{
	const struct msg_ingest_ready ready = {some_generation(f)};
	const struct msg_udp_bind bind = {some_generation(f)};
	struct msg_udp_connect connect = {5000u + fuzz_byte(f), fuzz_byte(f) * 300u};
	struct msg_ingest_news news = {.playing = what & 1};
	struct msg_ingest_failed failed = {.what = fuzz_byte(f) % 8};
	struct msg_identity identity = {0};

	switch (what % 7) {
	case 0:
		world_say(c, &wire_ingest_ready, &ready);
		break;
	case 1:
		some_text(f, news.reason, sizeof(news.reason));
		world_say(c, &wire_ingest_news, &news);
		break;
	case 2:
		some_text(f, failed.reason, sizeof(failed.reason));
		world_say(c, &wire_ingest_failed, &failed);
		break;
	case 3:
		ask_for_an_answer(c, f);
		break;
	case 4:
		some_text(f, identity.server, sizeof(identity.server));
		some_text(f, identity.origin, sizeof(identity.origin));
		world_say(c, &wire_identity, &identity);
		break;
	case 5:
		world_say(c, &wire_udp_bind, &bind);
		break;
	default:
		world_say(c, &wire_udp_connect, &connect);
	}
}

static void decode_says(const struct child *c, uint8_t what, struct fuzz *f)
{
	const struct msg_decode_ready ready = {some_generation(f)};
	struct msg_decode_failed failed = {.what = fuzz_byte(f) % 3};
	struct msg_decode_beat beat = {
		.frames_decoded = 1, .width = 64, .height = 48, .fps_milli = fuzz_byte(f) * 250u};

	switch (what % 4) {
	case 0:
		world_say(c, &wire_decode_ready, &ready);
		break;
	case 1:
		some_text(f, failed.reason, sizeof(failed.reason));
		world_say(c, &wire_decode_failed, &failed);
		break;
	default:
		if (fuzz_byte(f) & 3) /* else it has decoded none yet, or the future */
			beat.last_frame_ns = clock_monotonic_ns() - fuzz_byte(f) * NS_PER_MS;
		else if (fuzz_byte(f) & 1)
			beat.last_frame_ns = UINT64_MAX - fuzz_byte(f);
		world_say(c, &wire_decode_beat, &beat);
	}
}

static void anything_is_said(const struct child *c, struct fuzz *f)
{
	unsigned n_fds = fuzz_byte(f) % 5;
	struct fuzz piece = fuzz_piece(f);

	world_say_bytes(c, piece.at, piece.len, n_fds);
}

static void listen_to_both(void)
{
	static uint8_t buf[LIMIT_MESSAGE];

	for (enum world_role r = WORLD_INGEST; r <= WORLD_DECODE; r++) {
		struct child *c = world_find(r, CAMERA);

		while (c && world_hear(c, buf, sizeof(buf)))
			;
	}
}

static void close_link(struct child *c)
{
	if (!c || c->link < 0)
		return;
	close(c->link);
	c->link = -1;
}

static void dies(struct child *c, uint8_t how)
{
	static const int statuses[] = {
		0, 70 << 8, 71 << 8, SIGSEGV, SIGSYS, SIGKILL, 75 << 8, SIGTERM};

	if (c)
		world_reap(c, statuses[how % (sizeof(statuses) / sizeof(statuses[0]))]);
}

static void role_does(enum world_role role, uint8_t what, struct fuzz *f)
{
	struct child *c = world_find(role, CAMERA);

	switch (what & 7) {
	case 0:
		close_link(c);
		break;
	case 1:
		dies(c, fuzz_byte(f));
		break;
	case 2:
		anything_is_said(c, f);
		break;
	default:
		if (role == WORLD_INGEST)
			ingest_says(c, fuzz_byte(f), f);
		else
			decode_says(c, fuzz_byte(f), f);
	}
}

/* --- the rest of framemuxd ---------------------------------------------------------------------- */

static struct pair *make_pair(void)
{
	struct pair *p = pair_new(&s.scene.host, &s.scene.camera);

	MUST(p);
	return p;
}

/* As a reload does with a camera whose configuration has changed. */
static void retire(void)
{
	if (s.retired)
		return;
	s.retired = s.scene.pair;
	s.scene.pair = make_pair();
	pair_retire(s.retired);
	s.leases = 0; /* they were told that they ended */
	pair_restore(s.scene.pair, pair_record(s.retired));
}

static void bury(void)
{
	if (!s.retired || !pair_is_at_rest(s.retired))
		return;
	pair_inherit(s.scene.pair, s.retired);
	pair_free(s.retired);
	s.retired = NULL;
	pair_serve(s.scene.pair);
}

/* The broker has died: the next is told who lives when all are at rest. */
static void next_broker(void)
{
	s.is_born = false;
	s.is_gone = true;
	s.leases = 0;
	pair_abort(s.scene.pair);
	if (s.retired)
		pair_abort(s.retired);
}

static void broker_is_back(void)
{
	if (s.retired || s.scene.pair->aborted)
		return;
	s.is_gone = false;
	pair_introduce(s.scene.pair);
	pair_serve(s.scene.pair);
}

static void warm_or_not(bool is)
{
	struct camera_record changed = s.scene.camera;

	changed.warm = is;
	pair_adjust(s.scene.pair, &changed);
}

static void broker_asks(uint8_t what, struct fuzz *f)
{
	struct pair *asked = s.retired ? s.retired : s.scene.pair; /* see find_pair() */

	if (s.is_gone)
		return;
	if (what == 2) {
		pair_kill(asked, some_generation(f), "it did not let go");
	} else if (what == 5) {
		pair_accept(asked);
	} else {
		s.leases = fuzz_byte(f) & 1;
		pair_want(asked, s.leases);
	}
}

static void daemon_does(uint8_t what, struct fuzz *f)
{
	struct msg_survey_camera survey;

	switch (what % 12) {
	case 0:
	case 1:
	case 2:
	case 5:
		broker_asks(what % 12, f);
		break;
	case 3:
		next_broker();
		break;
	case 4:
		broker_is_back();
		break;
	case 6:
		retire();
		break;
	case 7:
		if (!s.retired)
			pair_restart(s.scene.pair);
		break;
	case 8:
		warm_or_not(fuzz_byte(f) & 1);
		break;
	case 9:
		pair_survey(s.scene.pair, 1, &survey);
		break;
	case 10:
		world_fail_next_start(-EAGAIN);
		break;
	default:
		s.scene.host.linger_s = fuzz_byte(f) % 4;
	}
	bury();
}

/* From 1 ms to half a minute. */
static void time_passes(uint8_t how)
{
	world_pass(NS_PER_MS << how % 16);
}

static void do_one(struct fuzz *f)
{
	uint8_t what = fuzz_byte(f);

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		role_does(WORLD_INGEST, what >> 3, f);
		break;
	case 3:
	case 4:
		role_does(WORLD_DECODE, what >> 3, f);
		break;
	case 5:
		time_passes(what >> 3);
		break;
	case 6:
		world_open_source((what >> 3) % 3);
		break;
	default:
		daemon_does(what >> 3, f);
	}
	if (!fuzz_byte(f)) /* the next comes before framemuxd has had a look */
		return;
	world_turn();
	listen_to_both();
	bury();
	look();
}

/* --- a pair ---------------------------------------------------------------------------------------- */

static void begin(uint8_t how)
{
	static const char *const urls[] = {"rtsp://h/x", "http://h/x", "https://h/x", "test:x"};
	struct config_camera like = {.transport = how & 1 ? TRANSPORT_UDP : TRANSPORT_TCP,
		.may_switch = how & 2,
		.fingerprint = how & 4,
		.warm = how & 8,
		.basic = how & 16,
		.username = "viewer"};

	memset(&s, 0, sizeof(s));
	world_begin();
	pair_scene_begin(&s.scene, CAMERA, urls[how >> 6], &like);
	world_use_loop(s.scene.base);
	if (how & 32) {
		s.password = locked_alloc(8);
		memcpy(s.password, "s3cret", 7);
		s.scene.camera.password = s.password;
	}
	s.scene.host.tell = tell;
	s.scene.host.at_rest = at_rest;
	s.scene.host.keep = keep;
	s.scene.pair = make_pair();
	pair_serve(s.scene.pair);
}

/* Within a few seconds whatever lives is killed; reaped, it is at rest, and says so. */
static void end(void)
{
	struct child *c;

	s.leases = 0;
	pair_stop(s.scene.pair);
	if (s.retired)
		pair_stop(s.retired);
	world_pass(4 * NS_PER_S);
	for (enum world_role r = WORLD_INGEST; r <= WORLD_DECODE; r++)
		while ((c = world_find(r, CAMERA))) {
			MUST(c->is_killed);
			world_reap(c, SIGKILL);
			s.rests += 1u << 16;
		}
	world_turn();
	MUST(s.rests >> 16 == 0 || (uint16_t)s.rests);
	MUST(pair_is_at_rest(s.scene.pair) && (!s.retired || pair_is_at_rest(s.retired)));
	MUST(!s.is_born);
	look();
	pair_free(s.retired);
	pair_free(s.scene.pair);
	pair_scene_end(&s.scene);
	locked_free(s.password);
	world_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz f = {data, len};

	world_init();
	log_init("framemuxd", -1);
	begin(fuzz_byte(&f));
	for (unsigned i = 0; f.len && i < DEEDS_MAX; i++)
		do_one(&f);
	end();
	return 0;
}
