/*
 * What ingest and decode of a pair say to framemuxd, and what follows from it. Runs in its loop.
 * Sees no byte of the camera but bounded messages.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/stale.h"
#include "mux/daemon/pair/pair_private.h"

#define BEAT_GRACE_NS (500 * NS_PER_MS)
#define STALE_MIN_NS  (250 * NS_PER_MS)

/*
 * Dark at once, live again after a moment: a decoder that was taken over would else have clients told of
 * a change with each of its beats.
 */
static bool is_too_early(const struct pair *p, uint64_t now)
{
	return p->state == CAMERA_STALE && now - p->stale_since_ns < STALE_MIN_NS;
}

/* Called at each beat and when no further one came in time. */
static void check_health(struct pair *p, bool at_beat)
{
	uint64_t now = clock_monotonic_ns(), frame = p->beat.last_frame_ns, next;

	if (frame > now)
		frame = now;
	next = p->beat_ns + SILENT_LIMIT_NS;
	if (!at_beat && now >= next) {
		pair_blame(p, PAUSE_BAD);
		pair_fail(p, WORD_OURS, "decode has not been heard of for 10 s");
		return;
	}
	if (frame) {
		uint64_t due = frame +
			stale_limit_ns(p->host->stale_after_ms * NS_PER_MS, p->beat.fps_milli);

		/* Between beats newer frames may have come that were not told yet. */
		if (!at_beat && due < p->beat_ns + BEAT_GRACE_NS)
			due = p->beat_ns + BEAT_GRACE_NS;
		if (now < due && is_too_early(p, now)) {
			next = p->stale_since_ns + STALE_MIN_NS;
		} else if (now < due) {
			pair_set_state(p, CAMERA_LIVE, "");
			next = due < p->beat_ns + BEAT_GRACE_NS ? p->beat_ns + BEAT_GRACE_NS : due;
		} else {
			pair_set_stale(p, now - frame);
		}
	}
	if (pair_arm(p->health, next > now ? next - now : 1) < 0)
		pair_fail(p, WORD_OURS, SHORT_OF_MEMORY); /* nobody would see it fall silent */
}

void pair_on_health(evutil_socket_t fd, short what, void *data)
{
	struct pair *p = data;

	(void)fd;
	(void)what;
	if (p->phase == PAIR_RUNNING)
		check_health(p, false);
}

static int on_ingest_ready(void *self, const void *msg, int *fds)
{
	const struct msg_ingest_ready *m = msg;
	struct pair *p = self;

	(void)fds;
	if (m->generation != p->generation)
		return -EPROTO;
	p->ingest_ready = true;
	pair_announce(p);
	return 0;
}

/* For status alone: it may come often, and leases need not hear of each step. */
static int on_ingest_news(void *self, const void *msg, int *fds)
{
	const struct msg_ingest_news *m = msg;
	struct pair *p = self;

	(void)fds;
	log_info("camera %s: ingest: %s", p->camera->name, m->reason);
	snprintf(p->step, sizeof(p->step), "%s",
		m->playing ? "waiting for the first frame" : m->reason);
	return 0;
}

/* The other transport, and at once. Where neither brings a picture the pauses grow as ever. */
static void switch_transport(struct pair *p)
{
	if (!p->camera->may_switch)
		return;
	p->transport = p->transport == TRANSPORT_TCP ? TRANSPORT_UDP : TRANSPORT_TCP;
	pair_blame(p, PAUSE_AT_ONCE);
	log_info("camera %s: trying RTP over %s next", p->camera->name,
		p->transport == TRANSPORT_TCP ? "TCP" : "UDP");
}

/* Without one a block would be none. */
static const char *some_reason(const char *reason)
{
	return *reason ? reason : "it does not say why";
}

static int on_ingest_failed(void *self, const void *msg, int *fds)
{
	const struct msg_ingest_failed *m = msg;
	const char *reason = some_reason(m->reason);
	struct pair *p = self;

	(void)fds;
	switch (m->what) {
	case INGEST_BLOCK:
		pair_block(p, reason, false); /* until a person has changed pin or camera */
		return 0;
	case INGEST_SWITCH:
		switch_transport(p);
		break;
	case INGEST_AUTH:
		pair_answer_in_next_life(p);
		break;
	case INGEST_FINAL:
		pair_blame(p, PAUSE_USELESS);
		break;
	case INGEST_BREACH:
		pair_blame(p, PAUSE_BAD);
		break;
	case INGEST_AGAIN:
		break;
	default:
		return -EPROTO;
	}
	pair_fail(p, WORD_INGEST, reason);
	return 0;
}

/* Once in a life, and answered only if the camera is who it was. */
static int on_identity(void *self, const void *msg, int *fds)
{
	struct msg_identity_ok ok;
	struct pair *p = self;

	(void)fds;
	if (p->was_identified)
		return -EPROTO;
	p->was_identified = true;
	if (!pair_identify(p, msg))
		return 0;
	ok.generation = p->generation;
	return peer_send(p->ingest_link, &wire_identity_ok, &ok, NULL, 0);
}

