/*
 * libavcodec behind codec.h, and what needs no decoder. Owns the decoder, its pictures and the times
 * of the units that are inside it. Never opens a file, a thread or a device.
 */
#include "mux/decode/codec.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pattern.h"
#include "mux/decode/av_image.h"
#include "mux/decode/av_log.h"
#include "mux/decode/raw.h"
#include "mux/link/stream.h"

#define UNITS_INSIDE    128u /* more than any decoder delays: 16 frames, two fields each */
#define REORDER_MAX     16u
#define UNDECODABLE_MAX 250u /* units in a row that gave an error and no picture */
#define WAITING_NOTICE  300u /* units without a beginning until somebody is told */
/* Units for so long, and so many, without a picture fit to be shown: nothing will come of it. */
#define FRUITLESS_NS      (10 * NS_PER_S)
#define FRUITLESS_LONG_NS (30 * NS_PER_S) /* however few */
#define FRUITLESS_MIN     40u             /* more than any decoder delays */
/* The same before a unit that decoding may begin with: some cameras send one a minute. */
#define KEYLESS_NS (90 * NS_PER_S)
/* Blocks are 64 pixels wide at the most. */
#define BLOCK_SPARE 63

/* What is remembered of a unit until its picture comes out. */
struct unit_inside {
	uint64_t number;
	struct unit_times times;
	bool is_damaged, is_suspect;
	bool is_out; /* its picture came */
};

static const struct codec_choice {
	uint32_t kind;
	const char *name, *decoder; /* NULL: painted here */
} choices[] = {
	{STREAM_H264, "h264", "h264"},
	{STREAM_H265, "h265", "hevc"},
	{STREAM_MJPEG, "mjpeg", "mjpeg"},
	{STREAM_MPEG4, "mpeg4", "mpeg4"},
	{STREAM_AV1, "av1", "libdav1d"},
	{STREAM_PATTERN, "pattern", NULL},
	{STREAM_YUYV, "yuyv", NULL},
	{STREAM_NV12, "nv12", NULL},
};

static const struct codec_choice *choice_of(uint32_t kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		if (choices[i].kind == kind)
			return &choices[i];
	return NULL;
}

struct codec {
	const struct codec_choice *choice;
	struct image_hint hint;
	AVCodecContext *av;         /* owned; NULL for what is painted */
	AVFrame *frame;             /* owned */
	AVPacket *packet;           /* owned */
	struct image_buffer buffer; /* pictures that are not 4:2:0, and painted ones */
	struct unit_inside inside[UNITS_INSIDE];
	uint64_t n_units; /* fed so far; the number of the newest */
	bool is_waiting;  /* for a unit that decoding may begin with */
	bool is_clean;    /* a picture fit to be shown has come */
	bool is_damaged;  /* something was lost since the last key unit */
	bool is_suspect;  /* or the decoder complained since then */
	bool has_painted; /* a painted picture waits to be taken */
	struct image painted;
	uint8_t *plane[3]; /* its planes, to be written */
	uint32_t max_pixels;
	int too_wide, too_high; /* a picture that was refused; 0: none */
	unsigned undecodable, skipped;
	unsigned fruitless;    /* units since the last picture that was given out */
	uint64_t fruitless_ns; /* when the first of them came */
	char reason[LIMIT_REASON];
};

void codec_log_begin(void)
{
	av_log_begin();
}

/* spare: a picture is coded in blocks, and the last one of a row or column may be all but empty. */
static bool is_too_large(struct codec *c, int width, int height, int spare)
{
	if (width - spare <= (int)LIMIT_SIDE && height - spare <= (int)LIMIT_SIDE &&
		(int64_t)(width - spare) * (height - spare) <= c->max_pixels)
		return false;
	c->too_wide = width;
	c->too_high = height;
	return true;
}

static int refuse_size(struct codec *c)
{
	snprintf(c->reason, sizeof(c->reason),
		"a picture of %dx%d is above the limit (max_picture)", c->too_wide, c->too_high);
	return -EMSGSIZE;
}

/*
 * Hardware is for whoever may open devices; the first format in software. The size is known here and
 * no memory is taken for it yet.
 */
static enum AVPixelFormat choose_format(AVCodecContext *av, const enum AVPixelFormat *offered)
{
	if (is_too_large(av->opaque, av->width, av->height, 0) ||
		is_too_large(av->opaque, av->coded_width, av->coded_height, BLOCK_SPARE))
		return AV_PIX_FMT_NONE;
	for (; *offered != AV_PIX_FMT_NONE; offered++) {
		const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(*offered);

		if (d && !(d->flags & AV_PIX_FMT_FLAG_HWACCEL))
			return *offered;
	}
	return AV_PIX_FMT_NONE;
}

