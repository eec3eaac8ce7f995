/*
 * From the decoder's picture to everybody's frame: the form and its serial, times that never run
 * backwards, media time, the camera's own masks. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_PUBLISH_H
#define FRAMEMUX_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "mux/decode/attach.h"
#include "mux/decode/codec.h"
#include "mux/decode/convert.h"
#include "mux/decode/pace.h"

/* What framemuxd hears of the frames. */
struct publish_news {
	uint64_t frames_decoded, frames_corrupt, last_frame_ns;
	uint32_t width, height, fps_milli;
};

struct publisher {
	struct mask_list masks;  /* the camera's: black for everyone */
	uint64_t not_before_ns;  /* what arrived earlier is never shown */
	uint64_t stale_after_ns; /* nor what came so long ago; 0: no limit */
	uint64_t asleep_ns;      /* by how much boot time was ahead when that was last looked at */
	struct publish_news news;

	/* its own */
	uint32_t serial; /* of form; 0: no frame yet */
	struct image_form form;
	uint32_t told_fps_milli; /* with the newest format */
	uint64_t told_ns;
	struct media_clock media;
	struct rate_meter rate;
	bool is_resting;
	struct image_buffer masked;
	uint64_t arrival_ns, capture_ns; /* of the newest frame */
};

void publisher_free(struct publisher *p);

/*
 * At rest few units become frames: their rate is then that of the units, told by
 * publisher_note_unit, and no news for anybody until it is measured again.
 */
void publisher_rest(struct publisher *p, bool is_resting);
void publisher_note_unit(struct publisher *p, uint64_t arrival_ns);

/*
 * Publish one frame. A new form (or a slow camera's new rate) is told first: tell_format gets the
 * message, and from then on only attaches that are fit for that form get frames. fallback_fps_milli: while too few
 * frames are there to measure. before_each: see attach_publish; its error is returned.
 */
int publish_frame(struct publisher *p, struct attach_table *attaches, const struct decoded *decoded,
	uint32_t fallback_fps_milli, void (*tell_format)(void *data, const struct msg_format *m),
	int (*before_each)(void *data), void *data);

#endif
