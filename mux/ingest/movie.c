/* Files by libavformat: custom I/O on one descriptor, a short list of formats, Annex-B out. */
#include "mux/ingest/movie.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "mux/ingest/au.h"
#include "mux/ingest/lav_open.h"

#define MOVIE_IO_BYTES    (32u * 1024u)
#define MOVIE_FPS_DEFAULT 25
/* No playlist, no concat, no image sequence: nothing that opens a second file. */
#define MOVIE_FORMATS "mov,matroska,h264,hevc,mjpeg,jpeg_pipe,ivf,obu,m4v"

struct movie {
	int fd;               /* borrowed */
	AVFormatContext *fmt; /* owned */
	AVIOContext *io;      /* owned */
	AVBSFContext *bsf;    /* owned; NULL when none is needed */
	AVPacket *pkt;        /* owned; what movie_read gave out last */
	int index;            /* of the video among the file's streams */
	enum stream_codec codec;
	AVCodecParameters *par; /* owned; as given out */
	/* What the container says of a pixel's shape and colour. */
	AVRational sar;
	enum AVColorSpace matrix;
	enum AVColorRange range;
	uint64_t frame_ns, count;
	bool has_times; /* else a raw stream: units come at its frame rate */
	bool draining;
	int64_t first_dts;
};

