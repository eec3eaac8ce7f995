/*
 * From RTP packets to access units. libavformat's depacketisers do the unpacking, one packet at a
 * time; where a unit ends is decided here, because whoever feeds the packets sees the marker bit: a
 * unit is handed on when its last packet has come, not when the next one begins. Knows no sockets;
 * the description that libavformat reads is our own. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_DEPAY_H
#define FRAMEMUX_INGEST_DEPAY_H

#include "mux/ingest/sdp.h"
#include "mux/ingest/stream.h"

struct depay;

/* Takes a finished unit, borrowed for the call. 0 or -errno, which depay_packet returns. */
typedef int (*depay_take)(void *data, const struct stream_unit *unit);

/* -EPROTO with the reason when libavformat cannot take such a stream, -ENOMEM. */
int depay_new(const struct sdp_video *video, depay_take take, void *data, struct depay **ret,
	struct failure *ret_why);
void depay_free(struct depay *d);

/* Codec and the parameter sets that the description named, as Annex-B; borrowed from d. */
void depay_format(const struct depay *d, struct stream_format *ret);

/*
 * Take one RTP packet that came at arrival_ns. Packets that are malformed, late or not of this
 * stream are ignored. 0, or what the taker returned.
 */
int depay_packet(struct depay *d, const uint8_t *buf, size_t len, uint64_t arrival_ns);

/* A unit that is held back goes at this time, UINT64_MAX if there is none; tick lets it go. */
uint64_t depay_deadline(const struct depay *d);
int depay_tick(struct depay *d, uint64_t now_ns);

#endif
