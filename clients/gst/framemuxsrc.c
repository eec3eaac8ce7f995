/*
 * framemuxsrc as GStreamer's base class sees it: states of the element, and one buffer after another. The
 * streaming thread owns the connection; a pause, a stop and an end of stream close it. A lease lasts no
 * longer than PLAYING: who looks at nothing is not to be listed as looking. In the application's process.
 */
#include "clients/gst/framemuxsrc.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clients/gst/copy.h"
#include "clients/gst/properties.h"
#include "clients/gst/settle.h"
#include "common/breakage.h"

GST_DEBUG_CATEGORY_STATIC(framemuxsrc_debug);
#define GST_CAT_DEFAULT framemuxsrc_debug

G_DEFINE_TYPE(FramemuxSrc, framemuxsrc, GST_TYPE_PUSH_SRC)

static GstStaticPadTemplate template =
	GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(WISH_CAPS));

/* --- what the streaming thread waits for ------------------------------------------------------ */

static void set_under_lock(FramemuxSrc *self, bool *flag, bool value)
{
	g_mutex_lock(&self->lock);
	*flag = value;
	g_mutex_unlock(&self->lock);
	(void)eventfd_write(self->wake_fd, 1);
}

static void close_session(FramemuxSrc *self)
{
	g_mutex_lock(&self->lock);
	session_close(&self->session);
	g_mutex_unlock(&self->lock);
}

/* Handlers of messages may take their time, or ask the element something. */
static void post_news(FramemuxSrc *self)
{
	GstMessage *message;

	do {
		g_mutex_lock(&self->lock);
		message = g_queue_pop_head(&self->session.news);
		g_mutex_unlock(&self->lock);
		if (message)
			gst_element_post_message(GST_ELEMENT(self), message);
	} while (message);
}

enum next { NEXT_FLUSHED, NEXT_WAIT, NEXT_ASK, NEXT_FRAME, NEXT_BLACK, NEXT_END };

/* A frame in hand, and which view it is of. */
struct hand {
	const struct framemux_frame *frame; /* gone when the session's serial is another */
	struct framemux_frame seen;         /* what was in it */
	uint32_t serial;
	int fd; /* to wait for */
};

/* Sinks go on showing what they have: there is something to take away from them. */
static bool is_to_be_black(FramemuxSrc *self, enum framemux_state state)
{
	bool is_wanted;

	GST_OBJECT_LOCK(self);
	is_wanted = self->black_when_dark;
	GST_OBJECT_UNLOCK(self);
	return is_wanted && state >= FRAMEMUX_STATE_STALE && !breakage("gst-no-black") &&
		(self->is_lit || (state == FRAMEMUX_STATE_REVOKED && self->has_pictures));
}

static enum next look_locked(FramemuxSrc *self, struct hand *ret)
{
	struct session *s = &self->session;

	ret->fd = -1;
	if (self->is_flushing)
		return NEXT_FLUSHED;
	if (self->is_paused)
		return NEXT_WAIT;
	if (!session_is_open(s) || self->must_ask)
		return NEXT_ASK;
	session_dispatch(s);
	if (is_to_be_black(self, s->state))
		return NEXT_BLACK;
	if (session_is_final(s))
		return NEXT_END;
	ret->fd = framemux_fd(s->fm);
	if (framemux_acquire(s->view, &ret->frame) < 0)
		return NEXT_WAIT; /* no newer one, or a state that the next dispatch tells of */
	ret->seen = *ret->frame;
	ret->serial = s->serial;
	return NEXT_FRAME;
}

static enum next look(FramemuxSrc *self, struct hand *ret)
{
	enum next next;

	g_mutex_lock(&self->lock);
	next = look_locked(self, ret);
	g_mutex_unlock(&self->lock);
	post_news(self);
	return next;
}

