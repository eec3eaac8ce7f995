/* Keyboard, pointer and touch. No seat: there is no window to send anything to. In framemux-wall's process. */
#include "clients/wall/input.h"

#include <stdlib.h>
#include <wlr/backend.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_input_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_touch.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <xkbcommon/xkbcommon.h>

#include "clients/wall/layout.h"
#include "clients/wall/wall.h"

#define CURSOR_PX    24
#define EVDEV_OFFSET 8 /* from a Linux key code to an X one */

struct input {
	struct wall *wall;
	struct xkb_context *xkb;
	struct wlr_output_layout *layout; /* the one screen */
	struct wlr_cursor *cursor;
	struct wlr_xcursor_manager *theme;
	struct wlr_output *output;
	struct wl_listener new_input, motion, motion_absolute, button, touch_down;
	bool is_seen; /* the cursor, from its first motion on */
};

/* --- keys ------------------------------------------------------------------------------------ */

struct keyboard {
	struct input *input;
	struct wlr_keyboard *wlr;
	struct wl_listener key, gone;
};

/* Ctrl+Alt+F1 to F12; and the wall's own end. */
static bool take_system_key(struct wall *w, xkb_keysym_t sym, uint32_t modifiers)
{
	const uint32_t both = WLR_MODIFIER_CTRL | WLR_MODIFIER_ALT;
	struct wlr_session *session;

	if (sym >= XKB_KEY_XF86Switch_VT_1 && sym <= XKB_KEY_XF86Switch_VT_12) {
		session = wlr_backend_get_session(w->backend);
		if (session)
			wlr_session_change_vt(session, sym - XKB_KEY_XF86Switch_VT_1 + 1);
		return true;
	}
	if ((sym == XKB_KEY_BackSpace || sym == XKB_KEY_Terminate_Server) &&
		(modifiers & both) == both) {
		wl_display_terminate(w->display);
		return true;
	}
	return false;
}

static void take_key(struct layout *l, xkb_keysym_t sym)
{
	if (sym >= XKB_KEY_1 && sym <= XKB_KEY_9) {
		layout_enlarge(l, sym - XKB_KEY_1);
		return;
	}
	switch (sym) {
	case XKB_KEY_Left:
		layout_move(l, -1, 0);
		break;
	case XKB_KEY_Right:
		layout_move(l, 1, 0);
		break;
	case XKB_KEY_Up:
		layout_move(l, 0, -1);
		break;
	case XKB_KEY_Down:
		layout_move(l, 0, 1);
		break;
	case XKB_KEY_Tab:
		layout_next(l, 1);
		break;
	case XKB_KEY_ISO_Left_Tab:
		layout_next(l, -1);
		break;
	case XKB_KEY_Return:
	case XKB_KEY_KP_Enter:
		layout_enlarge(l, WALL_NONE);
		break;
	case XKB_KEY_Escape:
		layout_back(l);
		break;
	default:
		break;
	}
}

static void on_key(struct wl_listener *listener, void *data)
{
	struct keyboard *k = wl_container_of(listener, k, key);
	const struct wlr_event_keyboard_key *event = data;
	struct wall *w = k->input->wall;
	const xkb_keysym_t *syms;
	int n;

	if (event->state != WL_KEYBOARD_KEY_STATE_PRESSED)
		return;
	n = xkb_state_key_get_syms(k->wlr->xkb_state, event->keycode + EVDEV_OFFSET, &syms);
	for (int i = 0; i < n; i++)
		if (!take_system_key(w, syms[i], wlr_keyboard_get_modifiers(k->wlr)))
			take_key(w->layout, syms[i]);
}

static void on_keyboard_gone(struct wl_listener *listener, void *data)
{
	struct keyboard *k = wl_container_of(listener, k, gone);

	(void)data;
	wl_list_remove(&k->key.link);
	wl_list_remove(&k->gone.link);
	free(k);
}

/* The layout is XKB_DEFAULT_LAYOUT's, as everywhere. */
static void add_keyboard(struct input *in, struct wlr_input_device *device)
{
	struct xkb_keymap *map =
		xkb_keymap_new_from_names(in->xkb, NULL, XKB_KEYMAP_COMPILE_NO_FLAGS);
	struct keyboard *k = map ? calloc(1, sizeof(*k)) : NULL;

	if (k) {
		wlr_keyboard_set_keymap(device->keyboard, map);
		k->input = in;
		k->wlr = device->keyboard;
		k->key.notify = on_key;
		k->gone.notify = on_keyboard_gone;
		wl_signal_add(&device->keyboard->events.key, &k->key);
		wl_signal_add(&device->events.destroy, &k->gone);
	}
	xkb_keymap_unref(map);
}

