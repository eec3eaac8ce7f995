/*
 * One loop over the compositor, the mux, signals and the time; it waits for nobody but in poll. In
 * framemux-view's process.
 */
#include "clients/view/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clients/program/exit_code.h"
#include "clients/view/mux.h"
#include "clients/view/show.h"
#include "clients/view/tokens.h"
#include "common/clock.h"

#define USUAL_WIDTH  960u
#define USUAL_HEIGHT 540u
#define TITLE_MAX    256u

struct view {
	const struct options *options; /* borrowed */
	struct display display;
	struct window window;
	struct canvas canvas;
	struct scene scene;
	struct mux mux;
	struct show show;
	int signal_fd; /* owned */
};

static int fail(int code, const char *what)
{
	fprintf(stderr, "framemux-view: %s\n", what);
	return code;
}

static void make_title(const struct options *o, char ret[TITLE_MAX])
{
	size_t n = 0;

	ret[0] = 0;
	for (uint32_t i = 0; i < o->n_cameras && n < TITLE_MAX; i++)
		n += (size_t)snprintf(ret + n, TITLE_MAX - n, "%s%s", i ? ", " : "", o->cameras[i]);
}

/* The compositor has said what it offers. -1 or an exit code. */
static int open_window(struct view *v)
{
	const struct options *o = v->options;
	const char *lacks = display_lacks(&v->display);
	char title[TITLE_MAX];

	if (lacks) {
		fprintf(stderr, "framemux-view: the compositor does not offer %s\n", lacks);
		return EXIT_LOST;
	}
	make_title(o, title);
	if (window_open(&v->window, &v->display, o->title ? o->title : title,
		    o->width ? o->width : USUAL_WIDTH, o->height ? o->height : USUAL_HEIGHT,
		    o->is_fullscreen) < 0)
		return fail(EXIT_INTERNAL, "no memory for a window");
	v->canvas.shm = v->display.shm;
	return -1;
}

/* What keys, the window and signals say. -1 or an exit code. */
static int act(struct view *v)
{
	struct keyboard *k = &v->display.keyboard;
	struct signalfd_siginfo info;
	bool ends = k->wants_end || v->window.is_closed;

	while (read(v->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		ends = true;
	if (k->wants_fullscreen && v->window.toplevel && window_toggle_fullscreen(&v->window))
		k->wants_fullscreen = false;
	if (!ends)
		return -1;
	if (!scene_is_over(&v->scene))
		return EXIT_SUCCESS;
	return scene_is_cut_off(&v->scene) ? EXIT_LOST : EXIT_REFUSED;
}

static int timeout_ms(const struct view *v, uint64_t now)
{
	uint64_t next = scene_next_ns(&v->scene, now), other = mux_next_ns(&v->mux, &v->scene), ms;

	next = other < next ? other : next;
	if (next == UINT64_MAX)
		return -1;
	ms = next > now ? (next - now + NS_PER_MS - 1) / NS_PER_MS : 0;
	return ms < 60000 ? (int)ms : 60000;
}

/* Everything that is to be done before the next event. -1 or an exit code. */
static int settle(struct view *v)
{
	uint64_t now = clock_monotonic_ns();
	int code;

	if (v->display.is_listed && !v->window.surface) {
		code = open_window(v);
		if (code >= 0)
			return code;
	}
	mux_try(&v->mux, &v->scene, now);
	scene_settle(&v->scene, now);
	if (v->window.width && show_update(&v->show, now) < 0)
		return fail(EXIT_INTERNAL, "no memory for the window's pixels");
	return act(v);
}

/* -1 or an exit code. */
static int step(struct view *v)
{
	struct pollfd p[3] = {{.fd = wl_display_get_fd(v->display.wl)},
		{.fd = v->signal_fd, .events = POLLIN}, {.events = POLLIN}};
	bool is_alive = display_poll_begin(&v->display), was_stuck = v->display.is_stuck;
	int code, wait_ms;

	if (!is_alive)
		return fail(EXIT_LOST, display_error(&v->display));
	code = settle(v);
	if (code >= 0 || !display_flush(&v->display, &p[0].events)) {
		wl_display_cancel_read(v->display.wl);
		return code >= 0 ? code : fail(EXIT_LOST, display_error(&v->display));
	}
	p[2].fd = mux_fd(&v->mux);
	/* What was not put on the screen meanwhile is not to wait for an event. */
	wait_ms = was_stuck && !v->display.is_stuck ? 0 : timeout_ms(v, clock_monotonic_ns());
	if (poll(p, 3, wait_ms) < 0)
		p[0].revents = 0;
	/* The mux first: what goes dark is not to wait for the compositor. */
	mux_dispatch(&v->mux, &v->scene, clock_monotonic_ns());
	if (!display_poll_end(&v->display, p[0].revents & (POLLIN | POLLHUP | POLLERR)))
		return fail(EXIT_LOST, display_error(&v->display));
	return -1;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int begin(struct view *v)
{
	char *tokens[OPTIONS_CAMERAS_MAX] = {NULL};
	int code = tokens_find(v->options, tokens), r;

	if (code)
		return code;
	scene_init(&v->scene, v->options, tokens);
	v->mux.socket = v->options->socket;
	show_init(&v->show, &v->scene, &v->canvas, &v->window, v->options->is_verbose);
	v->signal_fd = open_signals();
	if (v->signal_fd < 0)
		return fail(EXIT_INTERNAL, "no signals");
	r = display_open(&v->display);
	if (r == -ENOMEM)
		return fail(EXIT_INTERNAL, "no memory");
	if (r < 0) {
		fprintf(stderr,
			"framemux-view: no Wayland display: %s ($WAYLAND_DISPLAY, "
			"$XDG_RUNTIME_DIR)\n",
			strerror(-r));
		return EXIT_LOST;
	}
	return -1;
}

/* Pictures first, while there is a display to tell. */
static void end(struct view *v)
{
	scene_free(&v->scene);
	mux_close(&v->mux);
	canvas_free(&v->canvas);
	window_close(&v->window);
	display_close(&v->display);
	if (v->signal_fd >= 0)
		close(v->signal_fd);
}

int view_run(const struct options *o)
{
	struct view *v = calloc(1, sizeof(*v)); /* large, and pointed into */
	int code;

	if (!v)
		return fail(EXIT_INTERNAL, "no memory");
	v->options = o;
	v->signal_fd = -1;
	code = begin(v);
	while (code < 0)
		code = step(v);
	end(v);
	free(v);
	return code;
}
