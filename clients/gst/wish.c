/* Caps to wishes and frames to caps. In the application's process. */
#include "clients/gst/wish.h"

#include <drm_fourcc.h>

#define FPS_MAX 1000

static const struct {
	GstVideoFormat format;
	uint32_t fourcc;
} formats[] = {
	{GST_VIDEO_FORMAT_NV12, DRM_FORMAT_NV12},
	{GST_VIDEO_FORMAT_I420, DRM_FORMAT_YUV420},
	{GST_VIDEO_FORMAT_BGRx, DRM_FORMAT_XRGB8888}, /* DRM names a word, GStreamer its bytes */
	{GST_VIDEO_FORMAT_RGB16, DRM_FORMAT_RGB565},
};

uint32_t wish_fourcc(const struct wish *w)
{
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (formats[i].format == w->format)
			return formats[i].fourcc;
	return 0;
}

uint32_t wish_fps(const struct wish *w)
{
	return (uint32_t)((w->rate_num + w->rate_den - 1) / w->rate_den);
}

bool wish_equal(const struct wish *a, const struct wish *b)
{
	return a->format == b->format && a->width == b->width && a->height == b->height &&
		a->rate_num == b->rate_num && a->rate_den == b->rate_den &&
		a->is_variable == b->is_variable;
}

static bool take_format(GstStructure *s, struct wish *w)
{
	if (!gst_structure_has_field(s, "format"))
		gst_structure_set(s, "format", G_TYPE_STRING, "NV12", NULL);
	gst_structure_fixate_field(s, "format"); /* the first: whose order it is has decided */
	w->format = gst_video_format_from_string(gst_structure_get_string(s, "format"));
	return wish_fourcc(w) != 0;
}

/* A rate between bounds is asked for as high as it may be; the mux sends what the camera has. */
static bool take_rate(GstStructure *s, struct wish *w)
{
	GstStructure *variable;

	w->rate_num = 0;
	w->rate_den = 1;
	w->is_variable = true;
	if (!gst_structure_has_field(s, "framerate"))
		return true;
	variable = gst_structure_copy(s);
	gst_structure_fixate_field_nearest_fraction(variable, "framerate", 0, 1);
	(void)gst_structure_get_fraction(variable, "framerate", &w->rate_num, &w->rate_den);
	gst_structure_free(variable);
	if (w->rate_num == 0) { /* whoever takes any may still name a limit */
		(void)gst_structure_get_fraction(s, "max-framerate", &w->rate_num, &w->rate_den);
		return w->rate_num >= 0 && w->rate_den > 0 && wish_fps(w) <= FPS_MAX;
	}
	w->is_variable = false;
	gst_structure_fixate_field_nearest_fraction(s, "framerate", FPS_MAX, 1);
	return gst_structure_get_fraction(s, "framerate", &w->rate_num, &w->rate_den) &&
		w->rate_num > 0 && w->rate_den > 0 && wish_fps(w) <= FPS_MAX;
}

/* Leaves the structure alone: another side may want it otherwise. */
static int nearest(const GstStructure *s, const char *side, uint64_t target)
{
	GstStructure *copy;
	int v = (int)MIN(target, (uint64_t)G_MAXINT);

	if (!gst_structure_has_field(s, side))
		return v;
	copy = gst_structure_copy(s);
	gst_structure_fixate_field_nearest_int(copy, side, v);
	(void)gst_structure_get_int(copy, side, &v);
	gst_structure_free(copy);
	return v;
}

static void take_size(const GstStructure *s, const struct framemux_frame *own, struct wish *w)
{
	int width = 0, height = 0;

	w->width = w->height = 0;
	if (!gst_structure_get_int(s, "width", &width) ||
		!gst_structure_get_int(s, "height", &height)) {
		if (!own)
			return;
		/* Whichever side has less room, the other follows in the picture's shape. */
		width = nearest(s, "width", own->width);
		height = nearest(s, "height", (uint64_t)own->height * (uint64_t)width / own->width);
		width = nearest(s, "width", (uint64_t)own->width * (uint64_t)height / own->height);
		if ((uint32_t)width == own->width && (uint32_t)height == own->height)
			return;
	}
	w->width = (uint32_t)width;
	w->height = (uint32_t)height;
}

bool wish_from_caps(const GstCaps *allowed, const struct framemux_frame *own, struct wish *ret)
{
	struct wish w = {0};
	GstStructure *s;
	bool is_good;

	if (!allowed || gst_caps_is_empty(allowed) || gst_caps_is_any(allowed))
		return false;
	s = gst_structure_copy(gst_caps_get_structure(allowed, 0));
	is_good = take_format(s, &w) && take_rate(s, &w);
	if (is_good)
		take_size(s, own, &w);
	gst_structure_free(s);
	if (is_good)
		*ret = w;
	return is_good;
}

/* Primaries and transfer are not known; what goes with the matrix by convention is said of them. */
static void set_colour(const struct framemux_frame *f, GstVideoInfo *info)
{
	static const GstVideoColorimetry known[] = {
		{0, GST_VIDEO_COLOR_MATRIX_BT601, GST_VIDEO_TRANSFER_BT601,
			GST_VIDEO_COLOR_PRIMARIES_SMPTE170M},
		{0, GST_VIDEO_COLOR_MATRIX_BT709, GST_VIDEO_TRANSFER_BT709,
			GST_VIDEO_COLOR_PRIMARIES_BT709},
		{0, GST_VIDEO_COLOR_MATRIX_BT2020, GST_VIDEO_TRANSFER_BT2020_10,
			GST_VIDEO_COLOR_PRIMARIES_BT2020},
	};

	if (!GST_VIDEO_INFO_IS_YUV(info) || f->color_encoding >= G_N_ELEMENTS(known))
		return; /* RGB as it comes is GStreamer's own idea of it */
	info->colorimetry = known[f->color_encoding];
	info->colorimetry.range =
		f->color_range == 1 ? GST_VIDEO_COLOR_RANGE_0_255 : GST_VIDEO_COLOR_RANGE_16_235;
}

bool wish_info(const struct wish *w, const struct framemux_frame *f, GstVideoInfo *ret)
{
	GstVideoInfo info;

	if (f->fourcc != wish_fourcc(w) ||
		!gst_video_info_set_format(&info, w->format, f->width, f->height))
		return false;
	if (f->planes != GST_VIDEO_INFO_N_PLANES(&info))
		return false;
	set_colour(f, &info);
	info.fps_n = w->rate_num;
	info.fps_d = w->rate_den;
	if (w->is_variable)
		info.flags |= GST_VIDEO_FLAG_VARIABLE_FPS;
	if (f->sar_num && f->sar_den) {
		info.par_n = (int)f->sar_num;
		info.par_d = (int)f->sar_den;
	}
	*ret = info;
	return true;
}