/* --- pointer and touch ----------------------------------------------------------------------- */

/* A click on a tile enlarges it; anywhere, when one is enlarged, goes back. */
static void press(struct wall *w, double x, double y)
{
	size_t i = layout_at(w->layout, x, y);

	if (layout_is_enlarged(w->layout))
		layout_back(w->layout);
	else if (i != WALL_NONE)
		layout_enlarge(w->layout, i);
}

static void show_cursor(struct input *in)
{
	if (!in->is_seen)
		wlr_xcursor_manager_set_cursor_image(in->theme, "left_ptr", in->cursor);
	in->is_seen = true;
}

static void on_motion(struct wl_listener *listener, void *data)
{
	struct input *in = wl_container_of(listener, in, motion);
	const struct wlr_event_pointer_motion *event = data;

	wlr_cursor_move(in->cursor, event->device, event->delta_x, event->delta_y);
	show_cursor(in);
}

static void on_motion_absolute(struct wl_listener *listener, void *data)
{
	struct input *in = wl_container_of(listener, in, motion_absolute);
	const struct wlr_event_pointer_motion_absolute *event = data;

	wlr_cursor_warp_absolute(in->cursor, event->device, event->x, event->y);
	show_cursor(in);
}

static void on_button(struct wl_listener *listener, void *data)
{
	struct input *in = wl_container_of(listener, in, button);
	const struct wlr_event_pointer_button *event = data;

	if (event->state == WLR_BUTTON_PRESSED)
		press(in->wall, in->cursor->x, in->cursor->y);
}

static void on_touch_down(struct wl_listener *listener, void *data)
{
	struct input *in = wl_container_of(listener, in, touch_down);
	const struct wlr_event_touch_down *event = data;
	double x, y;

	wlr_cursor_absolute_to_layout_coords(in->cursor, event->device, event->x, event->y, &x, &y);
	press(in->wall, x, y);
}

/* --- devices --------------------------------------------------------------------------------- */

static void on_new_input(struct wl_listener *listener, void *data)
{
	struct input *in = wl_container_of(listener, in, new_input);
	struct wlr_input_device *device = data;

	if (device->type == WLR_INPUT_DEVICE_KEYBOARD)
		add_keyboard(in, device);
	else if (device->type == WLR_INPUT_DEVICE_POINTER || device->type == WLR_INPUT_DEVICE_TOUCH)
		wlr_cursor_attach_input_device(in->cursor, device);
}

static void listen(struct wl_signal *signal, struct wl_listener *listener, wl_notify_func_t notify)
{
	listener->notify = notify;
	wl_signal_add(signal, listener);
}

struct input *input_create(struct wall *w)
{
	struct input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->wall = w;
	in->xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	in->layout = wlr_output_layout_create();
	in->cursor = wlr_cursor_create();
	in->theme = wlr_xcursor_manager_create(NULL, CURSOR_PX);
	if (!in->xkb || !in->layout || !in->cursor || !in->theme)
		return NULL; /* the process ends */
	wlr_cursor_attach_output_layout(in->cursor, in->layout);
	wlr_xcursor_manager_load(in->theme, 1);
	listen(&in->cursor->events.motion, &in->motion, on_motion);
	listen(&in->cursor->events.motion_absolute, &in->motion_absolute, on_motion_absolute);
	listen(&in->cursor->events.button, &in->button, on_button);
	listen(&in->cursor->events.touch_down, &in->touch_down, on_touch_down);
	listen(&w->backend->events.new_input, &in->new_input, on_new_input);
	return in;
}

void input_destroy(struct input *in)
{
	if (!in)
		return;
	wl_list_remove(&in->new_input.link);
	wlr_xcursor_manager_destroy(in->theme);
	wlr_cursor_destroy(in->cursor);
	wlr_output_layout_destroy(in->layout);
	xkb_context_unref(in->xkb);
	free(in);
}

void input_set_output(struct input *in, struct wlr_output *output)
{
	if (in->output)
		wlr_output_layout_remove(in->layout, in->output);
	in->output = output;
	if (output)
		wlr_output_layout_add(in->layout, output, 0, 0);
}
