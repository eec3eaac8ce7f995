/*
 * The conversation with the broker. Owns the socket and what waits to be sent; never touches a
 * ring. A broker that breaks the rules is a mux that is gone. In the client's process.
 */
#include "clients/lib/connection.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "clients/lib/view.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/sock.h"

#define OUTBOX_MAX     256u
#define RETRY_FIRST_NS (100u * NS_PER_MS)
#define RETRY_MAX_NS   (5u * NS_PER_S)

/* --- descriptors and time -------------------------------------------------------------------- */

int connection_watch(struct framemux *fm, int fd, uint64_t what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = what};

	return epoll_ctl(fm->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* By hand before each close: a forked child's copy would keep the registration alive. */
void connection_unwatch(struct framemux *fm, int fd)
{
	(void)epoll_ctl(fm->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void connection_wake_at(struct framemux *fm, uint64_t boot_ns)
{
	struct itimerspec when = {0};

	if (boot_ns >= fm->armed_ns)
		return;
	when.it_value.tv_sec = (time_t)(boot_ns / NS_PER_S);
	when.it_value.tv_nsec = (long)(boot_ns % NS_PER_S);
	if (boot_ns == 0)
		when.it_value.tv_nsec = 1; /* zero would disarm it */
	(void)timerfd_settime(fm->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	fm->armed_ns = boot_ns;
}

static void watch_writable(struct framemux *fm, bool wants)
{
	struct epoll_event ev = {.events = EPOLLIN | (wants ? (uint32_t)EPOLLOUT : 0u),
		.data.u64 = CONNECTION_SOCKET};

	if (wants != fm->wants_write)
		(void)epoll_ctl(fm->epoll_fd, EPOLL_CTL_MOD, fm->sock_fd, &ev);
	fm->wants_write = wants;
}

/* --- sending --------------------------------------------------------------------------------- */

void connection_send(struct framemux *fm, const struct wire_message *m, const void *msg)
{
	if (fm->state == CONNECTION_DOWN)
		return;
	/* A failure is an end that reading will find: no view is told from inside a call of its
	 * owner's. */
	if (outbox_send(fm->outbox, fm->sock_fd, m, msg, NULL, 0) < 0) {
		shutdown(fm->sock_fd, SHUT_RDWR);
		return;
	}
	watch_writable(fm, outbox_is_pending(fm->outbox));
}

void connection_ask(struct framemux *fm, struct msg_open *open, const struct token *token)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	memcpy(open->token, token->body, token->body_len);
	open->token_len = (uint16_t)token->body_len;
	memset(open->proof, 0, sizeof(open->proof));
	n = wire_encode(&wire_open, open, buf, sizeof(buf));
	if (n < 0)
		return; /* cannot be: framemux_open checked each field */
	token_prove(token->tag, fm->challenge, buf, (size_t)n, open->proof);
	connection_send(fm, &wire_open, open);
}

/* --- the conversation ------------------------------------------------------------------------ */

static int handle_welcome(void *self, const void *msg, int *fds)
{
	struct framemux *fm = self;
	const struct msg_welcome *m = msg;

	(void)fds;
	if (m->version != PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	memcpy(fm->challenge, m->challenge, sizeof(fm->challenge));
	fm->state = CONNECTION_UP;
	fm->retry_pause_ns = 0;
	view_ask_all(fm);
	return 0;
}

static int handle_lease(void *self, const void *msg, int *fds)
{
	(void)fds;
	return view_leased(self, msg);
}

static int handle_state(void *self, const void *msg, int *fds)
{
	(void)fds;
	return view_told(self, msg);
}

static int handle_attach(void *self, const void *msg, int *fds)
{
	return view_attach(self, msg, fds);
}

static const struct wire_rule rules[] = {
	{&wire_welcome, CONNECTION_GREETED, 0, handle_welcome},
	{&wire_lease, CONNECTION_UP, 0, handle_lease},
	{&wire_state, CONNECTION_UP, 0, handle_state},
	{&wire_attach, CONNECTION_UP, ATTACH_FDS, handle_attach},
};

static int receive(struct framemux *fm)
{
	uint8_t buf[LIMIT_MESSAGE];
	int fds[SOCK_FDS_MAX] = {-1, -1, -1, -1};
	size_t n_fds = 0;
	ssize_t n = sock_recv(fm->sock_fd, buf, sizeof(buf), fds, &n_fds);
	int r;

	if (n < 0)
		return n == -EAGAIN ? 0 : (int)n;
	r = wire_dispatch(rules, ARRAY_SIZE(rules), fm->state, buf, (size_t)n, fds, n_fds, fm);
	sock_close_fds(fds, n_fds);
	sodium_memzero(buf, (size_t)n); /* an attach holds a key */
	return r;
}

void connection_ready(struct framemux *fm, bool is_readable)
{
	int r = 0;

	if (fm->state == CONNECTION_DOWN)
		return;
	if (is_readable)
		r = receive(fm);
	if (r == 0 && fm->wants_write) {
		r = outbox_flush(fm->outbox, fm->sock_fd);
		if (r == 0)
			watch_writable(fm, outbox_is_pending(fm->outbox));
	}
	if (r == -EPROTO || r == -EBADMSG)
		connection_lose(fm, "the mux broke the protocol");
	else if (r == -EPROTONOSUPPORT)
		connection_lose(fm, "the mux speaks another version of the protocol");
	else if (r < 0)
		connection_lose(fm, "the mux is gone");
}

/* --- life and death -------------------------------------------------------------------------- */

int connection_begin(struct framemux *fm)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	cleanup_fd int fd = -1;
	int r = sock_connect_to_owner(fm->path, &fd);

	if (r < 0)
		return r;
	r = connection_watch(fm, fd, CONNECTION_SOCKET);
	if (r < 0)
		return r;
	fm->outbox = outbox_new(OUTBOX_MAX);
	if (!fm->outbox) {
		connection_unwatch(fm, fd);
		return -ENOMEM;
	}
	fm->wants_write = false;
	fm->sock_fd = take_fd(&fd);
	fm->state = CONNECTION_GREETED;
	connection_send(fm, &wire_hello, &hello);
	return 0;
}

/* Growing pauses: 100 ms, doubled up to 5 s, from the start after each welcome. */
static uint64_t next_pause(struct framemux *fm)
{
	uint64_t pause = fm->retry_pause_ns ? fm->retry_pause_ns * 2 : RETRY_FIRST_NS;

	fm->retry_pause_ns = pause > RETRY_MAX_NS ? RETRY_MAX_NS : pause;
	return fm->retry_pause_ns;
}

void connection_lose(struct framemux *fm, const char *reason)
{
	if (fm->state == CONNECTION_DOWN)
		return;
	fm->state = CONNECTION_DOWN;
	connection_unwatch(fm, fm->sock_fd);
	close(take_fd(&fm->sock_fd));
	outbox_free(take_ptr(fm->outbox));
	sodium_memzero(fm->challenge, sizeof(fm->challenge));
	view_lose_all(fm, reason);
	if (view_any_returns(fm)) {
		fm->retry_at_ns = clock_boot_ns() + next_pause(fm);
		connection_wake_at(fm, fm->retry_at_ns);
	}
}

void connection_retry(struct framemux *fm, uint64_t now_ns)
{
	if (!fm->retry_at_ns || !view_any_returns(fm)) {
		fm->retry_at_ns = 0;
		return;
	}
	if (now_ns >= fm->retry_at_ns) {
		fm->retry_at_ns = 0;
		if (connection_begin(fm) == 0)
			return;
		fm->retry_at_ns = now_ns + next_pause(fm);
	}
	connection_wake_at(fm, fm->retry_at_ns);
}

bool connection_is_gone(const struct framemux *fm)
{
	return fm->state == CONNECTION_DOWN && !fm->retry_at_ns;
}
