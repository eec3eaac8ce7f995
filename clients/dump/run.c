/*
 * Opens one view and hands its frames to the writer. A frame is copied, then checked, then
 * released, and only then written: what was erased under the copy is never shown. In
 * framemux-dump's process.
 */
#include "clients/dump/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/dump/output.h"
#include "clients/dump/writer.h"
#include "clients/key/key.h"
#include "clients/program/exit_code.h"
#include "common/clock.h"
#include "framemux.h"

#define LAST_WRITE_MS 2000 /* how long the shot under way may take when all else is over */

struct dump {
	const struct options *options; /* borrowed */
	struct framemux *fm;
	struct framemux_view *view;
	struct writer *writer;
	enum framemux_state state;
	char reason[256];
	uint64_t taken;       /* frames given to the writer */
	uint64_t deadline_ns; /* of the next frame */
	bool was_idle;
};

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	struct dump *d = data;

	(void)view;
	d->state = state;
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
}

static void say(const struct dump *d, const char *what)
{
	bool is_more = *d->reason && strcmp(d->reason, what);

	fprintf(stderr, "framemux-dump: %s: %s%s%s\n", d->options->camera, what,
		is_more ? ": " : "", is_more ? d->reason : "");
}

/* The exit code of a final state, said; 0 of any other. */
static int final_code(const struct dump *d)
{
	int code = exit_code_of(d->state, d->reason);

	if (code)
		say(d,
			d->state == FRAMEMUX_STATE_CLOSED            ? "the mux is gone"
				: d->state == FRAMEMUX_STATE_REFUSED ? "refused"
								     : "revoked");
	return code;
}

/* Copy the newest frame, if there is one, and have it written. 0 or an exit code. */
static int take_frame(struct dump *d)
{
	const struct framemux_frame *frame;
	struct shot *shot = writer_shot(d->writer);
	int r = framemux_acquire(d->view, &frame);

	if (r == -EBADMSG) {
		say(d, "a frame failed its provenance check and was not shown (the mux was told)");
		return EXIT_INTERNAL;
	}
	if (r < 0)
		return 0; /* nothing new, or a state that the next dispatch tells of */
	shot->acquire_ns = clock_monotonic_ns();
	shot->lease = framemux_view_lease(d->view);
	r = shot_copy(shot, frame);
	if (r == 0 && framemux_check(d->view, frame) < 0)
		r = -ESTALE;
	framemux_release(d->view, frame);
	if (r == -ESTALE)
		return 0;
	if (r < 0) {
		fprintf(stderr, "framemux-dump: cannot copy a frame: %s\n", strerror(-r));
		return EXIT_INTERNAL;
	}
	writer_go(d->writer);
	d->taken++;
	d->was_idle = false;
	return 0;
}

static int timed_out(const struct dump *d)
{
	if (d->state == FRAMEMUX_STATE_LOST) {
		say(d, "the camera is lost");
		return EXIT_LOST;
	}
	fprintf(stderr, "framemux-dump: %s: no %sframe within %g s%s%s\n", d->options->camera,
		d->taken ? "new " : "", d->options->timeout_ms / 1000.0, *d->reason ? ": " : "",
		d->reason);
	return EXIT_TIMEOUT;
}

/* -1: go on; else an exit code. */
static int step(struct dump *d)
{
	struct pollfd p[] = {{.fd = framemux_fd(d->fm), .events = POLLIN},
		{.fd = writer_fd(d->writer), .events = POLLIN}};
	int code, wait_ms = -1;
	uint64_t now = clock_monotonic_ns();

	if (d->options->frames && d->taken == d->options->frames)
		return 0;
	if (d->was_idle) { /* a slow sink is not the camera's silence */
		if (now >= d->deadline_ns)
			return timed_out(d);
		wait_ms = (int)((d->deadline_ns - now) / NS_PER_MS) + 1;
	}
	if (poll(p, 2, wait_ms) < 0 && errno != EINTR)
		return EXIT_INTERNAL;
	(void)framemux_dispatch(d->fm, 0); /* the mux's end is a state, too */
	code = final_code(d);
	if (code)
		return code;
	if (!writer_poll(d->writer, &code))
		return -1;
	if (code)
		return code;
	if (!d->was_idle)
		d->deadline_ns = clock_monotonic_ns() + d->options->timeout_ms * NS_PER_MS;
	d->was_idle = true;
	code = take_frame(d);
	return code ? code : -1;
}

