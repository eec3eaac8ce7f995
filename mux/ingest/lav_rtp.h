/*
 * libavformat's RTP depacketisers without libavformat's network: its `sdp` demuxer with custom_io,
 * fed one packet at a time and emptied at once. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_LAV_RTP_H
#define FRAMEMUX_INGEST_LAV_RTP_H

#include "mux/ingest/rtp.h"
#include "mux/ingest/sdp.h"

struct lav_rtp;

/* What a packet turned into: Annex-B NAL units or a part of one, a whole JPEG. 0 or -errno. */
typedef int (*lav_rtp_piece)(void *data, const uint8_t *piece, size_t len);

/* 0, -ENOMEM, or -EINVAL: libavformat does not take this. */
int lav_rtp_open(
	const struct sdp_video *video, lav_rtp_piece piece, void *data, struct lav_rtp **ret);
void lav_rtp_close(struct lav_rtp *l);

/* Parameter sets named in the description; at most LIMIT_EXTRADATA, else none. Borrowed from l. */
void lav_rtp_extradata(const struct lav_rtp *l, const uint8_t **ret, size_t *ret_len);

/* Feed a packet; the pieces come before it returns. 0 or what the piece function returned. */
int lav_rtp_feed(struct lav_rtp *l, const struct rtp_packet *p);

#endif
