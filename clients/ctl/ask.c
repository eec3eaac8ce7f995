/* Asks the mux and explains its refusals. In framemuxctl's process. */
#include "clients/ctl/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/program/exit_code.h"

#define ANSWER_MS 30000 /* a revoke waits for erasing, the longest that anything takes */

/* For an errno, of a system call or of the mux. */
static int code_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return EXIT_REFUSED;
	case ENOENT: /* an unknown camera is refused alike */
	case ENOKEY: /* of a policy, as those that follow */
	case EKEYREJECTED:
	case EKEYEXPIRED:
	case ESTALE:
	case ENOTUNIQ:
		return EXIT_REFUSED;
	case ESRCH:
	case EBADMSG:
		return EXIT_BAD_DATA;
	case EINVAL:
	case E2BIG:
	case ERANGE:
	case EOPNOTSUPP:
		return EXIT_USAGE;
	case ETIMEDOUT:
	case EBUSY:
		return EXIT_TIMEOUT;
	case ENOSPC:
	case EDQUOT:
	case EROFS:
	case EIO:
		return EXIT_WRITE;
	case EPIPE:
		return EXIT_LOST;
	default:
		return EXIT_INTERNAL;
	}
}

const char *ask_hint(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED
		? " (is framemuxd running? -s SOCKET names another one)"
		: "";
}

/* The exit code for an attempt to connect, everything said. */
static int connected(int r)
{
	if (r == 0)
		return 0;
	fprintf(stderr, "framemuxctl: cannot reach the mux: %s%s\n",
		r == -EPERM ? "somebody else listens in its place" : strerror(-r),
		r == -EACCES ? " (root may, and members of admin_group)" : ask_hint(r));
	if (r == -EACCES || r == -EPERM)
		return EXIT_REFUSED;
	return r == -ENOMEM || r == -EMFILE ? EXIT_INTERNAL : EXIT_LOST;
}

int ask_connect(const struct options *o, struct control **ret)
{
	return connected(control_connect(o->socket, ret));
}

int ask_connect_kill(const struct options *o, struct control **ret)
{
	return connected(control_connect_kill(o->socket, ret));
}

int ask_failed(int r)
{
	fprintf(stderr, "framemuxctl: %s\n",
		r == -EPIPE               ? "the mux closed the connection"
			: r == -ETIMEDOUT ? "no answer from the mux"
			: r == -EPROTO    ? "the mux answered with something unknown"
					  : strerror(-r));
	return code_of(-r);
}

int ask_refused(const struct msg_ctl_done *done)
{
	fprintf(stderr, "framemuxctl: refused: %s\n",
		*done->reason ? done->reason : strerror((int)done->status));
	return code_of((int)done->status);
}

int ask(struct control *c, const struct wire_message *request, void *msg,
	void (*on_record)(void *data, const struct wire_message *m, const void *record), void *data,
	struct msg_ctl_done *ret_done)
{
	struct msg_ctl_done done;
	int r = control_ask(c, request, msg, ANSWER_MS, on_record, data, &done);

	if (r < 0)
		return ask_failed(r);
	if (ret_done)
		*ret_done = done;
	return done.status ? ask_refused(&done) : 0;
}
