/*
 * Where the roles meet: the fixed descriptors each is born with, and the links between them. Roles
 * include mux/link/ and common/, never each other. A file for each link has its messages, numbers.c
 * their numbers.
 *
 *	framemuxd -- broker     SEQPACKET  daemon_broker.h  descriptors go down only
 *	framemuxd -- ingest     SEQPACKET  daemon_ingest.h  descriptors go down only: UDP sockets, connected
 *	framemuxd -- decode     SEQPACKET  daemon_decode.h
 *	broker    -- decode     SEQPACKET  broker_decode.h  descriptors go to the decoder only
 *	ingest    -> decode     STREAM     stream.h         access units (larger than a SEQPACKET message
 *	                                                    may be)
 *
 * Nothing here is a synchronous request: answers carry the request's number, and nobody waits.
 * The end of a link (EOF) is the death of the other side: broker and decode erase and exit.
 */
#ifndef FRAMEMUX_LINK_BIRTH_H
#define FRAMEMUX_LINK_BIRTH_H

/* Descriptors at birth. 0 is /dev/null, 1 and 2 are framemuxd's stderr. */
enum {
	LINK_FD_DAEMON = 3,         /* every role */
	LINK_FD_BROKER_CLIENTS = 4, /* broker: listening socket for clients */
	LINK_FD_BROKER_CONTROL = 5, /* broker: listening socket for framemuxctl */
	LINK_FD_BROKER_FILES = 6,   /* opened by itself: the folder of its descriptors, in /proc */
	LINK_FD_INGEST_SOURCE = 4,  /* ingest: connected socket, file, device; or /dev/null */
	LINK_FD_INGEST_STREAM = 5,  /* ingest: access units out */
	LINK_FD_INGEST_TRUST = 6,   /* ingest: PEM of certificates to trust; or /dev/null */
	/* Not at birth: where ingest puts the sockets of udp_connected. */
	LINK_FD_INGEST_RTP = 7,
	LINK_FD_INGEST_RTCP = 8,
	LINK_FD_DECODE_BROKER = 4, /* decode: link to the broker */
	LINK_FD_DECODE_STREAM = 5, /* decode: access units in */
};

#endif
