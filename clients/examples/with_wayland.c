/* with_wayland CAMERA: a camera in a compositor's own loop, wl_event_loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <wayland-server-core.h>

#include "picture.h"

static int on_readable(int fd, uint32_t mask, void *data)
{
	struct picture *p = data;

	(void)fd;
	(void)mask;
	if (framemux_dispatch(p->fm, 0) < 0)
		p->is_over = true;
	return 0;
}

int main(int argc, char **argv)
{
	struct wl_event_loop *loop = wl_event_loop_create();
	struct wl_event_source *readable = NULL;
	struct picture p = {0};
	int r = argc == 2 && loop ? picture_open(&p, argv[1]) : -EINVAL;

	if (r == 0) {
		readable = wl_event_loop_add_fd(
			loop, framemux_fd(p.fm), WL_EVENT_READABLE, on_readable, &p);
		if (!readable)
			r = -ENOMEM;
	}
	while (r == 0 && !p.is_over)
		if (wl_event_loop_dispatch(loop, -1) < 0)
			r = -errno;
	if (readable) /* before its descriptor */
		wl_event_source_remove(readable);
	picture_close(&p);
	if (loop)
		wl_event_loop_destroy(loop);
	if (r < 0)
		fprintf(stderr, "with_wayland: %s\n", strerror(-r));
	return r < 0;
}
