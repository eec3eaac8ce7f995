/* The keyboard's layout, which the compositor hands over as a file. */
#ifndef FRAMEMUX_VIEW_KEYMAP_H
#define FRAMEMUX_VIEW_KEYMAP_H

#include <stdint.h>

struct xkb_context;
struct xkb_keymap;

/*
 * Of wl_keyboard.keymap: format and size are its. NULL: another format, a size that cannot be or that the
 * file does not have, a file that cannot be mapped, or text that is no keymap; then no key does anything.
 * The descriptor is left open.
 */
struct xkb_keymap *keymap_read(struct xkb_context *context, uint32_t format, int fd, uint32_t size);

#endif
