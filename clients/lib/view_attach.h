/* A view's attach: its beginning, its frames, its end. */
#ifndef FRAMEMUX_LIB_VIEW_ATTACH_H
#define FRAMEMUX_LIB_VIEW_ATTACH_H

#include "clients/lib/view.h"

/*
 * End the attach before it and begin this one; takes over the descriptors on success. 0, or the
 * -errno that the broker is told.
 */
int view_begin_attach(struct framemux_view *v, const struct msg_attach *m, int fds[ATTACH_FDS]);

/* Dark: the ring's memory stays mapped only while the application holds frames of it. */
void view_end_attach(struct framemux_view *v);

/*
 * Take what the decoder sent. 1: a newer frame is ready; else 0. A frame that fails its check ends
 * the attach and is reported.
 */
int view_drain(struct framemux_view *v);

#endif
