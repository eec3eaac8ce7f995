/*
 * Units to the codec, at once or kept. Owns the codec, the kept group and the decision which; runs
 * in framemux-decode.
 */
#include "mux/decode/feed.h"

#include <errno.h>
#include <libavcodec/defs.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "mux/decode/gop.h"
#include "mux/link/stream.h"

_Static_assert(GOP_PADDING >= AV_INPUT_BUFFER_PADDING_SIZE, "libavcodec reads beyond a unit");

enum feed_state {
	FEED_AWAKE,     /* every unit is decoded as it comes */
	FEED_RESTING,   /* every unit is kept, some key units are decoded */
	FEED_REPLAYING, /* what was kept is being decoded, what comes is put behind it */
};

struct feed {
	struct feed_owner owner;
	struct codec *codec; /* owned; from STREAM_CODEC on */
	struct gop *gop;     /* owned */
	enum feed_state state;
	size_t next;               /* of the group, to be decoded */
	uint64_t wanted_ns;        /* when somebody last wanted frames */
	uint64_t looked_ns;        /* arrival of the key unit that was last decoded at rest */
	uint64_t arrival_ns;       /* of the newest unit */
	struct input_message held; /* has to wait until the group is decoded */
	bool has_held;
	char reason[LIMIT_REASON];
};

struct feed *feed_new(const struct feed_owner *owner)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->owner = *owner;
	f->wanted_ns = clock_monotonic_ns();
	f->gop = gop_new();
	if (!f->gop) {
		feed_free(f);
		return NULL;
	}
	return f;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	codec_close(f->codec);
	gop_free(f->gop);
	free(f);
}

const char *feed_reason(const struct feed *f)
{
	return f->reason;
}

const char *feed_codec_name(const struct feed *f)
{
	return f->codec ? codec_name(f->codec) : "";
}

bool feed_is_busy(const struct feed *f)
{
	return f->state == FEED_REPLAYING || f->has_held;
}

bool feed_may_read(const struct feed *f)
{
	return !f->has_held;
}

uint64_t feed_last_frame_ns(const struct feed *f)
{
	uint64_t decoded_ns = f->owner.publisher->news.last_frame_ns;

	if (f->state == FEED_AWAKE || f->arrival_ns < decoded_ns)
		return decoded_ns;
	return f->arrival_ns;
}

/* --- the codec --- */

static int codec_failed(struct feed *f, int r)
{
	if (r != -ENOMEM)
		snprintf(f->reason, sizeof(f->reason), "%s", codec_reason(f->codec));
	return r;
}

/* All that the codec has ready; *ret_n: how many pictures, may be NULL. */
static int publish_ready(struct feed *f, unsigned *ret_n)
{
	const struct feed_owner *o = &f->owner;
	struct decoded decoded;
	unsigned n = 0;
	int r;

	while ((r = codec_take(f->codec, &decoded)) != -EAGAIN) {
		bool is_first = o->publisher->news.frames_decoded == 0;

		if (r < 0)
			return codec_failed(f, r);
		n++;
		r = publish_frame(o->publisher, o->attaches, &decoded, codec_fps_milli(f->codec),
			o->tell_format, o->before_each, o->data);
		if (r < 0)
			return r;
		if (is_first)
			o->tell_first(o->data);
	}
	if (ret_n)
		*ret_n = n;
	return 0;
}

static int decode_one(struct feed *f, const struct gop_unit *u)
{
	int r = f->owner.before_each(f->owner.data);

	if (r < 0)
		return r;
	r = codec_feed(f->codec, u->data, u->len, &u->times, u->flags);
	if (r < 0)
		return codec_failed(f, r);
	return publish_ready(f, NULL);
}

/* --- rest --- */

static void replay(struct feed *f)
{
	codec_restart(f->codec);
	f->next = 0;
	f->state = FEED_REPLAYING;
	f->wanted_ns = clock_monotonic_ns(); /* whatever the reason: no rest again at once */
	publisher_rest(f->owner.publisher, false);
}

/*
 * A key unit by itself: what it looks like now. A stream whose key units give no picture alone
 * (one field, a gradual refresh) is not one to rest with.
 */
static int look(struct feed *f, const struct gop_unit *key)
{
	unsigned n = 0;
	int r;

	if (f->looked_ns && key->times.arrival_ns < f->looked_ns + FEED_LOOK_NS)
		return 0;
	f->looked_ns = key->times.arrival_ns;
	r = f->owner.before_each(f->owner.data);
	if (r < 0)
		return r;
	codec_restart(f->codec);
	r = codec_feed(f->codec, key->data, key->len, &key->times, key->flags);
	if (r < 0)
		return codec_failed(f, r);
	codec_drain(f->codec);
	r = publish_ready(f, &n);
	codec_restart(f->codec);
	if (r == 0 && n == 0)
		replay(f);
	return r;
}

