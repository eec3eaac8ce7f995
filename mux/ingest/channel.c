/* A camera's connection: what waits to be written, in front of the socket or of TLS. */
#include "mux/ingest/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mux/ingest/tls.h"
#include "mux/link/birth.h"

struct channel {
	int fd;          /* borrowed */
	struct tls *tls; /* owned; NULL: plain */
	size_t out_len;
	uint8_t out[CHANNEL_OUT_BYTES];
};

int channel_open(
	int fd, const struct msg_ingest_start *start, struct failure *failure, struct channel **ret)
{
	struct channel *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return fail_no_memory(failure);
	c->fd = fd;
	if (start->tls) {
		r = tls_new(fd, LINK_FD_INGEST_TRUST, start, failure, &c->tls);
		if (r < 0) {
			channel_free(c);
			return r;
		}
	}
	*ret = c;
	return 0;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	tls_free(c->tls);
	explicit_bzero(c->out, sizeof(c->out)); /* requests may carry a credential */
	free(c);
}

bool channel_is_open(const struct channel *c)
{
	return !c->tls || tls_is_open(c->tls);
}

uint64_t channel_deadline(const struct channel *c)
{
	return c->tls ? tls_deadline(c->tls) : UINT64_MAX;
}

short channel_events(const struct channel *c)
{
	if (!channel_is_open(c))
		return tls_events(c->tls);
	return (short)(POLLIN | (c->out_len ? POLLOUT : 0));
}

bool channel_is_ready(const struct channel *c)
{
	return c->tls && tls_is_ready(c->tls);
}

static ssize_t send_some(struct channel *c)
{
	ssize_t n;

	if (c->tls)
		return tls_send(c->tls, c->out, c->out_len);
	do
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* What cannot be written stays. */
static void flush_out(struct channel *c)
{
	while (c->out_len) {
		ssize_t n = send_some(c);

		if (n <= 0)
			return;
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
		explicit_bzero(c->out + c->out_len, (size_t)n);
	}
}

/* A connection that is gone is noticed when it is read: what it said last may be the reason. */
int channel_run(struct channel *c, short revents)
{
	bool was_open = channel_is_open(c);
	int r = c->tls ? tls_run(c->tls) : 0;

	if (r < 0)
		return r;
	if (revents & POLLOUT || was_open != channel_is_open(c))
		flush_out(c);
	return 0;
}

ssize_t channel_recv(struct channel *c, void *buf, size_t len)
{
	ssize_t n;

	if (c->tls)
		return tls_recv(c->tls, buf, len);
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
