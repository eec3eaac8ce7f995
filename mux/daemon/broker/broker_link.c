/* Keeps a broker alive. Runs in framemuxd's loop; never waits. */
#include "mux/daemon/broker/broker_link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/sock.h"
#include "mux/daemon/roles/peer.h"
#include "mux/link/birth.h"

#define READY_LIMIT_S 10
#define STOP_LIMIT_S  2
#define PAUSE_MIN_MS  500u
#define PAUSE_MAX_MS  30000u
#define STEADY_NS     (10 * NS_PER_S)

struct broker {
	struct broker_spec spec;
	unsigned state;
	bool fallen, stopping;
	struct child *child;
	struct peer *link;
	struct event *timer; /* the pause, the limit for ready, the limit for stopping */
	struct event *doom;  /* a send failed: fall from the loop, not from within the sender */
	unsigned falls;      /* one after another */
	uint64_t life, serving_since_ns;
};

/* Without memory for it the time is over now rather than never: the broker must come back. */
static void arm_ms(struct event *timer, uint32_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(timer, &tv) < 0)
		event_active(timer, EV_TIMEOUT, 0);
}

static void fall(struct broker *b, const char *why)
{
	if (b->fallen)
		return;
	b->fallen = true;
	if (!b->stopping)
		log_error("the broker fell: %s; every pair ends", why);
	if (b->state == BROKER_SERVING && clock_monotonic_ns() - b->serving_since_ns >= STEADY_NS)
		b->falls = 0;
	b->falls++;
	event_del(b->doom);
	if (!b->stopping)
		event_del(b->timer);
	if (b->stopping && b->state == BROKER_SERVING && b->child && peer_finish(b->link) == 0) {
		b->state = BROKER_LEAVING;
	} else {
		b->state = BROKER_GONE;
		peer_close(take_ptr(b->link));
	}
	if (b->child && !b->stopping)
		child_kill(b->child, SIGKILL);
	b->spec.fell(b->spec.self);
	if (broker_is_gone(b))
		b->spec.reaped(b->spec.self);
}

static void on_exit_of(void *data, int status)
{
	struct broker *b = data;
	char how[64];

	b->child = NULL;
	child_status_text(status, how, sizeof(how));
	log_info("the broker %s", how);
	if (b->stopping)
		event_del(b->timer);
	if (!b->fallen)
		fall(b, how);
	else if (broker_is_gone(b))
		b->spec.reaped(b->spec.self);
}

static void on_link_end(void *self, int error)
{
	struct broker *b = self;

	if (b->state != BROKER_LEAVING) {
		fall(b, error == -EPIPE ? "its link ended" : strerror(-error));
		return;
	}
	b->state = BROKER_GONE;
	peer_close(take_ptr(b->link));
	if (broker_is_gone(b))
		b->spec.reaped(b->spec.self);
}

static void on_doom(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	fall(data, "it does not read its link");
}

static int launch(struct broker *b)
{
	struct child_spec spec = {.n_fds = 3};
	struct peer_spec link = {.name = "broker",
		.rules = b->spec.rules,
		.n_rules = b->spec.n_rules,
		.state = &b->state,
		.outbox_max = b->spec.outbox_max,
		.self = b->spec.self,
		.owner = b,
		.on_end = on_link_end};
	cleanup_fd int theirs = -1;
	int ends[2], rc = sock_pair(SOCK_SEQPACKET, ends);

	if (rc < 0)
		return rc;
	theirs = ends[1];
	rc = peer_new(b->spec.base, ends[0], &link, &b->link);
	if (rc < 0)
		return rc;
	spec.fds[0] = (struct child_fd){theirs, LINK_FD_DAEMON};
	spec.fds[1] = (struct child_fd){b->spec.clients_fd, LINK_FD_BROKER_CLIENTS};
	spec.fds[2] = (struct child_fd){b->spec.control_fd, LINK_FD_BROKER_CONTROL};
	rc = role_start(b->spec.roles, b->spec.base, "broker", b->spec.roles->broker_walls,
		b->spec.roles->broker_uid, NULL, &spec, on_exit_of, b, &b->child);
	return rc < 0 ? rc : b->spec.set_up(b->spec.self);
}

static void start_now(struct broker *b)
{
	int rc;

	b->life++;
	b->fallen = false;
	b->state = BROKER_STARTING;
	arm_ms(b->timer, READY_LIMIT_S * 1000);
	rc = launch(b);
	if (rc < 0)
		fall(b, strerror(-rc));
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct broker *b = data;

	(void)fd;
	(void)what;
	if (b->stopping) {
		if (b->child) {
			log_warning("the broker did not end in time and is killed");
			child_kill(b->child, SIGKILL);
		}
	} else if (b->state == BROKER_STARTING) {
		fall(b, "it was not ready in time");
	} else if (b->state == BROKER_GONE && !b->child) {
		start_now(b);
	}
}

int broker_new(const struct broker_spec *spec, struct broker **ret)
{
	struct broker *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->spec = *spec;
	b->fallen = true;
	b->timer = evtimer_new(spec->base, on_timer, b);
	b->doom = evtimer_new(spec->base, on_doom, b);
	if (!b->timer || !b->doom) {
		broker_free(b);
		return -ENOMEM;
	}
	*ret = b;
	return 0;
}

void broker_free(struct broker *b)
{
	if (!b)
		return;
	peer_close(b->link);
	child_end(b->child);
	if (b->timer)
		event_free(b->timer);
	if (b->doom)
		event_free(b->doom);
	free(b);
}

/* 0, 0, 0.5, 1, 2, ... 30 s */
static uint32_t pause_ms(const struct broker *b)
{
	uint32_t ms = PAUSE_MIN_MS;

	if (b->falls < 2)
		return 0;
	for (unsigned i = 2; i < b->falls && ms < PAUSE_MAX_MS; i++)
		ms *= 2;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

void broker_start(struct broker *b)
{
	if (!b->stopping && b->state == BROKER_GONE && !b->child)
		arm_ms(b->timer, pause_ms(b));
}

void broker_set_serving(struct broker *b)
{
	b->state = BROKER_SERVING;
	b->serving_since_ns = clock_monotonic_ns();
	event_del(b->timer);
}

void broker_stop(struct broker *b)
{
	if (b->stopping)
		return;
	b->stopping = true;
	arm_ms(b->timer, STOP_LIMIT_S * 1000);
	if (!b->fallen)
		fall(b, "framemuxd ends");
	else if (broker_is_gone(b))
		b->spec.reaped(b->spec.self);
}

bool broker_is_gone(const struct broker *b)
{
	return !b->child && b->state != BROKER_LEAVING;
}

bool broker_is_coming(const struct broker *b)
{
	return !b->stopping &&
		(b->state == BROKER_STARTING || (b->state == BROKER_GONE && !b->child)) &&
		event_pending(b->timer, EV_TIMEOUT, NULL);
}

enum broker_state broker_state(const struct broker *b)
{
	return b->state;
}

void broker_make_room(struct broker *b, size_t messages)
{
	if (messages <= b->spec.outbox_max)
		return;
	b->spec.outbox_max = messages;
	peer_make_room(b->link, messages);
}

uint64_t broker_life(const struct broker *b)
{
	return b->life;
}

void broker_send(struct broker *b, const struct wire_message *m, const void *msg, const int *fds,
	size_t n_fds)
{
	int rc;

	if (b->state == BROKER_GONE || b->state == BROKER_LEAVING)
		return;
	rc = peer_send(b->link, m, msg, fds, n_fds);
	if (rc < 0 && rc != -EPIPE) /* its end is seen by reading */
		arm_ms(b->doom, 0);
}
