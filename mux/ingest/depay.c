/*
 * Access units out of RTP packets.
 *
 * An access unit ends with its marker packet. Some cameras set the marker on each slice; a packet
 * of the same timestamp behind a marker gives such a camera away, and from then on its units end
 * where the timestamp changes. The first unit is held back for a moment until that is known, later
 * ones are not. A marker on parameter sets alone means nothing.
 */
#include "mux/ingest/depay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/ingest/au.h"
#include "mux/ingest/lav_rtp.h"
#include "mux/ingest/rtp.h"

#define UNIT_FIRST_BYTES (64u * 1024u)
#define UNIT_PREFIX_MAX  LIMIT_EXTRADATA  /* parameter sets and SEI that wait for their picture */
#define NAL_HEAD_BYTES   4u               /* a start code and the type */
#define FIRST_HOLD_NS    (20 * NS_PER_MS) /* packets of one picture follow each other at once */

struct depay {
	struct lav_rtp *lav; /* owned */
	struct sdp_video video;
	depay_take take;
	void *data; /* borrowed */
	struct rtp_track track;

	uint8_t *unit; /* owned; the unit that is being put together */
	size_t len, cap;
	size_t looked; /* no picture begins before here */
	uint64_t pts_ns, arrival_ns;
	uint32_t timestamp; /* of the packets that come in */
	bool begun;         /* a packet of this timestamp has come */
	bool handed_on;     /* and its unit was complete and is gone */
	bool gap;           /* something before or in this unit is missing */
	bool damaged;       /* something in this unit is missing */
	bool broken_piece;  /* until the next start code: the rest of a NAL unit without its head */
	bool marker_seen;   /* in this unit */
	bool marker_honest, marker_lies;
};

static int on_piece(void *data, const uint8_t *piece, size_t len);

static void forget_unit(struct depay *d)
{
	d->len = d->looked = 0;
	d->damaged = false;
}

int depay_new(const struct sdp_video *video, depay_take take, void *data, struct depay **ret,
	struct failure *ret_why)
{
	struct depay *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->video = *video;
	d->take = take;
	d->data = data;
	d->cap = UNIT_FIRST_BYTES;
	d->unit = malloc(d->cap);
	d->broken_piece = true; /* the first packet may be from the middle of a picture */
	/* A JPEG has an end of its own, by which libavformat goes too. */
	d->marker_honest = video->codec == STREAM_MJPEG;
	r = d->unit ? lav_rtp_open(video, on_piece, d, &d->lav) : -ENOMEM;
	if (r < 0) {
		depay_free(d);
		return r == -ENOMEM
			? r
			: fail_final(ret_why, "camera's video parameters are malformed");
	}
	*ret = d;
	return 0;
}

void depay_free(struct depay *d)
{
	if (!d)
		return;
	lav_rtp_close(d->lav);
	free(d->unit);
	free(d);
}

void depay_format(const struct depay *d, struct stream_format *ret)
{
	*ret = (struct stream_format){.codec = d->video.codec};
	lav_rtp_extradata(d->lav, &ret->extradata, &ret->extradata_len);
}

static bool make_room(struct depay *d, size_t more)
{
	size_t cap = d->cap;
	uint8_t *bigger;

	if (more > LIMIT_ACCESS_UNIT - d->len)
		return false;
	while (cap < d->len + more)
		cap *= 2;
	if (cap == d->cap)
		return true;
	bigger = realloc(d->unit, cap);
	if (!bigger)
		return false;
	d->unit = bigger;
	d->cap = cap;
	return true;
}

/* A NAL unit as libavformat writes it, or a header or picture of MPEG-4 as it comes. */
static bool begins_nal(enum stream_codec codec, const uint8_t *p, size_t len)
{
	static const uint8_t code[] = {0, 0, 0, 1};
	size_t skip = codec == STREAM_MPEG4 ? 1 : 0, n = sizeof(code) - skip;

	return len >= n && memcmp(p, code + skip, n) == 0;
}

/*
 * Whether a picture has begun. What was looked at is not looked at again: a camera may set the
 * marker on every packet of an endless unit without a picture.
 */
static bool has_picture(struct depay *d)
{
	size_t from = d->looked > NAL_HEAD_BYTES ? d->looked - NAL_HEAD_BYTES : 0;
	struct au_facts facts;

	au_inspect(d->video.codec, d->unit + from, d->len - from, &facts);
	if (!facts.has_picture)
		d->looked = d->len;
	return facts.has_picture;
}

