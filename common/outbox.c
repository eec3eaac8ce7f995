/* A bounded queue of encoded messages for one peer. Owns copies of bytes and descriptors. */
#include "common/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/cleanup.h"
#include "common/sock.h"

struct outbox_entry {
	STAILQ_ENTRY(outbox_entry) entry;
	int fds[SOCK_FDS_MAX]; /* owned */
	size_t n_fds, len;
	uint8_t bytes[];
};

struct outbox {
	STAILQ_HEAD(, outbox_entry) waiting;
	size_t n, max;
};

struct outbox *outbox_new(size_t max_messages)
{
	struct outbox *ob = calloc(1, sizeof(*ob));

	if (!ob)
		return NULL;
	STAILQ_INIT(&ob->waiting);
	ob->max = max_messages;
	return ob;
}

void outbox_make_room(struct outbox *ob, size_t max_messages)
{
	ob->max = max_messages;
}

/* Messages may carry keys. */
static void entry_free(struct outbox_entry *e)
{
	sock_close_fds(e->fds, e->n_fds);
	explicit_bzero(e->bytes, e->len);
	free(e);
}

static void drop_first(struct outbox *ob)
{
	struct outbox_entry *e = STAILQ_FIRST(&ob->waiting);

	STAILQ_REMOVE_HEAD(&ob->waiting, entry);
	ob->n--;
	entry_free(e);
}

void outbox_free(struct outbox *ob)
{
	if (!ob)
		return;
	while (!STAILQ_EMPTY(&ob->waiting))
		drop_first(ob);
	free(ob);
}

static int queue(struct outbox *ob, const uint8_t *buf, size_t len, const int *fds, size_t n_fds)
{
	struct outbox_entry *e;

	if (ob->n >= ob->max)
		return -ENOBUFS;
	e = malloc(sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	e->len = len;
	e->n_fds = 0;
	memcpy(e->bytes, buf, len);
	for (size_t i = 0; i < n_fds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd < 0) {
			int r = -errno;

			entry_free(e);
			return r;
		}
		e->fds[e->n_fds++] = fd;
	}
	STAILQ_INSERT_TAIL(&ob->waiting, e, entry);
	ob->n++;
	return 0;
}

/* A full queue; too many descriptors of ours in flight; a kernel that is short of memory now. */
static bool may_go_later(int r)
{
	return r == -EAGAIN || r == -ETOOMANYREFS || r == -ENOBUFS || r == -ENOMEM;
}

int outbox_send(struct outbox *ob, int fd, const struct wire_message *m, const void *msg,
	const int *fds, size_t n_fds)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n = wire_encode(m, msg, buf, sizeof(buf));
	int r = -EAGAIN;

	if (n < 0)
		return (int)n;
	if (n_fds > SOCK_FDS_MAX)
		return -EINVAL;
	if (!outbox_is_pending(ob))
		r = sock_send(fd, buf, (size_t)n, fds, n_fds);
	if (may_go_later(r))
		r = queue(ob, buf, (size_t)n, fds, n_fds);
	explicit_bzero(buf, (size_t)n);
	return r;
}

int outbox_flush(struct outbox *ob, int fd)
{
	struct outbox_entry *e;

	while ((e = STAILQ_FIRST(&ob->waiting))) {
		int r = sock_send(fd, e->bytes, e->len, e->fds, e->n_fds);

		if (may_go_later(r))
			return 0;
		if (r < 0)
			return r;
		drop_first(ob);
	}
	return 0;
}

bool outbox_is_pending(const struct outbox *ob)
{
	return !STAILQ_EMPTY(&ob->waiting);
}

size_t outbox_count(const struct outbox *ob)
{
	return ob->n;
}
