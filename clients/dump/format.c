/*
 * Writes ppm (netpbm's P6), y4m (YUV4MPEG2, mjpegtools' yuv4mpeg(5)) and raw planes. In
 * framemux-dump's process.
 */
#include "clients/dump/format.h"

#include <errno.h>
#include <stdlib.h>

static int put(FILE *f, const void *data, size_t bytes)
{
	return fwrite(data, 1, bytes, f) == bytes ? 0 : -EIO;
}

int ppm_write(FILE *f, const struct shot *s)
{
	uint32_t width = s->frame.width, height = s->frame.height;
	uint8_t *row = malloc((size_t)width * 3);
	int r = 0;

	if (!row)
		return -ENOMEM;
	if (fprintf(f, "P6\n%u %u\n255\n", width, height) < 0)
		r = -EIO;
	for (uint32_t y = 0; y < height && r == 0; y++) {
		shot_rgb_row(s->plane[0] + (size_t)y * s->row_bytes[0], width, row);
		r = put(f, row, (size_t)width * 3);
	}
	free(row);
	return r;
}

/*
 * Chroma stands between the luma rows in both; where in a row differs by convention with the range:
 * JPEG's full range has it in the middle, video's limited range at the left.
 */
int y4m_write(FILE *f, const struct shot *s, uint32_t fps, bool is_first)
{
	bool is_full = s->frame.color_range == 1;

	if (is_first &&
		fprintf(f, "YUV4MPEG2 W%u H%u F%u:%u Ip A%u:%u %s\n", s->frame.width,
			s->frame.height, fps, fps ? 1u : 0u, s->frame.sar_num, s->frame.sar_den,
			is_full ? "C420jpeg XYSCSS=420JPEG XCOLORRANGE=FULL"
				: "C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED") < 0)
		return -EIO;
	if (fputs("FRAME\n", f) < 0)
		return -EIO;
	return raw_write(f, s);
}

int raw_write(FILE *f, const struct shot *s)
{
	return put(f, s->data, s->bytes);
}
