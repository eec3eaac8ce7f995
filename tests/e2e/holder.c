/*
 * holder CAMERA [ready]: a client that holds one frame and looks at nothing else; with "ready" it has
 * been told of another besides, which it has not yet acquired and which no newer one can replace: its
 * ring has no further slot. Copies the upper half of the first plane and prints "HELD"; for each line
 * that it reads it copies the lower half and prints "CHECK r ACQUIRE r COPIED u l": what
 * framemux_check says of the frame, and what framemux_acquire gives, without framemux_dispatch in
 * between: nobody has told it anything; and whether there is anything in the halves. The token is
 * $FRAMEMUX_TOKEN.
 */
#include <framemux.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct framemux_frame *held;
static unsigned told; /* of frames that it has not acquired */

static void on_frame(void *data, struct framemux_view *view)
{
	(void)data;
	if (held)
		told++;
	else
		(void)framemux_acquire(view, &held);
}

/* Whether rows [from, to) of the copy of the first plane hold anything but zeros. */
static int copy_rows(const struct framemux_frame *f, uint8_t *copy, uint32_t from, uint32_t to)
{
	size_t at = (size_t)from * f->stride[0], end = (size_t)to * f->stride[0];
	int any = 0;

	memcpy(copy + at, (const uint8_t *)f->plane[0] + at, end - at);
	for (; at < end; at++)
		any |= copy[at];
	return any != 0;
}

int main(int argc, char **argv)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .frame = on_frame};
	struct framemux_request rq = {.size = sizeof(rq)};
	const struct framemux_frame *newer;
	struct framemux_view *view;
	struct framemux *fm;
	uint8_t *copy;
	char line[16];
	int upper;

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "ready") != 0)) {
		fprintf(stderr, "usage: holder CAMERA [ready]\n");
		return 64;
	}
	rq.camera = argv[1];
	rq.slots = argc == 3 ? 2 : 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (framemux_connect(NULL, &fm) < 0)
		return 69;
	if (framemux_open(fm, &rq, &listener, NULL, &view) < 0)
		return 77;
	while (!held || (argc == 3 && !told))
		if (framemux_dispatch(fm, -1) < 0)
			return 69;
	copy = calloc(held->height, held->stride[0]);
	if (!copy)
		return 70;
	upper = copy_rows(held, copy, 0, held->height / 2);
	puts("HELD");
	while (fgets(line, sizeof(line), stdin)) {
		int lower = copy_rows(held, copy, held->height / 2, held->height);
		int check = framemux_check(view, held);

		printf("CHECK %d ACQUIRE %d COPIED %d %d\n", check, framemux_acquire(view, &newer),
			upper, lower);
	}
	free(copy);
	framemux_close(fm);
	return 0;
}
