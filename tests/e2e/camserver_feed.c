/*
 * Sends a file's packets through a real RTSP server as they are: demuxed by libavformat, never
 * decoded, one packet an interval. A thread for each media; the first packet goes at once (the SDP
 * is made from it; MPEG-4's payloader wants two), the others from PLAY on, so that the first client sees the file from its start.
 */
#include "camserver.h"

#include <gst/app/gstappsrc.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <string.h>

struct feed {
	const struct camera_spec *spec;
	GstElement *source; /* owned */
	GThread *thread;
	GMutex lock;
	GCond changed;
	gboolean playing, ended; /* under lock */
	FILE *times;
	guint64 sent; /* pictures that left the payloader; touched by its streaming thread only */
};

/* What a kind of stream is called, and how it is made into RTP. */
static const struct kind {
	enum AVCodecID id;
	const char *caps, *parser, *payloader, *filter;
	const char *parameters; /* the payloader's option for them again with each key picture */
	guint64 ahead;          /* packets before its first leaves the payloader */
} kinds[] = {
	{AV_CODEC_ID_H264, "video/x-h264,stream-format=byte-stream,alignment=au", "h264parse",
		"rtph264pay", "h264_mp4toannexb", "config-interval=-1", 1},
	{AV_CODEC_ID_HEVC, "video/x-h265,stream-format=byte-stream,alignment=au", "h265parse",
		"rtph265pay", "hevc_mp4toannexb", "config-interval=-1", 1},
	{AV_CODEC_ID_MJPEG, "image/jpeg", "jpegparse", "rtpjpegpay", "null", "", 1},
	/* Its parser would hold each picture back until the next one. */
	{AV_CODEC_ID_MPEG4, "video/mpeg,mpegversion=4,systemstream=false", "identity", "rtpmp4vpay",
		"dump_extra", "", 2},
};

struct reader {
	AVFormatContext *format;
	AVBSFContext *filter;
	const struct kind *kind;
	int stream;
	guint64 interval_ns;
};

static void reader_close(struct reader *r)
{
	av_bsf_free(&r->filter);
	avformat_close_input(&r->format);
}

static int reader_open(const struct camera_spec *spec, struct reader *r)
{
	const AVBitStreamFilter *filter;
	AVRational rate;
	AVStream *st;

	memset(r, 0, sizeof(*r));
	if (avformat_open_input(&r->format, spec->path, NULL, NULL) < 0 ||
		avformat_find_stream_info(r->format, NULL) < 0)
		return -1;
	r->stream = av_find_best_stream(r->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (r->stream < 0)
		return -1;
	st = r->format->streams[r->stream];
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].id == st->codecpar->codec_id)
			r->kind = &kinds[i];
	if (!r->kind)
		return -1;
	filter = av_bsf_get_by_name(r->kind->filter);
	if (!filter || av_bsf_alloc(filter, &r->filter) < 0 ||
		avcodec_parameters_copy(r->filter->par_in, st->codecpar) < 0 ||
		av_bsf_init(r->filter) < 0)
		return -1;
	rate = av_guess_frame_rate(r->format, st, NULL);
	if (spec->fps)
		rate = (AVRational){(int)spec->fps, 1};
	if (rate.num <= 0 || rate.den <= 0)
		rate = (AVRational){25, 1};
	r->interval_ns =
		(guint64)gst_util_uint64_scale(GST_SECOND, (guint64)rate.den, (guint64)rate.num);
	return 0;
}

/* The next packet; 0, or < 0 at the end of the file. */
static int reader_next(struct reader *r, AVPacket *pkt)
{
	for (;;) {
		int e = av_bsf_receive_packet(r->filter, pkt);

		if (e != AVERROR(EAGAIN))
			return e;
		e = av_read_frame(r->format, pkt);
		if (e >= 0 && pkt->stream_index != r->stream) {
			av_packet_unref(pkt);
			continue;
		}
		e = av_bsf_send_packet(r->filter, e < 0 ? NULL : pkt);
		if (e < 0)
			return e;
	}
}

char *feed_pipeline(const struct camera_spec *spec, GError **ret_error)
{
	struct reader r;
	char *text = NULL;

	if (reader_open(spec, &r))
		g_set_error(ret_error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"%s: cannot be read, or holds no H.264, H.265, MJPEG or MPEG-4",
			spec->path);
	else
		text = g_strdup_printf("( appsrc name=src is-live=true format=time max-bytes=0 "
				       "caps=\"%s\" ! %s ! %s name=pay0 pt=%d %s )",
			r.kind->caps, r.kind->parser, r.kind->payloader,
			r.kind->id == AV_CODEC_ID_MJPEG ? 26 : 96,
			spec->parameters ? r.kind->parameters : "");
	reader_close(&r);
	return text;
}

/* Waits until `when`, or for PLAY when it is 0. FALSE when the media has ended. */
static gboolean wait_until(struct feed *f, gint64 when_us)
{
	gboolean go_on;

	g_mutex_lock(&f->lock);
	while (!f->ended && (when_us ? g_get_monotonic_time() < when_us : !f->playing)) {
		if (when_us)
			g_cond_wait_until(&f->changed, &f->lock, when_us);
		else
			g_cond_wait(&f->changed, &f->lock);
	}
	go_on = !f->ended;
	g_mutex_unlock(&f->lock);
	return go_on;
}

