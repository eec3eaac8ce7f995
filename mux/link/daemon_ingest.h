/* What framemuxd and a camera's ingest say to each other. */
#ifndef FRAMEMUX_LINK_DAEMON_INGEST_H
#define FRAMEMUX_LINK_DAEMON_INGEST_H

#include "common/identity.h"
#include "common/limits.h"
#include "common/wire.h"

/* ---- framemuxd -> ingest --------------------------------------------------------------------- */

enum ingest_kind { INGEST_RTSP = 1, INGEST_FILE, INGEST_PATTERN, INGEST_HTTP, INGEST_V4L2 };
enum transport { TRANSPORT_TCP = 1, TRANSPORT_UDP };

/*
 * url: without userinfo; host as it goes into the request. Pattern: width, height, fps_milli set.
 * tls: speak TLS on the socket and verify the peer: by tls_pin (the SHA-256 of its public key)
 * where has_pin, else by the certificates of LINK_FD_INGEST_TRUST and tls_host.
 * basic: what an Authorization header for Basic says; "" unless TLS and the configuration permit it.
 * answered: a digest_answer follows at once, its request 0: what the life before asked for and could
 * not say any more (INGEST_AUTH). The first request says it.
 * transport: RTSP, which one to begin with; may_switch: the other is permitted too.
 * max_pixels: V4L2, of a picture; a device is not set to more.
 * memory_mb: the process limits itself to that. patience_s: so long it waits for a step, a packet or
 * a picture.
 */
#define INGEST_START_FIELDS(M, T)                                                                  \
	M(T, BYTES, id, CAMERA_ID_BYTES)                                                           \
	M(T, U64, generation, )                                                                    \
	M(T, STR, name, LIMIT_NAME)                                                                \
	M(T, U32, kind, )                                                                          \
	M(T, U32, has_password, ) /* digest may be asked for */                                    \
	M(T, U32, width, )                                                                         \
	M(T, U32, height, )                                                                        \
	M(T, U32, fps_milli, )                                                                     \
	M(T, U32, verbose, )                                                                       \
	M(T, U32, tls, )                                                                           \
	M(T, U32, has_pin, )                                                                       \
	M(T, BYTES, tls_pin, TLS_PIN_BYTES)                                                        \
	M(T, STR, tls_host, LIMIT_HOST)                                                            \
	M(T, STR, basic, LIMIT_BASIC)                                                              \
	M(T, U32, answered, )                                                                      \
	M(T, U32, transport, )                                                                     \
	M(T, U32, may_switch, )                                                                    \
	M(T, U32, max_pixels, )                                                                    \
	M(T, U32, memory_mb, )                                                                     \
	M(T, U32, patience_s, )                                                                    \
	M(T, STR, url, LIMIT_PATH)
WIRE_DECLARE(ingest_start, INGEST_START_FIELDS)

enum digest_algorithm { DIGEST_MD5 = 1, DIGEST_MD5_SESS, DIGEST_SHA256 };
/* GET is HTTP's; the others are RTSP's. */
enum rtsp_method {
	RTSP_OPTIONS = 1,
	RTSP_DESCRIBE,
	RTSP_SETUP,
	RTSP_PLAY,
	RTSP_TEARDOWN,
	RTSP_GET_PARAMETER,
	HTTP_GET
};

/* The value of an Authorization header, or status != 0 (an errno) and why. */
#define DIGEST_ANSWER_FIELDS(M, T)                                                                 \
	M(T, U32, request, )                                                                       \
	M(T, U32, status, )                                                                        \
	M(T, STR, reason, LIMIT_REASON)                                                            \
	M(T, STR, authorization, 2048)
WIRE_DECLARE(digest_answer, DIGEST_ANSWER_FIELDS)

/* The answer to udp_bind: a pair of local ports, the first even, or 0 and why not. */
#define UDP_BOUND_FIELDS(M, T)                                                                     \
	M(T, U32, rtp_port, )                                                                      \
	M(T, U32, rtcp_port, )                                                                     \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(udp_bound, UDP_BOUND_FIELDS)

