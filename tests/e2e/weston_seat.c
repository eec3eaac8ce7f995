/*
 * A module of Weston 10's: a seat for the headless backend, which has none. Without one kiosk-shell
 * activates no window and never shows it. SIGUSR1 types f and SIGUSR2 types q, for whoever tests keys.
 */
#include <libweston/libweston.h>
#include <linux/input-event-codes.h>
#include <signal.h>
#include <time.h>

/* libweston-10 exports these, but the header in which it declares them is not installed. */
void weston_seat_init(
	struct weston_seat *seat, struct weston_compositor *compositor, const char *name);
int weston_seat_init_keyboard(struct weston_seat *seat, struct xkb_keymap *keymap);
void notify_key(struct weston_seat *seat, const struct timespec *time, uint32_t key,
	enum wl_keyboard_key_state state, enum weston_key_state_update update);

WL_EXPORT int wet_module_init(struct weston_compositor *compositor, int *argc, char *argv[]);

static struct weston_seat seat;

static int type(int number, void *data)
{
	uint32_t key = number == SIGUSR1 ? KEY_F : KEY_Q;
	struct timespec now;

	(void)data;
	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_key(&seat, &now, key, WL_KEYBOARD_KEY_STATE_PRESSED, STATE_UPDATE_AUTOMATIC);
	notify_key(&seat, &now, key, WL_KEYBOARD_KEY_STATE_RELEASED, STATE_UPDATE_AUTOMATIC);
	return 1;
}

int wet_module_init(struct weston_compositor *compositor, int *argc, char *argv[])
{
	struct wl_event_loop *loop = wl_display_get_event_loop(compositor->wl_display);

	(void)argc, (void)argv;
	weston_seat_init(&seat, compositor, "test");
	if (weston_seat_init_keyboard(&seat, NULL) < 0)
		return -1;
	return wl_event_loop_add_signal(loop, SIGUSR1, type, NULL) &&
			wl_event_loop_add_signal(loop, SIGUSR2, type, NULL)
		? 0
		: -1;
}
