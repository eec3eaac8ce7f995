/*
 * bench_client SECONDS CAMERA: a client that picks up every frame, reads its number and checks it, as
 * an application does that shows it. At the end prints a line "FRAME MONOTONIC_NS" for each frame
 * that it held after framemux_check. The token is $FRAMEMUX_TOKEN.
 */
#include <errno.h>
#include <framemux.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/bench/bench_code.h"

#define FRAMES_MAX 100000u

static struct {
	unsigned frame;
	uint64_t held_ns;
} seen[FRAMES_MAX];
static size_t n_seen;

static void on_state(void *data, struct framemux_view *view, enum framemux_state state,
	const char *reason)
{
	(void)view;
	*(int *)data = state >= FRAMEMUX_STATE_REVOKED;
	if (*(int *)data)
		fprintf(stderr, "bench_client: %s\n", reason);
}

static void on_frame(void *data, struct framemux_view *view)
{
	const struct framemux_frame *f;
	unsigned code;

	(void)data;
	if (framemux_acquire(view, &f) < 0)
		return;
	code = bench_code_read(f->plane[0], f->stride[0]);
	if (framemux_check(view, f) == 0 && n_seen < FRAMES_MAX) {
		seen[n_seen].frame = code;
		seen[n_seen++].held_ns = clock_monotonic_ns();
	}
	framemux_release(view, f);
}

int main(int argc, char **argv)
{
	static const struct framemux_listener listener = {.size = sizeof(listener),
		.state = on_state, .frame = on_frame};
	struct framemux_request rq = {.size = sizeof(rq)};
	struct framemux *fm;
	struct framemux_view *view;
	int final = 0;
	uint64_t end_ns;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_client SECONDS CAMERA\n");
		return 64;
	}
	rq.camera = argv[2];
	end_ns = clock_monotonic_ns() + strtoull(argv[1], NULL, 10) * NS_PER_S;
	if (framemux_connect(NULL, &fm) < 0)
		return 69;
	if (framemux_open(fm, &rq, &listener, &final, &view) < 0)
		return 77;
	while (!final && clock_monotonic_ns() < end_ns)
		if (framemux_dispatch(fm, 100) == -EPIPE)
			break;
	framemux_close(fm);
	for (size_t i = 0; i < n_seen; i++)
		printf("%u %llu\n", seen[i].frame, (unsigned long long)seen[i].held_ns);
	return final ? 77 : 0;
}
