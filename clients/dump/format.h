/* The picture formats that framemux-dump writes. Each writes one shot; errors are the stream's. */
#ifndef FRAMEMUX_DUMP_FORMAT_H
#define FRAMEMUX_DUMP_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "clients/dump/shot.h"

/* 0, or -EIO with errno of the stream's failure, -ENOMEM. All need XRGB8888 but for y4m and raw. */
int png_write(FILE *f, const struct shot *s);
int ppm_write(FILE *f, const struct shot *s);
/* YUV420; fps 0: unknown. is_first: write the stream's header. */
int y4m_write(FILE *f, const struct shot *s, uint32_t fps, bool is_first);
int raw_write(FILE *f, const struct shot *s);

/* A row of XRGB8888 as R, G, B bytes. */
void format_rgb_row(const uint8_t *xrgb, uint32_t width, uint8_t *ret);

/* One line of JSON about a shot. */
int meta_write(FILE *f, const struct shot *s, const char *camera, bool verify_full);

#endif
