/* The element's properties. */
#ifndef FRAMEMUX_GST_PROPERTIES_H
#define FRAMEMUX_GST_PROPERTIES_H

#include "clients/gst/framemuxsrc.h"

void properties_install(GObjectClass *object);
void properties_init(FramemuxSrc *self);

/* A copy of what is set, into a struct that holds nothing. */
void properties_take(FramemuxSrc *self, struct session_options *ret);

#endif
