/*
 * What becomes of the access units. While somebody wants frames, each is decoded and its pictures
 * go to publish. When nobody has for a moment the decoder rests: the units since the last key unit
 * are kept as they came, and only key units are decoded, so that the format stays known and the
 * camera known to be decodable. Whoever comes then gets the kept group decoded first, which shows
 * nothing (it arrived before he came), and after it the next picture. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_FEED_H
#define FRAMEMUX_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/decode/input.h"
#include "mux/decode/publish.h"

#define FEED_REST_NS 1000000000ull /* nobody wanted frames for so long */
#define FEED_LOOK_NS 1000000000ull /* at rest, key units closer together are not all decoded */

struct feed;

/* All of it is borrowed and outlives the feed. */
struct feed_owner {
	struct publisher *publisher;
	struct attach_table *attaches;
	uint32_t max_pixels;
	void (*tell_format)(void *data, const struct msg_format *m);
	/* The first picture of all was decoded. */
	void (*tell_first)(void *data);
	/* Before everything that takes long; < 0 ends it. */
	int (*before_each)(void *data);
	void *data;
};

/* owner is copied. NULL without memory. */
struct feed *feed_new(const struct feed_owner *owner);
void feed_free(struct feed *f);

/*
 * Once in each turn of the loop, before a message is read: somebody may have come, or a kept group
 * has to be decoded, one unit a turn. 0, or < 0 as feed_message.
 */
int feed_turn(struct feed *f);

/* feed_turn has more to do. */
bool feed_is_busy(const struct feed *f);

/* Whether a message may be read: otherwise it has to wait in the stream. */
bool feed_may_read(const struct feed *f);

/*
 * One message of the stream; it is borrowed until feed_may_read. 0, -ECANCELED when before_each
 * ended it, -EPROTO for what makes no sense here, -ENOMEM, or < 0 and feed_reason says why.
 */
int feed_message(struct feed *f, const struct input_message *m);
const char *feed_reason(const struct feed *f);

/* "h264", ...; "" before a codec is known. */
const char *feed_codec_name(const struct feed *f);

/* When the newest frame came (monotonic): at rest, of the units that are kept; 0: none yet. */
uint64_t feed_last_frame_ns(const struct feed *f);

#endif
