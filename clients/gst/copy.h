/* A frame's pixels into a buffer of GStreamer's. */
#ifndef FRAMEMUX_GST_COPY_H
#define FRAMEMUX_GST_COPY_H

#include <gst/video/video.h>
#include <stdbool.h>

#include "framemux.h"

/* false: the buffer cannot be written, or is none of this form. */
bool copy_frame(const struct framemux_frame *f, const GstVideoInfo *info, GstBuffer *buffer);

/* What was copied is not to be shown: it goes back to its pool as zeros. */
void copy_undo(GstBuffer *buffer);

#endif
