/* Geometry and times of an attach. Owns nothing; runs in the broker. */
#include "mux/broker/plan.h"

#include <errno.h>
#include <string.h>

#include "common/stale.h"

#define COLOR_ENCODING_MAX 2u /* DRM plane property: BT.601, BT.709, BT.2020 */
#define COLOR_RANGE_MAX    1u /* limited, full */
#define SAR_MAX            65535u
#define STALE_WAVER        4u /* a limit that differs by less than 1/4 is the same */

bool format_is_sane(const struct msg_format *f)
{
	if (f->width == 0 || f->height == 0 || f->width > LIMIT_SIDE || f->height > LIMIT_SIDE ||
		(uint64_t)f->width * f->height > LIMIT_PIXELS)
		return false;
	if (f->sar_num == 0 || f->sar_den == 0 || f->sar_num > SAR_MAX || f->sar_den > SAR_MAX)
		return false;
	return f->color_encoding <= COLOR_ENCODING_MAX && f->color_range <= COLOR_RANGE_MAX &&
		f->fps_milli <= LIMIT_FPS * 1000u;
}

int plan_ring_bytes(
	uint32_t fourcc, uint32_t width, uint32_t height, uint32_t slots, uint64_t *ret_bytes)
{
	struct picture p;

	if (slots < LIMIT_SLOTS_MIN || slots > LIMIT_SLOTS_MAX ||
		picture_layout(fourcc, width, height, &p) < 0)
		return -EINVAL;
	*ret_bytes = p.slot_bytes * slots; /* at most 2^28 times 2^4 */
	return 0;
}

/* Of a lease: the camera's, or longer when the client wants few frames. */
static uint64_t stale_limit(uint32_t fps, uint32_t fps_milli, uint64_t stale_after_ns)
{
	uint64_t camera = stale_limit_ns(stale_after_ns, fps_milli);
	uint64_t lease = fps ? STALE_INTERVALS * NS_PER_S / fps : 0;

	return lease > camera ? lease : camera;
}

int plan_make(const struct terms *t, const struct msg_format *f, uint64_t stale_after_ns,
	struct plan *ret)
{
	struct plan p = {
		.slots = t->slots,
		.fps = t->fps,
		.tag_mode = t->tag_mode,
		.color_encoding = f->color_encoding,
		.color_range = f->color_range,
		.sar_num = f->sar_num,
		.sar_den = f->sar_den,
		.stale_ns = stale_limit(t->fps, f->fps_milli, stale_after_ns),
	};
	uint32_t width = t->width, height = t->height;

	if (width == 0)
		picture_fit(f->width, f->height, t->max_width, t->max_height, &width, &height);
	/* Fitting rounds a side up to 2 at the least: a limit below that permits no picture. */
	if ((t->max_width && width > t->max_width) || (t->max_height && height > t->max_height))
		return -EINVAL;
	if (picture_layout(t->fourcc, width, height, &p.picture) < 0)
		return -EINVAL;
	if (plan_ring_bytes(t->fourcc, width, height, t->slots, &p.ring_bytes) < 0)
		return -EINVAL;
	*ret = p;
	return 0;
}

/* A measured rate wavers; a lease need not lose its ring for that. */
static bool is_about(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= a / STALE_WAVER;
}

bool plan_is_kept(const struct plan *a, const struct plan *b)
{
	return is_about(a->stale_ns, b->stale_ns) && a->picture.width == b->picture.width &&
		a->picture.height == b->picture.height && a->picture.fourcc == b->picture.fourcc &&
		a->slots == b->slots && a->color_encoding == b->color_encoding &&
		a->color_range == b->color_range && a->sar_num == b->sar_num &&
		a->sar_den == b->sar_den;
}
