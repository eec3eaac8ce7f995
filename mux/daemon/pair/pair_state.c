/* A camera's state and its reason, as the broker and status hear of them. Runs in framemuxd. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "mux/daemon/pair/pair_private.h"

#define LONG_PAUSE_NS (10 * NS_PER_S) /* worth telling a person about */

static void tell_news(const struct pair *p)
{
	struct msg_camera_news news = {.state = p->state};

	if (p->is_retired) /* the broker may have forgotten it, or know another under its id */
		return;
	memcpy(news.id, p->camera->id.b, sizeof(news.id));
	memcpy(news.reason, p->state_reason, sizeof(news.reason));
	p->host->tell(p->host->self, &wire_camera_news, &news, NULL, 0);
}

void pair_set_state(struct pair *p, enum camera_state state, const char *reason)
{
	if (p->state == state && !strcmp(p->state_reason, reason))
		return;
	if (p->state == CAMERA_LIVE && clock_monotonic_ns() - p->live_since_ns >= PAUSE_STEADY_NS)
		p->was_steady = true;
	p->live_since_ns = state == CAMERA_LIVE ? clock_monotonic_ns() : 0;
	p->stale_since_ns = state == CAMERA_STALE ? clock_monotonic_ns() : 0;
	p->state = state;
	snprintf(p->state_reason, sizeof(p->state_reason), "%s", reason);
	(state == CAMERA_BLOCKED || state == CAMERA_DISABLED ? log_warning : log_notice)(
		"camera %s: %s%s%s", p->camera->name, camera_state_name(state), *reason ? ": " : "",
		reason);
	tell_news(p);
	if (state == CAMERA_LIVE)
		pair_keep_identity(p);
}

static void say_stale(uint64_t age_ns, char ret[LIMIT_REASON])
{
	snprintf(ret, LIMIT_REASON, "no new frame for %.1f s", (double)age_ns / (double)NS_PER_S);
}

/* Once: the age that it tells grows all the time. */
void pair_set_stale(struct pair *p, uint64_t age_ns)
{
	char reason[LIMIT_REASON];

	if (p->state == CAMERA_STALE)
		return;
	say_stale(age_ns, reason);
	pair_set_state(p, CAMERA_STALE, reason);
}

static enum camera_state rest_state(const struct pair *p, const char **ret_reason)
{
	*ret_reason = p->disabled;
	if (p->disabled[0])
		return CAMERA_DISABLED;
	*ret_reason = p->forbidden;
	if (p->forbidden[0])
		return CAMERA_BLOCKED;
	*ret_reason = p->block;
	if (p->block[0])
		return CAMERA_BLOCKED;
	if (!p->camera->warm)
		return CAMERA_IDLE;
	*ret_reason = "waiting for its turn";
	return CAMERA_CONNECTING;
}

void pair_show_rest(struct pair *p)
{
	const char *reason;
	enum camera_state state = rest_state(p, &reason);

	pair_set_state(p, state, reason);
}

void pair_init_state(struct pair *p)
{
	const char *reason;

	p->state = rest_state(p, &reason);
	snprintf(p->state_reason, sizeof(p->state_reason), "%s", reason);
}

/* Trying again is still lost, and says why. */
void pair_show_opening(struct pair *p)
{
	const struct camera_record *cam = p->camera;
	char reason[LIMIT_REASON] = "opening it";

	if (p->state == CAMERA_LOST)
		return;
	if (cam->kind == INGEST_RTSP || cam->kind == INGEST_HTTP)
		snprintf(reason, sizeof(reason), "connecting to %.100s port %u", cam->host,
			cam->port);
	pair_set_state(p, CAMERA_CONNECTING, reason);
}

void pair_introduce(const struct pair *p)
{
	if (p->state != CAMERA_IDLE)
		tell_news(p);
}

void pair_present(const struct pair *p)
{
	tell_news(p);
}

/* "; next try in 4 min", where there is room for it. */
static void add_next_try(uint64_t left_ns, char reason[LIMIT_REASON])
{
	uint64_t s = (left_ns + NS_PER_S - 1) / NS_PER_S;
	char text[40];
	size_t len;

	if (left_ns < LONG_PAUSE_NS)
		return;
	if (s < 120)
		snprintf(text, sizeof(text), "; next try in %u s", (unsigned)s);
	else
		snprintf(text, sizeof(text), "; next try in %u min", (unsigned)((s + 30) / 60));
	len = strlen(reason);
	if (len + strlen(text) < LIMIT_REASON)
		memcpy(reason + len, text, strlen(text) + 1);
}

void pair_reason_now(const struct pair *p, uint64_t now_ns, char ret[LIMIT_REASON])
{
	uint64_t frame = p->beat.last_frame_ns;

	memcpy(ret, p->state_reason, LIMIT_REASON);
	if (p->state == CAMERA_STALE && frame && frame < now_ns)
		say_stale(now_ns - frame, ret);
	if (p->state == CAMERA_CONNECTING && p->phase == PAIR_RUNNING && p->step[0])
		memcpy(ret, p->step, LIMIT_REASON);
	if (p->state == CAMERA_LOST && p->phase == PAIR_PAUSE && p->pause.until_ns > now_ns)
		add_next_try(p->pause.until_ns - now_ns, ret);
}
