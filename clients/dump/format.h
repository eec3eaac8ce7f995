/* The picture formats that framemux-dump writes. Each writes one shot; errors are the stream's. */
#ifndef FRAMEMUX_DUMP_FORMAT_H
#define FRAMEMUX_DUMP_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "clients/picture/shot.h"

/* 0, or -EIO with errno of the stream's failure, -ENOMEM. ppm needs XRGB8888. */
int ppm_write(FILE *f, const struct shot *s);
/* YUV420; fps 0: unknown. is_first: write the stream's header. */
int y4m_write(FILE *f, const struct shot *s, uint32_t fps, bool is_first);
int raw_write(FILE *f, const struct shot *s);

/* One line of JSON about a shot. */
int meta_write(FILE *f, const struct shot *s, const char *camera, bool verify_full);

#endif
