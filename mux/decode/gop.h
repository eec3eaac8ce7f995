/*
 * The current group of pictures, as it came: access units from one that decoding may begin with on,
 * kept so that somebody who joins in its middle need not wait for the next. A store and nothing
 * else: bounded, copies in, decodes nothing. Runs in framemux-decode.
 */
#ifndef FRAMEMUX_GOP_H
#define FRAMEMUX_GOP_H

#include <stddef.h>
#include <stdint.h>

#include "mux/decode/codec.h"

#define GOP_BYTES_MAX (16u * 1024u * 1024u) /* of the units and what separates them */
#define GOP_UNITS_MAX 1024u
#define GOP_PADDING   64u /* zero bytes behind each unit, as libavcodec wants */

struct gop;

struct gop_unit {
	struct unit_times times;
	uint32_t flags; /* STREAM_UNIT_* */
	const uint8_t *data;
	size_t len;
};

/* Empty. NULL without memory. */
struct gop *gop_new(void);
void gop_free(struct gop *g);

/* u->data is copied. 0, -ENOSPC when it does not fit any more, -ENOMEM. */
int gop_add(struct gop *g, const struct gop_unit *u);
void gop_clear(struct gop *g);

size_t gop_count(const struct gop *g);

/* i < gop_count. ret->data: borrowed until the next gop_add. */
void gop_get(const struct gop *g, size_t i, struct gop_unit *ret);

#endif
