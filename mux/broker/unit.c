/* Units of clients. Owns nothing. Runs in the broker. */
#include "mux/broker/unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/breakage.h"
#include "mux/broker/client.h"
#include "mux/broker/conn.h"
#include "mux/broker/tenure.h"
#include "mux/link/daemon_broker.h"

int unit_ask(struct tenure *t)
{
	struct broker *b = t->broker;
	const struct msg_unit_ask m = {.request = ++b->last_request, .pid = t->pid};
	int r = asks_begin(&b->asks, m.request, t->uid);

	if (r < 0)
		return r;
	t->unit_request = m.request;
	conn_send(b->daemon, &wire_unit_ask, &m, NULL, 0);
	return 0;
}

static bool has_ended(const struct client *c)
{
	struct pollfd p = {.fd = c->pid_fd, .events = POLLIN};

	return c->pid_fd < 0 || poll(&p, 1, 0) != 0;
}

/* NULL, or why not: for the log. */
static const char *wrong(const struct tenure *t, uint32_t status, const char *unit)
{
	if (breakage("broker-skip-unit"))
		return NULL;
	if (!t->client || has_ended(t->client))
		return "its process has ended";
	if (status == ENOTSUP)
		return "the token is bound to a unit, and this machine has no cgroup v2";
	if (status == ENOENT || status == ESRCH || status == EACCES || status == EPERM)
		return "the token is bound to a unit, and /proc does not show the process's";
	if (status)
		return "the token is bound to a unit, and the process's has no usable path";
	return strcmp(unit, t->unit) ? "the token is bound to another unit" : NULL;
}

void unit_told(struct broker *b, uint32_t request, uint32_t status, const char *unit)
{
	struct tenure *t;

	asks_end(&b->asks, request);
	LIST_FOREACH (t, &b->tenures, in_broker)
		if (t->unit_request == request && t->life.phase == LEASE_ASKED)
			break;
	if (t) /* else it has ended meanwhile */
		tenure_placed(t, wrong(t, status, unit));
}
