/* Reads pictures. In the checking clients' processes. */
#include "clients/ctl/check/check_look.h"

#include <string.h>

#include "common/pattern.h"

#define MANY 8u /* blocks that agree by chance: never so many, with 16 bits each */

uint16_t look_place(uint32_t bx, uint32_t by)
{
	uint32_t v = bx * 0x9e3779b1u + by * 0x85ebca77u;

	v ^= v >> 15;
	v *= 0x2c1b3c6du;
	return (uint16_t)(v >> 13);
}

static unsigned camera_bits(const struct board_camera *c)
{
	return pattern_camera_bits(pattern_code(c->name, 0));
}

static void count_block(struct look *l, unsigned own, int code)
{
	l->blocks++;
	if (code < 0)
		l->unreadable++;
	else if (pattern_camera_bits((uint16_t)code) != own)
		l->strangers++;
	else if (l->number < 0)
		l->number = (int)pattern_frame_bits((uint16_t)code);
	else if (l->number != (int)pattern_frame_bits((uint16_t)code))
		l->torn++;
}

/* Blocks of another camera that agree with many others; codes: how often each was read. */
static uint64_t agreeing(
	const struct board *b, const struct board_camera *own, const uint16_t codes[UINT16_MAX + 1])
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < b->n_cameras; i++) {
		unsigned first = camera_bits(&b->cameras[i]) << 10;

		for (unsigned k = first; &b->cameras[i] != own && k < first + BOARD_NUMBERS; k++)
			if (codes[k] >= MANY)
				n += codes[k];
	}
	return n;
}

/* The camera whose picture has this size, at scale 1 or 2: own, if it may be, else a stranger; or NULL. */
static const struct board_camera *camera_of_size(const struct board *b,
	const struct board_camera *own, uint32_t width, uint32_t height, uint32_t *ret_scale)
{
	for (uint32_t i = 0; i <= b->n_cameras; i++) {
		const struct board_camera *c = i ? &b->cameras[i - 1] : own;

		for (*ret_scale = 1; *ret_scale <= 2; ++*ret_scale)
			if (width == c->width / *ret_scale && height == c->height / *ret_scale)
				return c;
	}
	return NULL;
}

struct look look_at(const struct board *b, const struct board_camera *c, const uint8_t *luma,
	uint32_t stride, uint32_t width, uint32_t height, bool is_damaged)
{
	static uint16_t codes[UINT16_MAX + 1];
	uint32_t scale;
	const struct board_camera *shape = camera_of_size(b, c, width, height, &scale);
	const struct board_camera *grid = shape ? shape : c;
	unsigned own = camera_bits(c);
	struct look l = {.number = -1};

	if (is_damaged)
		memset(codes, 0, sizeof(codes));
	for (uint32_t by = 0; by < grid->height / PATTERN_BLOCK; by++)
		for (uint32_t bx = 0; bx < grid->width / PATTERN_BLOCK; bx++) {
			int code = shape ? pattern_read(luma, stride, scale, bx, by) : -1;

			if (code >= 0 && !grid->is_exact)
				code ^= look_place(bx, by);
			if (code >= 0)
				codes[code]++;
			count_block(&l, own, code);
		}
	if (is_damaged) {
		l.strangers = agreeing(b, c, codes);
		l.torn = l.unreadable = 0;
		l.number = -1;
	}
	return l;
}
