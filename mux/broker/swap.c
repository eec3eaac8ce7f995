/* Mix-ups on purpose. Owns one pointer to an attach that waits. Test builds only, in the broker. */
#include "common/breakage.h"

#include "mux/broker/swap.h"

#ifdef ENABLE_BREAKAGE

static struct attach *waiting; /* borrowed; READY */

static void swap_fds(int *a, int *b)
{
	int t = *a;

	*a = *b;
	*b = t;
}

bool swap_took(struct attach *a)
{
	struct attach *other = waiting;
	bool keys = breakage("broker-swap-keys"), rings = breakage("broker-swap-rings");
	bool sockets = breakage("broker-swap-sockets");

	if (!keys && !rings && !sockets)
		return false;
	if (!other) {
		waiting = a;
		return true;
	}
	waiting = NULL;
	if (rings)
		swap_fds(&a->ring.reader_fd, &other->ring.reader_fd);
	if (sockets)
		swap_fds(&a->client_socket_fd, &other->client_socket_fd);
	attach_give(other, keys ? a : other);
	attach_give(a, keys ? other : a);
	return true;
}

void swap_forget(const struct attach *a)
{
	if (waiting == a)
		waiting = NULL;
}

#else

typedef int swap_is_empty; /* a translation unit may not be */

#endif