/* For decoders that do not ask for a format. */
static int get_buffer(AVCodecContext *av, AVFrame *frame, int flags)
{
	if (is_too_large(av->opaque, frame->width, frame->height, BLOCK_SPARE))
		return AVERROR(EINVAL);
	return avcodec_default_get_buffer2(av, frame, flags);
}

static int open_av(
	struct codec *c, const struct codec_choice *choice, const struct codec_setup *setup)
{
	const AVCodec *decoder = avcodec_find_decoder_by_name(choice->decoder);
	AVCodecContext *av;

	if (!decoder)
		return -ENOTSUP;
	c->frame = av_frame_alloc();
	c->packet = av_packet_alloc();
	av = c->av = avcodec_alloc_context3(decoder);
	if (!c->frame || !c->packet || !av)
		return -ENOMEM;
	if (setup->extradata_len > 0) {
		av->extradata = av_mallocz(setup->extradata_len + AV_INPUT_BUFFER_PADDING_SIZE);
		if (!av->extradata)
			return -ENOMEM;
		memcpy(av->extradata, setup->extradata, setup->extradata_len);
		av->extradata_size = (int)setup->extradata_len;
	}
	/* More threads add latency. */
	av->thread_count = 1;
	/*
	 * What the container says, as ffmpeg takes it; the decoder raises it when it sees
	 * reordering. Not AV_CODEC_FLAG_LOW_DELAY, which forces 0 and gives B-frames out in
	 * decoding order.
	 */
	av->has_b_frames = (int)setup->reorder;
	/* Cropping to the pixel; and damaged pictures come out, marked, instead of disappearing. */
	av->flags |= AV_CODEC_FLAG_UNALIGNED | AV_CODEC_FLAG_OUTPUT_CORRUPT;
	/* Compare with the MD5 of a picture where H.265 carries it: a difference is a complaint. */
	av->err_recognition |= AV_EF_CRCCHECK;
	/* dav1d is told; the others would refuse without a word, and choose_format does it for them. */
	if (setup->codec == STREAM_AV1)
		av->max_pixels = c->max_pixels;
	av->opaque = c;
	av->get_format = choose_format;
	av->get_buffer2 = get_buffer;
	if (setup->width <= LIMIT_SIDE && setup->height <= LIMIT_SIDE) {
		av->width = av->coded_width = (int)setup->width;
		av->height = av->coded_height = (int)setup->height;
	}
	return avcodec_open2(av, decoder, NULL) < 0 ? -EINVAL : 0;
}

/* All pictures are of one form. A pattern is the same picture but for its code: its chroma too. */
static int open_painted(struct codec *c, const struct codec_setup *setup)
{
	struct image *p = &c->painted;
	int r;

	if (setup->width > LIMIT_SIDE || setup->height > LIMIT_SIDE)
		return -EINVAL;
	if (is_too_large(c, (int)setup->width, (int)setup->height, 0))
		return refuse_size(c);
	r = image_buffer_reserve(&c->buffer, setup->width, setup->height, c->plane, p->stride);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++)
		p->plane[i] = c->plane[i];
	if (setup->codec != STREAM_PATTERN) {
		raw_form(setup->width, setup->height, &setup->hint, &p->form);
		return 0;
	}
	p->form =
		(struct image_form){setup->width, setup->height, 1, 1, COLOR_BT601, COLOR_LIMITED};
	for (int i = 1; i < 3; i++)
		memset(c->plane[i], 128, (size_t)p->stride[i] * image_half(setup->height));
	return 0;
}

