/* The element: a live source of a camera's frames. */
#ifndef FRAMEMUX_GST_FRAMEMUXSRC_H
#define FRAMEMUX_GST_FRAMEMUXSRC_H

#include <gst/base/gstpushsrc.h>

#include "clients/gst/session.h"
#include "clients/gst/stamp.h"
#include "clients/gst/wish.h"

G_DECLARE_FINAL_TYPE(FramemuxSrc, framemuxsrc, FRAMEMUX, SRC, GstPushSrc)

enum framemuxsrc_ending { FRAMEMUXSRC_EOS, FRAMEMUXSRC_ERROR };

struct _FramemuxSrc {
	GstPushSrc parent;

	/* Properties, under the object's lock; they count from READY to PAUSED on. */
	struct session_options set;
	enum framemuxsrc_ending on_revoked;
	gboolean flush_on_revoked, black_when_dark;

	/*
	 * Under this lock, which is never held over anything that may block: not while messages are
	 * posted, caps negotiated or buffers allocated. Whoever holds it may use the connection.
	 */
	GMutex lock;
	struct session session;
	struct session_options options; /* as they were in READY */
	bool is_flushing, is_paused, is_ended;
	uint32_t played; /* times that the element left PLAYING */
	int wake_fd;     /* owned; an eventfd: look at the two again */

	bool is_flushed; /* by the pause that lasts; under the state's lock */

	/* The streaming thread's own. */
	struct wish wish;            /* what is asked for */
	struct framemux_frame offer; /* in negotiation: the frame that is to be described */
	bool has_wish, has_offer, must_ask, must_settle;
	bool is_lit;       /* the last that was pushed was a picture */
	bool has_pictures; /* pushed since downstream was flushed */
	GstVideoInfo info; /* of what was settled */
	uint32_t made_in;  /* played, when the newest buffer was made */
	uint64_t last_seq, last_generation;
	uint32_t last_serial;

	struct stamp stamp; /* under the object's lock: whoever asks for the latency reads it */
};

#endif
