/* with_libevent CAMERA: a camera in a loop of libevent's. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "picture.h"

struct app {
	struct event_base *base;
	struct picture picture;
	int result;
};

static void on_readable(evutil_socket_t fd, short what, void *data)
{
	struct app *app = data;

	(void)fd;
	(void)what;
	app->result = framemux_dispatch(app->picture.fm, 0);
	if (app->result < 0 || app->picture.is_over)
		event_base_loopbreak(app->base);
}

int main(int argc, char **argv)
{
	struct app app = {.base = event_base_new()};
	struct event *readable = NULL;

	app.result = argc == 2 && app.base ? picture_open(&app.picture, argv[1]) : -EINVAL;
	if (app.result == 0) {
		readable = event_new(app.base, framemux_fd(app.picture.fm), EV_READ | EV_PERSIST,
			on_readable, &app);
		if (!readable || event_add(readable, NULL) < 0)
			app.result = -ENOMEM;
		else
			event_base_dispatch(app.base);
	}
	if (readable) /* before its descriptor */
		event_free(readable);
	picture_close(&app.picture);
	if (app.base)
		event_base_free(app.base);
	if (app.result < 0)
		fprintf(stderr, "with_libevent: %s\n", strerror(-app.result));
	return app.result < 0;
}
