/* Keymaps are xkbcommon's. In framemux-view's process. */
#include "clients/view/keyboard.h"

#include <unistd.h>
#include <xkbcommon/xkbcommon.h>

#include "clients/view/keymap.h"

#define EVDEV_SHIFT 8u /* keycodes of X, which XKB counts in, begin there */

static void forget_keymap(struct keyboard *k)
{
	xkb_state_unref(k->state);
	xkb_keymap_unref(k->keymap);
	k->state = NULL;
	k->keymap = NULL;
}

static void on_keymap(
	void *data, struct wl_keyboard *wl, uint32_t format, int32_t fd, uint32_t size)
{
	struct keyboard *k = data;

	(void)wl;
	forget_keymap(k);
	k->keymap = keymap_read(k->context, format, fd, size);
	if (k->keymap)
		k->state = xkb_state_new(k->keymap);
	close(fd);
}

static void on_key(void *data, struct wl_keyboard *wl, uint32_t serial, uint32_t time, uint32_t key,
	uint32_t state)
{
	struct keyboard *k = data;

	(void)wl, (void)serial, (void)time;
	if (state != WL_KEYBOARD_KEY_STATE_PRESSED || !k->state)
		return;
	switch (xkb_state_key_get_one_sym(k->state, key + EVDEV_SHIFT)) {
	case XKB_KEY_q:
	case XKB_KEY_Q:
	case XKB_KEY_Escape:
		k->wants_end = true;
		break;
	case XKB_KEY_f:
	case XKB_KEY_F:
		k->wants_fullscreen = !k->wants_fullscreen;
		break;
	default:
		break;
	}
}

static void on_modifiers(void *data, struct wl_keyboard *wl, uint32_t serial, uint32_t depressed,
	uint32_t latched, uint32_t locked, uint32_t group)
{
	struct keyboard *k = data;

	(void)wl, (void)serial;
	if (k->state)
		xkb_state_update_mask(k->state, depressed, latched, locked, 0, 0, group);
}

static void on_enter(void *data, struct wl_keyboard *wl, uint32_t serial,
	struct wl_surface *surface, struct wl_array *keys)
{
	(void)data, (void)wl, (void)serial, (void)surface, (void)keys;
}

static void on_leave(
	void *data, struct wl_keyboard *wl, uint32_t serial, struct wl_surface *surface)
{
	(void)data, (void)wl, (void)serial, (void)surface;
}

static void on_repeat(void *data, struct wl_keyboard *wl, int32_t rate, int32_t delay)
{
	(void)data, (void)wl, (void)rate, (void)delay;
}

static const struct wl_keyboard_listener keyboard_listener = {
	.keymap = on_keymap,
	.enter = on_enter,
	.leave = on_leave,
	.key = on_key,
	.modifiers = on_modifiers,
	.repeat_info = on_repeat,
};

static void drop(struct keyboard *k)
{
	if (!k->wl)
		return;
	if (wl_keyboard_get_version(k->wl) >= WL_KEYBOARD_RELEASE_SINCE_VERSION)
		wl_keyboard_release(k->wl);
	else
		wl_keyboard_destroy(k->wl);
	k->wl = NULL;
	forget_keymap(k);
}

static void on_capabilities(void *data, struct wl_seat *seat, uint32_t capabilities)
{
	struct keyboard *k = data;
	bool has_keyboard = capabilities & WL_SEAT_CAPABILITY_KEYBOARD;

	if (has_keyboard && !k->wl) {
		k->wl = wl_seat_get_keyboard(seat);
		if (k->wl)
			wl_keyboard_add_listener(k->wl, &keyboard_listener, k);
	} else if (!has_keyboard) {
		drop(k);
	}
}

static void on_name(void *data, struct wl_seat *seat, const char *name)
{
	(void)data, (void)seat, (void)name;
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = on_capabilities, .name = on_name};

void keyboard_open(struct keyboard *k, struct wl_seat *seat)
{
	*k = (struct keyboard){0};
	k->context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (k->context)
		wl_seat_add_listener(seat, &seat_listener, k);
}

void keyboard_close(struct keyboard *k)
{
	drop(k);
	xkb_context_unref(k->context);
	k->context = NULL;
}