static void await(FramemuxSrc *self, int fd)
{
	struct pollfd p[] = {{.fd = self->wake_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	eventfd_t n;

	if (poll(p, G_N_ELEMENTS(p), -1) > 0 && p[0].revents)
		(void)eventfd_read(self->wake_fd, &n);
}

/* --- asking, and being refused ---------------------------------------------------------------- */

static bool check_token(FramemuxSrc *self, char **ret)
{
	const struct session_options *o = &self->options;
	int r = session_token(o, ret);

	if (r == 0)
		return true;
	if (r == -ENOKEY && !o->token_file)
		GST_ELEMENT_ERROR(self, RESOURCE, NOT_AUTHORIZED,
			("No token: set token-file, token or $FRAMEMUX_TOKEN."), (NULL));
	else if (r == -ENOKEY)
		GST_ELEMENT_ERROR(self, RESOURCE, NOT_AUTHORIZED,
			("%s has no token for camera %s.", o->token_file, o->camera), (NULL));
	else
		GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
			("%s: %s.", o->token_file,
				r == -EBADMSG ? "not a token, nor lines \"CAMERA TOKEN\""
					      : g_strerror(-r)),
			(NULL));
	return false;
}

static GstFlowReturn cannot_open(FramemuxSrc *self, int r)
{
	if (r == -EINVAL)
		GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
			("The token for camera %s is malformed, or the size cannot be.",
				self->options.camera),
			(NULL));
	else
		GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ,
			("Cannot reach the mux: %s.",
				r == -EPERM ? "somebody else listens in its place"
					    : g_strerror(-r)),
			(NULL));
	return GST_FLOW_ERROR;
}

static GstFlowReturn cannot_negotiate(FramemuxSrc *self)
{
	if (GST_PAD_IS_FLUSHING(GST_BASE_SRC_PAD(self)))
		return GST_FLOW_FLUSHING;
	GST_ELEMENT_ERROR(self, CORE, NEGOTIATION,
		("What follows takes no picture of camera %s: put videoconvert between.",
			self->options.camera),
		(NULL));
	return GST_FLOW_NOT_NEGOTIATED;
}

