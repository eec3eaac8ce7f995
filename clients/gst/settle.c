/*
 * Caps. A camera's own size is known with its first frame only, so caps are settled with that frame and
 * with each that looks otherwise. Downstream may fix a size, which is asked for at once, or permit a range
 * without the camera's own size, which shows when the frame has come. In the streaming thread.
 */
#include "clients/gst/settle.h"

#define POOL_MIN 2

/* Everything that downstream takes of what the mux can give; owned by the caller. */
static GstCaps *allowed_caps(GstBaseSrc *base)
{
	GstCaps *ours = gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(base));
	GstCaps *allowed = gst_pad_peer_query_caps(GST_BASE_SRC_PAD(base), ours);

	gst_caps_unref(ours);
	return allowed;
}

bool settle_wish(FramemuxSrc *self)
{
	GstCaps *allowed = allowed_caps(GST_BASE_SRC(self));

	self->has_wish = wish_from_caps(allowed, NULL, &self->wish);
	gst_clear_caps(&allowed);
	return self->has_wish;
}

static bool use_caps(FramemuxSrc *self, GstCaps *caps, const GstVideoInfo *info)
{
	if (!gst_base_src_set_caps(GST_BASE_SRC(self), caps))
		return false;
	self->info = *info;
	self->must_settle = false;
	return true;
}

/* The frame does not fit; whatever is asked for now is described by one that does. */
static bool wish_anew(FramemuxSrc *self, const GstCaps *allowed)
{
	struct wish want;

	if (!wish_from_caps(allowed, &self->offer, &want) || wish_equal(&want, &self->wish))
		return false;
	self->wish = want;
	self->must_ask = true;
	return true;
}

gboolean settle_negotiate(GstBaseSrc *base)
{
	FramemuxSrc *self = FRAMEMUX_SRC(base);
	GstCaps *allowed, *caps;
	GstVideoInfo info;
	bool is_settled;

	if (!self->has_offer) { /* what downstream wants is looked at with the next frame */
		self->must_settle = true;
		return TRUE;
	}
	if (!wish_info(&self->wish, &self->offer, &info))
		return FALSE;
	allowed = allowed_caps(base);
	caps = gst_video_info_to_caps(&info);
	if (allowed && gst_caps_can_intersect(caps, allowed))
		is_settled = use_caps(self, caps, &info);
	else
		is_settled = wish_anew(self, allowed);
	gst_caps_unref(caps);
	gst_clear_caps(&allowed);
	return is_settled;
}

bool settle_frame(FramemuxSrc *self, const struct framemux_frame *f)
{
	GstVideoInfo info;
	bool is_settled;

	if (!wish_info(&self->wish, f, &info))
		return false;
	if (!self->must_settle && gst_video_info_is_equal(&info, &self->info))
		return true;
	self->offer = *f;
	self->has_offer = true;
	is_settled = gst_base_src_negotiate(GST_BASE_SRC(self));
	self->has_offer = false;
	return is_settled;
}

bool settle_pool(GstBaseSrc *base, GstQuery *query)
{
	FramemuxSrc *self = FRAMEMUX_SRC(base);
	GstBufferPool *pool = NULL;
	guint size = 0, min = 0, max = 0;
	bool is_theirs = gst_query_get_n_allocation_pools(query) > 0;
	GstCaps *caps = NULL;

	gst_query_parse_allocation(query, &caps, NULL);
	if (!caps || self->must_settle || self->must_ask)
		return true; /* no caps in force: nothing is made before there are */
	if (is_theirs)
		gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &min, &max);
	if (!pool)
		pool = gst_video_buffer_pool_new();
	if (size < GST_VIDEO_INFO_SIZE(&self->info))
		size = (guint)GST_VIDEO_INFO_SIZE(&self->info);
	if (min < POOL_MIN)
		min = POOL_MIN;
	if (max && max < min)
		max = min;
	if (gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL)) {
		GstStructure *config = gst_buffer_pool_get_config(pool);

		gst_buffer_pool_config_set_params(config, caps, size, min, max);
		gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
		(void)gst_buffer_pool_set_config(pool, config);
	}
	if (is_theirs)
		gst_query_set_nth_allocation_pool(query, 0, pool, size, min, max);
	else
		gst_query_add_allocation_pool(query, pool, size, min, max);
	gst_object_unref(pool);
	return true;
}