/* What libavformat made of a packet: NAL units, a part of one, a JPEG, or MPEG-4 as it came. */
static int on_piece(void *data, const uint8_t *piece, size_t len)
{
	struct depay *d = data;

	if (d->broken_piece && d->video.codec != STREAM_MJPEG) {
		if (!begins_nal(d->video.codec, piece, len))
			return 0;
		d->broken_piece = false;
	}
	if (d->damaged && d->video.codec != STREAM_MJPEG &&
		begins_nal(d->video.codec, piece, len) &&
		au_begins_with(d->video.codec, piece, len) && !has_picture(d))
		d->damaged = false; /* what is missing was of the unit before */
	if (!make_room(d, len)) {   /* too large, or no memory: without this unit */
		forget_unit(d);
		d->gap = d->damaged = d->broken_piece = true;
		return 0;
	}
	memcpy(d->unit + d->len, piece, len);
	d->len += len;
	return 0;
}

/* The unit is complete, as far as it goes. Without a picture it waits for the one that follows. */
static int finish_unit(struct depay *d)
{
	struct stream_unit unit = {
		.pts_ns = d->pts_ns, .arrival_ns = d->arrival_ns, .rtp_time = d->timestamp};
	struct au_facts facts;

	au_inspect(d->video.codec, d->unit, d->len, &facts);
	if (!facts.has_picture) {
		if (d->len > UNIT_PREFIX_MAX)
			forget_unit(d);
		return 0;
	}
	unit.data = d->unit;
	unit.len = au_normalise(d->video.codec, d->unit, d->len);
	/* A JPEG comes whole or not at all. */
	if (facts.is_key && (!d->damaged || d->video.codec == STREAM_MJPEG))
		unit.flags |= STREAM_UNIT_KEY;
	if (d->gap)
		unit.flags |= STREAM_UNIT_GAP;
	d->gap = false;
	forget_unit(d);
	d->handed_on = true;
	return d->take(d->data, &unit);
}

static void note_gap(struct depay *d)
{
	d->gap = true;
	d->broken_piece = true;
	if (d->len)
		d->damaged = true;
}

/* A packet with another timestamp: what was put together so far is complete. */
static int begin_unit(struct depay *d, const struct rtp_packet *p, bool after_gap)
{
	int r = 0;

	if (d->marker_seen && !d->marker_lies)
		d->marker_honest = true;
	if (d->begun && !d->handed_on)
		r = finish_unit(d);
	d->damaged = after_gap || !d->begun; /* its first packets may be among the missing */
	d->begun = true;
	d->handed_on = d->marker_seen = false;
	d->timestamp = p->timestamp;
	d->gap = d->gap || after_gap;
	return r;
}

/* A packet of a timestamp whose unit seemed to have ended. */
static void marker_has_lied(struct depay *d)
{
	if (!d->marker_lies)
		log_info("camera sets the marker before the end of a picture; going by timestamps");
	d->marker_lies = true;
	d->marker_honest = false;
}

int depay_packet(struct depay *d, const uint8_t *buf, size_t len, uint64_t arrival_ns)
{
	struct rtp_packet p;
	enum rtp_order order;
	uint64_t pts_ns = 0;
	int r;

	if (rtp_parse(buf, len, &p) < 0 || p.payload_type != d->video.payload_type)
		return 0;
	order = rtp_follow(&d->track, &p, d->video.clock_rate, arrival_ns, &pts_ns);
	if (order == RTP_OLD)
		return 0;
	if (order == RTP_GAP)
		note_gap(d);
	if (!d->begun || p.timestamp != d->timestamp) {
		r = begin_unit(d, &p, order == RTP_GAP);
		if (r < 0)
			return r;
	} else if (d->marker_seen) {
		marker_has_lied(d);
	}
	if (d->handed_on) { /* the rest of a picture whose first part is gone already */
		d->gap = true;
		return 0;
	}
	d->pts_ns = pts_ns;
	d->arrival_ns = arrival_ns;
	if (p.payload_len) {
		r = lav_rtp_feed(d->lav, &p);
		if (r < 0)
			return r;
	}
	if (!p.marker || !has_picture(d))
		return 0;
	d->marker_seen = true;
	return d->marker_honest ? finish_unit(d) : 0;
}

uint64_t depay_deadline(const struct depay *d)
{
	bool held = d->marker_seen && !d->handed_on && !d->marker_lies;

	return held ? d->arrival_ns + FIRST_HOLD_NS : UINT64_MAX;
}

int depay_tick(struct depay *d, uint64_t now_ns)
{
	return now_ns < depay_deadline(d) ? 0 : finish_unit(d);
}
