/* Which caps a frame gets, and what is to be asked for when downstream takes none of those. */
#ifndef FRAMEMUX_GST_SETTLE_H
#define FRAMEMUX_GST_SETTLE_H

#include "clients/gst/framemuxsrc.h"

/* What to ask the mux for before any frame is known. false: there is nothing that both know. */
bool settle_wish(FramemuxSrc *self);

/*
 * The caps of this frame are to be those in force. false: there is nothing that both know. When
 * self->must_ask is set then, another size or format has to be asked for, and the frame is not to be used.
 */
bool settle_frame(FramemuxSrc *self, const struct framemux_frame *f);

/* The base class's part of it: in its negotiate and decide_allocation. */
gboolean settle_negotiate(GstBaseSrc *base);
bool settle_pool(GstBaseSrc *base, GstQuery *query);

#endif
