/* Writes png with libpng. In framemux-dump and framemuxctl. */
#include "clients/picture/png.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#define COMPRESSION 3 /* of 9: a live camera does not wait for the last per cent */

/* libpng's own would print; the caller says what went wrong. */
static void on_error(png_structp png, png_const_charp text)
{
	(void)text;
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

/* All that lives across the jump is in the arguments, so that no local is clobbered. */
static int write_rows(png_structp png, png_infop info, const struct shot *s, uint8_t *row, FILE *f)
{
	if (setjmp(png_jmpbuf(png)))
		return ferror(f) ? -EIO : -ENOMEM;
	png_init_io(png, f);
	png_set_compression_level(png, COMPRESSION);
	png_set_filter(png, 0, PNG_FILTER_SUB);
	png_set_user_limits(png, s->frame.width, s->frame.height);
	png_set_IHDR(png, info, s->frame.width, s->frame.height, 8, PNG_COLOR_TYPE_RGB,
		PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	if (s->frame.sar_num != s->frame.sar_den)
		png_set_pHYs(png, info, s->frame.sar_den, s->frame.sar_num, PNG_RESOLUTION_UNKNOWN);
	png_write_info(png, info);
	for (uint32_t y = 0; y < s->frame.height; y++) {
		shot_rgb_row(s->plane[0] + (size_t)y * s->row_bytes[0], s->frame.width, row);
		png_write_row(png, row);
	}
	png_write_end(png, NULL);
	return ferror(f) ? -EIO : 0;
}

int picture_png(FILE *f, const struct shot *s)
{
	png_structp png =
		png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	uint8_t *row = malloc((size_t)s->frame.width * 3);
	int r = -ENOMEM;

	if (info && row)
		r = write_rows(png, info, s, row, f);
	png_destroy_write_struct(&png, &info);
	free(row);
	return r;
}
