/*
 * Saves one frame that arrived after it was asked for. A client like any other: by libframemux, with
 * a token that permits dumping. In framemuxctl's process.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/source.h"
#include "clients/ctl/verbs.h"
#include "clients/picture/png.h"
#include "clients/program/exit_code.h"
#include "common/clock.h"
#include "framemux.h"

#define PATIENCE_S  10u /* for a camera that has to be connected first */
#define SOCKET_NAME "client.sock"

struct snapshot {
	const struct options *options; /* borrowed */
	struct framemux *fm;           /* owned */
	struct framemux_view *view;    /* fm's */
	enum framemux_state state;
	char reason[LIMIT_REASON];
	uint64_t asked_ns;
	struct shot shot;
	bool is_taken;
};

static int complain(const struct snapshot *s, int code, const char *what)
{
	bool is_more = *s->reason && strcmp(s->reason, what) != 0;

	fprintf(stderr, "framemuxctl: %s: %s%s%s\n", s->options->operand, what, is_more ? ": " : "",
		is_more ? s->reason : "");
	return code;
}

/* ---- the frame ----------------------------------------------------------------------------- */

static void on_state(
	void *data, struct framemux_view *view, enum framemux_state state, const char *reason)
{
	struct snapshot *s = data;

	(void)view;
	s->state = state;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

/* The exit code of a state that ends it, said; 0 of any other. */
static int code_of_state(const struct snapshot *s)
{
	int code = exit_code_of(s->state, s->reason);

	if (s->state == FRAMEMUX_STATE_LOST)
		return complain(s, EXIT_LOST, "the camera is lost");
	if (s->state == FRAMEMUX_STATE_CLOSED)
		return complain(s, code, "the mux is gone");
	if (code == EXIT_LOST)
		return complain(s, code, "the camera is not to be had");
	return code ? complain(s, code, s->state == FRAMEMUX_STATE_REFUSED ? "refused" : "revoked")
		    : 0;
}

/* Copied, then checked, then given back; one that came before the question is passed over. */
static int take_frame(struct snapshot *s)
{
	const struct framemux_frame *frame;
	int r = framemux_acquire(s->view, &frame);

	if (r == -EBADMSG)
		return complain(s, EXIT_INTERNAL, "a frame failed its provenance check");
	if (r < 0)
		return 0; /* none yet, or a state that is told */
	r = -EAGAIN;
	if (frame->arrival_ns >= s->asked_ns)
		r = shot_copy(&s->shot, frame);
	if (r == 0 && framemux_check(s->view, frame) < 0)
		r = -EAGAIN;
	framemux_release(s->view, frame);
	if (r < 0 && r != -EAGAIN) {
		fprintf(stderr, "framemuxctl: cannot copy the frame: %s\n", strerror(-r));
		return EXIT_INTERNAL;
	}
	s->shot.lease = framemux_view_lease(s->view);
	s->is_taken = r == 0;
	return 0;
}

static int await_frame(struct snapshot *s)
{
	uint32_t patience_s = s->options->timeout_s ? s->options->timeout_s : PATIENCE_S;
	uint64_t deadline_ns = s->asked_ns + patience_s * NS_PER_S, now;
	int code = 0;

	while (code == 0 && !s->is_taken) {
		struct pollfd p = {.fd = framemux_fd(s->fm), .events = POLLIN};

		now = clock_monotonic_ns();
		if (now >= deadline_ns)
			return complain(s, EXIT_TIMEOUT, "no fresh picture in time");
		if (poll(&p, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1) < 0 && errno != EINTR)
			return complain(s, EXIT_INTERNAL, strerror(errno));
		(void)framemux_dispatch(s->fm, 0); /* the mux's end is a state, too */
		code = code_of_state(s);
		if (code == 0)
			code = take_frame(s);
	}
	return code;
}

/* ---- the mux ------------------------------------------------------------------------------- */

/* NULL: the library's own choice. */
static const char *client_socket(const struct options *o, char path[LIMIT_PATH])
{
	const char *control = o->socket ? o->socket : getenv("FRAMEMUX_CONTROL_SOCKET");
	const char *named = getenv("FRAMEMUX_SOCKET"), *slash;
	int dir;

	if ((named && *named) || !control || !*control)
		return NULL;
	slash = strrchr(control, '/');
	dir = slash ? (int)(slash - control) + 1 : 0;
	if (snprintf(path, LIMIT_PATH, "%.*s" SOCKET_NAME, dir, control) >= (int)LIMIT_PATH)
		return NULL;
	return access(path, F_OK) == 0 ? path : NULL;
}

static int open_view(struct snapshot *s, const char *token)
{
	static const struct framemux_listener listener = {
		.size = sizeof(listener), .state = on_state};
	const struct framemux_request rq = {.size = sizeof(rq),
		.fourcc = DRM_FORMAT_XRGB8888,
		.flags = FRAMEMUX_OPEN_DUMP | FRAMEMUX_OPEN_VERIFY_FULL,
		.camera = s->options->operand,
		.token = token};
	char path[LIMIT_PATH];
	int r = framemux_connect(client_socket(s->options, path), &s->fm);

	if (r < 0) {
		fprintf(stderr, "framemuxctl: cannot reach the mux: %s%s\n",
			r == -EPERM ? "somebody else listens in its place" : strerror(-r),
			ask_hint(r));
		return r == -ENOMEM || r == -EMFILE ? EXIT_INTERNAL : EXIT_LOST;
	}
	r = framemux_open(s->fm, &rq, &listener, s, &s->view);
	if (r == 0)
		return 0;
	return complain(s, r == -EPIPE ? EXIT_LOST : EXIT_INTERNAL, strerror(-r));
}

static int get_picture(struct snapshot *s)
{
	char text[LIMIT_TOKEN];
	struct token token;
	int code = source_token(s->options->key_file, s->options->operand, &token);

	if (code)
		return code;
	s->asked_ns = clock_monotonic_ns();
	code = token_format(&token, text) == 0 ? open_view(s, text) : EXIT_INTERNAL;
	sodium_memzero(text, sizeof(text));
	sodium_memzero(&token, sizeof(token));
	return code ? code : await_frame(s);
}

/* ---- the file ------------------------------------------------------------------------------ */

static int cannot(const char *what, const char *name, int code)
{
	fprintf(stderr, "framemuxctl: cannot %s %s: %s\n", what, name,
		errno ? strerror(errno) : "it did not take all");
	return code;
}

/* f is closed. */
static int write_png(const struct shot *shot, FILE *f, bool is_kept)
{
	int r;

	errno = 0;
	r = picture_png(f, shot);
	if (r == -ENOMEM)
		errno = ENOMEM;
	if (r == 0 && (fflush(f) || (is_kept && fsync(fileno(f)) < 0)))
		r = -EIO;
	if (fclose(f) && r == 0)
		r = -EIO;
	return r;
}

/* Beside it under another name until it is whole; an interrupt waits for that moment. */
static int save(const struct shot *shot, const char *name)
{
	char temporary[LIMIT_PATH];
	sigset_t ends, before;
	FILE *f;
	int fd, code = 0;

	errno = ENAMETOOLONG;
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", name) >= (int)sizeof(temporary))
		return cannot("create", name, EXIT_CREATE);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, &before);
	fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f)
		code = cannot("create", name, EXIT_CREATE);
	else if (write_png(shot, f, true) < 0)
		code = cannot("write", name, EXIT_WRITE);
	else if (rename(temporary, name) < 0)
		code = cannot("create", name, EXIT_CREATE);
	if (fd >= 0 && code)
		unlink(temporary);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

