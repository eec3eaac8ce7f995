/*
 * Text that may stand in a log line or on a terminal: valid UTF-8 (RFC 3629) without control
 * characters (C0, DEL, C1) and without the marks that reorder what is read (Unicode TR 9). Own code
 * because the C library's conversions follow a locale that a daemon does not have.
 */
#ifndef FRAMEMUX_TEXT_H
#define FRAMEMUX_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether all len bytes are such text. */
bool text_is_plain(const void *text, size_t len);

/* Put '?' in the place of every byte that is not. */
void text_make_plain(char *text, size_t len);

#endif