static GstFlowReturn ask(FramemuxSrc *self)
{
	char *token = NULL;
	int r = 0;

	if (!self->has_wish && !settle_wish(self))
		return cannot_negotiate(self);
	if (!check_token(self, &token))
		return GST_FLOW_ERROR;
	g_mutex_lock(&self->lock);
	if (!self->is_flushing && !self->is_paused) {
		self->must_ask = false;
		r = session_open(&self->session, &self->options, token, &self->wish);
	}
	g_mutex_unlock(&self->lock);
	session_token_free(token);
	return r < 0 ? cannot_open(self, r) : GST_FLOW_OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* What waits in queues and sinks was permitted when it was made, and is not any more. */
static void flush_begin(FramemuxSrc *self)
{
	gst_pad_push_event(GST_BASE_SRC_PAD(self), gst_event_new_flush_start());
}

static void flush_end(FramemuxSrc *self)
{
	GstBaseSrc *base = GST_BASE_SRC(self);
	GstSegment segment;

	gst_pad_push_event(GST_BASE_SRC_PAD(base), gst_event_new_flush_stop(FALSE));
	GST_OBJECT_LOCK(self);
	segment = base->segment;
	GST_OBJECT_UNLOCK(self);
	gst_pad_push_event(GST_BASE_SRC_PAD(base), gst_event_new_segment(&segment));
}

static void flush_if_revoked(FramemuxSrc *self)
{
	gboolean does_flush;

	GST_OBJECT_LOCK(self);
	does_flush = self->flush_on_revoked;
	GST_OBJECT_UNLOCK(self);
	if (self->session.state == FRAMEMUX_STATE_REVOKED && self->has_pictures && does_flush &&
		!breakage("gst-no-flush")) {
		flush_begin(self);
		flush_end(self);
		self->has_pictures = false;
	}
}

static GstFlowReturn end(FramemuxSrc *self)
{
	enum framemux_state state = self->session.state; /* no other thread changes them */
	g_autofree char *reason = g_strdup(self->session.reason);
	gboolean is_error;

	flush_if_revoked(self);
	close_session(self);
	GST_OBJECT_LOCK(self);
	is_error = self->on_revoked == FRAMEMUXSRC_ERROR;
	GST_OBJECT_UNLOCK(self);
	if (state == FRAMEMUX_STATE_REVOKED && !is_error)
		return GST_FLOW_EOS;
	if (state == FRAMEMUX_STATE_CLOSED)
		GST_ELEMENT_ERROR(self, RESOURCE, READ, ("The mux is gone."), ("%s", reason));
	else
		GST_ELEMENT_ERROR(self, RESOURCE, NOT_AUTHORIZED,
			("Camera %s: %s: %s.", self->options.camera,
				state == FRAMEMUX_STATE_REVOKED ? "revoked" : "refused", reason),
			(NULL));
	return GST_FLOW_ERROR;
}

/* --- a frame becomes a buffer ----------------------------------------------------------------- */

static void set_time(FramemuxSrc *self, const struct framemux_frame *f, GstBuffer *buffer)
{
	GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
	GstClockTime running;
	bool grew;

	if (!clock)
		return;
	/* By age, not by the clock's own reading of CLOCK_MONOTONIC: it may be any clock. */
	running = gst_clock_get_time(clock) - gst_element_get_base_time(GST_ELEMENT(self));
	GST_OBJECT_LOCK(self);
	GST_BUFFER_PTS(buffer) =
		stamp_of(&self->stamp, f, running, gst_util_get_timestamp(), &grew);
	GST_OBJECT_UNLOCK(self);
	gst_object_unref(clock);
	if (grew)
		gst_element_post_message(
			GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

static void describe(FramemuxSrc *self, const struct hand *hand, GstBuffer *buffer)
{
	const struct framemux_frame *f = &hand->seen;

	set_time(self, f, buffer);
	GST_BUFFER_OFFSET(buffer) = f->seq;
	GST_BUFFER_OFFSET_END(buffer) = f->seq + 1;
	if (hand->serial != self->last_serial || f->generation != self->last_generation ||
		f->seq != self->last_seq + 1)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	if (f->flags & FRAMEMUX_FRAME_CONCEALED)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
	self->last_serial = hand->serial;
	self->last_generation = f->generation;
	self->last_seq = f->seq;
}

/* Gives the frame back. buffer NULL: it is not wanted. true: all that was copied was one whole frame. */
static bool copy_out(FramemuxSrc *self, const struct hand *hand, GstBuffer *buffer)
{
	struct session *s = &self->session;
	bool is_whole = false;

	g_mutex_lock(&self->lock);
	if (s->serial == hand->serial) {
		is_whole = buffer && copy_frame(hand->frame, &self->info, buffer) &&
			framemux_check(s->view, hand->frame) == 0;
		framemux_release(s->view, hand->frame);
		s->last_arrival_ns = hand->seen.arrival_ns;
		self->made_in = self->played;
	}
	g_mutex_unlock(&self->lock);
	return is_whole;
}

static GstFlowReturn alloc(FramemuxSrc *self, GstBuffer **ret)
{
	return GST_BASE_SRC_CLASS(framemuxsrc_parent_class)
		->alloc(GST_BASE_SRC(self), 0, (guint)GST_VIDEO_INFO_SIZE(&self->info), ret);
}

/* Once, for what was shown; behind a revocation nothing else is left downstream. */
static GstFlowReturn black_out(FramemuxSrc *self, GstBuffer **ret)
{
	const struct framemux_frame now = {.arrival_ns = gst_util_get_timestamp()};
	GstBuffer *buffer = NULL;
	GstFlowReturn flow;

	flush_if_revoked(self);
	self->is_lit = false;
	if (session_is_final(&self->session))
		self->has_pictures =
			false; /* what is left of them is asked for: flush-on-revoked=false */
	flow = alloc(self, &buffer);
	if (flow != GST_FLOW_OK)
		return flow;
	/* What is in a pool's buffer is the picture of before. */
	if (!breakage("gst-repeats-picture") && !copy_black(&self->info, buffer)) {
		gst_buffer_unref(buffer);
		return GST_FLOW_OK;
	}
	set_time(self, &now, buffer);
	GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	g_mutex_lock(&self->lock);
	self->made_in = self->played;
	g_mutex_unlock(&self->lock);
	*ret = buffer;
	return GST_FLOW_OK;
}

/* OK with a buffer; OK without: this frame is not to be shown. */
static GstFlowReturn take(FramemuxSrc *self, const struct hand *hand, GstBuffer **ret)
{
	GstBuffer *buffer = NULL;
	GstFlowReturn flow = GST_FLOW_OK;

	if (!settle_frame(self, &hand->seen))
		flow = cannot_negotiate(self);
	else if (!self->must_ask)
		flow = alloc(self, &buffer);
	if (!copy_out(self, hand, buffer)) {
		if (buffer) {
			copy_undo(buffer);
			gst_buffer_unref(buffer);
		}
		return flow;
	}
	describe(self, hand, buffer);
	self->is_lit = self->has_pictures = true;
	*ret = buffer;
	return GST_FLOW_OK;
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **ret)
{
	FramemuxSrc *self = FRAMEMUX_SRC(push);
	GstFlowReturn flow = GST_FLOW_OK;
	struct hand hand;

	*ret = NULL;
	while (flow == GST_FLOW_OK && !*ret) {
		switch (look(self, &hand)) {
		case NEXT_FLUSHED:
			return GST_FLOW_FLUSHING;
		case NEXT_WAIT:
			await(self, hand.fd);
			break;
		case NEXT_ASK:
			flow = ask(self);
			break;
		case NEXT_FRAME:
			flow = take(self, &hand, ret);
			break;
		case NEXT_BLACK:
			flow = black_out(self, ret);
			break;
		case NEXT_END:
			return end(self);
		}
	}
	return flow;
}

/* --- the base class's questions --------------------------------------------------------------- */

static gboolean start(GstBaseSrc *base)
{
	FramemuxSrc *self = FRAMEMUX_SRC(base);
	char *token = NULL;

	session_options_clear(&self->options);
	properties_take(self, &self->options);
	if (!self->options.camera || !*self->options.camera) {
		GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("Which camera? Set camera."), (NULL));
		return FALSE;
	}
	if (self->wake_fd < 0) {
		GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT, (NULL), ("no descriptor left"));
		return FALSE;
	}
	if (!check_token(self, &token))
		return FALSE;
	session_token_free(token);
	self->has_wish = self->has_offer = self->must_ask = false;
	self->must_settle = self->is_paused = true;
	self->is_flushing = self->is_flushed = self->is_ended = false;
	self->is_lit = self->has_pictures = false;
	self->last_serial = 0;
	GST_OBJECT_LOCK(self);
	stamp_begin(&self->stamp);
	GST_OBJECT_UNLOCK(self);
	return TRUE;
}

static gboolean stop(GstBaseSrc *base)
{
	FramemuxSrc *self = FRAMEMUX_SRC(base);

	close_session(self);
	session_options_clear(&self->options);
	return TRUE;
}

static gboolean unlock(GstBaseSrc *base)
{
	set_under_lock(FRAMEMUX_SRC(base), &FRAMEMUX_SRC(base)->is_flushing, true);
	return TRUE;
}

static gboolean unlock_stop(GstBaseSrc *base)
{
	set_under_lock(FRAMEMUX_SRC(base), &FRAMEMUX_SRC(base)->is_flushing, false);
	return TRUE;
}

static gboolean query(GstBaseSrc *base, GstQuery *q)
{
	FramemuxSrc *self = FRAMEMUX_SRC(base);
	GstClockTime latency;

	if (GST_QUERY_TYPE(q) != GST_QUERY_LATENCY)
		return GST_BASE_SRC_CLASS(framemuxsrc_parent_class)->query(base, q);
	GST_OBJECT_LOCK(self);
	latency = self->stamp.latency;
	GST_OBJECT_UNLOCK(self);
	/* No upper bound: whoever takes frames late gets newer ones, and nothing runs over. */
	gst_query_set_latency(q, TRUE, latency, GST_CLOCK_TIME_NONE);
	return TRUE;
}

static gboolean decide_allocation(GstBaseSrc *base, GstQuery *q)
{
	return settle_pool(base, q) &&
		GST_BASE_SRC_CLASS(framemuxsrc_parent_class)->decide_allocation(base, q);
}

/* --- the element ------------------------------------------------------------------------------ */

/*
 * A buffer that was made before a pause is held by the base class and would come after it, as old as the
 * pause is long. And whoever has seen the end of the stream is not to keep a lease.
 */
static GstPadProbeReturn on_passing(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
	FramemuxSrc *self = data;
	bool is_old;

	(void)pad;
	if (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
		if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS) {
			set_under_lock(self, &self->is_ended, true);
			close_session(self);
		}
		return GST_PAD_PROBE_OK;
	}
	g_mutex_lock(&self->lock);
	is_old = self->made_in != self->played && !breakage("gst-keeps-buffer");
	g_mutex_unlock(&self->lock);
	return is_old ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

/*
 * Without a lease no revocation is heard, so that nothing may wait downstream to be shown after the pause.
 * The flush ends with the pause: its end waits for whoever is in the midst of a push. What has ended is
 * left as it is: a file is written.
 */
static void begin_pause(FramemuxSrc *self)
{
	bool is_ended;

	set_under_lock(self, &self->is_paused, true);
	g_mutex_lock(&self->lock);
	self->played++;
	if (!breakage("gst-keeps-lease"))
		session_close(&self->session);
	is_ended = self->is_ended;
	g_mutex_unlock(&self->lock);
	self->is_flushed = !is_ended;
	if (self->is_flushed)
		flush_begin(self);
}

static void end_pause(FramemuxSrc *self)
{
	if (self->is_flushed)
		flush_end(self);
	self->is_flushed = false;
	set_under_lock(self, &self->is_paused, false);
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange transition)
{
	FramemuxSrc *self = FRAMEMUX_SRC(element);

	if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
		end_pause(self);
	if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
		begin_pause(self);
	return GST_ELEMENT_CLASS(framemuxsrc_parent_class)->change_state(element, transition);
}

static void finalize(GObject *object)
{
	FramemuxSrc *self = FRAMEMUX_SRC(object);

	session_clear(&self->session);
	session_options_clear(&self->options);
	session_options_clear(&self->set);
	if (self->wake_fd >= 0)
		close(self->wake_fd);
	g_mutex_clear(&self->lock);
	G_OBJECT_CLASS(framemuxsrc_parent_class)->finalize(object);
}

static void framemuxsrc_class_init(FramemuxSrcClass *class)
{
	GstElementClass *element = GST_ELEMENT_CLASS(class);
	GstBaseSrcClass *base = GST_BASE_SRC_CLASS(class);

	GST_DEBUG_CATEGORY_INIT(framemuxsrc_debug, "framemuxsrc", 0, "camera of a framemux");
	G_OBJECT_CLASS(class)->finalize = finalize;
	properties_install(G_OBJECT_CLASS(class));
	element->change_state = change_state;
	gst_element_class_add_static_pad_template(element, &template);
	gst_element_class_set_static_metadata(element, "framemux camera", "Source/Video",
		"Verified frames of a camera from a framemux", "the framemux authors");
	base->start = start;
	base->stop = stop;
	base->unlock = unlock;
	base->unlock_stop = unlock_stop;
	base->query = query;
	base->negotiate = settle_negotiate;
	base->decide_allocation = decide_allocation;
	GST_PUSH_SRC_CLASS(class)->create = create;
}

static void framemuxsrc_init(FramemuxSrc *self)
{
	GstBaseSrc *base = GST_BASE_SRC(self);

	g_mutex_init(&self->lock);
	session_init(&self->session, GST_ELEMENT(self));
	self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	properties_init(self);
	stamp_begin(&self->stamp);
	gst_base_src_set_live(base, TRUE);
	gst_base_src_set_format(base, GST_FORMAT_TIME);
	gst_pad_add_probe(GST_BASE_SRC_PAD(base),
		GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_passing, self,
		NULL);
}
