/*
 * crowd: the clients of framemuxctl check, against a mux that somebody else has started and does harm
 * to. Prints the report as JSON; ends with 70 when a guarantee did not hold, 75 when the mux did not
 * answer. A camera is NAME:WxH:FPS, with ":coded" when its pattern went through a codec on its way.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clients/ctl/check/check_crowd.h"
#include "clients/ctl/check/check_report.h"
#include "common/clock.h"

enum {
	OPT_SOCKET = 1,
	OPT_CONTROL,
	OPT_SECONDS,
	OPT_EACH,
	OPT_UIDS,
	OPT_REVOKE,
	OPT_STOP,
	OPT_KILL_CLIENT,
	OPT_KILL_ROLE,
	OPT_REST,
	OPT_PATIENCE,
};

static const struct option longs[] = {
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"control", required_argument, NULL, OPT_CONTROL},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"each", required_argument, NULL, OPT_EACH},
	{"uids", required_argument, NULL, OPT_UIDS},
	{"revoke", required_argument, NULL, OPT_REVOKE},
	{"stop", required_argument, NULL, OPT_STOP},
	{"kill-client", required_argument, NULL, OPT_KILL_CLIENT},
	{"kill-role", required_argument, NULL, OPT_KILL_ROLE},
	{"rest", required_argument, NULL, OPT_REST},
	{"patience", required_argument, NULL, OPT_PATIENCE},
	{0},
};

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

/* 0, or -1: not understood. */
static int take(struct crowd_plan *p, unsigned *each, int c, const char *arg)
{
	unsigned *const numbers[] = {
		[OPT_SECONDS] = &p->seconds,
		[OPT_EACH] = each,
		[OPT_REVOKE] = &p->revoke_ms,
		[OPT_STOP] = &p->stop_ms,
		[OPT_KILL_CLIENT] = &p->kill_client_ms,
		[OPT_KILL_ROLE] = &p->kill_role_ms,
		[OPT_REST] = &p->rest_ms,
		[OPT_PATIENCE] = &p->patience_s,
	};

	switch (c) {
	case OPT_SOCKET:
		p->socket = arg;
		return 0;
	case OPT_CONTROL:
		p->control = arg;
		return 0;
	case OPT_UIDS:
		p->drops_user = true;
		return sscanf(arg, "%u,%u", &p->uids[0], &p->uids[1]) == 2 ? 0 : -1;
	case '?':
		return -1;
	default:
		*numbers[c] = number(arg);
		return 0;
	}
}

static int add_camera(struct board *b, const char *text)
{
	char name[LIMIT_NAME], how[8] = "";
	unsigned width, height, fps;

	if (sscanf(text, "%63[^:]:%ux%u:%u:%7s", name, &width, &height, &fps, how) < 4)
		return -1;
	return board_add_camera(b, name, width, height, fps, strcmp(how, "coded"));
}

static int run(struct board *b, const struct crowd_plan *plan, unsigned each)
{
	struct crowd_result result;
	struct report report = {.board = b, .result = &result, .seconds = plan->seconds};
	enum crowd_end end = crowd_run(plan, b, each, &result);

	if (end != CROWD_DONE) {
		fprintf(stderr, "crowd: %s\n",
			end == CROWD_INTERRUPTED ? "interrupted" : result.why);
		return 75;
	}
	if (report_print(&report, true))
		return 74;
	if (report_failure(&report)) {
		fprintf(stderr, "crowd: %s\n", report_failure(&report));
		return 70;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct crowd_plan plan = {
		.seconds = 10, .patience_s = 30, .rest_ms = 15000, .mux_may_fail = true};
	struct board *b = board_new();
	unsigned each = 4;
	sigset_t mask;
	int c, code = 64;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (take(&plan, &each, c, optarg) < 0)
			return 64;
	if (!b || !plan.socket || !plan.control || optind == argc)
		return 64;
	b->limit_ns = NS_PER_S; /* the default of stale_after */
	for (; optind < argc; optind++)
		if (add_camera(b, argv[optind]) < 0) {
			fprintf(stderr, "crowd: not a camera, or one code twice: %s\n",
				argv[optind]);
			return 64;
		}
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	plan.signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (plan.signal_fd >= 0)
		code = run(b, &plan, each);
	board_free(b);
	return code;
}
