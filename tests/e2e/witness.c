/*
 * witness CAMERA: a client that comes back by itself (FRAMEMUX_OPEN_RECONNECT) and asks for a frame at
 * every moment, told of one or not. Prints "STATE n NS reason" for each state and "FRAME seq generation
 * publish_ns NS" for each frame that it might show (acquired, and whole after it was looked at); NS is
 * the time, of CLOCK_MONOTONIC as publish_ns, at which it was asked for. The token is $FRAMEMUX_TOKEN.
 */
#include <errno.h>
#include <framemux.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 5

static struct framemux_view *view;
static int is_over;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void look(void)
{
	const struct framemux_frame *f;
	uint64_t asked_ns = now_ns();

	if (!view || framemux_acquire(view, &f) < 0)
		return;
	if (framemux_check(view, f) == 0)
		printf("FRAME %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", f->seq,
			f->generation, f->publish_ns, asked_ns);
	framemux_release(view, f);
}

static void on_frame(void *data, struct framemux_view *of)
{
	(void)data;
	(void)of;
	look();
}

static void on_state(
	void *data, struct framemux_view *of, enum framemux_state state, const char *reason)
{
	(void)data;
	(void)of;
	printf("STATE %d %" PRIu64 " %s\n", (int)state, now_ns(), reason);
	is_over = state >= FRAMEMUX_STATE_REVOKED;
	look();
}

int main(int argc, char **argv)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state, .frame = on_frame};
	struct framemux_request rq = {.size = sizeof(rq), .flags = FRAMEMUX_OPEN_RECONNECT};
	struct framemux *fm;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: witness CAMERA\n");
		return 64;
	}
	rq.camera = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = framemux_connect(NULL, &fm);
	if (r < 0)
		return 69;
	r = framemux_open(fm, &rq, &listener, NULL, &view);
	while (r == 0 && !is_over) {
		struct pollfd fd = {.fd = framemux_fd(fm), .events = POLLIN};

		if (poll(&fd, 1, LOOK_MS) < 0 && errno != EINTR)
			r = -errno;
		look();
		if (r == 0)
			r = framemux_dispatch(fm, 0);
		look();
	}
	view = NULL;
	framemux_close(fm);
	if (r < 0)
		fprintf(stderr, "witness: %s\n", strerror(-r));
	return r < 0 ? 70 : 0;
}