/* Ingest gives up a camera that gets no answer: who asks on is not ingest, and fills the log. */
static int on_digest_ask(void *self, const void *msg, int *fds)
{
	const struct msg_digest_ask *m = msg;
	struct pair *p = self;
	struct digest_owner owner = {p->camera->username, p->camera->password, p->camera->url};
	uint8_t random[DIGEST_CNONCE_BYTES];
	struct msg_digest_answer answer;
	int rc;

	(void)fds;
	if (p->was_refused)
		return -EPROTO;
	if (!pair_identify_realm(p, m->realm))
		return 0;
	randombytes_buf(random, sizeof(random));
	digest_answer(&p->digest, &owner, m, clock_monotonic_ns(), random, &answer);
	p->was_refused = answer.status;
	if (answer.status)
		log_warning("camera %s: no answer to its challenge: %s", p->camera->name,
			answer.reason);
	pair_keep_answer(p, &answer);
	rc = peer_send(p->ingest_link, &wire_digest_answer, &answer, NULL, 0);
	explicit_bzero(&answer, sizeof(answer));
	return rc;
}

/* Which cameras may have UDP at all. Ingest that asks all the same breaks the protocol. */
static bool may_use_udp(const struct pair *p)
{
	const struct camera_record *cam = p->camera;

	return (p->phase == PAIR_BEARING || p->phase == PAIR_RUNNING) && cam->kind == INGEST_RTSP &&
		!cam->tls && (cam->transport == TRANSPORT_UDP || cam->may_switch);
}

static int on_udp_bind(void *self, const void *msg, int *fds)
{
	const struct msg_udp_bind *m = msg;
	struct pair *p = self;
	struct msg_udp_bound bound = {0};
	uint16_t port = 0;
	int rc;

	(void)fds;
	if (m->generation != p->generation || !may_use_udp(p))
		return -EPROTO;
	rc = udp_bind(&p->udp, &port);
	if (rc == -EPROTO)
		return rc;
	if (rc < 0) {
		snprintf(bound.reason, sizeof(bound.reason), "no UDP ports: %s", strerror(-rc));
	} else {
		bound.rtp_port = port;
		bound.rtcp_port = port + 1u;
	}
	return peer_send(p->ingest_link, &wire_udp_bound, &bound, NULL, 0);
}

static int on_udp_connect(void *self, const void *msg, int *fds)
{
	const struct msg_udp_connect *m = msg;
	struct pair *p = self;
	struct msg_udp_connected connected = {.rtp_port = m->rtp_port};
	struct msg_udp_refused refused = {0};
	int rc;

	(void)fds;
	if (!may_use_udp(p))
		return -EPROTO;
	rc = udp_connect(&p->udp, m->rtp_port, m->rtcp_port);
	if (rc == -EPROTO)
		return rc;
	if (rc < 0) {
		snprintf(refused.reason, sizeof(refused.reason),
			"cannot connect to the camera's UDP port %u: %s", m->rtp_port,
			strerror(-rc));
		rc = peer_send(p->ingest_link, &wire_udp_refused, &refused, NULL, 0);
	} else {
		rc = peer_send(
			p->ingest_link, &wire_udp_connected, &connected, p->udp.fds, UDP_FDS);
	}
	udp_end(&p->udp);
	return rc;
}

static int on_decode_ready(void *self, const void *msg, int *fds)
{
	const struct msg_decode_ready *m = msg;
	struct pair *p = self;

	(void)fds;
	if (m->generation != p->generation)
		return -EPROTO;
	p->decode_ready = true;
	pair_announce(p);
	return 0;
}

static int on_decode_beat(void *self, const void *msg, int *fds)
{
	struct pair *p = self;

	(void)fds;
	if (p->phase != PAIR_RUNNING)
		return 0;
	memcpy(&p->beat, msg, sizeof(p->beat));
	p->beat_ns = clock_monotonic_ns();
	check_health(p, true);
	return 0;
}

static int on_decode_failed(void *self, const void *msg, int *fds)
{
	const struct msg_decode_failed *m = msg;

	(void)fds;
	if (m->what != DECODE_AGAIN)
		pair_blame(self, PAUSE_BAD);
	pair_fail(self, WORD_DECODE, some_reason(m->reason));
	return 0;
}

const struct wire_rule pair_ingest_rules[] = {
	{&wire_ingest_ready, PAIR_TALKING, 0, on_ingest_ready},
	{&wire_ingest_news, PAIR_TALKING, 0, on_ingest_news},
	{&wire_ingest_failed, PAIR_TALKING, 0, on_ingest_failed},
	{&wire_digest_ask, PAIR_TALKING, 0, on_digest_ask},
	{&wire_identity, PAIR_TALKING, 0, on_identity},
	{&wire_udp_bind, PAIR_TALKING, 0, on_udp_bind},
	{&wire_udp_connect, PAIR_TALKING, 0, on_udp_connect},
};
const size_t pair_n_ingest_rules = ARRAY_SIZE(pair_ingest_rules);

const struct wire_rule pair_decode_rules[] = {
	{&wire_decode_ready, PAIR_TALKING, 0, on_decode_ready},
	{&wire_decode_beat, PAIR_TALKING, 0, on_decode_beat},
	{&wire_decode_failed, PAIR_TALKING, 0, on_decode_failed},
};
const size_t pair_n_decode_rules = ARRAY_SIZE(pair_decode_rules);
