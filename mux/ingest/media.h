/*
 * The media of an RTSP camera, once it is described: RTP packets from the connection or, put back
 * into order, from datagrams; RTCP with the camera's clock and its goodbye, and the reports that a
 * camera may expect; access units with their times. Knows no sockets. Runs in ingest.
 */
#ifndef FRAMEMUX_INGEST_MEDIA_H
#define FRAMEMUX_INGEST_MEDIA_H

#include "mux/ingest/depay.h"

struct media;

/* self is the data given to media_new. */
struct media_ops {
	/* An access unit, borrowed for the call. 0 or -errno. */
	int (*unit)(void *self, const struct stream_unit *unit);
	/* RTCP for the camera; may get lost. */
	void (*report)(void *self, const uint8_t *buf, size_t len);
};

/* -EPROTO with the reason, -ENOMEM. */
int media_new(const struct sdp_video *video, const struct media_ops *ops, void *self,
	struct media **ret, struct failure *ret_why);
void media_free(struct media *m);

/* Codec and parameter sets of the description; borrowed from m. */
void media_format(const struct media *m, struct stream_format *ret);

/*
 * What came at now_ns: an RTP packet over TCP (in order), an RTP datagram, RTCP. What is malformed
 * or of no use is ignored. 0, what unit returned, or -EPROTO with the reason in ret_why when the
 * camera has said goodbye.
 */
int media_packet(struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns);
int media_datagram(struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns);
int media_rtcp(
	struct media *m, const uint8_t *buf, size_t len, uint64_t now_ns, struct failure *ret_why);

/* When to call tick at the latest, UINT64_MAX for never. tick: 0 or what unit returned. */
uint64_t media_deadline(const struct media *m);
int media_tick(struct media *m, uint64_t now_ns);

#endif
