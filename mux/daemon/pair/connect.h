/*
 * Opening a camera's source: the connected socket, the file or, for a pattern, /dev/null. Names are
 * resolved by a one-shot process of its own; nothing here waits.
 */
#ifndef FRAMEMUX_CONNECT_H
#define FRAMEMUX_CONNECT_H

#include <event2/event.h>

#include "mux/daemon/camera.h"
#include "mux/daemon/roles/roles.h"

#define CONNECT_ADDRESSES_MAX 16u
#define CONNECT_LIMIT_S       5u /* for resolving, and for each address */

struct connecting;

/* fd: the source, the callee's; or -1 and why. The object is gone when this is called. */
typedef void connect_done_fn(void *data, int fd, const char *why);

/* done is never called from within. 0 or -errno. */
int connect_begin(struct event_base *base, const struct roles *roles,
	const struct camera_record *camera, connect_done_fn *done, void *data,
	struct connecting **ret);

/* done is not called. NULL is permitted. */
void connect_cancel(struct connecting *c);

#endif