static int on_read(void *opaque, uint8_t *buf, int size)
{
	const struct movie *m = opaque;
	ssize_t n;

	do
		n = read(m->fd, buf, (size_t)size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return AVERROR(errno);
	return n ? (int)n : AVERROR_EOF;
}

static int64_t on_seek(void *opaque, int64_t offset, int whence)
{
	const struct movie *m = opaque;
	struct stat st;
	off_t at;

	if (whence & AVSEEK_SIZE)
		return fstat(m->fd, &st) < 0 ? AVERROR(errno) : st.st_size;
	at = lseek(m->fd, offset, whence & ~AVSEEK_FORCE);
	return at < 0 ? AVERROR(errno) : at;
}

static void close_format(struct movie *m)
{
	avformat_close_input(&m->fmt);
	if (m->io)
		av_freep(&m->io->buffer);
	avio_context_free(&m->io);
}

static int open_format(struct movie *m, struct failure *ret_why)
{
	AVDictionary *options = NULL;
	uint8_t *buffer;
	int r;

	if (lseek(m->fd, 0, SEEK_SET) < 0)
		return fail_final(ret_why, "the file cannot be read: %s", strerror(errno));
	m->fmt = avformat_alloc_context();
	buffer = av_malloc(MOVIE_IO_BYTES);
	m->io = buffer ? avio_alloc_context(buffer, MOVIE_IO_BYTES, 0, m, on_read, NULL, on_seek)
		       : NULL;
	if (!m->io)
		av_free(buffer);
	if (!m->fmt || !m->io)
		return fail_no_memory(ret_why);
	m->fmt->pb = m->io;
	m->fmt->io_open = lav_open_nothing;
	m->fmt->flags |= AVFMT_FLAG_CUSTOM_IO;
	av_dict_set(&options, "format_whitelist", MOVIE_FORMATS, 0);
	av_dict_set(&options, "protocol_whitelist", "", 0);
	r = avformat_open_input(&m->fmt, "", NULL, &options);
	av_dict_free(&options);
	if (r == AVERROR(ENOMEM))
		return fail_no_memory(ret_why);
	return r < 0 ? fail_final(ret_why, "the file is not of a kind that can be played") : 0;
}

static int find_codec(struct movie *m, const AVCodecParameters *par, struct failure *ret_why)
{
	static const struct {
		enum AVCodecID id;
		enum stream_codec codec;
	} codecs[] = {
		{AV_CODEC_ID_H264, STREAM_H264},
		{AV_CODEC_ID_HEVC, STREAM_H265},
		{AV_CODEC_ID_MJPEG, STREAM_MJPEG},
		{AV_CODEC_ID_MPEG4, STREAM_MPEG4},
		{AV_CODEC_ID_AV1, STREAM_AV1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codecs[i].id == par->codec_id) {
			m->codec = codecs[i].codec;
			return 0;
		}
	return fail_final(ret_why, "the file holds %s video, which is not supported",
		avcodec_get_name(par->codec_id));
}

/* H.264 and H.265 of a container with lengths instead of start codes (avcC, hvcC begin with 1). */
static int make_annexb(struct movie *m, const AVStream *st, struct failure *ret_why)
{
	const AVCodecParameters *par = st->codecpar;
	const char *name = m->codec == STREAM_H264 ? "h264_mp4toannexb" : "hevc_mp4toannexb";

	if ((m->codec != STREAM_H264 && m->codec != STREAM_H265) || par->extradata_size < 7 ||
		par->extradata[0] != 1)
		return avcodec_parameters_copy(m->par, par) < 0 ? fail_no_memory(ret_why) : 0;
	if (av_bsf_alloc(av_bsf_get_by_name(name), &m->bsf) < 0 ||
		avcodec_parameters_copy(m->bsf->par_in, par) < 0)
		return fail_no_memory(ret_why);
	m->bsf->time_base_in = st->time_base;
	if (av_bsf_init(m->bsf) < 0 || avcodec_parameters_copy(m->par, m->bsf->par_out) < 0)
		return fail_final(ret_why, "the file's video parameters are malformed");
	return 0;
}

static bool rate_is_sane(AVRational r)
{
	return r.num > 0 && r.den > 0 && av_q2d(r) >= 0.01 && av_q2d(r) <= LIMIT_FPS;
}

static void find_rate(struct movie *m, AVStream *st)
{
	AVRational rate = av_guess_frame_rate(m->fmt, st, NULL);

	if (!rate_is_sane(rate))
		rate = (AVRational){MOVIE_FPS_DEFAULT, 1};
	m->frame_ns = (uint64_t)av_rescale((int64_t)NS_PER_S, rate.den, rate.num);
}

/* Before libavformat puts what it finds in the pictures in the same place. */
static void note_colour(struct movie *m)
{
	int index = av_find_best_stream(m->fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);

	m->matrix = AVCOL_SPC_UNSPECIFIED;
	if (index < 0) /* a raw stream */
		return;
	m->matrix = m->fmt->streams[index]->codecpar->color_space;
	m->range = m->fmt->streams[index]->codecpar->color_range;
}

static int look_inside(struct movie *m, struct failure *ret_why)
{
	AVStream *st;
	int r;

	note_colour(m);
	r = avformat_find_stream_info(m->fmt, NULL);
	if (r == AVERROR(ENOMEM))
		return fail_no_memory(ret_why);
	m->index = av_find_best_stream(m->fmt, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (r < 0 || m->index < 0)
		return fail_final(ret_why, "the file holds no video");
	st = m->fmt->streams[m->index];
	r = find_codec(m, st->codecpar, ret_why);
	if (r < 0)
		return r;
	m->has_times = !(m->fmt->iformat->flags & AVFMT_NOTIMESTAMPS) &&
		strcmp(m->fmt->iformat->name, "jpeg_pipe") != 0;
	m->sar = st->sample_aspect_ratio;
	find_rate(m, st);
	return make_annexb(m, st, ret_why);
}

static void skip_others(struct movie *m)
{
	for (unsigned i = 0; i < m->fmt->nb_streams; i++)
		if ((int)i != m->index)
			m->fmt->streams[i]->discard = AVDISCARD_ALL;
	m->count = 0;
	m->draining = false;
	m->first_dts = AV_NOPTS_VALUE;
}

int movie_open(int fd, struct movie **ret, struct failure *ret_why)
{
	struct movie *m;
	struct stat st;
	int r;

	/* Anything else could keep the one thread waiting. */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail_final(ret_why, "not a regular file");
	m = calloc(1, sizeof(*m));
	if (!m)
		return fail_no_memory(ret_why);
	m->fd = fd;
	m->pkt = av_packet_alloc();
	m->par = avcodec_parameters_alloc();
	r = m->pkt && m->par ? open_format(m, ret_why) : fail_no_memory(ret_why);
	if (r == 0)
		r = look_inside(m, ret_why);
	if (r < 0) {
		movie_free(m);
		return r;
	}
	skip_others(m);
	*ret = m;
	return 0;
}

void movie_free(struct movie *m)
{
	if (!m)
		return;
	close_format(m);
	av_bsf_free(&m->bsf);
	av_packet_free(&m->pkt);
	avcodec_parameters_free(&m->par);
	free(m);
}

/* The parameters are known: only the demuxer starts over. */
int movie_rewind(struct movie *m, struct failure *ret_why)
{
	int r;

	av_packet_unref(m->pkt);
	if (m->bsf)
		av_bsf_flush(m->bsf);
	close_format(m);
	r = open_format(m, ret_why);
	if (r < 0)
		return r;
	skip_others(m);
	return 0;
}

void movie_format(const struct movie *m, struct stream_format *ret)
{
	const AVCodecParameters *par = m->par;

	*ret = (struct stream_format){
		.codec = m->codec,
		.width = par->width > 0 ? (uint32_t)par->width : 0,
		.height = par->height > 0 ? (uint32_t)par->height : 0,
		.reorder = par->video_delay > 0 ? (uint32_t)par->video_delay : 0,
		.matrix = (uint32_t)m->matrix, /* libavutil counts as H.273 does */
		.range = (uint32_t)m->range,
	};
	if (m->sar.num > 0 && m->sar.den > 0) {
		ret->sar_num = (uint32_t)m->sar.num;
		ret->sar_den = (uint32_t)m->sar.den;
	}
	if (par->extradata_size > 0 && par->extradata_size <= (int)LIMIT_EXTRADATA) {
		ret->extradata = par->extradata;
		ret->extradata_len = (size_t)par->extradata_size;
	}
}

/* The next packet of the video as it stands in the file. */
static int read_packet(struct movie *m)
{
	int r;

	do {
		av_packet_unref(m->pkt);
		r = av_read_frame(m->fmt, m->pkt);
	} while (r >= 0 && m->pkt->stream_index != m->index);
	return r;
}

/* The next packet behind the bitstream filter: AVERROR_EOF at the end. */
static int next_packet(struct movie *m)
{
	int r;

	if (!m->bsf)
		return read_packet(m);
	av_packet_unref(m->pkt);
	while ((r = av_bsf_receive_packet(m->bsf, m->pkt)) == AVERROR(EAGAIN)) {
		r = read_packet(m);
		if (r < 0 && r != AVERROR_EOF)
			return r;
		if (r == AVERROR_EOF && m->draining)
			return r;
		m->draining = r == AVERROR_EOF;
		r = av_bsf_send_packet(m->bsf, m->draining ? NULL : m->pkt);
		if (r < 0)
			return r;
	}
	return r;
}

static uint64_t ticks_to_ns(const struct movie *m, int64_t ticks)
{
	AVRational base = m->fmt->streams[m->index]->time_base;

	return ticks <= 0 ? 0 : (uint64_t)av_rescale_q(ticks, base, (AVRational){1, (int)NS_PER_S});
}

static void set_times(struct movie *m, struct movie_unit *ret)
{
	int64_t dts = m->pkt->dts != AV_NOPTS_VALUE ? m->pkt->dts : m->pkt->pts;
	int64_t pts = m->pkt->pts != AV_NOPTS_VALUE ? m->pkt->pts : dts;

	ret->duration_ns = m->frame_ns;
	ret->dts_ns = ret->pts_ns = m->count * m->frame_ns;
	m->count++;
	if (!m->has_times || dts == AV_NOPTS_VALUE)
		return;
	if (m->first_dts == AV_NOPTS_VALUE)
		m->first_dts = dts;
	ret->dts_ns = ticks_to_ns(m, av_sat_sub64(dts, m->first_dts));
	ret->pts_ns = ticks_to_ns(m, av_sat_sub64(pts, m->first_dts));
	if (m->pkt->duration > 0)
		ret->duration_ns = ticks_to_ns(m, m->pkt->duration);
}

int movie_read(struct movie *m, struct movie_unit *ret, struct failure *ret_why)
{
	struct au_facts facts;
	int r;

	do {
		r = next_packet(m);
		if (r == AVERROR_EOF || r == AVERROR_INVALIDDATA)
			return -ENODATA; /* cut short or damaged: as far as it goes */
		if (r == AVERROR(ENOMEM))
			return fail_no_memory(ret_why);
		if (r < 0)
			return fail(ret_why, "the file cannot be read: %s", av_err2str(r));
	} while (m->pkt->size <= 0 || m->pkt->size > (int)LIMIT_ACCESS_UNIT);
	ret->data = m->pkt->data;
	ret->len = (size_t)m->pkt->size;
	au_inspect(m->codec, ret->data, ret->len, &facts);
	ret->is_key = facts.is_key || m->pkt->flags & AV_PKT_FLAG_KEY;
	set_times(m, ret);
	return 0;
}
