/* Acceptances under way. Owns them. Runs in the broker. */
#include "mux/broker/accept.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "mux/broker/camera.h"
#include "mux/broker/conn.h"
#include "mux/link/daemon_broker.h"

#define LIMIT_S 5 /* for framemuxd's disk */

struct acceptance {
	LIST_ENTRY(acceptance) link;
	struct control *asker; /* borrowed */
	uint32_t request;      /* the asker's number */
	uint32_t sent_request; /* ours to framemuxd */
	struct event *limit;   /* owned */
};

static void acceptance_free(struct acceptance *a)
{
	LIST_REMOVE(a, link);
	if (a->limit)
		event_free(a->limit);
	free(a);
}

static void answer(struct acceptance *a, uint32_t status, const char *reason)
{
	control_done(a->asker, a->request, status, 0, reason);
	acceptance_free(a);
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	answer(data, ETIMEDOUT, "framemuxd did not record it in time");
}

static struct acceptance *begin(struct broker *b, struct control *asker, uint32_t request)
{
	const struct timeval limit = {.tv_sec = LIMIT_S};
	struct acceptance *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	LIST_INSERT_HEAD(&b->acceptances, a, link);
	a->asker = asker;
	a->request = request;
	a->sent_request = ++b->last_request;
	a->limit = evtimer_new(b->base, on_limit, a);
	if (!a->limit || evtimer_add(a->limit, &limit) < 0) {
		acceptance_free(a);
		return NULL;
	}
	return a;
}

int accept_begin(struct broker *b, struct control *asker, uint32_t request, const struct camera *c)
{
	const struct acceptance *a = begin(b, asker, request);
	struct msg_camera_accept m;

	if (!a)
		return -ENOMEM;
	m.request = a->sent_request;
	memcpy(m.id, c->id.b, sizeof(m.id));
	conn_send(b->daemon, &wire_camera_accept, &m, NULL, 0);
	return 0;
}

int accept_begin_state(struct broker *b, struct control *asker, uint32_t request)
{
	const struct acceptance *a = begin(b, asker, request);
	struct msg_state_accept m = {.uid = asker->uid, .pid = asker->pid};

	if (!a)
		return -ENOMEM;
	m.request = a->sent_request;
	conn_send(b->daemon, &wire_state_accept, &m, NULL, 0);
	return 0;
}

void accept_done(struct broker *b, uint32_t request, uint32_t status)
{
	struct acceptance *a;

	LIST_FOREACH (a, &b->acceptances, link)
		if (a->sent_request == request)
			break;
	if (a)
		answer(a, status,
			status ? "it is accepted, but that could not be recorded: it would not "
				 "outlast a restart"
			       : "");
}

void accept_forget_asker(struct broker *b, const struct control *asker)
{
	struct acceptance *a, *next;

	LIST_FOREACH_SAFE (a, &b->acceptances, link, next)
		if (a->asker == asker)
			acceptance_free(a);
}

void accept_free_all(struct broker *b)
{
	struct acceptance *a, *next;

	LIST_FOREACH_SAFE (a, &b->acceptances, link, next)
		acceptance_free(a);
}
