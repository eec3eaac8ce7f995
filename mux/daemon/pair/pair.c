/*
 * The state machine of a camera's pair. Runs in framemuxd's loop. Sees no byte of the camera but
 * bounded messages of ingest and decode; never waits.
 */
#include "mux/daemon/pair/pair.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/audit_note.h"
#include "mux/daemon/config/secret.h"
#include "mux/daemon/pair/pair_private.h"
#include "mux/locked.h"

#define READY_LIMIT_MS 10000u
/* For decode to erase when the broker cannot: to be noticed and scheduled, and for each MiB. */
#define ERASE_MIN_MS   1000u
#define ERASE_MIB_MS   2u
#define ERASE_LIMIT_MS 3000u
#define REAP_LIMIT_MS  5000u /* after SIGKILL; beyond it a process is stuck in the kernel */

int pair_arm(struct event *timer, uint64_t ns)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_usec = (suseconds_t)(ns % NS_PER_S / NS_PER_US)};

	return event_add(timer, &tv) < 0 ? -ENOMEM : 0;
}

/* ---- why a life ended --------------------------------------------------------------- */

static void note_reason(struct pair *p, enum pair_word word, const char *reason)
{
	if (word <= p->word)
		return;
	p->word = word;
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

/* ---- the end of a generation --------------------------------------------------------- */

void pair_pause(struct pair *p, uint64_t wait_ns)
{
	p->phase = PAIR_PAUSE;
	if (pair_arm(p->timer, wait_ns) < 0) /* now rather than never */
		event_active(p->timer, EV_TIMEOUT, 0);
}

static void plan_next(struct pair *p)
{
	uint64_t now = clock_monotonic_ns();
	bool is_steady = p->live_since_ns && now - p->live_since_ns >= PAUSE_STEADY_NS;

	pause_plan(&p->pause, p->cause, p->was_steady || is_steady, now, randombytes_random());
}

static void come_to_rest(struct pair *p)
{
	p->phase = PAIR_REST;
	p->answer_next = false; /* its nonce would be too old */
	pair_show_rest(p);
	if (p->aborted || p->stopped) {
		p->aborted = false;
		p->host->at_rest(p->host->self);
	} else if (p->disabled[0] || p->forbidden[0]) {
		p->host->at_rest(p->host->self);
	}
}

static void note_life(const struct pair *p, enum audit_event event, const char *reason)
{
	struct msg_audit_note m = {.event = event,
		.epoch = p->camera->epoch,
		.generation = p->generation,
		.name = "pair"};

	memcpy(m.camera, p->camera->name, sizeof(m.camera));
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	p->host->note(p->host->self, &m);
}

/* Nothing lives any more: the broker may reuse what it lent, and then the camera may live again. */
static void after_death(struct pair *p, bool was_orderly)
{
	if (p->word == WORD_NONE)
		note_reason(p, WORD_LINK, "nobody asks");
	if (p->announced)
		note_life(p, AUDIT_EVENT_ROLE_DEATH, p->reason);
	if (p->announced && !p->aborted) {
		struct msg_pair_dead dead = {.generation = p->generation};

		memcpy(dead.id, p->camera->id.b, sizeof(dead.id));
		memcpy(dead.reason, p->reason, sizeof(dead.reason));
		p->host->tell(p->host->self, &wire_pair_dead, &dead, NULL, 0);
	}
	p->announced = p->was_killed = false;
	if (p->is_stuck) /* they have ended after all */
		p->block[0] = 0;
	p->is_stuck = false;
	cleanup_close(&p->broker_end);
	p->broker_end = -1;
	udp_end(&p->udp);
	event_del(p->timer);
	event_del(p->linger);
	event_del(p->health);
	memset(&p->beat, 0, sizeof(p->beat));
	if (p->is_restarting) {
		p->is_restarting = false;
		p->host->at_rest(p->host->self);
	}
	if (p->aborted || p->stopped) {
		come_to_rest(p);
		return;
	}
	if (was_orderly) {
		come_to_rest(p);
		if (pair_is_wanted(p))
			pair_open(p);
		return;
	}
	if (p->answer_next && p->cause == PAUSE_PLAIN &&
		pair_is_wanted(p)) { /* half of a conversation */
		pair_open(p);
		return;
	}
	plan_next(p);
	if (!pair_is_wanted(p)) {
		come_to_rest(p);
		return;
	}
	if (!p->pause.was_at_once ||
		p->state != CAMERA_CONNECTING) /* else it goes on as if nothing */
		pair_set_state(p, CAMERA_LOST, p->reason);
	pair_pause(p, pair_pause_left_ns(p));
}

static void bury(struct pair *p, bool was_orderly)
{
	if (!p->ingest && !p->decode)
		after_death(p, was_orderly);
}

static void close_links(struct pair *p)
{
	peer_close(take_ptr(p->ingest_link));
	peer_close(take_ptr(p->decode_link));
}

/* Without a timer only the word about it is wanting: none is born before they are reaped. */
static void kill_both(struct pair *p)
{
	p->was_killed = true;
	(void)pair_arm(p->timer, REAP_LIMIT_MS * NS_PER_MS);
	if (p->ingest)
		child_kill(p->ingest, SIGKILL);
	if (p->decode)
		child_kill(p->decode, SIGKILL);
}

void pair_blame(struct pair *p, enum pause_cause cause)
{
	if (cause > p->cause)
		p->cause = cause;
}

/* Whatever happened: this generation is over, and both are killed. */
void pair_fail(struct pair *p, enum pair_word word, const char *reason)
{
	note_reason(p, word, reason);
	switch (p->phase) {
	case PAIR_REST:
	case PAIR_PAUSE:
	case PAIR_DYING:
		return;
	case PAIR_ENDING:
		kill_both(p); /* stays ENDING: it was asked to end, this is no failure */
		return;
	case PAIR_OPENING:
	case PAIR_BEARING:
	case PAIR_RUNNING:
		break;
	}
	p->phase = PAIR_DYING;
	connect_cancel(take_ptr(p->connecting));
	/* ingest says why and dies; decode's complaint that the stream has ended may come first. */
	peer_drain(p->ingest_link);
	peer_drain(p->decode_link);
	close_links(p);
	kill_both(p);
	bury(p, false);
}

/* They see the ends of their links, clean up and exit; whoever does not in time is killed. */
void pair_end_orderly(struct pair *p, uint32_t limit_ms)
{
	switch (p->phase) {
	case PAIR_REST:
	case PAIR_DYING:
	case PAIR_ENDING:
		return;
	case PAIR_PAUSE:
		event_del(p->timer);
		come_to_rest(p);
		return;
	default:
		break;
	}
	p->phase = PAIR_ENDING;
	connect_cancel(take_ptr(p->connecting));
	close_links(p);
	/* Without memory for the limit there would be none. */
	if (pair_arm(p->timer, limit_ms * NS_PER_MS) < 0)
		kill_both(p);
	bury(p, true);
}

static void on_exit_of(struct pair *p, const char *role, int status)
{
	char how[64], reason[LIMIT_REASON];
	bool by_kill = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	child_status_text(status, how, sizeof(how));
	snprintf(reason, sizeof(reason), "%s %s", role, how);
	log_info("camera %s: %s", p->camera->name, reason);
	if (p->phase == PAIR_ENDING) {
		bury(p, true);
		return;
	}
	if (WIFSIGNALED(status) && (!by_kill || p->phase != PAIR_DYING)) /* not by us */
		pair_blame(p, PAUSE_BAD);
	if (WIFSIGNALED(status) && !by_kill)
		note_reason(p, WORD_INGEST, reason);
	else if (p->phase != PAIR_DYING) /* else it is the effect of the other's end, or of ours */
		note_reason(p, WORD_STATUS, reason);
	if (p->phase == PAIR_DYING)
		bury(p, false);
	else
		pair_fail(p, WORD_STATUS, reason);
}

void pair_on_ingest_exit(void *data, int status)
{
	struct pair *p = data;

	p->ingest = NULL;
	on_exit_of(p, "ingest", status);
}

void pair_on_decode_exit(void *data, int status)
{
	struct pair *p = data;

	p->decode = NULL;
	on_exit_of(p, "decode", status);
}

static void on_link_end(struct pair *p, const char *role, int error)
{
	char reason[LIMIT_REASON];

	if (error == -EPIPE) {
		snprintf(reason, sizeof(reason), "%s ended", role);
		pair_fail(p, WORD_LINK, reason);
		return;
	}
	snprintf(reason, sizeof(reason), "%s broke the protocol: %s", role, strerror(-error));
	pair_blame(p, PAUSE_BAD);
	pair_fail(p, WORD_OURS, reason);
}

void pair_on_ingest_end(void *self, int error)
{
	on_link_end(self, "ingest", error);
}

void pair_on_decode_end(void *self, int error)
{
	on_link_end(self, "decode", error);
}

/* ---- the beginning ------------------------------------------------------------------- */

static void on_source(void *data, int fd, const char *why)
{
	cleanup_fd int source = fd;
	struct pair *p = data;
	char reason[LIMIT_REASON];

	p->connecting = NULL;
	if (source < 0) {
		pair_fail(p, WORD_OURS, why);
		return;
	}
	p->phase = PAIR_BEARING;
	if (pair_bear(p, source, reason) < 0) {
		pair_fail(p, WORD_OURS, reason);
		return;
	}
	if (pair_arm(p->timer, READY_LIMIT_MS * NS_PER_MS) < 0)
		pair_fail(p, WORD_OURS, SHORT_OF_MEMORY);
}

void pair_open(struct pair *p)
{
	int rc;

	p->phase = PAIR_OPENING;
	pair_begin_answered(p);
	p->word = WORD_NONE;
	p->cause = PAUSE_PLAIN;
	p->was_steady = p->was_identified = p->was_refused = false;
	p->reason[0] = p->step[0] = 0;
	if (p->state == CAMERA_LOST || p->pause.was_at_once)
		p->reconnects++;
	pair_show_opening(p);
	rc = connect_begin(p->host->base, p->host->roles, p->camera, on_source, p, &p->connecting);
	if (rc < 0) {
		char reason[LIMIT_REASON];

		snprintf(reason, sizeof(reason), "framemuxd cannot connect to it: %s",
			strerror(-rc));
		pair_fail(p, WORD_OURS, reason);
	}
}

void pair_announce(struct pair *p)
{
	struct msg_pair_born born = {.generation = p->generation};

	if (p->phase != PAIR_BEARING || !p->ingest_ready || !p->decode_ready)
		return;
	/* And again at each beat. Before anybody gets a frame: a silent one must be found out. */
	if (pair_arm(p->health, SILENT_LIMIT_NS) < 0) {
		pair_fail(p, WORD_OURS, SHORT_OF_MEMORY);
		return;
	}
	p->phase = PAIR_RUNNING;
	event_del(p->timer);
	memcpy(born.id, p->camera->id.b, sizeof(born.id));
	p->announced = true;
	p->host->tell(p->host->self, &wire_pair_born, &born, &p->broker_end, 1);
	note_life(p, AUDIT_EVENT_ROLE_START, "");
	cleanup_close(&p->broker_end);
	p->broker_end = -1;
	p->beat_ns = clock_monotonic_ns();
	log_info("camera %s: generation %llu is born", p->camera->name,
		(unsigned long long)p->generation);
	pair_set_state(p, CAMERA_CONNECTING, "waiting for the first frame");
}

/* Killed, and not dead: what it had mapped it may have still. No other is born beside it. */
static void say_unreapable(struct pair *p)
{
	log_error("camera %s: its processes were killed %u s ago and are still there",
		p->camera->name, REAP_LIMIT_MS / 1000u);
	if (p->stopped || p->block[0])
		return;
	p->is_stuck = true;
	pair_block(p, "its processes were killed and cannot be ended", false);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct pair *p = data;

	(void)fd;
	(void)what;
	switch (p->phase) {
	case PAIR_PAUSE:
		pair_open(p);
		break;
	case PAIR_BEARING:
		pair_fail(p, WORD_OURS,
			p->ingest_ready ? "decode was not ready in time"
					: "ingest was not ready in time");
		break;
	case PAIR_ENDING:
		if (p->was_killed)
			say_unreapable(p);
		else
			kill_both(p);
		break;
	case PAIR_DYING:
		say_unreapable(p);
		break;
	default:
		break;
	}
}

/*
 * Before it sees the end of its link: one that was taken over would not care. An honest one would clear
 * its rings, and a client that comes first would find an empty slot that the broker has not yet marked
 * as dead: a frame that fails its check, and no reason. The broker marks, then clears.
 */
void pair_kill_decode(struct pair *p)
{
	if (p->decode)
		child_kill(p->decode, SIGKILL);
}

void pair_kill(struct pair *p, uint64_t generation, const char *reason)
{
	if (p->generation != generation || !p->announced)
		return;
	if (p->phase == PAIR_ENDING) {
		/* Only decode writes into rings; ingest may still say goodbye to the camera. */
		pair_kill_decode(p);
		return;
	}
	log_info("camera %s: the broker has its pair killed: %s", p->camera->name, reason);
	pair_fail(p, WORD_BROKER, reason);
}

static uint32_t erase_limit_ms(const struct pair *p)
{
	uint64_t ms = ERASE_MIN_MS + ERASE_MIB_MS * pair_shared_mib(p);

	return ms < ERASE_LIMIT_MS ? (uint32_t)ms : ERASE_LIMIT_MS;
}

void pair_abort(struct pair *p)
{
	p->is_served = false;
	p->leases = 0; /* they were that broker's; a retired pair's heir would get them else */
	if (pair_is_at_rest(p)) {
		pair_end_orderly(p, GOODBYE_MS);
		return;
	}
	p->aborted = true;
	note_reason(p, WORD_OURS, "the broker died");
	/*
	 * No SIGKILL at once: with the broker gone only decode can still erase its rings, and it does
	 * so when it sees the end of its links. One that was taken over has no longer for it.
	 */
	pair_end_orderly(p, erase_limit_ms(p));
}

void pair_stop(struct pair *p)
{
	p->stopped = true;
	p->leases = 0;
	if (!p->aborted) /* else the broker is dead: nobody but decode can erase */
		pair_kill_decode(p);
	pair_end_orderly(p, GOODBYE_MS);
}

bool pair_is_at_rest(const struct pair *p)
{
	return p->phase == PAIR_REST || p->phase == PAIR_PAUSE;
}

/* ---- making and freeing -------------------------------------------------------------- */

static int keep_record(struct pair *p, const struct camera_record *camera)
{
	p->record = *camera;
	p->camera = &p->record;
	p->record.password = camera->password ? secret_text(camera->password) : NULL;
	return camera->password && !p->record.password ? -ENOMEM : 0;
}

struct pair *pair_new(struct pair_host *host, const struct camera_record *camera)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct pair){.host = host,
		.number = ++host->last_number,
		.phase = PAIR_REST,
		.kept = {.id = camera->id},
		.transport = camera->transport,
		.broker_end = -1};
	if (keep_record(p, camera) < 0) {
		pair_free(p);
		return NULL;
	}
	pair_init_state(p);
	p->timer = evtimer_new(host->base, on_timer, p);
	p->linger = evtimer_new(host->base, pair_on_linger, p);
	p->health = evtimer_new(host->base, pair_on_health, p);
	if (!p->timer || !p->linger || !p->health) {
		pair_free(p);
		return NULL;
	}
	return p;
}

void pair_free(struct pair *p)
{
	if (!p)
		return;
	connect_cancel(p->connecting);
	peer_close(p->ingest_link);
	peer_close(p->decode_link);
	child_end(p->ingest);
	child_end(p->decode);
	cleanup_close(&p->broker_end);
	udp_end(&p->udp);
	if (p->timer)
		event_free(p->timer);
	if (p->linger)
		event_free(p->linger);
	if (p->health)
		event_free(p->health);
	locked_free((char *)p->record.password);
	free(p);
}

const struct camera_record *pair_camera(const struct pair *p)
{
	return p->camera;
}

uint32_t pair_number(const struct pair *p)
{
	return p->number;
}
