/*
 * libavformat as a depacketiser. It sees a description and packets that are made here: the header
 * is rewritten (no CSRCs, no extension, no padding, an unbroken sequence), so that of what a camera
 * sends only payloads reach it, and it has nothing to wait for or to reorder.
 */
#include "mux/ingest/lav_rtp.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <string.h>

#include "mux/ingest/lav_open.h"

#define LAV_IO_BYTES     4096u /* for its RTCP reports */
#define LAV_PACKET_BYTES (12u + 65536u)
#define LAV_SSRC         1u
/* Not the camera's: of some numbers libavformat takes a marked packet for RTCP. */
#define LAV_PAYLOAD_TYPE 96u
/* libavformat collects a JPEG itself. 2040x2040 at the best quality is smaller. */
#define LAV_JPEG_BYTES  (4u * 1024u * 1024u)
#define LAV_JPEG_HEADER 8u

struct lav_rtp {
	AVFormatContext *fmt; /* owned */
	AVIOContext *io;      /* owned */
	AVPacket *pkt;        /* owned */
	lav_rtp_piece piece;
	void *data; /* borrowed */
	char *sdp;  /* owned; while it opens */
	const uint8_t *feed;
	size_t feed_len; /* what is left to read; 0: nothing more for now */
	bool is_open, is_jpeg;
	uint16_t sequence;
	uint8_t packet[LAV_PACKET_BYTES];
};

static int on_read(void *opaque, uint8_t *buf, int size)
{
	struct lav_rtp *l = opaque;
	size_t n = l->feed_len;

	if (!n)
		return l->is_open ? AVERROR(EAGAIN) : AVERROR_EOF;
	if (n > (size_t)size) {
		if (l->is_open) /* a packet is never cut: it cannot be one of ours */
			return AVERROR(EAGAIN);
		n = (size_t)size;
	}
	memcpy(buf, l->feed, n);
	l->feed += n;
	l->feed_len -= n;
	return (int)n;
}

/* Its RTCP receiver reports; this direction is not used. */
static int on_write(void *opaque, uint8_t *buf, int size)
{
	(void)opaque;
	(void)buf;
	return size;
}

static int write_sdp(const struct sdp_video *v, char **ret)
{
	int n = asprintf(ret,
		"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP %u\r\n"
		"a=rtpmap:%u %s/%u\r\n%s%.*u%s%s%s",
		LAV_PAYLOAD_TYPE, LAV_PAYLOAD_TYPE, sdp_encoding(v->codec), v->clock_rate,
		v->fmtp[0] ? "a=fmtp:" : "", v->fmtp[0] ? 1 : 0, v->fmtp[0] ? LAV_PAYLOAD_TYPE : 0,
		v->fmtp[0] ? " " : "", v->fmtp, v->fmtp[0] ? "\r\n" : "");

	if (n < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int open_demuxer(struct lav_rtp *l)
{
	const AVInputFormat *sdp = av_find_input_format("sdp");
	AVDictionary *options = NULL;
	uint8_t *buffer;
	int r;

	if (!sdp)
		return -EINVAL;
	l->fmt = avformat_alloc_context();
	l->pkt = av_packet_alloc();
	buffer = av_malloc(LAV_IO_BYTES);
	/* For writing and direct, so that it buffers nothing it reads: a read is a packet. */
	l->io = buffer ? avio_alloc_context(buffer, LAV_IO_BYTES, 1, l, on_read, on_write, NULL)
		       : NULL;
	if (!l->io)
		av_free(buffer);
	if (!l->fmt || !l->pkt || !l->io)
		return -ENOMEM;
	l->io->direct = 1;
	l->fmt->pb = l->io;
	l->fmt->io_open = lav_open_nothing;
	l->fmt->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN | AVFMT_FLAG_CUSTOM_IO;
	av_dict_set(&options, "sdp_flags", "custom_io", 0);
	av_dict_set(&options, "reorder_queue_size", "0", 0);
	av_dict_set(&options, "protocol_whitelist", "", 0);
	l->feed = (const uint8_t *)l->sdp;
	l->feed_len = strlen(l->sdp);
	r = avformat_open_input(&l->fmt, "", sdp, &options); /* frees fmt when it fails */
	av_dict_free(&options);
	return r < 0 || l->fmt->nb_streams != 1 ? -EINVAL : 0;
}

int lav_rtp_open(
	const struct sdp_video *video, lav_rtp_piece piece, void *data, struct lav_rtp **ret)
{
	struct lav_rtp *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->piece = piece;
	l->data = data;
	l->is_jpeg = video->codec == STREAM_MJPEG;
	r = write_sdp(video, &l->sdp);
	if (r == 0)
		r = open_demuxer(l);
	if (r < 0) {
		lav_rtp_close(l);
		return r;
	}
	l->feed_len = 0;
	l->is_open = true;
	*ret = l;
	return 0;
}

void lav_rtp_close(struct lav_rtp *l)
{
	if (!l)
		return;
	avformat_close_input(&l->fmt);
	if (l->io)
		av_freep(&l->io->buffer);
	avio_context_free(&l->io);
	av_packet_free(&l->pkt);
	free(l->sdp);
	free(l);
}

void lav_rtp_extradata(const struct lav_rtp *l, const uint8_t **ret, size_t *ret_len)
{
	const AVCodecParameters *par = l->fmt->streams[0]->codecpar;

	*ret = NULL;
	*ret_len = 0;
	if (par->extradata_size <= 0 || par->extradata_size > (int)LIMIT_EXTRADATA)
		return;
	*ret = par->extradata;
	*ret_len = (size_t)par->extradata_size;
}

static void write_packet(struct lav_rtp *l, const struct rtp_packet *p)
{
	uint8_t *h = l->packet;

	h[0] = 0x80;
	h[1] = (uint8_t)((p->marker ? 0x80 : 0) | LAV_PAYLOAD_TYPE);
	h[2] = (uint8_t)(l->sequence >> 8);
	h[3] = (uint8_t)l->sequence;
	l->sequence++;
	for (int i = 0; i < 4; i++) {
		h[4 + i] = (uint8_t)(p->timestamp >> (24 - 8 * i));
		h[8 + i] = (uint8_t)(LAV_SSRC >> (24 - 8 * i));
	}
	memcpy(h + 12, p->payload, p->payload_len);
	l->feed = h;
	l->feed_len = 12 + p->payload_len;
}

/* Whether a part of a JPEG (RFC 2435 3.1: type, offset of 24 bits, ...) lies beyond the limit. */
static bool is_beyond_jpeg(const struct lav_rtp *l, const struct rtp_packet *p)
{
	size_t offset;

	if (!l->is_jpeg || p->payload_len < LAV_JPEG_HEADER)
		return false;
	offset = (size_t)p->payload[1] << 16 | (size_t)p->payload[2] << 8 | p->payload[3];
	return offset + p->payload_len > LAV_JPEG_BYTES;
}

int lav_rtp_feed(struct lav_rtp *l, const struct rtp_packet *p)
{
	int r = 0;

	if (p->payload_len > LAV_PACKET_BYTES - 12 || is_beyond_jpeg(l, p))
		return 0;
	write_packet(l, p);
	while (r == 0 && av_read_frame(l->fmt, l->pkt) >= 0) {
		if (l->pkt->size > 0)
			r = l->piece(l->data, l->pkt->data, (size_t)l->pkt->size);
		av_packet_unref(l->pkt);
	}
	l->feed_len = 0;
	return r;
}
