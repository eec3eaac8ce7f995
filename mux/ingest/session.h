/*
 * A conversation with an RTSP camera over one TCP connection: OPTIONS, DESCRIBE, framemuxd's word
 * that it is the camera that it was, SETUP, PLAY, then keep-alive. Bytes go in and come out through
 * functions; it has no socket, no clock and no password (framemuxd hashes challenges and connects UDP
 * sockets, and is asked without being waited for). Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_SESSION_H
#define FRAMEMUX_INGEST_SESSION_H

#include "mux/ingest/failure.h"
#include "mux/ingest/identity.h"
#include "mux/ingest/sdp.h"
#include "mux/ingest/url.h"
#include "mux/link/daemon_ingest.h"

#define SESSION_MEDIA_S 5u /* without any packet: the other transport, where it is permitted */

/* What it needs from outside; self is the data given to session_new. */
struct session_ops {
	/* Bytes for the camera. 0 or -errno. */
	int (*send)(void *self, const void *buf, size_t len);
	/* A challenge for framemuxd, which is answered by session_answer. 0 or -errno. */
	int (*ask)(void *self, const struct msg_digest_ask *ask);
	/* What it calls itself, answered by session_identified. 0 or -errno. */
	int (*identity)(void *self, const struct msg_identity *identity);
	/* What is going to be sent. 0, or -errno with the reason. */
	int (*video)(void *self, const struct sdp_video *video, struct failure *ret_why);
	/* An RTP packet over TCP. 0 or -errno. */
	int (*packet)(void *self, const uint8_t *buf, size_t len);
	/* A step was begun: "DESCRIBE". */
	void (*phase)(void *self, const char *name);
	/* RTCP over TCP. 0, or -errno with the reason. */
	int (*rtcp)(void *self, const uint8_t *buf, size_t len, struct failure *ret_why);
	/* For framemuxd, answered by session_udp_bound; session_udp_connected or _refused. */
	int (*udp_bind)(void *self);
	int (*udp_connect)(void *self, const struct msg_udp_connect *ports);
};

struct session_config {
	struct home home;          /* borrowed, valid as long as the session */
	struct identity_ends ends; /* borrowed; of the connection */
	bool has_password;
	enum transport transport; /* to begin with */
	bool may_switch;          /* the other is permitted too */
	uint32_t patience_s;      /* for each step up to PLAY, and for a picture from then on */
	bool is_secret;           /* nobody else reads what is sent */
	const char
		*basic; /* Authorization for Basic; "" where not permitted. Borrowed as home is */
};

struct session;

/* NULL without memory. */
struct session *session_new(
	const struct session_config *config, const struct session_ops *ops, void *self);
void session_free(struct session *s);

/*
 * These return 0, or -errno when the camera cannot be had: session_failure says why.
 * input: takes whole messages from buf; what is left belongs in front of the next bytes.
 * tick: to be called when session_deadline has come. heard: media came, over whatever way.
 * progress: an access unit is complete.
 */
int session_start(struct session *s, uint64_t now_ns);
int session_input(
	struct session *s, const uint8_t *buf, size_t len, uint64_t now_ns, size_t *ret_used);
int session_answer(struct session *s, const struct msg_digest_answer *answer);
int session_udp_bound(struct session *s, const struct msg_udp_bound *bound, uint64_t now_ns);
int session_udp_connected(struct session *s, uint64_t now_ns);
int session_udp_refused(struct session *s, const struct msg_udp_refused *refused);
int session_identified(struct session *s, uint64_t now_ns);
int session_tick(struct session *s, uint64_t now_ns);
void session_heard(struct session *s, uint64_t now_ns); /* a packet of media has come */
void session_progress(struct session *s, uint64_t now_ns);
int session_closed(struct session *s); /* the camera closed the connection */
uint64_t session_deadline(const struct session *s);
const struct failure *session_failure(const struct session *s);

/* RTCP of ours over TCP, once it is set up; lost if the camera takes nothing. */
void session_report(struct session *s, const uint8_t *buf, size_t len);

/* Say goodbye, as far as that goes without waiting. */
void session_end(struct session *s);

#endif
