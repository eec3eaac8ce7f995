/* A frame copied out of the ring: packed planes without padding, and what is known of it. */
#ifndef FRAMEMUX_PICTURE_SHOT_H
#define FRAMEMUX_PICTURE_SHOT_H

#include <stddef.h>

#include "framemux.h"

#define SHOT_PLANES 3u

struct shot {
	struct framemux_frame frame; /* its plane pointers are not valid any more */
	uint64_t lease, acquire_ns;
	uint32_t row_bytes[SHOT_PLANES], rows[SHOT_PLANES];
	const uint8_t *plane[SHOT_PLANES]; /* into data */
	uint8_t *data;                     /* owned; kept for the next frame */
	size_t bytes, capacity;
};

/* 0; -EINVAL for a form that this program did not ask for; -ENOMEM. */
int shot_copy(struct shot *s, const struct framemux_frame *frame);

/* A row of XRGB8888 as R, G, B bytes. */
void shot_rgb_row(const uint8_t *xrgb, uint32_t width, uint8_t *ret);

/* Free what it owns, after clearing it: pictures do not stay in freed memory. */
void shot_clear(struct shot *s);

#endif