/* The answer to udp_connect. + 2 descriptors: RTP and RTCP, connected to the camera and drained. */
#define UDP_CONNECTED_FIELDS(M, T) M(T, U32, rtp_port, )
WIRE_DECLARE(udp_connected, UDP_CONNECTED_FIELDS)
enum { UDP_FD_RTP, UDP_FD_RTCP, UDP_FDS };

/* udp_connect cannot be done. */
#define UDP_REFUSED_FIELDS(M, T) M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(udp_refused, UDP_REFUSED_FIELDS)

/* The camera is who it was: go on. (If it is not, ingest is killed instead.) */
#define IDENTITY_OK_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(identity_ok, IDENTITY_OK_FIELDS)

/* ---- ingest -> framemuxd --------------------------------------------------------------------- */

/* Started, START understood, sockets in place. */
#define INGEST_READY_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(ingest_ready, INGEST_READY_FIELDS)

/* What it is doing, for status ("DESCRIBE", "playing"). */
#define INGEST_NEWS_FIELDS(M, T)                                                                   \
	M(T, U32, playing, )                                                                       \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ingest_news, INGEST_NEWS_FIELDS)

/* What follows from a failure of ingest. */
enum ingest_failure {
	INGEST_AGAIN,  /* try again after a pause */
	INGEST_FINAL,  /* trying again at once is useless (401, 404): a long pause */
	INGEST_BLOCK,  /* this is not the camera that is configured (pin): the camera is blocked */
	INGEST_SWITCH, /* no media came over this transport: the other one next */
	INGEST_BREACH, /* it breaks the protocol: again, but a camera that keeps at it is spared */
	/*
	 * The camera closed the connection with its challenge: another connection, at once if this
	 * one was not that already, with the answer to the last digest_ask, or with Basic where
	 * nothing was asked and that is permitted.
	 */
	INGEST_AUTH,
};

/* Sent before it exits: why, for a person. */
#define INGEST_FAILED_FIELDS(M, T)                                                                 \
	M(T, U32, what, )                                                                          \
	M(T, STR, reason, LIMIT_REASON)
WIRE_DECLARE(ingest_failed, INGEST_FAILED_FIELDS)

/*
 * RTSP over UDP: bind a pair of local ports (answer: udp_bound); then connect them to these ports
 * of the address that the control connection goes to (udp_connected or udp_refused). None of a
 * camera's ports is below UDP_PORT_LEAST: that is where the servers of a host are.
 */
#define UDP_PORT_LEAST        1024u
#define UDP_BIND_FIELDS(M, T) M(T, U64, generation, )
WIRE_DECLARE(udp_bind, UDP_BIND_FIELDS)

#define UDP_CONNECT_FIELDS(M, T)                                                                   \
	M(T, U32, rtp_port, )                                                                      \
	M(T, U32, rtcp_port, )
WIRE_DECLARE(udp_connect, UDP_CONNECT_FIELDS)

/*
 * What the camera calls itself, before anything of its pictures is asked for: its Server header,
 * and of its SDP's origin (RFC 4566 5.2) the user name and address. "" where it says nothing.
 * Answered by identity_ok.
 */
#define IDENTITY_FIELDS(M, T)                                                                      \
	M(T, STR, server, 256)                                                                     \
	M(T, STR, origin, 256)
WIRE_DECLARE(identity, IDENTITY_FIELDS)

/*
 * Hash this challenge with the camera's password (RFC 7616, RFC 2617). qop: 1 when the server offers
 * "auth", else 0. uri must lie under the configured URL.
 */
#define DIGEST_ASK_FIELDS(M, T)                                                                    \
	M(T, U32, request, )                                                                       \
	M(T, U32, algorithm, )                                                                     \
	M(T, U32, named_algorithm, ) /* the challenge named one; echo it as written by RFC 7616 */ \
	M(T, U32, qop, )                                                                           \
	M(T, U32, method, )                                                                        \
	M(T, STR, realm, 256)                                                                      \
	M(T, STR, nonce, 512)                                                                      \
	M(T, STR, opaque, 512)                                                                     \
	M(T, STR, uri, LIMIT_PATH)
WIRE_DECLARE(digest_ask, DIGEST_ASK_FIELDS)

#endif
