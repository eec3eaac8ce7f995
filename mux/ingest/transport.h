/*
 * RTSP's Transport header (RFC 2326 12.39): what a SETUP proposes, what the camera makes of it, and
 * what follows if it wants another. Addresses in it (source, destination) are never read. Pure. Runs
 * in ingest.
 */
#ifndef FRAMEMUX_INGEST_TRANSPORT_H
#define FRAMEMUX_INGEST_TRANSPORT_H

#include "mux/ingest/failure.h"
#include "mux/ingest/rtsp.h"
#include "mux/link/daemon_ingest.h"

#define TRANSPORT_HEADER_MAX 96u

/* "TCP" */
const char *transport_name(enum transport t);

struct transport_reply {
	enum transport transport;
	bool is_multicast;
	unsigned rtp_channel, rtcp_channel; /* TCP */
	uint16_t rtp_port, rtcp_port;       /* UDP: the camera's; 0 if it does not say */
};

/* -ENOENT: there is no such header; -EPROTONOSUPPORT: it is none of the two, or malformed. */
int transport_read(const struct rtsp_message *m, struct transport_reply *ret);

/* Of one session. */
struct transport_choice {
	enum transport transport; /* that is proposed, or agreed */
	bool may_switch;          /* the other one is permitted too */
	bool has_switched;        /* the camera has refused it */
	uint16_t port;            /* UDP: ours, for RTP; the next is RTCP's */
	struct transport_reply agreed;
};

/* The header line of a request. */
void transport_propose(const struct transport_choice *c, char ret[TRANSPORT_HEADER_MAX]);

/* Take the reply to SETUP. 0, or -EPROTO with the reason: it is not what was proposed. */
int transport_agree(
	struct transport_choice *c, const struct rtsp_message *m, struct failure *ret_why);

/*
 * 461: the camera does not offer what was proposed. 0 when the other one is to be proposed now, in
 * the same session; else -EPROTO with the reason.
 */
int transport_refused(struct transport_choice *c, struct failure *ret_why);

/*
 * This one does not work out: the next life begins with the other, or where that makes no sense it
 * is as any failure. -EPROTO.
 */
int transport_fail(const struct transport_choice *c, enum ingest_failure otherwise,
	struct failure *ret_why, const char *why);

#endif