static bool may_rest(const struct feed *f)
{
	return f->owner.publisher->news.frames_decoded > 0 &&
		clock_monotonic_ns() >= f->wanted_ns + FEED_REST_NS;
}

static void rest(struct feed *f)
{
	log_debug("nobody wants frames: resting");
	gop_clear(f->gop);
	f->looked_ns = 0;
	f->state = FEED_RESTING;
	publisher_rest(f->owner.publisher, true);
}

static void hold(struct feed *f, const struct input_message *m)
{
	f->held = *m;
	f->has_held = true;
	if (f->state == FEED_RESTING)
		replay(f);
}

/*
 * Into the group. A key unit begins a new one; still replaying the old one, its pictures would only
 * come late. What does not fit ends the rest until the next key unit.
 */
static int keep(struct feed *f, const struct input_message *m, const struct gop_unit *u)
{
	bool is_key = u->flags & STREAM_UNIT_KEY;

	if (is_key) {
		gop_clear(f->gop);
		if (f->state == FEED_REPLAYING)
			replay(f);
	}
	if ((!is_key && gop_count(f->gop) == 0) || gop_add(f->gop, u) < 0) {
		hold(f, m);
		return 0;
	}
	if (f->state == FEED_REPLAYING)
		return 0;
	publisher_note_unit(f->owner.publisher, u->times.arrival_ns);
	return is_key ? look(f, u) : 0;
}

/* --- messages --- */

static int on_unit(struct feed *f, const struct input_message *m)
{
	struct gop_unit u = {m->times, m->flags, m->unit, m->len};
	uint64_t now = clock_monotonic_ns();

	/* Between the unit before and now, whatever ingest says. */
	if (u.times.arrival_ns == 0 || u.times.arrival_ns > now)
		u.times.arrival_ns = now;
	if (u.times.arrival_ns < f->arrival_ns)
		u.times.arrival_ns = f->arrival_ns;
	f->arrival_ns = u.times.arrival_ns;
	if (f->state == FEED_AWAKE && (u.flags & STREAM_UNIT_KEY) && may_rest(f))
		rest(f);
	return f->state == FEED_AWAKE ? decode_one(f, &u) : keep(f, m, &u);
}

static int on_codec(struct feed *f, const struct input_message *m)
{
	struct codec_setup setup = m->setup;
	struct codec *codec = NULL;
	int r = 0;

	setup.max_pixels = f->owner.max_pixels;
	if (f->codec) { /* what is inside still belongs to the frames that clients wait for */
		codec_drain(f->codec);
		r = publish_ready(f, NULL);
	}
	if (r < 0)
		return r;
	r = codec_open(&setup, &codec, f->reason);
	if (r < 0)
		return r;
	codec_close(f->codec);
	f->codec = codec;
	f->state = FEED_AWAKE;
	publisher_rest(f->owner.publisher, false);
	log_info("codec %s, reorder %u", codec_name(codec), m->setup.reorder);
	return 0;
}

/* At rest the codec is empty, and what is kept will not be continued. */
static int on_drain(struct feed *f)
{
	int r;

	if (f->state == FEED_RESTING) {
		gop_clear(f->gop);
		return 0;
	}
	codec_drain(f->codec);
	r = publish_ready(f, NULL);
	codec_restart(f->codec);
	return r;
}

int feed_message(struct feed *f, const struct input_message *m)
{
	if (m->kind != STREAM_CODEC && !f->codec)
		return -EPROTO;
	if (m->kind == STREAM_UNIT)
		return on_unit(f, m);
	if (f->state == FEED_REPLAYING) {
		hold(f, m);
		return 0;
	}
	return m->kind == STREAM_CODEC ? on_codec(f, m) : on_drain(f);
}

static int replay_one(struct feed *f)
{
	struct gop_unit u;
	int r = 0;

	if (f->next < gop_count(f->gop)) {
		gop_get(f->gop, f->next++, &u);
		r = decode_one(f, &u);
	}
	if (f->next == gop_count(f->gop)) {
		gop_clear(f->gop);
		f->state = FEED_AWAKE;
	}
	return r;
}

int feed_turn(struct feed *f)
{
	if (attach_table_has_takers(f->owner.attaches)) {
		f->wanted_ns = clock_monotonic_ns();
		if (f->state == FEED_RESTING)
			replay(f);
	}
	if (f->state == FEED_REPLAYING)
		return replay_one(f);
	if (!f->has_held)
		return 0;
	f->has_held = false;
	return feed_message(f, &f->held);
}
