/* What downstream wants, as a request to the mux; what a frame is, as caps. Pure. */
#ifndef FRAMEMUX_GST_WISH_H
#define FRAMEMUX_GST_WISH_H

#include <gst/video/video.h>
#include <stdbool.h>
#include <stdint.h>

#include "framemux.h"

#define WISH_CAPS                                                                                  \
	"video/x-raw, format = (string) { NV12, I420, BGRx, RGB16 }, "                             \
	"width = (int) [ 1, 8192 ], height = (int) [ 1, 4352 ], "                                  \
	"framerate = (fraction) [ 0/1, 1000/1 ]"

struct wish {
	GstVideoFormat format;
	uint32_t width, height; /* both 0: the camera's own size */
	int rate_num, rate_den; /* frames a second at most; 0/1: all */
	bool is_variable;       /* the caps say 0/1, and the rate is but a limit */
};

/*
 * From what is allowed. own is a frame at the camera's own size, NULL while none has come: a size that
 * is not fixed is then the camera's own, or as near to that as is allowed. false: nothing is.
 */
bool wish_from_caps(const GstCaps *allowed, const struct framemux_frame *own, struct wish *ret);

bool wish_equal(const struct wish *a, const struct wish *b);

uint32_t wish_fourcc(const struct wish *w);

/* Frames a second to ask the mux for; 0: all. */
uint32_t wish_fps(const struct wish *w);

/* What a frame is that came of this wish. false: no frame of those formats. */
bool wish_info(const struct wish *w, const struct framemux_frame *f, GstVideoInfo *ret);

#endif
