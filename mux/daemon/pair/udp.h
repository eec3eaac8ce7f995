/*
 * The UDP sockets of an RTSP camera: a pair of adjacent ports (RFC 3550 11) on the address that its
 * control connection comes from, connected to the address that this connection goes to and to no
 * other. Owns the sockets until they are connected and handed on; an unconnected one leaves nobody.
 * Reads nothing of what comes in but to throw it away. Runs in framemuxd's loop, never waits.
 */
#ifndef FRAMEMUX_UDP_H
#define FRAMEMUX_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "mux/link/daemon_ingest.h"

union udp_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Of one generation. All zero: none. */
struct udp {
	union udp_address local, camera; /* of the control connection */
	bool is_possible;                /* there is one, over IP, and nothing was bound yet */
	bool is_bound;
	int fds[UDP_FDS]; /* owned while bound */
};

/* A generation begins on this control connection (or file: then nothing is possible). */
void udp_begin(struct udp *u, int source);

/*
 * Bind. *ret_port: the even one, for RTP; the next is RTCP's. -EPROTO: there is no
 * connection to go by, or it was asked for before; another -errno: it cannot be had.
 */
int udp_bind(struct udp *u, uint16_t *ret_port);

/*
 * Connect both to these ports of the camera, throw away what came before. 0: u->fds may be handed
 * on; -EPROTO: nothing is bound, or these are no ports that a
 * camera sends from; another -errno.
 */
int udp_connect(struct udp *u, uint32_t rtp_port, uint32_t rtcp_port);

/* Close what is open; nothing is possible until udp_begin. */
void udp_end(struct udp *u);

#endif
