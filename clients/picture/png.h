/* A picture as a png file. */
#ifndef FRAMEMUX_PICTURE_PNG_H
#define FRAMEMUX_PICTURE_PNG_H

#include <stdio.h>

#include "clients/picture/shot.h"

/* Of XRGB8888. 0, or -EIO with errno of the stream's failure, -ENOMEM. */
int picture_png(FILE *f, const struct shot *s);

#endif
