/*
 * framemuxctl check: whether the guarantees hold on this machine, tried in a mux of its own with
 * pattern cameras. Touches no other mux. In framemuxctl's process.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clients/ctl/check/check_crowd.h"
#include "clients/ctl/check/check_mux.h"
#include "clients/ctl/check/check_report.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/number.h"

#define SECONDS_DEFAULT 10u
#define SECONDS_MAX     (366u * 24u * 3600u)
#define SEATS_EACH      4u
#define STALE_AFTER_MS  1000u
#define PATIENCE_S      20u /* for the first frames */
#define PROGRESS_LINES  20u /* at most about so many */
#define INTERRUPTED     (128 + SIGINT)
#define NOBODY_ID       65534u /* where there is no user of that name */

/* Codes of their names differ: board_add_camera sees to that. Not all of whole blocks only. */
static const struct {
	const char *name;
	uint32_t width, height, fps;
} cameras[] = {
	{"check-1", 320, 240, 30},
	{"check-2", 640, 360, 15},
	{"check-3", 352, 288, 25},
	{"check-4", 250, 130, 20},
};

static int internal(const char *what)
{
	fprintf(stderr, "framemuxctl: check: %s\n", what);
	return EXIT_INTERNAL;
}

static void say_progress(void *data, unsigned seconds, const struct board *b)
{
	unsigned of = *(const unsigned *)data, every = of / PROGRESS_LINES + 1;

	if (seconds % every == 0 || seconds == 1)
		report_progress(b, seconds, of);
}

/* The board's cameras, and the sections of the configuration for them. */
static int set_up(struct board *b, char *sections, size_t size)
{
	size_t n =
		(size_t)snprintf(sections, size, "stale_after = %u\nlinger = 1\n", STALE_AFTER_MS);

	b->limit_ns = STALE_AFTER_MS * NS_PER_MS;
	for (size_t i = 0; i < ARRAY_SIZE(cameras); i++) {
		if (n >= size ||
			board_add_camera(b, cameras[i].name, cameras[i].width, cameras[i].height,
				cameras[i].fps, true) < 0)
			return internal("two cameras with one code");
		n += (size_t)snprintf(sections + n, size - n,
			"camera \"%s\" {\n\turl = \"test:%s?size=%ux%u&fps=%u\"\n}\n",
			cameras[i].name, cameras[i].name, cameras[i].width, cameras[i].height,
			cameras[i].fps);
	}
	return 0;
}

static uid_t nobody(void)
{
	const struct passwd *p = getpwnam("nobody");

	return p ? p->pw_uid : NOBODY_ID;
}

static int judge(const struct options *o, enum crowd_end end, const struct report *r)
{
	const char *why = r->result->why;
	int code;

	if (end == CROWD_INTERRUPTED) {
		fputs("framemuxctl: check: interrupted\n", stderr);
		return INTERRUPTED;
	}
	if (end != CROWD_DONE) {
		fprintf(stderr, "framemuxctl: check: %s\n",
			end == CROWD_MUX_ENDED ? "its framemuxd ended before its time" : why);
		return EXIT_INTERNAL;
	}
	code = report_print(r, o->json);
	if (code == 0 && report_failure(r)) {
		fprintf(stderr, "framemuxctl: check: %s\n", report_failure(r));
		code = EXIT_INTERNAL;
	}
	return code;
}

static int run(const struct options *o, unsigned seconds, struct board *b, int signal_fd)
{
	char sections[2048];
	struct check_mux mux;
	struct crowd_result result;
	struct crowd_plan plan = {
		.signal_fd = signal_fd,
		.seconds = seconds,
		.patience_s = PATIENCE_S,
		.uids = {nobody(), nobody()},
		.drops_user = geteuid() == 0,
		.revoke_ms = 120,
		.stop_ms = 700,
		.kill_client_ms = 700,
		.kill_role_ms = 400,
		.rest_ms = 15000, /* a life of 10 s is forgiven its end: the pauses do not grow */
		.progress = say_progress,
		.data = &seconds,
	};
	struct report report = {.board = b, .result = &result, .seconds = seconds};
	int code = set_up(b, sections, sizeof(sections)), ended;

	if (code)
		return code;
	code = check_mux_start(&mux, sections, signal_fd);
	if (code == 0) {
		plan.socket = mux.socket;
		plan.control = mux.control;
		plan.mux_pid = mux.pid;
		code = judge(o, crowd_run(&plan, b, SEATS_EACH, &result), &report);
	}
	ended = check_mux_stop(&mux, code != 0 && code != INTERRUPTED && code != EXIT_WRITE);
	return code ? code : ended;
}

int verb_check(const struct options *o)
{
	uint64_t seconds = SECONDS_DEFAULT;
	struct board *b;
	sigset_t mask;
	int fd, code;

	if (o->socket) {
		fputs("framemuxctl: check has a mux of its own and asks no other: without "
		      "--socket\n",
			stderr);
		return EXIT_USAGE;
	}
	if (o->operand && number_parse(o->operand, 1, SECONDS_MAX, &seconds) < 0) {
		fprintf(stderr, "framemuxctl: check: not a number of seconds: %s\n", o->operand);
		return EXIT_USAGE;
	}
	sigemptyset(&mask);
	for (size_t i = 0; i < 4; i++)
		sigaddset(&mask, (const int[]){SIGCHLD, SIGINT, SIGTERM, SIGHUP}[i]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	b = board_new();
	code = fd < 0 || !b ? internal(strerror(errno)) : run(o, (unsigned)seconds, b, fd);
	board_free(b);
	if (fd >= 0)
		close(fd);
	return code;
}
