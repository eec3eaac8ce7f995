/* Collects a status answer and shows it once or every second. In framemuxctl's process. */
#include "clients/ctl/status/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clients/ctl/ask.h"
#include "clients/ctl/json.h"
#include "clients/ctl/status/metrics.h"
#include "clients/ctl/verbs.h"
#include "clients/program/exit_code.h"
#include "framemux.h"

#define RECORDS_MAX 65536u /* of one kind; the mux has fewer */

const char *status_lease_state(uint32_t state)
{
	switch (state) {
	case FRAMEMUX_STATE_CONNECTING:
		return "connecting";
	case FRAMEMUX_STATE_LIVE:
		return "live";
	case FRAMEMUX_STATE_STALE:
		return "stale";
	case FRAMEMUX_STATE_LOST:
		return "lost";
	case FRAMEMUX_STATE_REVOKED:
		return "revoked";
	case FRAMEMUX_STATE_REFUSED:
		return "refused";
	case FRAMEMUX_STATE_CLOSED:
		return "closed";
	default:
		return "";
	}
}

/* Append one record of size bytes to a list. */
static void *append(struct status *s, void *list, size_t *n, const void *record, size_t size)
{
	uint8_t *grown;

	if (*n == RECORDS_MAX || !(grown = reallocarray(list, *n + 1, size))) {
		s->is_short = true;
		return list;
	}
	memcpy(grown + *n * size, record, size);
	++*n;
	return grown;
}

void status_record(void *data, const struct wire_message *m, const void *record)
{
	struct status *s = data;

	if (m == &wire_ctl_mux) {
		memcpy(&s->mux, record, sizeof(s->mux));
		s->has_mux = true;
	} else if (m == &wire_ctl_camera) {
		s->cameras = append(s, s->cameras, &s->n_cameras, record, sizeof(*s->cameras));
	} else if (m == &wire_ctl_lease) {
		s->leases = append(s, s->leases, &s->n_leases, record, sizeof(*s->leases));
	} else if (m == &wire_ctl_uid) {
		s->uids = append(s, s->uids, &s->n_uids, record, sizeof(*s->uids));
	}
}

void status_clear(struct status *s)
{
	free(s->cameras);
	free(s->leases);
	free(s->uids);
	*s = (struct status){0};
}

/* 0 with what the mux says, for status_clear, or an exit code. */
static int get(struct control *c, struct status *ret)
{
	struct msg_ctl_status rq = {0};
	int code;

	*ret = (struct status){0};
	code = ask(c, &wire_ctl_status, &rq, status_record, ret, NULL);
	if (code || (ret->has_mux && !ret->is_short))
		return code;
	fputs(ret->is_short ? "framemuxctl: out of memory\n"
			    : "framemuxctl: the mux left its status out\n",
		stderr);
	return EXIT_INTERNAL;
}

static int show(const struct options *o, const struct status *s)
{
	if (o->json)
		return json_print(status_json(s));
	if (o->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	if (status_text(s, stdout) < 0 || fflush(stdout)) {
		fputs("framemuxctl: cannot write\n", stderr);
		return EXIT_WRITE;
	}
	return 0;
}

int verb_status(const struct options *o)
{
	const struct timespec second = {.tv_sec = 1};
	struct control *c = NULL;
	int code = ask_connect(o, &c);

	while (code == 0) {
		struct status s;

		code = get(c, &s);
		if (code == 0)
			code = show(o, &s);
		status_clear(&s);
		if (!o->watch)
			break;
		if (code == 0)
			nanosleep(&second, NULL); /* how often a person wants to see it */
	}
	control_close(c);
	return code;
}

int verb_metrics(const struct options *o)
{
	struct control *c = NULL;
	struct status s = {0};
	int code;

	if (o->json) {
		fputs("framemuxctl: metrics are OpenMetrics text; status has a --json\n", stderr);
		return EXIT_USAGE;
	}
	code = ask_connect(o, &c);
	if (code == 0)
		code = get(c, &s);
	control_close(c);
	if (code == 0) {
		metrics_write(&s, stdout);
		if (fflush(stdout) || ferror(stdout)) {
			fputs("framemuxctl: cannot write\n", stderr);
			code = EXIT_WRITE;
		}
	}
	status_clear(&s);
	return code;
}
