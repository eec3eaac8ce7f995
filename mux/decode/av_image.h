/* From libavcodec's pictures to I420. Runs in framemux-decode. */
#ifndef FRAMEMUX_AV_IMAGE_H
#define FRAMEMUX_AV_IMAGE_H

#include <libavutil/frame.h>

#include "mux/decode/image.h"

/*
 * frame as 8 bit I420: 4:2:0 in place, everything else through buffer. More bits are rounded; RGB
 * becomes full-range BT.601. hint: for what frame itself leaves open. 0, -ENOTSUP for a pixel format
 * that is not planar YUV or RGB, NV12 or grey, -EMSGSIZE above the limits, -ENOMEM.
 */
int av_image_make(const AVFrame *frame, const struct image_hint *hint, struct image_buffer *buffer,
	struct image *ret);

#endif