static int tell(const struct snapshot *s, const char *name)
{
	const struct framemux_frame *f = &s->shot.frame;
	json_t *o = json_object();
	char lease[17];

	snprintf(lease, sizeof(lease), "%016" PRIx64, s->shot.lease);
	json_object_set_new(o, "camera", json_text(s->options->operand));
	json_object_set_new(o, "file", json_text(name));
	json_object_set_new(o, "lease", json_string(lease));
	json_object_set_new(o, "generation", json_u64(f->generation));
	json_object_set_new(o, "seq", json_u64(f->seq));
	json_object_set_new(o, "capture_ns", json_u64(f->capture_ns));
	json_object_set_new(o, "arrival_ns", json_u64(f->arrival_ns));
	json_object_set_new(o, "asked_ns", json_u64(s->asked_ns));
	json_object_set_new(o, "width", json_integer(f->width));
	json_object_set_new(o, "height", json_integer(f->height));
	return json_print(o);
}

static int usage(const char *what)
{
	fprintf(stderr, "framemuxctl: snapshot: %s\n", what);
	return EXIT_USAGE;
}

/* Before anybody is asked for a picture. What is no plain file would be replaced by one. */
static int check_output(const struct options *o, bool is_stdout)
{
	struct stat st;

	if (is_stdout && o->json)
		return usage(
			"the picture and --json cannot both go to standard output; give -o FILE");
	if (is_stdout && isatty(STDOUT_FILENO))
		return usage("pictures do not go to a terminal; give -o FILE");
	if (is_stdout || lstat(o->output, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	fprintf(stderr, "framemuxctl: %s is there, and is no plain file\n", o->output);
	return EXIT_CREATE;
}

int verb_snapshot(const struct options *o)
{
	struct snapshot s = {.options = o};
	bool is_stdout = !o->output || !strcmp(o->output, "-");
	int code;

	if (!o->operand || !*o->operand || strlen(o->operand) >= LIMIT_NAME)
		return usage("which camera?");
	code = check_output(o, is_stdout);
	if (code)
		return code;
	code = get_picture(&s);
	framemux_close(s.fm); /* nobody needs the lease for the writing */
	if (code == 0 && !is_stdout)
		code = save(&s.shot, o->output);
	else if (code == 0 && write_png(&s.shot, stdout, false) < 0)
		code = cannot("write", "standard output", EXIT_WRITE);
	if (code == 0 && o->json)
		code = tell(&s, o->output);
	shot_clear(&s.shot);
	return code;
}
