/*
 * Copies. The ring's own memory is never handed on: buffers live as long as anybody downstream likes, in
 * queues, encoders, "last-sample" of a sink, while a ring is erased and its slots are reused; whoever
 * held it would see another picture, or none, and no check would tell. In the application's process.
 */
#include "clients/gst/copy.h"

#include <string.h>

static void copy_plane(const struct framemux_frame *f, unsigned i, GstVideoFrame *out)
{
	/* Of both the first component of a plane says how wide and high it is. */
	static const unsigned component[] = {0, 1, 2};
	unsigned c = component[i];
	size_t row_bytes = (size_t)GST_VIDEO_FRAME_COMP_WIDTH(out, c) *
		(size_t)GST_VIDEO_FRAME_COMP_PSTRIDE(out, c);
	unsigned rows = (unsigned)GST_VIDEO_FRAME_COMP_HEIGHT(out, c);
	uint8_t *to = GST_VIDEO_FRAME_PLANE_DATA(out, i);
	const uint8_t *from = f->plane[i];

	if (row_bytes > f->stride[i])
		row_bytes = f->stride[i];
	for (unsigned y = 0; y < rows; y++)
		memcpy(to + (ptrdiff_t)y * GST_VIDEO_FRAME_PLANE_STRIDE(out, i),
			from + (size_t)y * f->stride[i], row_bytes);
}

bool copy_frame(const struct framemux_frame *f, const GstVideoInfo *info, GstBuffer *buffer)
{
	GstVideoFrame out;

	if (f->planes != GST_VIDEO_INFO_N_PLANES(info) || f->planes > 3 ||
		f->width != (uint32_t)GST_VIDEO_INFO_WIDTH(info) ||
		f->height != (uint32_t)GST_VIDEO_INFO_HEIGHT(info))
		return false;
	if (!gst_video_frame_map(&out, info, buffer, GST_MAP_WRITE))
		return false;
	for (unsigned i = 0; i < f->planes; i++)
		copy_plane(f, i, &out);
	gst_video_frame_unmap(&out);
	return true;
}

void copy_undo(GstBuffer *buffer)
{
	gst_buffer_memset(buffer, 0, 0, gst_buffer_get_size(buffer));
}