static int open_view(struct dump *d, const char *token)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state};
	const struct options *o = d->options;
	const struct framemux_request rq = {
		.size = sizeof(rq),
		.width = o->width,
		.height = o->height,
		.fourcc = o->fourcc,
		.fps = o->fps,
		.flags = FRAMEMUX_OPEN_DUMP | (o->verify_full ? FRAMEMUX_OPEN_VERIFY_FULL : 0),
		.camera = o->camera,
		.token = token,
	};
	int r = framemux_open(d->fm, &rq, &listener, d, &d->view);

	if (r == 0)
		return 0;
	if (r == -EINVAL) { /* all else was checked before */
		fputs("framemux-dump: that is no token, or no camera's name\n", stderr);
		return EXIT_BAD_DATA;
	}
	fprintf(stderr, "framemux-dump: cannot open %s: %s\n", o->camera, strerror(-r));
	return r == -EPIPE ? EXIT_LOST : EXIT_INTERNAL;
}

static int connect_mux(struct dump *d)
{
	int r = framemux_connect(d->options->socket, &d->fm);

	if (r == 0)
		return 0;
	fprintf(stderr, "framemux-dump: cannot reach the mux: %s%s\n",
		r == -EPERM ? "somebody else listens in its place" : strerror(-r),
		r == -ENOENT || r == -ECONNREFUSED
			? " (is framemuxd running? -s SOCKET names another one)"
			: "");
	return r == -ENOMEM || r == -EMFILE ? EXIT_INTERNAL : EXIT_LOST;
}

static struct framemux *take_mux(struct dump *d)
{
	struct framemux *fm = d->fm;

	d->fm = NULL;
	d->view = NULL;
	return fm;
}

static int run_view(struct dump *d, const char *token)
{
	struct output output;
	int code = open_view(d, token), written;

	if (code)
		return code;
	code = output_begin(&output, d->options);
	if (code == 0 && writer_start(&output, &d->writer) < 0)
		code = EXIT_INTERNAL;
	if (code) {
		(void)output_end(&output);
		return code;
	}
	d->was_idle = true;
	d->deadline_ns = clock_monotonic_ns() + d->options->timeout_ms * NS_PER_MS;
	do
		code = step(d);
	while (code < 0);
	framemux_close(take_mux(d)); /* nobody needs the lease for the last write */
	written = writer_stop(d->writer, code ? LAST_WRITE_MS : -1);
	if (written < 0)
		_exit(code); /* a write that never ends holds the stream's lock */
	if (output_end(&output) && !written)
		written = EXIT_WRITE;
	return code ? code : written;
}

/* 0 with a token or NULL ($FRAMEMUX_TOKEN), or an exit code. */
static int find_token(const struct options *o, char **ret)
{
	int r = 0;

	if (!o->key_file) {
		if (getenv("FRAMEMUX_TOKEN"))
			return 0;
		fputs("framemux-dump: refused: no token (-k FILE or $FRAMEMUX_TOKEN)\n", stderr);
		return EXIT_REFUSED;
	}
	r = key_read(o->key_file, o->camera, ret);
	if (r == -ENOKEY) {
		fprintf(stderr, "framemux-dump: refused: %s has no token for %s\n", o->key_file,
			o->camera);
		return EXIT_REFUSED;
	}
	if (r < 0)
		fprintf(stderr, "framemux-dump: %s: %s\n", o->key_file,
			r == -EBADMSG ? "not a token, nor lines \"CAMERA TOKEN\"" : strerror(-r));
	return r < 0 ? EXIT_BAD_DATA : 0;
}

int dump_run(const struct options *o)
{
	struct dump d = {.options = o};
	char *token = NULL;
	int code;

	signal(SIGPIPE, SIG_IGN); /* a write says so, too */
	code = find_token(o, &token);
	if (code == 0)
		code = connect_mux(&d);
	if (code == 0)
		code = run_view(&d, token);
	framemux_close(d.fm);
	key_free(token);
	return code;
}
