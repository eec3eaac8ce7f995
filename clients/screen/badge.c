/* Draws text for people, with Pango. In the process of whoever shows it. */
#include "clients/screen/badge.h"

#include <errno.h>
#include <pango/pangocairo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FONT        "Sans"
#define SMALLER     0.8
#define GROUND      0.6 /* how much of what is below is hidden */
#define TEXT_MIN    8u
#define TEXT_MAX    128u
#define SIDE_MAX    8192u
#define LETTERS     400u /* more is nothing that is read on a screen */
#define REASON_ROWS 3

/* Valid UTF-8 of at most LETTERS letters, each printable. g_free it. */
static char *printable(const char *text)
{
	char *s = g_utf8_make_valid(text, -1), *end;
	GString *out = g_string_new(NULL);
	unsigned n = 0;

	for (end = s; *end && n < LETTERS; end = g_utf8_next_char(end), n++) {
		gunichar c = g_utf8_get_char(end);

		/* Control characters, and those that turn the direction of what follows. */
		g_string_append_unichar(out,
			g_unichar_isgraph(c) && g_unichar_type(c) != G_UNICODE_FORMAT ? c : ' ');
	}
	g_free(s);
	return g_string_free(out, FALSE);
}

static PangoLayout *layout_new(PangoContext *context, double px, bool is_bold)
{
	PangoFontDescription *font = pango_font_description_from_string(FONT);
	PangoLayout *l = pango_layout_new(context);

	pango_font_description_set_absolute_size(font, px * PANGO_SCALE);
	if (is_bold)
		pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
	pango_layout_set_font_description(l, font);
	pango_layout_set_single_paragraph_mode(l, TRUE);
	pango_font_description_free(font);
	return l;
}

/* The name and the words in one line. */
static PangoLayout *title_new(
	PangoContext *context, const char *name, const char *words, uint32_t px, int width)
{
	PangoLayout *l = layout_new(context, px, false);
	char *n = printable(name), *w = printable(words);
	char *text = g_strconcat(n, *n && *w ? "  " : "", w, NULL);
	PangoAttrList *attributes = pango_attr_list_new();
	PangoAttribute *bold = pango_attr_weight_new(PANGO_WEIGHT_BOLD);

	bold->start_index = 0;
	bold->end_index = (guint)strlen(n);
	pango_attr_list_insert(attributes, bold);
	pango_layout_set_text(l, text, -1);
	pango_layout_set_attributes(l, attributes);
	pango_attr_list_unref(attributes);
	pango_layout_set_width(l, width * PANGO_SCALE);
	pango_layout_set_ellipsize(l, PANGO_ELLIPSIZE_END);
	g_free(text);
	g_free(n);
	g_free(w);
	return l;
}

static PangoLayout *reason_new(PangoContext *context, const char *reason, uint32_t px, int width)
{
	PangoLayout *l = layout_new(context, px * SMALLER, false);
	char *text = printable(reason);

	pango_layout_set_text(l, text, -1);
	pango_layout_set_width(l, width * PANGO_SCALE);
	pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_height(l, -REASON_ROWS);
	pango_layout_set_ellipsize(l, PANGO_ELLIPSIZE_END);
	g_free(text);
	return l;
}

/* Grow the size of the text, without margin, by a layout below what is there. */
static void extend(PangoLayout *l, int *width, int *height)
{
	PangoRectangle ink;
	int w, h;

	pango_layout_get_pixel_extents(l, NULL, &ink);
	w = ink.x + ink.width;
	h = ink.height;
	*width = w > *width ? w : *width;
	*height += h;
}

static int paint(struct badge *b, PangoLayout *title, PangoLayout *reason, int margin)
{
	cairo_surface_t *surface = cairo_image_surface_create_for_data((unsigned char *)b->pixels,
		CAIRO_FORMAT_ARGB32, (int)b->width, (int)b->height, (int)b->stride);
	cairo_t *c = cairo_create(surface);
	int below = 0, width = 0, rc;

	cairo_set_source_rgba(c, 0, 0, 0, GROUND);
	cairo_paint(c);
	cairo_set_source_rgb(c, 1, 1, 1);
	cairo_move_to(c, margin, margin);
	pango_cairo_show_layout(c, title);
	if (reason) {
		extend(title, &width, &below);
		cairo_move_to(c, margin, margin + below);
		pango_cairo_show_layout(c, reason);
	}
	cairo_surface_flush(surface);
	rc = cairo_status(c) == CAIRO_STATUS_SUCCESS ? 0 : -ENOMEM;
	cairo_destroy(c);
	cairo_surface_destroy(surface);
	return rc;
}

int badge_draw(const char *name, const char *words, const char *reason, uint32_t max_width,
	uint32_t text_px, struct badge *ret)
{
	int margin = (int)text_px / 3, width = 0, height = 0, rc = -ENOMEM;
	int inner = (int)max_width - 2 * margin;
	PangoLayout *title, *below = NULL;
	PangoContext *context;

	badge_free(ret);
	if (text_px < TEXT_MIN || text_px > TEXT_MAX || max_width > SIDE_MAX || inner < 1)
		return -EINVAL;
	context = pango_font_map_create_context(pango_cairo_font_map_get_default());
	title = title_new(context, name, words, text_px, inner);
	extend(title, &width, &height);
	if (reason && *reason && strcmp(reason, words)) {
		below = reason_new(context, reason, text_px, inner);
		extend(below, &width, &height);
	}
	ret->width = (uint32_t)((width > inner ? inner : width) + 2 * margin);
	ret->height = (uint32_t)(height + 2 * margin);
	ret->stride = ret->width * 4;
	ret->pixels = calloc(ret->height, ret->stride);
	if (ret->pixels)
		rc = paint(ret, title, below, margin);
	if (rc < 0)
		badge_free(ret);
	g_object_unref(title);
	if (below)
		g_object_unref(below);
	g_object_unref(context);
	return rc;
}

static uint32_t over(uint32_t above, uint32_t below)
{
	uint32_t hidden = above >> 24, v = 0xff;

	for (int shift = 16; shift >= 0; shift -= 8) {
		uint32_t a = above >> shift & 0xff, b = below >> shift & 0xff;
		uint32_t sum = a + (b * (255 - hidden) + 127) / 255;

		v = v << 8 | (sum > 255 ? 255 : sum);
	}
	return v;
}

void badge_blend(const struct badge *b, uint32_t *xrgb, uint32_t width, uint32_t height,
	uint32_t stride, int32_t x, int32_t y)
{
	for (uint32_t row = 0; b->pixels && row < b->height; row++) {
		int64_t to_y = (int64_t)y + row;
		const uint32_t *from = b->pixels + (size_t)row * (b->stride / 4);
		uint32_t *to;

		if (to_y < 0 || to_y >= height)
			continue;
		to = xrgb + (size_t)to_y * (stride / 4);
		for (uint32_t column = 0; column < b->width; column++) {
			int64_t to_x = (int64_t)x + column;

			if (to_x >= 0 && to_x < width)
				to[to_x] = over(from[column], to[to_x]);
		}
	}
}

void badge_free(struct badge *b)
{
	free(b->pixels);
	*b = (struct badge){0};
}
