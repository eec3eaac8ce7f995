/* Text for people as pixels: a camera's name, its state in words, the reason. With Pango and cairo. */
#ifndef FRAMEMUX_SCREEN_BADGE_H
#define FRAMEMUX_SCREEN_BADGE_H

#include <stddef.h>
#include <stdint.h>

/* DRM_FORMAT_ARGB8888, premultiplied; stride in bytes. */
struct badge {
	uint32_t width, height, stride;
	uint32_t *pixels; /* owned; NULL: nothing to draw */
};

/*
 * White text on a half transparent ground with a margin: the name in bold and the words in one line, the
 * reason, if it says more than the words, smaller below it, in as many lines as it needs; what is wider than max_width
 * pixels ends in an ellipsis or the next line. text_px: height of the font, 8 to 128. Any bytes are fine
 * as text: what is no UTF-8 or not printable is replaced. Overwrites *ret, after freeing what it held.
 * 0; -EINVAL for a size that cannot be; -ENOMEM.
 */
int badge_draw(const char *name, const char *words, const char *reason, uint32_t max_width,
	uint32_t text_px, struct badge *ret);

/*
 * Blend it over XRGB8888 pixels, at x, y; what lies outside is left out. stride in bytes. The X byte
 * becomes 0xff, as some renderers take it for alpha.
 */
void badge_blend(const struct badge *b, uint32_t *xrgb, uint32_t width, uint32_t height,
	uint32_t stride, int32_t x, int32_t y);

void badge_free(struct badge *b);

#endif
