/*
 * Access units in, pictures out: libavcodec with one thread and without any delay that the stream
 * itself does not ask for; behind the same functions what needs no decoder: the pattern camera's
 * painter and uncoded pictures. Decides which pictures are fit to be shown. Runs in framemux-decode; knows no ring and no socket.
 */
#ifndef FRAMEMUX_CODEC_H
#define FRAMEMUX_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "mux/decode/image.h"

struct codec;

/* As STREAM_CODEC gives them. extradata: borrowed for the call. */
struct codec_setup {
	uint32_t codec; /* enum stream_codec */
	uint32_t width, height, reorder;
	struct image_hint hint;
	const uint8_t *extradata;
	size_t extradata_len;
	uint32_t max_pixels; /* of a picture; not of the stream. 0: LIMIT_PIXELS */
};

struct unit_times {
	uint64_t pts_ns, arrival_ns, capture_ns;
};

/* image: borrowed from the codec until its next call. */
struct decoded {
	struct image image;
	struct unit_times times;
	uint64_t newest_ns; /* when the newest unit came that the codec was fed */
	uint64_t behind_ns; /* when the oldest that is still inside came; UINT64_MAX: none is */
	bool is_concealed;
};

/* Before anything else: route libavcodec's log. */
void codec_log_begin(void);

/* 0, or -errno and a sentence. */
int codec_open(const struct codec_setup *setup, struct codec **ret, char ret_reason[LIMIT_REASON]);
void codec_close(struct codec *c);

/* "h264", "pattern", ... */
const char *codec_name(const struct codec *c);

/*
 * One access unit; flags: STREAM_UNIT_*. Then call codec_take until -EAGAIN. 0 also when the unit
 * is damaged: what it damages is flagged. -ENODATA when for so long no picture came of the units
 * that there is no point in going on, -EMSGSIZE for a picture that is too large (see codec_reason);
 * -ENOMEM.
 */
int codec_feed(struct codec *c, const uint8_t *unit, size_t len, const struct unit_times *times,
	uint32_t flags);

/* The stream begins again: give out what is delayed, then (after the last take) codec_restart. */
void codec_drain(struct codec *c);
void codec_restart(struct codec *c);

/*
 * The next picture in presentation order; none before the first clean one. 0, -EAGAIN when the
 * codec wants another unit, -ENOTSUP or -EMSGSIZE for a stream that cannot be shown (see
 * codec_reason).
 */
int codec_take(struct codec *c, struct decoded *ret);

/* Why the last codec_feed or codec_take failed. */
const char *codec_reason(const struct codec *c);

/* Frames in 1000 seconds that the stream says of itself; 0: it says nothing. */
uint32_t codec_fps_milli(const struct codec *c);

#endif