static gboolean push(struct feed *f, const AVPacket *pkt, guint64 pts_ns)
{
	GstBuffer *buf = gst_buffer_new_memdup(pkt->data, (gsize)pkt->size);

	GST_BUFFER_PTS(buf) = pts_ns;
	return gst_app_src_push_buffer(GST_APP_SRC(f->source), buf) == GST_FLOW_OK;
}

/* One pass through the file, from picture number *index on. FALSE when it is over. */
static gboolean play_once(
	struct feed *f, struct reader *r, AVPacket *pkt, guint64 *index, gint64 *start_us)
{
	AVRational tb = r->format->streams[r->stream]->time_base;
	guint64 first = *index;
	gboolean go_on = TRUE;

	while (go_on && reader_next(r, pkt) == 0) {
		guint64 at = *index * r->interval_ns;
		gint64 dts = pkt->dts, pts = pkt->pts;

		if (*index == r->kind->ahead) {
			go_on = wait_until(f, 0);
			*start_us = g_get_monotonic_time();
		}
		if (go_on && *index >= r->kind->ahead)
			go_on = wait_until(f, *start_us + (gint64)(at / 1000));
		/* A container's own order of presentation; a raw stream has none to tell. */
		if (dts != AV_NOPTS_VALUE && pts != AV_NOPTS_VALUE && pts > dts)
			at += (guint64)av_rescale_q(pts - dts, tb, (AVRational){1, 1000000000});
		go_on = go_on && push(f, pkt, at);
		av_packet_unref(pkt);
		++*index;
	}
	return go_on && *index > first;
}

static gpointer feed_run(gpointer data)
{
	struct feed *f = data;
	AVPacket *pkt = av_packet_alloc();
	guint64 index = 0;
	gint64 start_us = 0;
	gboolean go_on = TRUE;

	while (go_on) {
		struct reader r;

		go_on = reader_open(f->spec, &r) == 0 && play_once(f, &r, pkt, &index, &start_us);
		reader_close(&r);
		if (go_on && f->spec->quiet_end)
			break;
	}
	av_packet_free(&pkt);
	return NULL;
}

static void note_packet(struct feed *f, GstBuffer *buf)
{
	guint8 head[2];

	if (gst_buffer_extract(buf, 0, head, sizeof(head)) == sizeof(head) && head[1] & 0x80)
		fprintf(f->times, "%" G_GUINT64_FORMAT " %" G_GINT64_FORMAT "\n", f->sent++,
			(gint64)g_get_monotonic_time() * 1000);
}

static gboolean note_listed(GstBuffer **buf, guint i, gpointer data)
{
	(void)i;
	note_packet(data, *buf);
	return TRUE;
}

/* A picture is sent when its last packet (the marker bit) leaves the payloader. */
static GstPadProbeReturn note_sent(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	(void)pad;
	if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST)
		gst_buffer_list_foreach(GST_PAD_PROBE_INFO_BUFFER_LIST(info), note_listed, data);
	else
		note_packet(data, GST_PAD_PROBE_INFO_BUFFER(info));
	return GST_PAD_PROBE_OK;
}

static void on_state(GstRTSPMedia *media, gint state, struct feed *f)
{
	(void)media;
	if (state != GST_STATE_PLAYING)
		return;
	g_mutex_lock(&f->lock);
	f->playing = TRUE;
	g_cond_signal(&f->changed);
	g_mutex_unlock(&f->lock);
}

static void on_unprepared(GstRTSPMedia *media, struct feed *f)
{
	g_signal_handlers_disconnect_by_data(media, f);
	g_mutex_lock(&f->lock);
	f->ended = TRUE;
	g_cond_signal(&f->changed);
	g_mutex_unlock(&f->lock);
	g_thread_join(f->thread);
	gst_object_unref(f->source);
	if (f->times)
		fclose(f->times);
	g_mutex_clear(&f->lock);
	g_cond_clear(&f->changed);
	g_free(f);
}

static void on_media(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer data)
{
	struct feed *f = g_new0(struct feed, 1);
	GstElement *bin = gst_rtsp_media_get_element(media);

	(void)factory;
	f->spec = data;
	f->source = gst_bin_get_by_name_recurse_up(GST_BIN(bin), "src");
	g_mutex_init(&f->lock);
	g_cond_init(&f->changed);
	if (f->spec->times) {
		GstElement *pay = gst_bin_get_by_name(GST_BIN(bin), "pay0");
		GstPad *pad = gst_element_get_static_pad(pay, "src");

		f->times = fopen(f->spec->times, "we");
		if (f->times) {
			setvbuf(f->times, NULL, _IOLBF, 0);
			gst_pad_add_probe(pad,
				GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
				note_sent, f, NULL);
		}
		gst_object_unref(pad);
		gst_object_unref(pay);
	}
	gst_object_unref(bin);
	g_signal_connect(media, "new-state", G_CALLBACK(on_state), f);
	g_signal_connect(media, "unprepared", G_CALLBACK(on_unprepared), f);
	f->thread = g_thread_new("feed", feed_run, f);
}

void feed_attach(GstRTSPMediaFactory *factory, const struct camera_spec *spec)
{
	g_signal_connect(factory, "media-configure", G_CALLBACK(on_media), (gpointer)spec);
}
