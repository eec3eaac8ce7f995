/* One JSON line a frame, with jansson. In framemux-dump's process. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "clients/dump/format.h"

static const char *encoding_name(uint32_t encoding)
{
	switch (encoding) {
	case 0:
		return "BT.601";
	case 1:
		return "BT.709";
	case 2:
		return "BT.2020";
	default:
		return "unknown";
	}
}

static json_t *strides(const struct framemux_frame *f)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < f->planes && i < SHOT_PLANES; i++)
		json_array_append_new(list, json_integer(f->stride[i]));
	return list;
}

static json_t *time_of(uint64_t ns)
{
	return json_integer((json_int_t)ns);
}

int meta_write(FILE *f, const struct shot *s, const char *camera, bool verify_full)
{
	const struct framemux_frame *fr = &s->frame;
	const char fourcc[5] = {(char)fr->fourcc, (char)(fr->fourcc >> 8), (char)(fr->fourcc >> 16),
		(char)(fr->fourcc >> 24), 0};
	char lease[17];
	json_t *o = json_object();
	int r;

	snprintf(lease, sizeof(lease), "%016" PRIx64, s->lease);
	json_object_set_new(o, "camera", json_string(camera));
	json_object_set_new(o, "lease", json_string(lease));
	json_object_set_new(o, "generation", time_of(fr->generation));
	json_object_set_new(o, "seq", time_of(fr->seq));
	json_object_set_new(o, "capture_ns", time_of(fr->capture_ns));
	json_object_set_new(o, "arrival_ns", time_of(fr->arrival_ns));
	json_object_set_new(o, "publish_ns", time_of(fr->publish_ns));
	json_object_set_new(o, "acquire_ns", time_of(s->acquire_ns));
	json_object_set_new(o, "width", json_integer(fr->width));
	json_object_set_new(o, "height", json_integer(fr->height));
	json_object_set_new(o, "fourcc", json_string(fourcc));
	json_object_set_new(o, "stride", strides(fr));
	json_object_set_new(o, "color_encoding", json_string(encoding_name(fr->color_encoding)));
	json_object_set_new(
		o, "color_range", json_string(fr->color_range == 1 ? "full" : "limited"));
	json_object_set_new(o, "sar", json_sprintf("%u:%u", fr->sar_num, fr->sar_den));
	json_object_set_new(o, "flags", json_integer(fr->flags));
	json_object_set_new(o, "verified", json_string(verify_full ? "full" : "sampled"));
	r = json_dumpf(o, f, JSON_COMPACT) < 0 || fputc('\n', f) == EOF || fflush(f) ? -EIO : 0;
	json_decref(o);
	return r;
}
