/* A camera's connection, plain. Runs in ingest. */
#include "mux/ingest/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct channel {
	int fd;                  /* borrowed */
	struct failure *failure; /* borrowed */
	size_t out_len;
	uint8_t out[CHANNEL_OUT_BYTES];
};

int channel_open(
	int fd, const struct msg_ingest_start *start, struct failure *failure, struct channel **ret)
{
	struct channel *c;

	if (start->tls)
		return fail_final(failure, "TLS is not built yet");
	c = calloc(1, sizeof(*c));
	if (!c)
		return fail(failure, "out of memory");
	c->fd = fd;
	c->failure = failure;
	*ret = c;
	return 0;
}

void channel_free(struct channel *c)
{
	free(c);
}

short channel_events(const struct channel *c)
{
	return (short)(POLLIN | (c->out_len ? POLLOUT : 0));
}

bool channel_is_ready(const struct channel *c)
{
	(void)c;
	return false;
}

static int flush_out(struct channel *c)
{
	while (c->out_len) {
		ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	return 0;
}

/* A connection that is gone is noticed when it is read: what it said last may be the reason. */
int channel_run(struct channel *c, short revents)
{
	if (revents & POLLOUT)
		flush_out(c);
	return 0;
}

ssize_t channel_recv(struct channel *c, void *buf, size_t len)
{
	ssize_t n;

	do
		n = recv(c->fd, buf, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return -EAGAIN;
	return 0; /* reset: for us it is closed */
}

int channel_send(struct channel *c, const void *buf, size_t len)
{
	if (len > sizeof(c->out) - c->out_len)
		return -ENOBUFS;
	memcpy(c->out + c->out_len, buf, len);
	c->out_len += len;
	flush_out(c);
	return 0;
}