int codec_open(const struct codec_setup *setup, struct codec **ret, char ret_reason[LIMIT_REASON])
{
	const struct codec_choice *choice = choice_of(setup->codec);
	struct codec *c;
	int r;

	if (!choice) {
		snprintf(ret_reason, LIMIT_REASON, "unknown codec %u", setup->codec);
		return -ENOTSUP;
	}
	if (setup->reorder > REORDER_MAX || setup->extradata_len > LIMIT_EXTRADATA) {
		snprintf(ret_reason, LIMIT_REASON, "impossible parameters for %s", choice->name);
		return -EINVAL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->choice = choice;
	c->hint = setup->hint;
	c->max_pixels = setup->max_pixels ? setup->max_pixels : LIMIT_PIXELS;
	c->is_waiting = true;
	r = choice->decoder ? open_av(c, choice, setup) : open_painted(c, setup);
	if (r < 0) {
		snprintf(ret_reason, LIMIT_REASON, "cannot decode %s: %s", choice->name,
			r == -ENOTSUP          ? "libavcodec has no decoder for it"
				: r == -ENOMEM ? "no memory"
					       : "bad parameters");
		if (*c->reason)
			memcpy(ret_reason, c->reason, LIMIT_REASON);
		codec_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void codec_close(struct codec *c)
{
	if (!c)
		return;
	avcodec_free_context(&c->av);
	av_frame_free(&c->frame);
	av_packet_free(&c->packet);
	image_buffer_free(&c->buffer);
	free(c);
}

const char *codec_name(const struct codec *c)
{
	return c->choice->name;
}

const char *codec_reason(const struct codec *c)
{
	return c->reason;
}

uint32_t codec_fps_milli(const struct codec *c)
{
	AVRational fps = c->av ? c->av->framerate : (AVRational){0, 1};
	int64_t milli = fps.num > 0 && fps.den > 0 ? fps.num * 1000ll / fps.den : 0;

	return milli <= LIMIT_FPS * 1000ll ? (uint32_t)milli : 0;
}

/* 0, or -ENODATA when too much came and too little of it. */
static int note_fruitless(struct codec *c, const struct unit_times *times)
{
	uint64_t limit = c->is_waiting ? KEYLESS_NS : FRUITLESS_NS;

	if (!c->fruitless++)
		c->fruitless_ns = times->arrival_ns;
	if (!c->is_waiting && c->fruitless < FRUITLESS_MIN)
		limit = FRUITLESS_LONG_NS;
	if (times->arrival_ns < c->fruitless_ns + limit)
		return 0;
	snprintf(c->reason, sizeof(c->reason),
		c->is_waiting ? "no key picture for %u s" : "no whole picture for %u s",
		(unsigned)(limit / NS_PER_S));
	return -ENODATA;
}

/* Nothing goes in before a unit that decoding may begin with. */
static bool may_begin(struct codec *c, uint32_t flags)
{
	if (!c->is_waiting)
		return true;
	if (!(flags & STREAM_UNIT_KEY)) {
		if (++c->skipped == WAITING_NOTICE)
			log_notice("%u units and no key unit yet", c->skipped);
		return false;
	}
	c->is_waiting = false;
	c->skipped = c->fruitless = 0;
	return true;
}

/* Lost data damages everything from here to the next key unit, whose own picture is whole. */
static void note_damage(struct codec *c, uint32_t flags)
{
	if (flags & STREAM_UNIT_KEY)
		c->is_damaged = c->is_suspect = false;
	else if (flags & STREAM_UNIT_GAP)
		c->is_damaged = true;
}

static struct unit_inside *unit_enter(struct codec *c, const struct unit_times *times)
{
	struct unit_inside *u = &c->inside[++c->n_units % UNITS_INSIDE];

	*u = (struct unit_inside){c->n_units, *times, c->is_damaged, c->is_suspect, false};
	return u;
}

static int paint_pattern(struct codec *c, const uint8_t *unit, size_t len)
{
	if (len != 2)
		return -EMSGSIZE;
	pattern_paint(get_le16(unit), c->plane[0], (uint32_t)c->painted.stride[0],
		c->painted.form.width, c->painted.form.height);
	return 0;
}

static int paint(struct codec *c, const uint8_t *unit, size_t len)
{
	int r = c->choice->kind == STREAM_PATTERN
		? paint_pattern(c, unit, len)
		: raw_paint(c->choice->kind, unit, len, &c->painted.form, c->plane,
			  c->painted.stride);

	if (r < 0) {
		snprintf(c->reason, sizeof(c->reason), "a %s unit of %zu bytes", c->choice->name,
			len);
		return -ENODATA;
	}
	c->has_painted = true;
	return 0;
}

static int decode_unit(
	struct codec *c, const uint8_t *unit, size_t len, uint32_t flags, struct unit_inside *u)
{
	uint64_t complaints = av_log_complaints();
	int r;

	/* Not reference-counted: libavcodec takes a copy. */
	c->packet->data = (uint8_t *)unit;
	c->packet->size = (int)len;
	c->packet->pts = (int64_t)u->number;
	c->packet->flags = flags & STREAM_UNIT_KEY ? AV_PKT_FLAG_KEY : 0;
	r = avcodec_send_packet(c->av, c->packet);
	c->packet->data = NULL;
	c->packet->size = 0;
	if (r == AVERROR(ENOMEM))
		return -ENOMEM;
	if (c->too_wide)
		return refuse_size(c);
	if (r < 0)
		c->is_damaged = u->is_damaged = true;
	if (av_log_complaints() != complaints)
		c->is_suspect = u->is_suspect = true;
	if (r >= 0) {
		c->undecodable = 0;
		return 0;
	}
	if (++c->undecodable < UNDECODABLE_MAX)
		return 0;
	snprintf(c->reason, sizeof(c->reason), "%u access units in a row cannot be decoded",
		c->undecodable);
	return -ENODATA;
}

int codec_feed(struct codec *c, const uint8_t *unit, size_t len, const struct unit_times *times,
	uint32_t flags)
{
	struct unit_inside *u;

	if (note_fruitless(c, times) < 0)
		return -ENODATA;
	if (!may_begin(c, flags))
		return 0;
	note_damage(c, flags);
	u = unit_enter(c, times);
	return c->av ? decode_unit(c, unit, len, flags, u) : paint(c, unit, len);
}

void codec_drain(struct codec *c)
{
	if (c->av && !c->is_waiting)                    /* an empty decoder has nothing to give */
		(void)avcodec_send_packet(c->av, NULL); /* then codec_take finds nothing */
}

void codec_restart(struct codec *c)
{
	if (c->av)
		avcodec_flush_buffers(c->av);
	memset(c->inside, 0, sizeof(c->inside));
	c->is_waiting = true;
	c->is_clean = false;
	c->is_damaged = c->is_suspect = false;
	c->has_painted = false;
}

/* The unit that the picture in c->frame came from; of an unknown one, the newest. */
static struct unit_inside unit_leave(struct codec *c)
{
	uint64_t number = (uint64_t)c->frame->pts;
	struct unit_inside *u = &c->inside[number % UNITS_INSIDE];

	if (number == 0 || u->number != number)
		u = &c->inside[c->n_units % UNITS_INSIDE];
	u->is_out = true;
	return *u;
}

/*
 * When the oldest unit came whose picture is still to be presented. Only where pictures are
 * reordered; one of which there never will be a picture counts until it is too old to wait.
 */
static uint64_t oldest_inside_ns(const struct codec *c)
{
	uint64_t oldest = UINT64_MAX;

	if (c->av->has_b_frames <= 0)
		return oldest;
	for (uint64_t i = 0; i <= REORDER_MAX && i < c->n_units; i++) {
		const struct unit_inside *u = &c->inside[(c->n_units - i) % UNITS_INSIDE];

		if (!u->is_out && u->number == c->n_units - i && u->times.arrival_ns < oldest)
			oldest = u->times.arrival_ns;
	}
	return oldest;
}

static int take_painted(struct codec *c, struct decoded *ret)
{
	if (!c->has_painted)
		return -EAGAIN;
	c->has_painted = false;
	c->fruitless = 0;
	*ret = (struct decoded){.image = c->painted,
		.times = c->inside[c->n_units % UNITS_INSIDE].times,
		.newest_ns = c->inside[c->n_units % UNITS_INSIDE].times.arrival_ns,
		.behind_ns = UINT64_MAX,
		.is_concealed = c->inside[c->n_units % UNITS_INSIDE].is_damaged};
	return 0;
}

/* One picture out of libavcodec. Errors of damaged units are damage and no more, but bounded. */
static int receive(struct codec *c)
{
	for (unsigned tries = 0; tries < UNITS_INSIDE; tries++) {
		uint64_t complaints = av_log_complaints();
		int r = avcodec_receive_frame(c->av, c->frame);

		if (r == AVERROR(EAGAIN) || r == AVERROR_EOF)
			return -EAGAIN;
		if (r == AVERROR(ENOMEM))
			return -ENOMEM;
		if (c->too_wide)
			return refuse_size(c);
		if (av_log_complaints() != complaints)
			c->is_suspect = true;
		if (r >= 0)
			return 0;
		c->is_damaged = true;
	}
	return -EAGAIN;
}

int codec_take(struct codec *c, struct decoded *ret)
{
	struct unit_inside u;
	bool is_corrupt;
	int r;

	if (!c->av)
		return take_painted(c, ret);
	do {
		av_frame_unref(c->frame);
		r = receive(c);
		if (r < 0)
			return r;
		u = unit_leave(c);
		is_corrupt = (c->frame->flags & AV_FRAME_FLAG_CORRUPT) ||
			c->frame->decode_error_flags || u.is_damaged;
		if (!is_corrupt)
			c->is_clean = true;
	} while (!c->is_clean);
	if (is_too_large(c, c->frame->width, c->frame->height, 0))
		return refuse_size(c);
	r = av_image_make(c->frame, &c->hint, &c->buffer, &ret->image);
	if (r == -ENOTSUP)
		snprintf(c->reason, sizeof(c->reason), "pixel format %s is not supported",
			av_get_pix_fmt_name(c->frame->format));
	if (r < 0)
		return r;
	c->fruitless = 0;
	ret->times = u.times;
	ret->newest_ns = c->inside[c->n_units % UNITS_INSIDE].times.arrival_ns;
	ret->behind_ns = oldest_inside_ns(c);
	ret->is_concealed = is_corrupt || u.is_suspect;
	return 0;
}
