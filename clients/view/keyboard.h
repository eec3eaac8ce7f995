/* What is typed into the window. */
#ifndef FRAMEMUX_VIEW_KEYBOARD_H
#define FRAMEMUX_VIEW_KEYBOARD_H

#include <stdbool.h>
#include <wayland-client.h>

struct xkb_context;
struct xkb_keymap;
struct xkb_state;

struct keyboard {
	struct wl_keyboard *wl; /* owned, as the next; NULL: there is none */
	struct xkb_context *context;
	struct xkb_keymap *keymap;
	struct xkb_state *state;
	bool wants_end, wants_fullscreen; /* for whoever acts on them to clear */
};

/* At once when the seat is there: it says only once what it has. Before the seat is destroyed: close. */
void keyboard_open(struct keyboard *k, struct wl_seat *seat);
void keyboard_close(struct keyboard *k);

#endif
