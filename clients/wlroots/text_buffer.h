/* A badge as a wlr_buffer: pixels of our own, with alpha. */
#ifndef FRAMEMUX_WLROOTS_TEXT_BUFFER_H
#define FRAMEMUX_WLROOTS_TEXT_BUFFER_H

#include <wlr/types/wlr_buffer.h>

#include "clients/screen/badge.h"

/* Takes the pixels out of the badge. The caller drops the buffer. NULL: without memory or pixels. */
struct wlr_buffer *text_buffer_create(struct badge *badge);

#endif
