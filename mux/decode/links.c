/* Links to framemuxd and the broker. Owns their queues; runs in framemux-decode. */
#include "mux/decode/links.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/outbox.h"
#include "common/sock.h"

/* A peer that lets this many wait is stuck: answers of every attach, counts and formats. */
#define WAITING_MAX    1024u
#define MESSAGES_A_RUN 64u

struct links {
	struct {
		int fd;             /* borrowed */
		struct outbox *out; /* owned */
	} link[LINKS];
	int failure; /* the first; 0: none */
};

struct links *links_new(int daemon_fd, int broker_fd)
{
	struct links *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->link[LINK_DAEMON].fd = daemon_fd;
	l->link[LINK_BROKER].fd = broker_fd;
	for (int i = 0; i < LINKS; i++)
		l->link[i].out = outbox_new(WAITING_MAX);
	if (!l->link[LINK_DAEMON].out || !l->link[LINK_BROKER].out) {
		links_free(l);
		return NULL;
	}
	return l;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	for (int i = 0; i < LINKS; i++)
		outbox_free(l->link[i].out);
	free(l);
}

static void keep_failure(struct links *l, int r)
{
	if (r < 0 && l->failure == 0)
		l->failure = r;
}

void links_tell(struct links *l, enum link which, const struct wire_message *m, const void *msg)
{
	keep_failure(l, outbox_send(l->link[which].out, l->link[which].fd, m, msg, NULL, 0));
}

void links_flush(struct links *l, enum link which)
{
	keep_failure(l, outbox_flush(l->link[which].out, l->link[which].fd));
}

short links_events(const struct links *l, enum link which)
{
	return outbox_is_pending(l->link[which].out) ? POLLIN | POLLOUT : POLLIN;
}

int links_state(const struct links *l)
{
	return l->failure;
}

int links_read(struct links *l, enum link which, const struct wire_rule *rules, size_t n_rules,
	unsigned state, void *self)
{
	uint8_t buf[LIMIT_MESSAGE];
	int fds[SOCK_FDS_MAX];
	bool takes_fds = which == LINK_BROKER;

	for (unsigned i = 0; i < MESSAGES_A_RUN && l->failure == 0; i++) {
		size_t n_fds = 0;
		ssize_t n = sock_recv(
			l->link[which].fd, buf, sizeof(buf), fds, takes_fds ? &n_fds : NULL);
		int r = (int)n;

		if (n == -EAGAIN)
			return 0;
		if (n > 0) {
			r = wire_dispatch(rules, n_rules, state, buf, (size_t)n, fds, n_fds, self);
			sock_close_fds(fds, n_fds);
		}
		keep_failure(l, r);
	}
	explicit_bzero(buf, sizeof(buf)); /* the start message carries a key */
	return l->failure;
}
