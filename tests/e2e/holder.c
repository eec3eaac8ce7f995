/*
 * holder CAMERA: a client that holds one frame and looks at nothing else. Prints "HELD"; for each
 * line that it reads it prints "CHECK r ACQUIRE r": what framemux_check says of the frame, and what
 * framemux_acquire gives, without framemux_dispatch in between: nobody has told it anything. The
 * token is $FRAMEMUX_TOKEN.
 */
#include <framemux.h>
#include <stdio.h>

static const struct framemux_frame *held;

static void on_frame(void *data, struct framemux_view *view)
{
	(void)data;
	if (!held)
		(void)framemux_acquire(view, &held);
}

int main(int argc, char **argv)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .frame = on_frame};
	struct framemux_request rq = {.size = sizeof(rq)};
	const struct framemux_frame *newer;
	struct framemux_view *view;
	struct framemux *fm;
	char line[16];

	if (argc != 2) {
		fprintf(stderr, "usage: holder CAMERA\n");
		return 64;
	}
	rq.camera = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (framemux_connect(NULL, &fm) < 0)
		return 69;
	if (framemux_open(fm, &rq, &listener, NULL, &view) < 0)
		return 77;
	while (!held)
		if (framemux_dispatch(fm, -1) < 0)
			return 69;
	puts("HELD");
	while (fgets(line, sizeof(line), stdin)) {
		int check = framemux_check(view, held);

		printf("CHECK %d ACQUIRE %d\n", check, framemux_acquire(view, &newer));
	}
	framemux_close(fm);
	return 0;
}
