/* with_poll CAMERA: a camera beside other descriptors in a loop of poll(2). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "picture.h"

int main(int argc, char **argv)
{
	struct picture p = {0};
	int r = argc == 2 ? picture_open(&p, argv[1]) : -EINVAL;
	struct pollfd fds[1]; /* and yours */

	if (r == 0)
		fds[0] = (struct pollfd){.fd = framemux_fd(p.fm), .events = POLLIN};
	while (r == 0 && !p.is_over) {
		if (poll(fds, 1, -1) < 0 && errno != EINTR)
			r = -errno;
		else if (fds[0].revents)
			r = framemux_dispatch(p.fm, 0); /* does not wait; calls back */
	}
	picture_close(&p);
	if (r < 0)
		fprintf(stderr, "with_poll: %s\n", strerror(-r));
	return r < 0;
}
